package workflow_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

var errBoss = errors.New("the boss said so")

func TestCancelWithdrawsEverythingInOneCall(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		ctx, cancel := workflow.WithCancel(ctx)
		a := workflow.ExecuteActivity[int](ctx, opts, "a")
		child, _ := workflow.WithCancel(ctx)
		b := workflow.ScheduleTimer(child, time.Hour)
		c := workflow.CreateSubWorkflowInstance[int](ctx, workflow.DefaultSubWorkflowOptions, "c")
		cancel()
		cancel()
		for _, err := range []error{errOf(a.Get(ctx)), errOf(b.Get(ctx)), ctx.Err(), child.Err(), workflow.Cause(child)} {
			if err != workflow.Canceled { //nolint:errorlint // identity is meant
				t.Errorf("error %v", err)
			}
		}
		if _, err := c.Get(ctx); !errors.Is(err, workflow.Canceled) {
			t.Errorf("child: %v", err)
		}
	})
	s.wantOpen() // for the child
	s.wantLog("1 activity a[]", "2 timer 1h0m0s", "3 child c[] attempt 1", "cancel 1 3 2")
	s.fail(3, engine.ErrCanceled)
	s.wantResult(nil)
}

func errOf[T any](_ T, err error) error { return err }

func TestCanceledContextIssuesNothing(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		ctx, cancel := workflow.WithCancel(ctx)
		cancel()
		child, _ := workflow.WithCancel(ctx)
		for name, err := range map[string]error{
			"activity": errOf(workflow.ExecuteActivity[int](ctx, opts, "a").Get(ctx)),
			"timer":    workflow.Sleep(child, 1),
			"child":    errOf(workflow.CreateSubWorkflowInstance[int](ctx, workflow.DefaultSubWorkflowOptions, "c").Get(ctx)),
			"signal":   errOf(workflow.SignalWorkflow(ctx, "i", "s", 1).Get(ctx)),
		} {
			if !errors.Is(err, workflow.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, ok := child.Done().Receive(ctx); ok {
			t.Error("Done of a context born canceled is open")
		}
	})
	s.wantResult(nil)
	s.wantLog()
}

func TestCancelOfTheInstance(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		err := workflow.Sleep(ctx, time.Hour)
		if cause := workflow.Cause(ctx); !errors.Is(cause, errBoss) {
			t.Errorf("cause %v", cause)
		}
		clean := workflow.NewDisconnectedContext(ctx)
		if clean.Err() != nil || workflow.Cause(clean) != nil {
			t.Error("the disconnected context is canceled")
		}
		if _, err := workflow.ExecuteActivity[int](clean, opts, "cleanup").Get(clean); err != nil {
			t.Error(err)
		}
		return nil, err
	})
	s.cancel(fmt.Errorf("%w: %w", engine.ErrCanceled, errBoss))
	s.wantLog("1 timer 1h0m0s", "cancel 1", "2 activity cleanup[]")
	s.cancel(engine.ErrCanceled)
	s.complete(2, 0)
	s.wantError(workflow.Canceled)
}

func TestAnsweredCommandsAreNotCanceled(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		_ = workflow.Sleep(ctx, 1)
		_ = workflow.Sleep(ctx, 2)
	})
	s.outcome(1)
	s.event()
	s.cancel(nil)
	s.wantLog("1 timer 1ns", "2 timer 2ns", "cancel 2")
	s.wantResult(nil)
}

func TestCancelOfOneContextLeavesItsSiblings(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		a, cancel := workflow.WithCancelCause(ctx)
		b, _ := workflow.WithCancel(ctx)
		cancel(errBoss)
		cancel(errors.New("too late"))
		if b.Err() != nil || ctx.Err() != nil || !errors.Is(workflow.Cause(a), errBoss) || !errors.Is(a.Err(), workflow.Canceled) {
			t.Errorf("errors %v %v %v", a.Err(), b.Err(), ctx.Err())
		}
	})
	s.wantResult(nil)
}

func TestDoneWakesThoseWhoWait(t *testing.T) {
	var woken []string
	s := newSession(t).do(func(ctx workflow.Context) {
		wg := workflow.NewWaitGroup()
		wg.Add(2)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			_, ok := ctx.Done().Receive(ctx)
			woken = append(woken, fmt.Sprint("receive ", ok))
		})
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			workflow.Select(ctx, workflow.Receive(ctx.Done(), func(_ workflow.Context, _ struct{}, ok bool) {
				woken = append(woken, fmt.Sprint("select ", ok))
			}))
		})
		wg.Wait(ctx)
	})
	s.wantOpen()
	s.cancel(nil)
	s.wantResult(nil)
	if fmt.Sprint(woken) != "[receive false select false]" {
		t.Fatalf("woken %v", woken)
	}
}

func TestDisconnectedContextKeepsValuesAndCancelsOnItsOwn(t *testing.T) {
	type key struct{}
	s := newSession(t).do(func(ctx workflow.Context) {
		ctx, cancel := workflow.WithCancel(workflow.WithValue(ctx, key{}, "v"))
		free := workflow.NewDisconnectedContext(ctx)
		own, cancelOwn := workflow.WithCancel(free)
		cancel()
		if free.Value(key{}) != "v" || free.Value("other") != nil || own.Err() != nil {
			t.Errorf("value %v, error %v", free.Value(key{}), own.Err())
		}
		done := false
		workflow.Select(ctx, workflow.Receive(free.Done(), nil), workflow.Default(func(workflow.Context) { done = true }))
		if !done {
			t.Error("Done of the disconnected context is closed")
		}
		f := workflow.ScheduleTimer(own, time.Hour)
		cancelOwn()
		if _, err := f.Get(ctx); !errors.Is(err, workflow.Canceled) {
			t.Error(err)
		}
	})
	s.wantResult(nil)
	s.wantLog("1 timer 1h0m0s", "cancel 1")
}

// A workflow that goes on for ever must not pile up what is over.
func TestContextsForgetWhatIsOver(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		for range 1000 {
			c, cancel := workflow.WithCancel(ctx)
			_ = workflow.Sleep(c, 1)
			cancel()
		}
		for range 1000 {
			_ = workflow.Sleep(ctx, 1)
		}
		if open, children := workflow.Tracked(ctx); open > 64 || children > 64 {
			t.Errorf("%d outcomes and %d contexts are kept", open, children)
		}
	})
	for ref := 1; s.done == nil; ref++ {
		s.outcome(ref)
		s.event()
	}
	s.wantResult(nil)
}

func TestOneCommandAfterAnotherLeavesNothingBehind(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		for range 3 {
			first := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "a")
			second := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "b")
			_, _ = second.Get(ctx)
			_, _ = first.Get(ctx)
		}
		workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "c")
		if open, _ := workflow.Tracked(ctx); open != 1 {
			t.Errorf("%d commands are kept, one is open", open)
		}
	})
	for range 3 {
		ref := len(s.outcomes)
		s.complete(ref, 1)
		s.complete(ref-1, 1)
	}
	s.wantResult(nil)
}
