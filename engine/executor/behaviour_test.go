package executor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// The tests here are named for the numbered promises to authors, as far as the
// executor keeps them: a subtest for each sentence.

func completed(s *session, ref int64) history.Event {
	return s.event(ref, history.ActivityCompleted{Result: engine.Payload("1"), Run: history.Run{Attempt: 1}})
}

func TestBehaviour06_NowIsTheSameOnReplay(t *testing.T) {
	var seen []time.Time
	flow := func(ctx workflow.Context) error {
		seen = nil
		for range 3 {
			seen = append(seen, workflow.Now(ctx))
			run(ctx, "a")
		}
		return nil
	}
	odd := time.Date(2031, 2, 3, 4, 5, 6, 123_456_789, time.FixedZone("odd", 3600))
	t.Run("live and replayed executions see the same Now to the nanosecond", func(t *testing.T) {
		s := newSession(t, "flow", flow, options{})
		s.now = odd
		s.start()
		s.now = odd.Add(time.Nanosecond)
		s.mustApply(completed(s, 1))
		live := slices.Clone(seen)
		if want := []time.Time{odd.UTC(), odd.UTC().Add(1)}; !slices.Equal(live, want) {
			t.Errorf("live: %v, want %v", live, want)
		}
		if b := s.switchTo(flow); b != nil {
			t.Fatal(b)
		}
		if !slices.Equal(seen, live) {
			t.Errorf("replayed: %v, live: %v", seen, live)
		}
	})
	t.Run("it never goes back when a worker's clock does", func(t *testing.T) {
		s := newSession(t, "flow", flow, options{})
		s.start()
		s.now = epoch.Add(-time.Hour)
		s.mustApply(completed(s, 1))
		if !seen[1].Equal(epoch) {
			t.Errorf("Now went from %v to %v", epoch, seen[1])
		}
	})
	t.Run("nor behind an event that another clock has stamped", func(t *testing.T) {
		s := newSession(t, "flow", flow, options{})
		s.start()
		ahead := s.event(0, history.SignalReceived{Name: "x"})
		ahead.At = epoch.Add(time.Minute)
		s.mustApply(ahead)
		s.mustApply(completed(s, 1))
		if want := epoch.Add(time.Minute); !seen[1].Equal(want) {
			t.Errorf("Now is %v, the last event was at %v", seen[1], want)
		}
		s.verify()
	})
}

func TestBehaviour07_ReplayChecksEveryCommand(t *testing.T) {
	base := asking([]ask{{kind: history.KindActivityScheduled, name: "a"}, {kind: history.KindActivityScheduled, name: "b"}}, nil)
	s := newSession(t, "asking", base, options{})
	runToEnd(t, s)
	reasons := func(asks ...ask) *executor.BlockedError {
		_, b := s.replay(asking(asks, nil), s.history)
		return b
	}
	a, b := ask{kind: history.KindActivityScheduled, name: "a"}, ask{kind: history.KindActivityScheduled, name: "b"}
	t.Run("kind", func(t *testing.T) {
		mustBlock(t, reasons(ask{kind: history.KindTimerScheduled, name: "a"}, b), "ActivityScheduled", "TimerScheduled")
	})
	t.Run("name", func(t *testing.T) {
		mustBlock(t, reasons(ask{kind: history.KindActivityScheduled, name: "c"}, b), `"a"`, `"c"`)
	})
	t.Run("target", func(t *testing.T) {
		s := newSession(t, "talks", talks, options{})
		s.start()
		_, b := s.replay(talksOtherTarget, s.history)
		mustBlock(t, b, "friend", "enemy")
	})
	t.Run("too much", func(t *testing.T) { mustBlock(t, reasons(a, b, b), "WorkflowCompleted", `"b" (command 3`) })
	t.Run("too little", func(t *testing.T) { mustBlock(t, reasons(a), `"b"`, "WorkflowCompleted") })
	t.Run("a swap", func(t *testing.T) { mustBlock(t, reasons(b, a), `"a"`, `"b"`) })
	t.Run("changed arguments are a warning by default", func(t *testing.T) {
		a := a
		a.arg = 5
		x, blocked := s.replay(asking([]ask{a, b}, nil), s.history)
		if blocked != nil {
			t.Fatal(blocked)
		}
		defer x.Close()
		if w := x.Warnings(); len(w) != 1 || !strings.Contains(w[0].Message, "arguments") {
			t.Errorf("warnings: %v", w)
		}
	})
	t.Run("and an error on request", func(t *testing.T) {
		a := a
		a.arg = 5
		s.opts.strict = true
		defer func() { s.opts.strict = false }()
		mustBlock(t, reasons(a, b), "arguments")
	})
}

func mustBlock(t *testing.T, b *executor.BlockedError, says ...string) {
	t.Helper()
	if b == nil {
		t.Fatal("not blocked")
	}
	if b.Reason.Class != engine.BlockNondeterminism {
		t.Errorf("blocked as %s", b.Reason.Class)
	}
	for _, s := range says {
		if !strings.Contains(b.Reason.Message, s) {
			t.Errorf("the message lacks %q: %s", s, b.Reason.Message)
		}
	}
}

func TestBehaviour08_LabelsTakeNoCommandSlot(t *testing.T) {
	for name, more := range map[string]func(workflow.Context){
		"tracing": func(ctx workflow.Context) { workflow.Note(ctx, "span") },
		"logging": func(ctx workflow.Context) { workflow.Logger(ctx).Debug("line") },
		"tags": func(ctx workflow.Context) {
			_ = workflow.SetTags(ctx, map[string]string{"k": "v"})
			workflow.SetStatus(ctx, "line")
		},
	} {
		with := func(ctx workflow.Context) error {
			more(ctx)
			run(ctx, "a")
			more(ctx)
			return nil
		}
		without := func(ctx workflow.Context) error { run(ctx, "a"); return nil }
		t.Run(name+" may be added to running instances", func(t *testing.T) { carriesOver(t, without, with) })
		t.Run(name+" may be removed from running instances", func(t *testing.T) { carriesOver(t, with, without) })
	}
}

func carriesOver(t *testing.T, before, after any) {
	t.Helper()
	s := newSession(t, "flow", before, options{})
	s.start()
	if b := s.switchTo(after); b != nil {
		t.Fatal(b)
	}
	if step := s.mustApply(completed(s, 1)); step.Status != engine.StatusCompleted {
		t.Errorf("ended as %s", step.Status)
	}
	s.verify()
}

func TestBehaviour09_BlockedNotFailed(t *testing.T) {
	t.Run("on a mismatch nothing is written but the reason", func(t *testing.T) {
		s := newSession(t, "base", base3, options{})
		s.start()
		_, b := s.replay(baseSwapped, s.history)
		mustBlock(t, b)
		t.Run("and it goes on when the right code appears", func(t *testing.T) {
			if b := s.switchTo(base3); b != nil {
				t.Fatal(b)
			}
			s.mustApply(completed(s, 1))
		})
	})
	t.Run("a live step that can't be finished is not stored", func(t *testing.T) {
		s := newSession(t, "undecodable", undecodable, options{})
		s.start()
		stored := len(s.history)
		if _, b := s.apply(s.event(0, history.SignalReceived{Name: "go", Arg: engine.Payload(`"x"`)})); b == nil {
			t.Fatal("not blocked")
		}
		if len(s.history) != stored {
			t.Errorf("%d events were stored", len(s.history)-stored)
		}
	})
	t.Run("a name that is not registered is no verdict on the execution", func(t *testing.T) {
		s := newSession(t, "known", base3, options{})
		s.start()
		s.name = "unknown"
		x := s.executor(base3)
		defer x.Close()
		if err := x.Replay(s.history); err == nil || !strings.Contains(err.Error(), engine.ErrNotRegistered.Error()) {
			t.Errorf("Replay: %v", err)
		}
	})
}

func TestBehaviour11_ReturnWhileMuchIsPending(t *testing.T) {
	s := newSession(t, "abandon", abandon, options{})
	s.start()
	step := s.mustApply(completed(s, 4))
	t.Run("completes", func(t *testing.T) {
		if step.Status != engine.StatusCompleted {
			t.Errorf("ended as %s", step.Status)
		}
	})
	t.Run("what was abandoned is named", func(t *testing.T) {
		for _, want := range []string{`ActivityScheduled "unread"`, `TimerScheduled "unread"`, `ChildScheduled "kid kid"`, "coroutine executor_test.abandon.func1"} {
			if !slices.ContainsFunc(step.Abandoned, func(a string) bool { return strings.HasPrefix(a, want) }) {
				t.Errorf("%s is missing in %v", want, step.Abandoned)
			}
		}
	})
	t.Run("and canceled", func(t *testing.T) {
		if !slices.Contains(step.DropActivities, 1) || !slices.Contains(step.DropTimers, 2) {
			t.Errorf("activities %v and timers %v are dropped", step.DropActivities, step.DropTimers)
		}
		if len(step.StartActivities) > 0 || len(step.StartTimers) > 0 {
			t.Errorf("the last step starts %v and %v", step.StartActivities, step.StartTimers)
		}
	})
}

func TestBehaviour12_Cancel(t *testing.T) {
	s := newSession(t, "canceled", canceled, options{})
	s.start()
	step := s.mustApply(s.event(0, history.CancelRequested{}))
	t.Run("reaches running activities", func(t *testing.T) {
		if !slices.Equal(step.DropActivities, []int64{2, 5}) {
			t.Errorf("dropped: %v", step.DropActivities)
		}
	})
	t.Run("reaches timers", func(t *testing.T) {
		if !slices.Equal(step.DropTimers, []int64{3, 6}) {
			t.Errorf("dropped: %v", step.DropTimers)
		}
	})
	t.Run("is seen by all that looks", func(t *testing.T) {
		var seen []error
		s := newSession(t, "flow", func(ctx workflow.Context) error {
			return workflow.AwaitCondition(ctx, func() bool { seen = append(seen, ctx.Err()); return false })
		}, options{})
		s.start()
		before := len(seen)
		s.mustApply(s.event(0, history.CancelRequested{}))
		if slices.Contains(seen[before:], nil) {
			t.Errorf("the condition saw %v", seen[before:])
		}
	})
	t.Run("reaches sub-workflows", func(t *testing.T) {
		if len(step.CancelChildren) != 1 || step.CancelChildren[0].Child.InstanceID != "kid" {
			t.Errorf("asked: %v", step.CancelChildren)
		}
	})
	t.Run("cleanup in a disconnected context runs to its end", func(t *testing.T) {
		s := newSession(t, "cleanup", cleanup, options{})
		s.start()
		if step := s.mustApply(s.event(0, history.CancelRequested{})); len(step.StartActivities) != 1 || step.StartActivities[0].Body.Name != "undo" {
			t.Fatalf("started: %v", step.StartActivities)
		}
		s.mustApply(completed(s, 2))
		step := s.mustApply(s.event(3, history.TimerFired{}))
		t.Run("and the status is canceled, not failed", func(t *testing.T) {
			if step.Status != engine.StatusCanceled || step.LastError != nil {
				t.Errorf("%s, last error %v", step.Status, step.LastError)
			}
		})
	})
}

func TestBehaviour14_Retries(t *testing.T) {
	policy := workflow.RetryOptions{MaxAttempts: 4, FirstRetryInterval: time.Second, BackoffCoefficient: 2, MaxRetryInterval: 3 * time.Second}
	retried := func(o workflow.RetryOptions) any {
		return func(ctx workflow.Context) error {
			_, err := workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{RetryOptions: o}, "kid").Get(ctx)
			return err
		}
	}
	broken := history.ChildFailed{Failure: &engine.Failure{Message: "broken"}, Status: engine.StatusFailed}
	t.Run("the first delay is not multiplied, then coefficient and cap", func(t *testing.T) {
		s := newSession(t, "flow", retried(policy), options{})
		step := s.start()
		var delays []time.Duration
		for step.Status == engine.StatusRunning {
			step = s.mustApply(s.event(step.StartChildren[0].Event.Ref, broken))
			for _, timer := range step.StartTimers {
				delays = append(delays, timer.Until.Sub(s.now))
				step = s.mustApply(s.event(timer.Ref, history.TimerFired{}))
			}
		}
		if want := []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}; !slices.Equal(delays, want) {
			t.Errorf("delays %v, want %v", delays, want)
		}
		s.verify()
	})
	t.Run("jitter is the same on replay", func(t *testing.T) {
		o := policy
		o.Jitter = 0.5
		s := newSession(t, "flow", retried(o), options{})
		s.start()
		if d := s.mustApply(s.event(1, broken)).StartTimers[0].Until.Sub(s.now); d == time.Second || d < time.Second/2 || d > 3*time.Second/2 {
			t.Errorf("delay %v", d)
		}
		s.verify()
	})
	t.Run("a retry without a delay costs no timer", func(t *testing.T) {
		s := newSession(t, "flow", retried(workflow.RetryOptions{MaxAttempts: 2}), options{})
		s.start()
		if step := s.mustApply(s.event(1, broken)); len(step.StartTimers) > 0 || len(step.StartChildren) != 1 {
			t.Errorf("timers %v, children %v", step.StartTimers, step.StartChildren)
		}
		s.verify()
	})
	t.Run("panics and permanent errors are not retried", func(t *testing.T) {
		for _, f := range []*engine.Failure{{Message: "p", Panic: true}, {Message: "p", Permanent: true}} {
			s := newSession(t, "flow", retried(policy), options{})
			s.start()
			if step := s.mustApply(s.event(1, history.ChildFailed{Failure: f, Status: engine.StatusFailed})); step.Status != engine.StatusFailed {
				t.Errorf("%+v: %s", f, step.Status)
			}
		}
	})
	t.Run("the attempt is visible", func(t *testing.T) {
		s := newSession(t, "flow", chain1, options{})
		s.start()
		next := s.now.Add(time.Minute)
		step := s.mustApply(s.event(1, history.ActivityAttemptFailed{Failure: broken.Failure, Run: history.Run{Attempt: 1}, Next: next}))
		if step.Attempt != 2 || step.Waiting.Attempt != 2 || !step.Waiting.Next.Equal(next) || step.LastError == nil || *step.LastError != "broken" {
			t.Errorf("attempt %d, waiting %+v, last error %v", step.Attempt, step.Waiting, step.LastError)
		}
	})
}

// Not a numbered promise, but as important: code that runs on meets the same
// errors as code that is replayed.
func TestErrorsAreTheSameOnReplay(t *testing.T) {
	var seen string
	flow := func(ctx workflow.Context) error {
		_, err := workflow.SideEffect(ctx, func(workflow.Context) any { return make(chan int) }).Get(ctx)
		seen = fmt.Sprintf("%T %v", err, err)
		run(ctx, "a")
		return nil
	}
	s := newSession(t, "flow", flow, options{})
	s.start()
	live := seen
	if b := s.switchTo(flow); b != nil {
		t.Fatal(b)
	}
	if seen != live {
		t.Errorf("replayed %s\nlive     %s", seen, live)
	}
}
