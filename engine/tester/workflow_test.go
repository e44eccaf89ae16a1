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
	"github.com/wfops/wfops/engine/tester"
	"github.com/wfops/wfops/engine/workflow"
)

func add(_ context.Context, a, b int) (int, error) { return a + b, nil }

func noContext(a int) (int, error) { return a * 10, nil }

func store(context.Context, string) error { return nil }

var once = workflow.ActivityOptions{}

// sum adds up by an activity.
func sum(ctx workflow.Context, numbers ...int) (int, error) {
	total := 0
	for _, n := range numbers {
		var err error
		if total, err = workflow.ExecuteActivity[int](ctx, once, add, total, n).Get(ctx); err != nil {
			return total, err
		}
	}
	return total, nil
}

func TestResult(t *testing.T) {
	wt := tester.NewWorkflowTester[string](func(_ workflow.Context, a string, b int) (string, error) { return fmt.Sprint(a, b), nil })
	if wt.WorkflowFinished() {
		t.Error("finished before it began")
	}
	if _, err := wt.WorkflowResult(); err == nil {
		t.Error("a result before it began")
	}
	wt.Execute(t.Context(), "x", 1)
	if got := result(t, wt); got != "x1" {
		t.Errorf("result %q", got)
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		wf    func(workflow.Context) error
		check func(error) bool
	}{
		"message":  {func(workflow.Context) error { return errors.New("broke") }, func(err error) bool { return err.Error() == "broke" }},
		"sentinel": {func(workflow.Context) error { return fmt.Errorf("x: %w", engine.ErrTimeout) }, func(err error) bool { return errors.Is(err, engine.ErrTimeout) }},
		"panic": {func(workflow.Context) error { panic("bang") }, func(err error) bool {
			var p *workflow.PanicError
			return errors.As(err, &p) && p.Error() == "panic: bang"
		}},
		"type": {func(workflow.Context) error { return &customError{} }, func(err error) bool {
			var f *workflow.Error
			return errors.As(err, &f) && f.Type == "customError"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			wt := tester.NewWorkflowTester[any](c.wf, tester.WithTesting(t))
			wt.Execute(t.Context())
			if !wt.WorkflowFinished() {
				t.Error("not finished")
			}
			if _, err := wt.WorkflowResult(); err == nil || !c.check(err) {
				t.Errorf("error %v", err)
			}
		})
	}
}

type customError struct{}

func (*customError) Error() string { return "custom" }

func TestWorkflowByName(t *testing.T) {
	wt := tester.NewWorkflowTester[int]("late")
	if err := wt.Registry().RegisterWorkflow(func(workflow.Context) (int, error) { return 3, nil }, named("late")); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context())
	if got := result(t, wt); got != 3 {
		t.Errorf("result %d", got)
	}
}

func TestMistakesOfTheCall(t *testing.T) {
	for name, c := range map[string]struct {
		wf   workflow.Workflow
		opts []tester.WorkflowTesterOption
		args []any
		says []string
	}{
		"too few arguments":      {wf: sumOf2, args: []any{1}, says: []string{"sumOf2", "takes 2 arguments, got 1"}},
		"wrong argument":         {wf: sumOf2, args: []any{1, "x"}, says: []string{"argument 2", "string"}},
		"no workflow":            {wf: func() error { return nil }, says: []string{"invalid workflow"}},
		"not registered":         {wf: "unknown", says: []string{"unknown", "not registered"}},
		"argument without JSON":  {wf: takesAny, args: []any{make(chan int)}, says: []string{"argument 1", "takesAny"}},
		"settings out of bounds": {wf: takesAny, args: []any{1}, opts: []tester.WorkflowTesterOption{tester.WithMaxHistorySize(-1)}, says: []string{"HistoryEvents"}},
	} {
		t.Run(name, func(t *testing.T) {
			wt := tester.NewWorkflowTester[int](c.wf, c.opts...)
			mustPanic(t, func() { wt.Execute(t.Context(), c.args...) }, c.says...)
			if wt.WorkflowFinished() {
				t.Error("finished")
			}
			_, err := wt.WorkflowResult()
			mustSay(t, err, c.says...)
			r := &recorder{TB: t}
			wt = tester.NewWorkflowTester[int](c.wf, append(c.opts, tester.WithTesting(r))...)
			wt.Execute(t.Context(), c.args...)
			if len(r.errors) != 1 {
				t.Errorf("reported: %q", r.errors)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		wt := tester.NewWorkflowTester[int](sumOf2)
		if err := wt.Registry().RegisterActivity(add); err != nil {
			t.Fatal(err)
		}
		wt.Execute(t.Context(), 1, 2)
		mustPanic(t, func() { wt.Execute(t.Context(), 1, 2) }, "twice")
	})
}

func sumOf2(ctx workflow.Context, a, b int) (int, error) { return sum(ctx, a, b) }

func takesAny(workflow.Context, any) error { return nil }

func TestTimers(t *testing.T) {
	const month = 30 * 24 * time.Hour
	start := time.Date(2030, 5, 1, 12, 0, 0, 0, time.FixedZone("x", 7200))
	wt := tester.NewWorkflowTester[[]string](func(ctx workflow.Context) ([]string, error) {
		var trace []string
		long := workflow.ScheduleTimer(ctx, month)
		short := workflow.ScheduleTimer(ctx, time.Hour)
		for range 2 {
			workflow.Select(ctx,
				workflow.Await(long, func(workflow.Context, workflow.Future[any]) { trace = append(trace, "long") }),
				workflow.Await(short, func(workflow.Context, workflow.Future[any]) {
					trace = append(trace, "short")
					short = workflow.ScheduleTimer(ctx, 2*month)
				}))
		}
		return append(trace, workflow.Now(ctx).Format(time.RFC3339)), nil
	}, tester.WithInitialTime(start))
	if !wt.Now().Equal(start) {
		t.Errorf("it begins at %v", wt.Now())
	}
	wt.Execute(t.Context())
	if got := result(t, wt); !slices.Equal(got, []string{"short", "long", "2030-05-31T10:00:00Z"}) {
		t.Errorf("result %q", got)
	}
	if want := start.Add(month); !wt.Now().Equal(want) {
		t.Errorf("it ends at %v, want %v", wt.Now(), want)
	}
}

func TestCallbacks(t *testing.T) {
	wt := tester.NewWorkflowTester[time.Duration](func(ctx workflow.Context) (time.Duration, error) {
		began := workflow.Now(ctx)
		workflow.NewSignalChannel[any](ctx, "go").Receive(ctx)
		return workflow.Now(ctx).Sub(began), nil
	})
	var trace []string
	began := wt.Now()
	note := func(what string) { trace = append(trace, fmt.Sprint(what, " at ", wt.Now().Sub(began))) }
	wt.ScheduleCallback(time.Minute, func() {
		note("second")
		wt.ScheduleCallback(time.Minute, func() { note("third"); wt.SignalWorkflow("go", nil) })
		wt.ScheduleCallback(time.Hour, func() { note("never") })
	})
	wt.ScheduleCallback(time.Second, func() { note("first") })
	wt.ScheduleCallback(time.Minute, func() { note("after the second") })
	wt.Execute(t.Context())
	if got := result(t, wt); got != 2*time.Minute {
		t.Errorf("waited %v", got)
	}
	want := []string{"first at 1s", "second at 1m0s", "after the second at 1m0s", "third at 2m0s"}
	if !slices.Equal(trace, want) {
		t.Errorf("callbacks %q", trace)
	}
}

// receive returns the first n signals.
func receive(ctx workflow.Context, n int) ([]int, error) {
	c := workflow.NewSignalChannel[int](ctx, "go")
	var got []int
	for range n {
		v, _ := c.Receive(ctx)
		got = append(got, v)
	}
	return got, nil
}

func TestSignals(t *testing.T) {
	wt := tester.NewWorkflowTester[[]int](receive, tester.WithTesting(t))
	wt.SignalWorkflow("go", 1)
	wt.SignalWorkflow("go", 2)
	wt.ScheduleCallback(time.Second, func() {
		if err := wt.SignalWorkflowInstance(&workflow.Instance{InstanceID: "unknown"}, "go", 0); !errors.Is(err, engine.ErrInstanceNotFound) {
			t.Errorf("signal to nobody: %v", err)
		}
		wt.SignalWorkflow("go", 3)
	})
	wt.Execute(t.Context(), 3)
	if got := result(t, wt); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("received %v", got)
	}
	wt.SignalWorkflow("go", 4) // nobody is there to take it
	if err := wt.SignalWorkflowInstance(nil, "go", 4); err == nil {
		t.Error("a signal to a nil instance was accepted")
	}
	if err := wt.SignalWorkflowInstance(&workflow.Instance{InstanceID: "x"}, "", 4); err == nil {
		t.Error("a signal without a name was accepted")
	}
}

func TestSignalThatCannotBeEncoded(t *testing.T) {
	wt := tester.NewWorkflowTester[[]int](receive)
	wt.SignalWorkflow("go", make(chan int))
	mustPanic(t, func() { wt.Execute(t.Context(), 1) }, `value of signal "go"`)
}

func TestSignalFromActivity(t *testing.T) {
	wt := tester.NewWorkflowTester[[]int](func(ctx workflow.Context) ([]int, error) {
		if _, err := workflow.ExecuteActivity[any](ctx, once, store, "x").Get(ctx); err != nil {
			return nil, err
		}
		return receive(ctx, 1)
	})
	wt.OnActivity(store, mock.Anything, "x").Run(func(mock.Arguments) { wt.SignalWorkflow("go", 7) }).Return(nil)
	wt.Execute(t.Context())
	if got := result(t, wt); !slices.Equal(got, []int{7}) {
		t.Errorf("received %v", got)
	}
}

// undone waits for a signal and cleans up when it is canceled.
func undone(ctx workflow.Context) (string, error) {
	workflow.Select(ctx,
		workflow.Receive(ctx.Done(), nil),
		workflow.Receive(workflow.NewSignalChannel[int](ctx, "go"), nil))
	d := workflow.NewDisconnectedContext(ctx)
	if _, err := workflow.ExecuteActivity[any](d, once, store, "undo").Get(d); err != nil {
		return "", err
	}
	return "", ctx.Err()
}

func TestCancel(t *testing.T) {
	for name, cancel := range map[string]func(tester.WorkflowTester[string]){
		"before": func(wt tester.WorkflowTester[string]) { wt.CancelWorkflow() },
		"by a callback": func(wt tester.WorkflowTester[string]) {
			wt.ScheduleCallback(time.Second, wt.CancelWorkflow)
		},
	} {
		t.Run(name, func(t *testing.T) {
			wt := tester.NewWorkflowTester[string](undone, tester.WithTesting(t))
			wt.OnActivity(store, mock.Anything, "undo").Return(nil).Once()
			cancel(wt)
			wt.Execute(t.Context())
			if _, err := wt.WorkflowResult(); !wt.WorkflowFinished() || !errors.Is(err, workflow.Canceled) {
				t.Errorf("finished %v: %v", wt.WorkflowFinished(), err)
			}
			wt.AssertExpectations(t)
			if err := wt.CancelWorkflowInstance(&workflow.Instance{InstanceID: "x"}); !errors.Is(err, engine.ErrInstanceNotFound) {
				t.Errorf("cancel of nobody: %v", err)
			}
		})
	}
}

// A request to cancel is for the instance, whichever execution it meets.
func TestCancelMeetsContinueAsNew(t *testing.T) {
	wt := tester.NewWorkflowTester[any](func(ctx workflow.Context, round int) error {
		if round == 0 {
			_, _ = receive(ctx, 1)
			return workflow.ContinueAsNew(ctx, 1)
		}
		return workflow.Sleep(ctx, time.Hour)
	}, tester.WithTesting(t))
	wt.ScheduleCallback(time.Second, func() {
		wt.SignalWorkflow("go", 1)
		wt.CancelWorkflow()
	})
	wt.Execute(t.Context(), 0)
	if _, err := wt.WorkflowResult(); !errors.Is(err, workflow.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestContinueAsNew(t *testing.T) {
	wt := tester.NewWorkflowTester[int](func(ctx workflow.Context, total int) (int, error) {
		v, _ := workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
		if v == 0 {
			return total, nil
		}
		return 0, workflow.ContinueAsNew(ctx, total+v)
	}, tester.WithTesting(t))
	for _, v := range []int{1, 2, 3} {
		wt.SignalWorkflow("go", v)
	}
	wt.ScheduleCallback(time.Second, func() { wt.SignalWorkflow("go", 0) })
	wt.Execute(t.Context(), 10)
	if got := result(t, wt); got != 16 {
		t.Errorf("result %d", got)
	}
}
