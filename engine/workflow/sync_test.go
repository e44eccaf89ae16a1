package workflow_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

func TestGoRunsAfterItsCaller(t *testing.T) {
	script(t, "main, a, b", func(ctx workflow.Context, say func(string, ...any)) {
		workflow.Go(ctx, func(workflow.Context) { say("a") })
		workflow.Go(ctx, func(workflow.Context) { say("b") })
		say("main")
		yield(ctx)
	})
}

func TestWaitGroup(t *testing.T) {
	script(t, "empty, 0, 1, 2, all", func(ctx workflow.Context, say func(string, ...any)) {
		wg := workflow.NewWaitGroup()
		wg.Wait(ctx)
		say("empty")
		wg.Add(3)
		for i := range 3 {
			workflow.Go(ctx, func(workflow.Context) { say("%d", i); wg.Done() })
		}
		wg.Wait(ctx)
		say("all")
	})
}

func TestErrGroup(t *testing.T) {
	first := errors.New("first")
	var order []string
	s := newSession(t).do(func(ctx workflow.Context) {
		gctx, g := workflow.WithErrGroup(ctx)
		g.Go(func(ctx workflow.Context) error { return first })
		g.Go(func(ctx workflow.Context) error {
			err := workflow.Sleep(ctx, time.Hour)
			order = append(order, "second ended")
			return err
		})
		err := g.Wait(gctx)
		order = append(order, "group ended")
		if !errors.Is(err, first) || !errors.Is(workflow.Cause(gctx), first) || ctx.Err() != nil {
			t.Errorf("error %v, cause %v", err, workflow.Cause(gctx))
		}
	})
	s.wantResult(nil)
	if strings.Join(order, ", ") != "second ended, group ended" {
		t.Fatalf("order %v", order)
	}
}

func TestErrGroupWithoutErrorCancelsItsContext(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		gctx, g := workflow.WithErrGroup(ctx)
		g.Go(func(workflow.Context) error { return nil })
		if err := g.Wait(ctx); err != nil || gctx.Err() == nil {
			t.Errorf("error %v, context %v", err, gctx.Err())
		}
	})
	s.wantResult(nil)
}

func TestMutex(t *testing.T) {
	script(t, "locked, false, a, b, true", func(ctx workflow.Context, say func(string, ...any)) {
		m := workflow.NewMutex()
		if err := m.Lock(ctx); err != nil {
			t.Error(err)
		}
		say("locked")
		for _, name := range []string{"a", "b"} {
			workflow.Go(ctx, func(ctx workflow.Context) {
				if err := m.Lock(ctx); err != nil {
					t.Error(err)
				}
				defer m.Unlock()
				yield(ctx)
				say(name)
			})
		}
		yield(ctx)
		m.Unlock()
		say("%v", m.TryLock()) // there are others before
		for range 9 {
			yield(ctx)
		}
		say("%v", m.TryLock())
	})
}

func TestSemaphoreServesInOrder(t *testing.T) {
	script(t, "two, one", func(ctx workflow.Context, say func(string, ...any)) {
		s := workflow.NewSemaphore(2)
		_ = s.Acquire(ctx, 1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			_ = s.Acquire(ctx, 2)
			say("two")
			s.Release(2)
		})
		workflow.Go(ctx, func(ctx workflow.Context) {
			_ = s.Acquire(ctx, 1) // there is one, but somebody else is first
			say("one")
			s.Release(1)
		})
		yield(ctx)
		s.Release(1)
		yield(ctx)
		yield(ctx)
		if !s.TryAcquire(2) || s.TryAcquire(1) || s.TryAcquire(-1) {
			t.Error("the count is wrong")
		}
	})
}

func TestSemaphoreRefusesWhatCanNeverBe(t *testing.T) {
	script(t, "", func(ctx workflow.Context, _ func(string, ...any)) {
		s := workflow.NewSemaphore(2)
		for _, n := range []int64{3, -1} {
			if err := s.Acquire(ctx, n); !errors.Is(err, engine.ErrInvalidArgument) {
				t.Errorf("Acquire(%d): %v", n, err)
			}
		}
	})
}

func TestCanceledWaiterGivesWay(t *testing.T) {
	script(t, "canceled, one, canceled again", func(ctx workflow.Context, say func(string, ...any)) {
		s := workflow.NewSemaphore(2)
		_ = s.Acquire(ctx, 1)
		cctx, cancel := workflow.WithCancel(ctx)
		workflow.Go(cctx, func(ctx workflow.Context) {
			if err := s.Acquire(ctx, 2); !errors.Is(err, workflow.Canceled) {
				t.Error(err)
			}
			say("canceled")
		})
		workflow.Go(ctx, func(ctx workflow.Context) {
			_ = s.Acquire(ctx, 1)
			say("one")
		})
		yield(ctx)
		cancel()
		yield(ctx)
		if err := s.Acquire(cctx, 1); errors.Is(err, workflow.Canceled) {
			say("canceled again")
		}
	})
}

func TestAwaitCondition(t *testing.T) {
	ready := false
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		workflow.Go(ctx, func(ctx workflow.Context) {
			_ = workflow.Sleep(ctx, 1)
			ready = true
		})
		return "r", workflow.AwaitCondition(ctx, func() bool { return ready })
	})
	s.event()
	s.wantOpen()
	s.outcome(1)
	s.event()
	s.wantResult("r")
}

func TestConditionsSeeEventsThatWakeNobody(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		c := workflow.NewSignalChannel[int](ctx, "s")
		if err := workflow.AwaitCondition(ctx, func() bool { return c.Len() == 3 }); err != nil {
			t.Error(err)
		}
	})
	for i := range 3 {
		s.wantOpen()
		s.signal("s", i)
	}
	s.wantResult(nil)
}

func TestConditionsWakeEachOtherAndComeToRest(t *testing.T) {
	n, evaluated := 0, 0
	s := newSession(t).do(func(ctx workflow.Context) {
		for i := range 5 {
			workflow.Go(ctx, func(ctx workflow.Context) {
				_ = workflow.AwaitCondition(ctx, func() bool { evaluated++; return n == 5-i })
				n++
			})
		}
		_ = workflow.Sleep(ctx, 1)
		n = 1
		_ = workflow.AwaitCondition(ctx, func() bool { return n == 6 })
	})
	s.wantOpen() // and Run has returned, though all conditions are false
	s.outcome(1)
	s.event()
	s.wantResult(nil)
	if evaluated > 100 {
		t.Fatalf("evaluated %d times", evaluated)
	}
}

func TestAwaitConditionCanceled(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		return nil, workflow.AwaitCondition(ctx, func() bool { return false })
	})
	s.cancel(nil)
	s.wantError(workflow.Canceled)
}

func TestAwaitConditionWithTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		then    func(s *session, met *bool)
		wantOK  bool
		wantErr error
		wantLog []string
	}{
		"met":      {func(s *session, met *bool) { *met = true; s.event() }, true, nil, []string{"1 timer condition1m0s", "cancel 1"}},
		"expired":  {func(s *session, _ *bool) { s.outcome(1); s.event() }, false, nil, []string{"1 timer condition1m0s"}},
		"canceled": {func(s *session, _ *bool) { s.cancel(nil) }, false, workflow.Canceled, []string{"1 timer condition1m0s", "cancel 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			met := false
			s := newSession(t).do(func(ctx workflow.Context) {
				ok, err := workflow.AwaitConditionWithTimeout(ctx, time.Minute, func() bool { return met })
				if ok != c.wantOK || !errors.Is(err, c.wantErr) {
					t.Errorf("%v, %v", ok, err)
				}
			})
			s.wantOpen()
			c.then(s, &met)
			s.wantResult(nil)
			s.wantLog(c.wantLog...)
		})
	}
	t.Run("met at once", func(t *testing.T) {
		s := newSession(t).start(func(ctx workflow.Context) (any, error) {
			return workflow.AwaitConditionWithTimeout(ctx, time.Minute, func() bool { return true })
		})
		s.wantResult(true)
		s.wantLog()
	})
}

// Functions that are not recorded must not do what is.
func TestCommandsInConditionsAndSideEffects(t *testing.T) {
	for name, f := range map[string]func(workflow.Context){
		"activity": func(ctx workflow.Context) { workflow.ExecuteActivity[int](ctx, opts, "a") },
		"timer":    func(ctx workflow.Context) { _ = workflow.Sleep(ctx, 1) },
		"child": func(ctx workflow.Context) {
			workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, "c")
		},
		"retries": func(ctx workflow.Context) {
			workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{RetryOptions: workflow.DefaultRetryOptions}, "c")
		},
		"signal":      func(ctx workflow.Context) { workflow.SignalWorkflow(ctx, "i", "s", 1) },
		"side effect": func(ctx workflow.Context) { workflow.SideEffect(ctx, func(workflow.Context) int { return 1 }) },
		"mutable": func(ctx workflow.Context) {
			workflow.MutableSideEffect(ctx, "m", func(workflow.Context) int { return 1 }, nil)
		},
		"version":   func(ctx workflow.Context) { workflow.Patched(ctx, "c") },
		"wait":      func(ctx workflow.Context) { workflow.NewChannel[int]().Receive(ctx) },
		"condition": func(ctx workflow.Context) { _ = workflow.AwaitCondition(ctx, func() bool { return true }) },
		"go":        func(ctx workflow.Context) { workflow.Go(ctx, func(workflow.Context) {}) },
		"continue":  func(ctx workflow.Context) { _ = workflow.ContinueAsNew(ctx) },
		"cancel":    func(ctx workflow.Context) { _, cancel := workflow.WithCancel(ctx); cancel() },
	} {
		check := func(t *testing.T, who string, s *session, err error) {
			t.Helper()
			if !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), who+" must not") {
				t.Errorf("error %v", err)
			}
			s.wantResult(nil)
			if len(s.commands) != 0 {
				t.Errorf("issued %v", s.log)
			}
		}
		t.Run(name+" in a condition", func(t *testing.T) {
			var err error
			s := newSession(t).do(func(ctx workflow.Context) {
				err = workflow.AwaitCondition(ctx, func() bool { f(ctx); return true })
			})
			check(t, "a condition", s, err)
		})
		t.Run(name+" in a side effect", func(t *testing.T) {
			var err error
			s := newSession(t).do(func(ctx workflow.Context) {
				_, err = workflow.SideEffect(ctx, func(ctx workflow.Context) int { f(ctx); return 1 }).Get(ctx)
			})
			check(t, "a side effect", s, err)
		})
	}
}

func TestPanicInACondition(t *testing.T) {
	newSession(t).do(func(ctx workflow.Context) {
		_ = workflow.AwaitCondition(ctx, func() bool { panic("boom") })
	}).wantPanic("boom")
}
