package executor_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// ask is one request of a workflow that makes a list of them one after another.
type ask struct {
	kind    history.Kind
	name    string
	arg     int
	queue   workflow.Queue
	forever bool // don't wait for the answer
}

// asking is a workflow that makes asks and then returns err.
func asking(asks []ask, err error) func(workflow.Context) error {
	return func(ctx workflow.Context) error {
		for _, a := range asks {
			if wait := a.issue(ctx); wait != nil && !a.forever {
				wait()
			}
		}
		return err
	}
}

func (a ask) issue(ctx workflow.Context) (wait func()) {
	switch a.kind {
	case history.KindActivityScheduled:
		f := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{Queue: a.queue}, a.name, a.arg)
		return func() { _, _ = f.Get(ctx) }
	case history.KindTimerScheduled:
		f := workflow.ScheduleTimer(ctx, time.Duration(a.arg)*time.Second, workflow.WithTimerName(a.name))
		return func() { _, _ = f.Get(ctx) }
	case history.KindChildScheduled:
		f := workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{Queue: a.queue}, a.name, a.arg)
		return func() { _, _ = f.Get(ctx) }
	case history.KindSignalSent:
		f := workflow.SignalWorkflow(ctx, "friend", a.name, a.arg)
		return func() { _, _ = f.Get(ctx) }
	case history.KindSideEffectRecorded:
		workflow.SideEffect(ctx, func(workflow.Context) int { return a.arg })
	case history.KindMutableSideEffect:
		workflow.MutableSideEffect(ctx, a.name, func(workflow.Context) int { return a.arg }, nil)
	default:
		panic(a.kind)
	}
	return nil
}

var everyKind = []ask{
	{kind: history.KindActivityScheduled, name: "a", arg: 1},
	{kind: history.KindTimerScheduled, name: "b", arg: 2},
	{kind: history.KindSideEffectRecorded, arg: 3},
	{kind: history.KindChildScheduled, name: "c", arg: 4},
	{kind: history.KindMutableSideEffect, name: "d", arg: 5},
	{kind: history.KindSignalSent, name: "e", arg: 6},
	{kind: history.KindActivityScheduled, name: "f", arg: 7},
}

// answerTo returns the event that answers a command.
func answerTo(b history.Body) history.Body {
	switch b.Kind() {
	case history.KindActivityScheduled:
		return history.ActivityCompleted{Result: engine.Payload("1"), Run: history.Run{Attempt: 1}}
	case history.KindTimerScheduled:
		return history.TimerFired{}
	case history.KindChildScheduled:
		return history.ChildCompleted{Result: engine.Payload("1")}
	case history.KindSignalSent:
		return history.SignalDelivered{}
	}
	return nil
}

// runToEnd answers what is asked for, one step each, until the execution ends.
func runToEnd(tb testing.TB, s *session) {
	tb.Helper()
	for step := s.start(); step.Status == engine.StatusRunning; {
		var events []history.Event
		for _, e := range step.Events {
			if answer := answerTo(e.Body); answer != nil {
				events = append(events, s.event(e.Ref, answer))
			}
		}
		s.now = s.now.Add(time.Second)
		step = s.mustApply(events...)
	}
}

// change is a change to the ask at a place.
type change struct {
	name string
	fits func(a ask) bool
	make func(asks []ask, at int) []ask
	mild bool // blocks only if that is wanted
}

func always(ask) bool { return true }

func named(a ask) bool { return a.name != "" }

func waitsFor(a ask) bool {
	return a.kind != history.KindSideEffectRecorded && a.kind != history.KindMutableSideEffect
}

// edit returns a change of one ask.
func edit(f func(*ask)) func([]ask, int) []ask {
	return func(asks []ask, at int) []ask {
		asks = slices.Clone(asks)
		f(&asks[at])
		return asks
	}
}

var changes = []change{
	{name: "name", fits: named, make: edit(func(a *ask) { a.name = "changed" })},
	{name: "kind", fits: always, make: edit(func(a *ask) {
		if a.kind == history.KindTimerScheduled {
			a.kind = history.KindActivityScheduled
			return
		}
		a.kind, a.name = history.KindTimerScheduled, "x"
	})},
	{name: "removed", fits: always, make: func(asks []ask, at int) []ask {
		return slices.Delete(slices.Clone(asks), at, at+1)
	}},
	{name: "more before", fits: always, make: func(asks []ask, at int) []ask {
		return slices.Insert(slices.Clone(asks), at, ask{kind: history.KindActivityScheduled, name: "more"})
	}},
	// The recorded commands of the task agree, and then there is one too many.
	{name: "more after", fits: waitsFor, make: func(asks []ask, at int) []ask {
		changed := slices.Clone(asks)
		changed[at].forever = true
		return slices.Insert(changed, at+1, ask{kind: history.KindActivityScheduled, name: "more"})
	}},
	{name: "early return", fits: always, make: func(asks []ask, at int) []ask { return asks[:at] }},
	{name: "swapped", fits: always, make: func(asks []ask, at int) []ask {
		asks, next := slices.Clone(asks), (at+1)%len(asks)
		asks[at], asks[next] = asks[next], asks[at]
		return asks
	}},
	{name: "arguments", fits: waitsFor, mild: true, make: edit(func(a *ask) { a.arg = 99 })},
	{name: "options", fits: func(a ask) bool {
		return a.kind == history.KindActivityScheduled || a.kind == history.KindChildScheduled
	}, mild: true, make: edit(func(a *ask) { a.queue = "changed" })},
}

func TestEveryChangeIsDetectedAtEveryBoundary(t *testing.T) {
	s := newSession(t, "asking", asking(everyKind, nil), options{})
	runToEnd(t, s)
	s.verify()
	for _, c := range changes {
		for at, a := range everyKind {
			if !c.fits(a) {
				continue
			}
			place := at
			if c.name == "swapped" && at == len(everyKind)-1 {
				place = 0 // with the first one
			}
			t.Run(fmt.Sprintf("%s/%d", c.name, at+1), func(t *testing.T) {
				detect(t, s, asking(c.make(everyKind, at), nil), c.mild, func(prefix []history.Event) bool {
					return slices.ContainsFunc(prefix, func(e history.Event) bool { return e.Ref == int64(place)+1 && history.IsCommand(e.Body) })
				})
			})
		}
	}
}

func TestEveryChangeOfTheEndIsDetected(t *testing.T) {
	s := newSession(t, "asking", asking(everyKind, nil), options{})
	runToEnd(t, s)
	atEnd := func(prefix []history.Event) bool { return history.IsFinal(prefix[len(prefix)-1].Body) }
	more := append(slices.Clone(everyKind), ask{kind: history.KindActivityScheduled, name: "more"})
	t.Run("late return", func(t *testing.T) { detect(t, s, asking(more, nil), false, atEnd) })
	more[len(more)-1].forever = true
	t.Run("more before the return", func(t *testing.T) { detect(t, s, asking(more, nil), false, atEnd) })
	t.Run("error", func(t *testing.T) { detect(t, s, asking(everyKind, errTest), false, atEnd) })
	t.Run("panic", func(t *testing.T) {
		detect(t, s, func(ctx workflow.Context) error { _ = asking(everyKind, nil)(ctx); panic("changed") }, false, atEnd)
	})
	t.Run("continue as new", func(t *testing.T) {
		detect(t, s, func(ctx workflow.Context) error { _ = asking(everyKind, nil)(ctx); return workflow.ContinueAsNew(ctx) }, false, atEnd)
	})
	t.Run("never", func(t *testing.T) {
		detect(t, s, func(ctx workflow.Context) error { _ = asking(everyKind, nil)(ctx); return forever(ctx) }, false, atEnd)
	})
}

// Where no command was recorded, code that ends too early, or waits too long, is
// found by the steps that it does not need, or needs.
func TestChangesBetweenSignalsAreDetected(t *testing.T) {
	s := newSession(t, "flow", drain2, options{})
	s.start()
	for range 2 {
		s.mustApply(s.event(0, history.SignalReceived{Name: "go", Arg: engine.Payload("1")}))
	}
	steps := s.boundaries()
	for name, c := range map[string]struct {
		signals int
		found   []bool // by prefix
	}{
		"none": {0, []bool{true, true, true}},
		"one":  {1, []bool{false, true, true}},
		"same": {2, []bool{false, false, false}},
		"more": {3, []bool{false, false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, n := range steps {
				x, blocked := s.replay(func(ctx workflow.Context) error { return drainSome(ctx, c.signals) }, s.history[:n])
				if x != nil {
					x.Close()
				}
				checkBlocked(t, blocked, c.found[i], n)
			}
		})
	}
}

func drainSome(ctx workflow.Context, n int) error {
	for range n {
		workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
	}
	return nil
}

func drain2(ctx workflow.Context) error { return drainSome(ctx, 2) }

func TestCancelOfAnotherCommandIsDetected(t *testing.T) {
	cancels := func(which int) any {
		return func(ctx workflow.Context) error {
			var cancel [2]workflow.CancelFunc
			for i := range cancel {
				var c workflow.Context
				c, cancel[i] = workflow.WithCancel(ctx)
				act(c, "a")
			}
			_ = workflow.Sleep(ctx, time.Second)
			cancel[which]()
			return forever(ctx)
		}
	}
	s := newSession(t, "flow", cancels(0), options{})
	s.start()
	s.mustApply(s.event(3, history.TimerFired{}))
	detect(t, s, cancels(1), false, func(prefix []history.Event) bool {
		return prefix[len(prefix)-1].Kind() == history.KindActivityCanceled
	})
}

// detect replays every prefix with changed code. Those that hold the place of the
// change, as said by reached, must block, and the others must not.
func detect(t *testing.T, s *session, changed any, mild bool, reached func([]history.Event) bool) {
	t.Helper()
	for _, n := range s.boundaries() {
		prefix := s.history[:n]
		want := reached(prefix)
		x, blocked := s.replay(changed, prefix)
		if x != nil {
			if got := len(x.Warnings()) > 0; got != (want && mild) {
				t.Errorf("%d events: warnings %v", n, x.Warnings())
			}
			x.Close()
		}
		checkBlocked(t, blocked, want && !mild, n)
		if !mild {
			continue
		}
		s.opts.strict = true
		x, blocked = s.replay(changed, prefix)
		s.opts.strict = false
		if x != nil {
			x.Close()
		}
		checkBlocked(t, blocked, want, n)
	}
}

func checkBlocked(t *testing.T, b *executor.BlockedError, want bool, n int) {
	t.Helper()
	switch {
	case b == nil && want:
		t.Errorf("%d events: not detected", n)
	case b != nil && !want:
		t.Errorf("%d events: blocked before the change: %v", n, b)
	case b == nil:
	case b.Reason.Class != engine.BlockNondeterminism || b.Transient:
		t.Errorf("%d events: blocked as %s, transient %v", n, b.Reason.Class, b.Transient)
	case b.Reason.Seq < 1 || b.Reason.Seq > int64(n)+1:
		t.Errorf("%d events: found at event %d", n, b.Reason.Seq)
	case b.Reason.Expected == nil && b.Reason.Issued == nil:
		t.Errorf("%d events: the reason names neither side: %+v", n, b.Reason)
	}
}
