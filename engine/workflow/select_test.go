package workflow_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/workflow"
)

func TestSelectTriesCasesInOrder(t *testing.T) {
	script(t, "second, second, first", func(ctx workflow.Context, say func(string, ...any)) {
		a, b := workflow.NewBufferedChannel[int](1), workflow.NewBufferedChannel[int](9)
		b.SendNonblocking(1)
		b.SendNonblocking(2)
		b.SendNonblocking(3)
		for i := range 3 {
			if i == 2 {
				a.SendNonblocking(1)
			}
			workflow.Select(ctx,
				workflow.Default(func(workflow.Context) { say("default") }),
				workflow.Receive(a, func(workflow.Context, int, bool) { say("first") }),
				workflow.Receive(b, func(workflow.Context, int, bool) { say("second") }))
		}
	})
}

func TestSelectDefault(t *testing.T) {
	script(t, "default", func(ctx workflow.Context, say func(string, ...any)) {
		v := 1
		workflow.Select(ctx,
			workflow.Default(func(workflow.Context) { say("default") }),
			workflow.Send(workflow.NewChannel[int](), &v, nil))
		workflow.Select(ctx, workflow.Default(nil))
	})
}

func TestSelectSendsTheValueOfTheMoment(t *testing.T) {
	script(t, "got 2, sent", func(ctx workflow.Context, say func(string, ...any)) {
		c, v := workflow.NewChannel[int](), 1
		workflow.Go(ctx, func(ctx workflow.Context) {
			v = 2
			got, _ := c.Receive(ctx)
			say("got %d", got)
		})
		workflow.Select(ctx, workflow.Send(c, &v, func(workflow.Context) { say("sent") }))
	})
}

func TestSelectMeetsSelect(t *testing.T) {
	script(t, "sent, got 5", func(ctx workflow.Context, say func(string, ...any)) {
		c, other := workflow.NewChannel[int](), workflow.NewChannel[string]()
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.Select(ctx,
				workflow.Receive(other, nil),
				workflow.Receive(c, func(_ workflow.Context, v int, _ bool) { say("got %d", v) }))
		})
		yield(ctx)
		v := 5
		workflow.Select(ctx, workflow.Send(c, &v, func(workflow.Context) { say("sent") }), workflow.Receive(other, nil))
		yield(ctx)
	})
}

func TestSelectDoesNotMeetItself(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		c, v := workflow.NewChannel[int](), 1
		workflow.Select(ctx, workflow.Send(c, &v, nil), workflow.Receive(c, nil))
	})
	s.wantOpen()
}

// The offers that a Select made to other channels are void once it went on.
func TestSelectTakesItsOffersBack(t *testing.T) {
	script(t, "false, a, false", func(ctx workflow.Context, say func(string, ...any)) {
		a, b := workflow.NewChannel[int](), workflow.NewChannel[int]()
		v := 3
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.Select(ctx,
				workflow.Receive(a, func(workflow.Context, int, bool) { say("a") }),
				workflow.Receive(b, func(workflow.Context, int, bool) { say("b") }))
			_ = workflow.Sleep(ctx, time.Hour)
		})
		yield(ctx)
		a.Send(ctx, 1)
		say("%v", b.SendNonblocking(2)) // taken already, though it has not run yet
		yield(ctx)
		workflow.Select(ctx, workflow.Send(b, &v, nil), workflow.Default(func(workflow.Context) { say("false") }))
	})
}

func TestSelectAwaitsFuturesAndSignals(t *testing.T) {
	var order []string
	s := newSession(t).do(func(ctx workflow.Context) {
		a := workflow.ExecuteActivity[int](ctx, opts, "a")
		sig := workflow.NewSignalChannel[string](ctx, "s")
		never := workflow.NewChannel[int]()
		for range 3 {
			workflow.Select(ctx,
				workflow.Receive(never, nil),
				workflow.Receive(sig, func(_ workflow.Context, v string, ok bool) { order = append(order, fmt.Sprint(v, ok)) }),
				workflow.Await(a, func(ctx workflow.Context, f workflow.Future[int]) {
					v, err := f.Get(ctx)
					order = append(order, fmt.Sprint(v, err))
				}))
		}
	})
	if w := s.waits[0]; len(w) != 3 || w[0].Kind != command.WaitChannel || w[1].Kind != command.WaitSignal || w[2].Kind != command.WaitOutcome {
		t.Fatalf("waits for %+v", w)
	}
	s.signal("s", "x")
	s.complete(1, 7)
	s.wantResult(nil)
	if fmt.Sprint(order) != "[xtrue 7 <nil> 7 <nil>]" {
		t.Fatalf("order %q", order)
	}
}

func TestSelectWithoutCasesWaitsForEver(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) { workflow.Select(ctx) })
	s.event()
	s.wantOpen()
}

// Select in a loop is the usual form of a long-lived workflow.
func TestSelectInALoopLeavesNothingBehind(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		sig := workflow.NewSignalChannel[int](ctx, "s")
		for range 1000 {
			workflow.Select(ctx, workflow.Receive(ctx.Done(), nil), workflow.Receive(sig, nil))
		}
		if n := workflow.Receivers(ctx.Done()); n != 0 {
			t.Errorf("%d receivers are left", n)
		}
	})
	for range 1000 {
		s.signal("s", 1)
	}
	s.wantResult(nil)
}
