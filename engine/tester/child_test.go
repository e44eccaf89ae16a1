package tester_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/tester"
	"github.com/wfops/wfops/engine/workflow"
)

func kid(_ workflow.Context, name string) (string, error) { return "hello " + name, nil }

func parent(ctx workflow.Context, name string) (string, error) {
	return workflow.CreateSubWorkflowInstance[string](ctx, workflow.DefaultSubWorkflowOptions, kid, name).Get(ctx)
}

func TestRealSubWorkflow(t *testing.T) {
	wt := tester.NewWorkflowTester[string](parent, tester.WithTesting(t))
	register(t, wt, "kid", kid)
	var heard []string
	wt.ListenSubWorkflow(func(i *workflow.Instance, name string) { heard = append(heard, name, i.InstanceID) })
	wt.Execute(t.Context(), "bob")
	if got := result(t, wt); got != "hello bob" {
		t.Errorf("result %q", got)
	}
	if !slices.Equal(heard, []string{"kid", "test-execution-1"}) {
		t.Errorf("heard of %q", heard)
	}
}

func TestMockedSubWorkflow(t *testing.T) {
	for name, c := range map[string]struct {
		mock func(tester.WorkflowTester[string])
		want string
		err  string
	}{
		"result": {func(wt tester.WorkflowTester[string]) {
			wt.OnSubWorkflow(kid, mock.Anything, "bob").Return("mocked", nil).Once()
		}, "mocked", ""},
		"failure": {func(wt tester.WorkflowTester[string]) {
			wt.OnSubWorkflow(kid, mock.Anything, mock.Anything).Return(nil, errors.New("swf error")).Once()
		}, "", "swf error"},
		"by name": {func(wt tester.WorkflowTester[string]) {
			wt.OnSubWorkflowByName("kid", func(workflow.Context, string) (string, error) { return "", nil }, mock.Anything, "bob").Return("named", nil)
		}, "named", ""},
		"panic": {func(wt tester.WorkflowTester[string]) {
			wt.OnSubWorkflow(kid, mock.Anything, "bob").Panic("bang")
		}, "", "panic: bang"},
		"a workflow instead of values": {func(wt tester.WorkflowTester[string]) {
			wt.OnSubWorkflow(kid, mock.Anything, "bob").Return(func(ctx workflow.Context, name string) (string, error) {
				return name + " slept", workflow.Sleep(ctx, time.Hour)
			})
		}, "bob slept", ""},
		"though it is registered": {func(wt tester.WorkflowTester[string]) {
			_ = wt.Registry().RegisterWorkflow(kid)
			wt.OnSubWorkflow(kid, mock.Anything, "bob").Return("mocked", nil)
		}, "mocked", ""},
	} {
		t.Run(name, func(t *testing.T) {
			wt := tester.NewWorkflowTester[string](parent, tester.WithTesting(t))
			c.mock(wt)
			heard := 0
			wt.ListenSubWorkflow(func(*workflow.Instance, string) { heard++ })
			wt.Execute(t.Context(), "bob")
			got, err := wt.WorkflowResult()
			if !wt.WorkflowFinished() || got != c.want || (err == nil) != (c.err == "") {
				t.Errorf("finished %v: %q, %v", wt.WorkflowFinished(), got, err)
			}
			if c.err != "" {
				mustSay(t, err, c.err)
			}
			if heard != 1 {
				t.Errorf("heard of %d sub-workflows", heard)
			}
			wt.AssertExpectations(t)
		})
	}
}

func TestSubWorkflowNeitherMockedNorRegistered(t *testing.T) {
	wt := tester.NewWorkflowTester[string](parent)
	mustPanic(t, func() { wt.Execute(t.Context(), "bob") }, `sub-workflow "kid" is neither mocked`, "nor registered")
	wt = tester.NewWorkflowTester[string](parent)
	wt.OnSubWorkflow(kid, mock.Anything, "alice").Return("x", nil)
	mustPanic(t, func() { wt.Execute(t.Context(), "bob") }, "Unexpected Method Call")
}

func TestSignalsBetweenInstances(t *testing.T) {
	ask := func(ctx workflow.Context) (string, error) {
		f := workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{InstanceID: "kid-1"}, "asked")
		_, sent := workflow.SignalWorkflow(ctx, "kid-1", "question", workflow.WorkflowInstance(ctx).InstanceID).Get(ctx)
		_, gone := workflow.SignalWorkflow(ctx, "nobody", "question", 1).Get(ctx)
		answer, _ := workflow.NewSignalChannel[string](ctx, "answer").Receive(ctx)
		_, err := f.Get(ctx)
		return fmt.Sprint(answer, " ", sent, " ", errors.Is(gone, engine.ErrInstanceNotFound)), err
	}
	wt := tester.NewWorkflowTester[string](ask, tester.WithTesting(t))
	register(t, wt, "asked", func(ctx workflow.Context) (string, error) {
		from, _ := workflow.NewSignalChannel[string](ctx, "question").Receive(ctx)
		_, err := workflow.SignalWorkflow(ctx, from, "answer", "42").Get(ctx)
		return "", err
	})
	wt.Execute(t.Context())
	if got := result(t, wt); got != "42 <nil> true" {
		t.Errorf("result %q", got)
	}
}

func TestSignalAndCancelSubWorkflowInstances(t *testing.T) {
	both := func(ctx workflow.Context) (string, error) {
		a := workflow.CreateSubWorkflowInstance[[]int](ctx, workflow.SubWorkflowOptions{InstanceID: "a"}, "receive", 1)
		b := workflow.CreateSubWorkflowInstance[[]int](ctx, workflow.SubWorkflowOptions{InstanceID: "b"}, "cancelable")
		v, errA := a.Get(ctx)
		_, errB := b.Get(ctx)
		return fmt.Sprint(v, errA, errors.Is(errB, workflow.Canceled)), nil
	}
	wt := tester.NewWorkflowTester[string](both, tester.WithTesting(t))
	register(t, wt, "receive", receive)
	register(t, wt, "cancelable", func(ctx workflow.Context) error { return workflow.Sleep(ctx, 1000*time.Hour) })
	var kids []*workflow.Instance
	wt.ListenSubWorkflow(func(i *workflow.Instance, _ string) { kids = append(kids, i) })
	wt.ScheduleCallback(time.Second, func() {
		if err := errors.Join(wt.SignalWorkflowInstance(kids[0], "go", 5), wt.CancelWorkflowInstance(kids[1])); err != nil {
			t.Error(err)
		}
	})
	wt.Execute(t.Context())
	if got := result(t, wt); got != "[5] <nil> true" {
		t.Errorf("result %q", got)
	}
	if err := wt.SignalWorkflowInstance(kids[0], "go", 6); !errors.Is(err, engine.ErrInstanceNotFound) {
		t.Errorf("signal to a finished instance: %v", err)
	}
}

func TestSubWorkflowIDTaken(t *testing.T) {
	twins := func(ctx workflow.Context) (bool, error) {
		o := workflow.SubWorkflowOptions{InstanceID: "same"}
		workflow.CreateSubWorkflowInstance[[]int](ctx, o, "receive", 1)
		_, err := workflow.CreateSubWorkflowInstance[[]int](ctx, o, "receive", 1).Get(ctx)
		return errors.Is(err, engine.ErrInstanceAlreadyExists), nil
	}
	wt := tester.NewWorkflowTester[bool](twins, tester.WithTesting(t))
	register(t, wt, "receive", receive)
	wt.Execute(t.Context())
	if !result(t, wt) {
		t.Error("the id was taken twice")
	}
}

// The request is for the one that could not start, not for the other one.
func TestCancelOfASubWorkflowWhoseIDIsTaken(t *testing.T) {
	wt := tester.NewWorkflowTester[[]int](func(ctx workflow.Context) ([]int, error) {
		o := workflow.SubWorkflowOptions{InstanceID: "same"}
		first := workflow.CreateSubWorkflowInstance[[]int](ctx, o, "receive", 1)
		inner, cancel := workflow.WithCancel(ctx)
		workflow.CreateSubWorkflowInstance[[]int](inner, o, "receive", 1)
		cancel()
		_, _ = workflow.SignalWorkflow(ctx, "same", "go", 5).Get(ctx)
		return first.Get(ctx)
	}, tester.WithTesting(t))
	register(t, wt, "receive", func(ctx workflow.Context, n int) ([]int, error) {
		v, err := receive(ctx, n)
		return v, errors.Join(err, ctx.Err())
	})
	wt.Execute(t.Context())
	if got := result(t, wt); !slices.Equal(got, []int{5}) {
		t.Errorf("result %v", got)
	}
}

// Answers to what an execution has asked for don't reach the one that follows it.
func TestAnswersStayWithTheirExecution(t *testing.T) {
	wt := tester.NewWorkflowTester[int](func(ctx workflow.Context, round int) (int, error) {
		if round == 1 {
			return 1, workflow.Sleep(ctx, time.Hour)
		}
		o := workflow.SubWorkflowOptions{ParentClosePolicy: workflow.ParentCloseAbandon}
		workflow.CreateSubWorkflowInstance[any](ctx, o, "naps")
		workflow.SignalWorkflow(ctx, "nobody", "x", 1)
		return 0, workflow.ContinueAsNew(ctx, 1)
	}, tester.WithTesting(t))
	register(t, wt, "naps", func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Minute) })
	wt.Execute(t.Context(), 0)
	if got := result(t, wt); got != 1 {
		t.Errorf("result %d", got)
	}
}

// What is over does not move the clock.
func TestTheClockStopsWithTheLastEvent(t *testing.T) {
	wt := tester.NewWorkflowTester[any](func(ctx workflow.Context) error {
		o := workflow.ActivityOptions{ScheduleToClose: time.Hour, StartToClose: time.Hour, Heartbeat: time.Hour}
		if _, err := workflow.ExecuteActivity[int](ctx, o, add, 1, 2).Get(ctx); err != nil {
			return err
		}
		if _, err := workflow.CreateSubWorkflowInstance[any](ctx, workflow.SubWorkflowOptions{}, "leaves").Get(ctx); err != nil {
			return err
		}
		_, err := receive(ctx, 1)
		return err
	}, tester.WithTesting(t))
	wt.OnActivity(add, mock.Anything, 1, 2).Return(3, nil)
	register(t, wt, "leaves", func(ctx workflow.Context) error { workflow.ScheduleTimer(ctx, time.Hour); return nil })
	began := wt.Now()
	wt.Execute(t.Context())
	_, err := wt.WorkflowResult()
	mustSay(t, err, "can't go on")
	if !wt.Now().Equal(began) {
		t.Errorf("the clock went on for %v", wt.Now().Sub(began))
	}
}

func TestQueuesAreInherited(t *testing.T) {
	act := func(ctx context.Context) (string, error) { return string(activity.Info(ctx).Queue), nil }
	asks := func(ctx workflow.Context) (string, error) {
		return workflow.ExecuteActivity[string](ctx, once, "act").Get(ctx)
	}
	for queue, want := range map[workflow.Queue]string{"": "default", "fast": "fast"} {
		wt := tester.NewWorkflowTester[string](func(ctx workflow.Context) (string, error) {
			return workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{Queue: queue}, "asks").Get(ctx)
		}, tester.WithTesting(t))
		register(t, wt, "asks", asks)
		if err := wt.Registry().RegisterActivity(act, named("act")); err != nil {
			t.Fatal(err)
		}
		wt.Execute(t.Context())
		if got := result(t, wt); got != want {
			t.Errorf("the activity runs on %q, want %q", got, want)
		}
	}
}

func countdown(ctx workflow.Context, n int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	return workflow.CreateSubWorkflowInstance[int](ctx, workflow.DefaultSubWorkflowOptions, countdown, n-1).Get(ctx)
}

func TestTheWorkflowUnderTestIsNeverTheMock(t *testing.T) {
	wt := tester.NewWorkflowTester[int](countdown, tester.WithTesting(t))
	wt.OnSubWorkflow(countdown, mock.Anything, 4).Return(99, nil).Once()
	wt.Execute(t.Context(), 5)
	if got := result(t, wt); got != 99 {
		t.Errorf("result %d", got)
	}
	wt.AssertExpectations(t)
}

func TestSubWorkflowContinuesAsNew(t *testing.T) {
	wt := tester.NewWorkflowTester[int](func(ctx workflow.Context) (int, error) {
		return workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, "rounds", 3).Get(ctx)
	}, tester.WithTesting(t))
	register(t, wt, "rounds", func(ctx workflow.Context, left int) (int, error) {
		if err := workflow.Sleep(ctx, time.Hour); err != nil || left == 0 {
			return 99, err
		}
		return 0, workflow.ContinueAsNew(ctx, left-1)
	})
	began := wt.Now()
	wt.Execute(t.Context())
	if got := result(t, wt); got != 99 || wt.Now().Sub(began) != 4*time.Hour {
		t.Errorf("result %d after %v", got, wt.Now().Sub(began))
	}
}

func TestCancelReachesSubWorkflows(t *testing.T) {
	wt := tester.NewWorkflowTester[string](func(ctx workflow.Context) (string, error) {
		return workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{}, "undone").Get(ctx)
	}, tester.WithTesting(t))
	register(t, wt, "undone", undone)
	wt.OnActivity(store, mock.Anything, "undo").Return(nil).Once()
	wt.ScheduleCallback(time.Hour, wt.CancelWorkflow)
	wt.Execute(t.Context())
	if _, err := wt.WorkflowResult(); !errors.Is(err, workflow.Canceled) {
		t.Errorf("error %v", err)
	}
	wt.AssertExpectations(t)
}

func TestParentClosePolicy(t *testing.T) {
	for policy, want := range map[workflow.ParentClosePolicy]string{
		"":                            "undo",
		workflow.ParentCloseCancel:    "undo",
		workflow.ParentCloseTerminate: "",
		workflow.ParentCloseAbandon:   "",
	} {
		for name, leave := range map[string]func(workflow.Context) error{
			"completes": func(workflow.Context) error { return nil },
			"fails":     func(workflow.Context) error { return errors.New("failed") },
			"continues as new": func(ctx workflow.Context) error {
				return workflow.ContinueAsNew(ctx, 1)
			},
		} {
			t.Run(fmt.Sprintf("%q/%s", policy, name), func(t *testing.T) {
				wt := tester.NewWorkflowTester[any](func(ctx workflow.Context, round int) error {
					if round == 1 {
						return nil
					}
					workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{ParentClosePolicy: policy}, "undone")
					if err := workflow.Sleep(ctx, time.Second); err != nil {
						return err
					}
					return leave(ctx)
				}, tester.WithTesting(t))
				register(t, wt, "undone", undone)
				undid := ""
				act := func(_ context.Context, what string) error { undid = what; return nil }
				if err := wt.Registry().RegisterActivity(act, named("store")); err != nil {
					t.Fatal(err)
				}
				wt.Execute(t.Context(), 0)
				if !wt.WorkflowFinished() {
					t.Fatal("not finished")
				}
				if undid != want {
					t.Errorf("the child did %q, want %q", undid, want)
				}
			})
		}
	}
}
