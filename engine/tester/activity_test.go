package tester_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/tester"
	"github.com/wfops/wfops/engine/workflow"
)

// only runs one activity and returns its result.
func only[T any](o workflow.ActivityOptions, act workflow.Activity, args ...any) func(workflow.Context) (T, error) {
	return func(ctx workflow.Context) (T, error) {
		return workflow.ExecuteActivity[T](ctx, o, act, args...).Get(ctx)
	}
}

func TestRealActivities(t *testing.T) {
	wt := tester.NewWorkflowTester[int](sum, tester.WithTesting(t))
	if err := wt.Registry().RegisterActivity(add); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context(), 1, 2, 3)
	if got := result(t, wt); got != 6 {
		t.Errorf("sum %d", got)
	}
}

type bank struct{ balance int64 }

func (b *bank) Withdraw(_ context.Context, n int64) (int64, error) {
	b.balance -= n
	return b.balance, nil
}

func variadic(_ context.Context, words ...string) (int, error) { return len(words), nil }

func TestMockedActivities(t *testing.T) {
	var b *bank
	for name, c := range map[string]struct {
		wf   any
		mock func(tester.WorkflowTester[int])
		want int
	}{
		"with a context": {only[int](once, add, 1, 2), func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(add, mock.Anything, 1, 2).Return(12, nil)
		}, 12},
		"without a context": {only[int](once, noContext, 1), func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(noContext, 1).Return(5, nil)
		}, 5},
		"a method, and a number of another kind": {only[int](once, b.Withdraw, int64(3)), func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(b.Withdraw, mock.Anything, int64(3)).Return(39, nil)
		}, 39},
		"variadic": {only[int](once, variadic, "a", "b"), func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(variadic, mock.Anything, "a", "b").Return(9, nil)
		}, 9},
		"by name": {only[int](once, "sum up", 1, 2), func(wt tester.WorkflowTester[int]) {
			wt.OnActivityByName("sum up", add, mock.Anything, 1, 2).Return(8, nil)
		}, 8},
		"a function instead of values": {only[int](once, add, 20, 2), func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(add, mock.Anything, mock.Anything, mock.Anything).Return(func(_ context.Context, a, b int) (int, error) { return a * b, nil })
		}, 40},
		"a variadic function": {only[int](once, variadic, "a", "b"), func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(variadic, mock.Anything, "a", "b").Return(func(_ context.Context, words ...string) (int, error) { return 10 * len(words), nil })
		}, 20},
		"nil is the zero value": {only[int](once, add, 1, 2), func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(add, mock.Anything, 1, 2).Return(nil, nil)
		}, 0},
		"though it is registered": {only[int](once, add, 1, 2), func(wt tester.WorkflowTester[int]) {
			_ = wt.Registry().RegisterActivity(add)
			wt.OnActivity(add, mock.Anything, 1, 2).Return(100, nil)
		}, 100},
		"on ActivityMock": {only[int](once, add, 1, 2), func(wt tester.WorkflowTester[int]) {
			_ = wt.Registry().RegisterActivity(add)
			wt.ActivityMock().On("add", mock.Anything, 1, 2).Return(101, nil)
		}, 101},
		"registered under another name": {only[int](once, add, 1, 2), func(wt tester.WorkflowTester[int]) {
			_ = wt.Registry().RegisterActivity(add, named("plus"))
			wt.OnActivity(add, mock.Anything, 1, 2).Return(102, nil)
		}, 102},
	} {
		t.Run(name, func(t *testing.T) {
			wt := tester.NewWorkflowTester[int](c.wf, tester.WithTesting(t))
			c.mock(wt)
			wt.Execute(t.Context())
			if got := result(t, wt); got != c.want {
				t.Errorf("result %d, want %d", got, c.want)
			}
			wt.AssertExpectations(t)
		})
	}
}

func TestMockedActivityFails(t *testing.T) {
	wt := tester.NewWorkflowTester[int](only[int](once, add, 1, 2), tester.WithTesting(t))
	wt.OnActivity(add, mock.Anything, 1, 2).Return(0, fmt.Errorf("no money: %w", engine.ErrTimeout)).Once()
	wt.Execute(t.Context())
	_, err := wt.WorkflowResult()
	mustSay(t, err, "no money")
	if !errors.Is(err, engine.ErrTimeout) {
		t.Errorf("the sentinel is lost: %v", err)
	}
	wt.AssertExpectations(t)
}

func TestMockPanicsAsTheActivityWould(t *testing.T) {
	wt := tester.NewWorkflowTester[int](only[int](workflow.DefaultActivityOptions, add, 1, 2), tester.WithTesting(t))
	wt.OnActivity(add, mock.Anything, 1, 2).Panic("bang").Once()
	wt.Execute(t.Context())
	_, err := wt.WorkflowResult()
	var p *workflow.PanicError
	if !errors.As(err, &p) || !wt.WorkflowFinished() {
		t.Errorf("finished %v: %v", wt.WorkflowFinished(), err)
	}
}

func TestMistakesOfMocks(t *testing.T) {
	for name, c := range map[string]struct {
		mock func(tester.WorkflowTester[int])
		says []string
	}{
		"neither mocked nor registered": {func(tester.WorkflowTester[int]) {}, []string{`activity "add" is neither mocked`, "nor registered"}},
		"other arguments": {func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(add, mock.Anything, 5, 6).Return(1, nil)
		}, []string{"Unexpected Method Call", "add("}},
		"called too often": {func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(add, mock.Anything, 0, 1).Return(0, nil).Once()
		}, []string{"over 1 times"}},
		"result of another type": {func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(add, mock.Anything, mock.Anything, mock.Anything).Return("x", nil)
		}, []string{`activity "add"`, "string", "int"}},
		"too few results": {func(wt tester.WorkflowTester[int]) {
			wt.OnActivity(add, mock.Anything, mock.Anything, mock.Anything).Return(1)
		}, []string{`activity "add" returns 1 values, the function returns 2`}},
		"name without a type": {func(wt tester.WorkflowTester[int]) {
			wt.ActivityMock().On("add", mock.Anything, mock.Anything, mock.Anything).Return(1, nil)
		}, []string{"OnActivityByName"}},
	} {
		t.Run(name, func(t *testing.T) {
			twice := func(ctx workflow.Context) (int, error) { return sum(ctx, 1, 1) }
			wt := tester.NewWorkflowTester[int](twice)
			c.mock(wt)
			mustPanic(t, func() { wt.Execute(t.Context()) }, c.says...)
			if wt.WorkflowFinished() {
				t.Error("finished")
			}
			_, err := wt.WorkflowResult()
			mustSay(t, err, c.says...)
		})
	}
	t.Run("no function", func(t *testing.T) {
		wt := tester.NewWorkflowTester[int](sum)
		mustPanic(t, func() { wt.OnActivityByName("add", 7) }, "int is no function")
		mustPanic(t, func() { wt.OnActivity(7) }, "activity")
		mustPanic(t, func() { wt.OnActivity(func() {}) }, "must return an error")
	})
}

func TestAssertExpectationsNamesWhatWasNotCalled(t *testing.T) {
	wt := tester.NewWorkflowTester[int](sum)
	wt.OnActivity(add, mock.Anything, 1, 2).Return(1, nil)
	wt.Execute(t.Context())
	failed := make(chan bool)
	go func() { // testify wants a real *testing.T
		inner := &testing.T{}
		defer func() { failed <- inner.Failed() }()
		wt.AssertExpectations(inner)
	}()
	if !<-failed {
		t.Error("AssertExpectations passed")
	}
}

func TestFailNowInAMockEndsTheTest(t *testing.T) {
	wt := tester.NewWorkflowTester[int](only[int](once, add, 1, 2))
	inner := &testing.T{}
	wt.ActivityMock().Test(inner)
	wt.OnActivity(add, mock.Anything, 3, 4).Return(1, nil)
	returned := make(chan bool)
	go func() {
		done := false
		defer func() { returned <- done }()
		wt.Execute(context.Background())
		done = true
	}()
	if <-returned || !inner.Failed() {
		t.Error("Execute returned although the test is over")
	}
}

func TestRetries(t *testing.T) {
	policy := workflow.RetryOptions{MaxAttempts: 4, FirstRetryInterval: time.Minute, BackoffCoefficient: 2}
	flaky := func(ctx context.Context) (int, error) {
		if n := activity.Attempt(ctx); n < 3 {
			return 0, fmt.Errorf("attempt %d", n)
		}
		return 7, nil
	}
	t.Run("with the delays of the policy", func(t *testing.T) {
		wt := tester.NewWorkflowTester[int](only[int](workflow.ActivityOptions{RetryOptions: policy}, flaky), tester.WithTesting(t))
		if err := wt.Registry().RegisterActivity(flaky); err != nil {
			t.Fatal(err)
		}
		began := wt.Now()
		wt.Execute(t.Context())
		if got := result(t, wt); got != 7 || wt.Now().Sub(began) != 7*time.Minute {
			t.Errorf("result %d after %v", got, wt.Now().Sub(began))
		}
	})
	t.Run("at once without one", func(t *testing.T) {
		wt := tester.NewWorkflowTester[int](only[int](workflow.DefaultActivityOptions, add, 1, 2), tester.WithTesting(t))
		wt.OnActivity(add, mock.Anything, 1, 2).Return(0, errors.New("first")).Once()
		wt.OnActivity(add, mock.Anything, 1, 2).Return(3, nil).Once()
		began := wt.Now()
		wt.Execute(t.Context())
		if got := result(t, wt); got != 3 || wt.Now() != began {
			t.Errorf("result %d after %v", got, wt.Now().Sub(began))
		}
		wt.AssertExpectations(t)
	})
	t.Run("not of permanent errors", func(t *testing.T) {
		wt := tester.NewWorkflowTester[int](only[int](workflow.DefaultActivityOptions, add, 1, 2), tester.WithTesting(t))
		wt.OnActivity(add, mock.Anything, 1, 2).Return(0, workflow.NewPermanentError(errors.New("final"))).Once()
		wt.Execute(t.Context())
		_, err := wt.WorkflowResult()
		mustSay(t, err, "final")
	})
}

func TestActivityTimeouts(t *testing.T) {
	slow := func(ctx context.Context) (int, error) {
		if err := tester.Sleep(ctx, time.Hour); err != nil {
			return 0, err
		}
		return 1, nil
	}
	beating := func(ctx context.Context) (int, error) {
		last, _, err := activity.LastHeartbeat[int](ctx)
		if err != nil {
			return 0, err
		}
		for n := last; n < 6; n++ {
			if err := activity.Heartbeat(ctx, n); err != nil {
				return n, err
			}
			if err := tester.Sleep(ctx, time.Duration(n)*time.Minute); err != nil {
				return n, err
			}
		}
		return last, nil
	}
	three := workflow.RetryOptions{MaxAttempts: 3}
	for name, c := range map[string]struct {
		o    workflow.ActivityOptions
		act  any
		want string
		took time.Duration
	}{
		"long enough":        {workflow.ActivityOptions{StartToClose: 2 * time.Hour}, slow, "", time.Hour},
		"StartToClose":       {workflow.ActivityOptions{StartToClose: time.Minute, RetryOptions: three}, slow, "StartToClose", 3 * time.Minute},
		"ScheduleToClose":    {workflow.ActivityOptions{ScheduleToClose: time.Minute, RetryOptions: three}, slow, "ScheduleToClose", time.Minute},
		"Heartbeat":          {workflow.ActivityOptions{Heartbeat: 150 * time.Second}, beating, "Heartbeat", 5*time.Minute + 30*time.Second},
		"Heartbeat in time":  {workflow.ActivityOptions{Heartbeat: time.Hour}, beating, "", 15 * time.Minute},
		"retried, then done": {workflow.ActivityOptions{Heartbeat: 290 * time.Second, RetryOptions: three}, beating, "Heartbeat", 0},
	} {
		t.Run(name, func(t *testing.T) {
			wt := tester.NewWorkflowTester[int](only[int](c.o, "act"), tester.WithTesting(t))
			if err := wt.Registry().RegisterActivity(c.act, named("act")); err != nil {
				t.Fatal(err)
			}
			began := wt.Now()
			wt.Execute(t.Context())
			if !wt.WorkflowFinished() {
				t.Fatal("not finished")
			}
			_, err := wt.WorkflowResult()
			if c.want == "" && err != nil {
				t.Errorf("failed: %v", err)
			}
			if c.want != "" {
				mustSay(t, err, c.want, "act")
				if !errors.Is(err, engine.ErrTimeout) {
					t.Errorf("no timeout: %v", err)
				}
			}
			if took := wt.Now().Sub(began); c.took > 0 && took != c.took {
				t.Errorf("it took %v, want %v", took, c.took)
			}
		})
	}
}

func TestCancelReachesRunningActivities(t *testing.T) {
	var cause error
	waits := func(ctx context.Context) error {
		cause = tester.Sleep(ctx, 1<<62)
		return cause
	}
	wt := tester.NewWorkflowTester[any](only[any](once, waits), tester.WithTesting(t))
	if err := wt.Registry().RegisterActivity(waits); err != nil {
		t.Fatal(err)
	}
	wt.ScheduleCallback(time.Hour, wt.CancelWorkflow)
	wt.Execute(t.Context())
	if _, err := wt.WorkflowResult(); !errors.Is(err, workflow.Canceled) {
		t.Errorf("workflow: %v", err)
	}
	if !errors.Is(cause, activity.ErrCanceled) {
		t.Errorf("activity: %v", cause)
	}
}

func TestActivityInfo(t *testing.T) {
	var info activity.Task
	act := func(ctx context.Context) error { info = activity.Info(ctx); return nil }
	o := workflow.ActivityOptions{ID: "the id", StartToClose: time.Minute}
	wt := tester.NewWorkflowTester[any](only[any](o, "act"), tester.WithTesting(t))
	if err := wt.Registry().RegisterActivity(act, named("act")); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context())
	if info.Activity != "act" || info.ID != "the id" || info.Attempt != 1 || !info.Started.Equal(wt.Now()) || !info.Deadline.Equal(wt.Now().Add(time.Minute)) {
		t.Errorf("info %+v", info)
	}
}

func TestHeartbeatDetailsReachTheNextAttempt(t *testing.T) {
	act := func(ctx context.Context) (int, error) {
		last, ok, err := activity.LastHeartbeat[int](ctx)
		if ok || err != nil {
			return last, err
		}
		return 0, errors.Join(activity.Heartbeat(ctx, 41), activity.Heartbeat(ctx, 42), activity.Heartbeat(ctx), errors.New("again"))
	}
	wt := tester.NewWorkflowTester[int](only[int](workflow.DefaultActivityOptions, "act"), tester.WithTesting(t))
	if err := wt.Registry().RegisterActivity(act, named("act")); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context())
	if got := result(t, wt); got != 42 {
		t.Errorf("the second attempt found %d", got)
	}
}

func TestActivityThatIsCanceledBeforeItStarts(t *testing.T) {
	wt := tester.NewWorkflowTester[int](func(ctx workflow.Context) (int, error) {
		inner, cancel := workflow.WithCancel(ctx)
		first := workflow.ExecuteActivity[int](ctx, once, add, 1, 2)
		workflow.ExecuteActivity[int](inner, once, "never")
		v, err := first.Get(ctx)
		cancel()
		return v, errors.Join(err, workflow.Sleep(ctx, time.Hour))
	}, tester.WithTesting(t))
	wt.OnActivity(add, mock.Anything, 1, 2).Return(3, nil)
	never := func(context.Context) (int, error) { t.Error("the canceled activity was run"); return 0, nil }
	if err := wt.Registry().RegisterActivity(never, named("never")); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context())
	if got := result(t, wt); got != 3 {
		t.Errorf("result %d", got)
	}
}

func TestSleepOutsideOfATester(t *testing.T) {
	if err := tester.Sleep(t.Context(), time.Hour); !errors.Is(err, activity.ErrNoActivity) {
		t.Errorf("Sleep: %v", err)
	}
}

func TestSleepWithADerivedContext(t *testing.T) {
	act := func(ctx context.Context) (bool, error) {
		inner, cancel := context.WithCancel(ctx)
		go cancel()
		err := tester.Sleep(inner, 1<<62)
		return errors.Is(err, context.Canceled) && ctx.Err() == nil, nil
	}
	wt := tester.NewWorkflowTester[bool](only[bool](once, "act"), tester.WithTesting(t), tester.WithTimeMode(tester.TM_WallClock))
	if err := wt.Registry().RegisterActivity(act, named("act")); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context())
	if !result(t, wt) {
		t.Error("the sleep did not end with its context")
	}
}

func TestActivitiesRunOneAtATimeInOrder(t *testing.T) {
	var order []int // no lock: the race detector would tell
	act := func(_ context.Context, n int) error { order = append(order, n); return nil }
	wt := tester.NewWorkflowTester[any](func(ctx workflow.Context) error {
		var all []workflow.Future[any]
		for n := range 50 {
			all = append(all, workflow.ExecuteActivity[any](ctx, once, "act", n))
		}
		for _, f := range all {
			if _, err := f.Get(ctx); err != nil {
				return err
			}
		}
		return nil
	}, tester.WithTesting(t))
	if err := wt.Registry().RegisterActivity(act, named("act")); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context())
	if len(order) != 50 || !slices.IsSorted(order) {
		t.Errorf("order %v", order)
	}
}

func TestActivityThatBlocksHoldsUpNothingForLong(t *testing.T) {
	var ended atomic.Bool
	blocks := func(ctx context.Context) error {
		<-ctx.Done() // unknown to the tester
		ended.Store(true)
		return ctx.Err()
	}
	race := func(ctx workflow.Context) (int, error) {
		actx, cancel := workflow.WithCancel(ctx)
		workflow.ExecuteActivity[any](actx, once, "blocks")
		v, err := workflow.ExecuteActivity[int](ctx, once, add, 1, 2).Get(ctx)
		if err != nil {
			return 0, err
		}
		err = workflow.Sleep(ctx, time.Hour)
		cancel()
		return v, err
	}
	wt := tester.NewWorkflowTester[int](race, tester.WithTesting(t), tester.WithPatience(20*time.Millisecond))
	if err := errors.Join(wt.Registry().RegisterActivity(add), wt.Registry().RegisterActivity(blocks, named("blocks"))); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context())
	if got := result(t, wt); got != 3 {
		t.Errorf("result %d", got)
	}
	if !ended.Load() {
		t.Error("the activity was not canceled")
	}
}

func TestActivityTestState(t *testing.T) {
	ctx := tester.WithActivityTestState(t.Context(), "act-1", "inst-1", nil)
	info := activity.Info(ctx)
	if info.ID != "act-1" || info.Instance.InstanceID != "inst-1" || activity.Attempt(ctx) != 0 {
		t.Errorf("info %+v", info)
	}
	if err := activity.Heartbeat(ctx, 5); err != nil {
		t.Error(err)
	}
	activity.Logger(ctx).Debug("a line")
}
