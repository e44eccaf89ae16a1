package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine/tester"
	"github.com/wfops/wfops/engine/workflow"
)

// run runs a workflow to its end in virtual time and prints what it ended with. A
// program would create an instance with a client instead.
func run[T any](wf any, signals ...string) {
	wt := tester.NewWorkflowTester[T](wf)
	for _, s := range signals {
		wt.SignalWorkflow("approve", s)
	}
	wt.Execute(context.Background())
	fmt.Println(wt.WorkflowResult())
}

// Of a signal and its deadline, whatever comes first.
func ExampleSelect() {
	run[string](func(ctx workflow.Context) (string, error) {
		outcome := ""
		workflow.Select(ctx,
			workflow.Receive(workflow.NewSignalChannel[string](ctx, "approve"), func(_ workflow.Context, by string, _ bool) {
				outcome = "approved by " + by
			}),
			workflow.Await(workflow.ScheduleTimer(ctx, 24*time.Hour), func(workflow.Context, workflow.Future[any]) {
				outcome = "nobody answered"
			}),
		)
		return outcome, nil
	})
	// Output: nobody answered <nil>
}

// Signals are received in the order in which they were sent, also those sent
// before the channel was opened.
func ExampleNewSignalChannel() {
	run[[]string](func(ctx workflow.Context) ([]string, error) {
		approvals := workflow.NewSignalChannel[string](ctx, "approve")
		first, _ := approvals.Receive(ctx)
		second, _ := approvals.Receive(ctx)
		return []string{first, second}, nil
	}, "ann", "bob")
	// Output: [ann bob] <nil>
}

// Instances that began before the change keep to the old branch.
func ExampleVersion() {
	run[string](func(ctx workflow.Context) (string, error) {
		if workflow.Version(ctx, "charge-first", 0, 1) >= 1 {
			return "charge, then ship", nil
		}
		return "ship, then charge", nil
	})
	// Output: charge, then ship <nil>
}

// A workflow that runs for ever starts anew now and then, so that its history stays
// short.
func ExampleContinueAsNew() {
	wt := tester.NewWorkflowTester[int](countdown)
	wt.Execute(context.Background(), 3)
	fmt.Println(wt.WorkflowResult())
	// Output: 0 <nil>
}

func countdown(ctx workflow.Context, n int) (int, error) {
	if n == 0 {
		return n, nil
	}
	return 0, workflow.ContinueAsNew(ctx, n-1)
}

// Cleaning up needs a context that the cancellation does not reach.
func ExampleNewDisconnectedContext() {
	wt := tester.NewWorkflowTester[any](func(ctx workflow.Context) error {
		err := workflow.Sleep(ctx, time.Hour)
		if errors.Is(err, workflow.Canceled) {
			clean := workflow.NewDisconnectedContext(ctx)
			return errors.Join(err, workflow.Sleep(clean, time.Minute))
		}
		return err
	})
	wt.ScheduleCallback(time.Minute, wt.CancelWorkflow)
	wt.Execute(context.Background())
	_, err := wt.WorkflowResult()
	fmt.Println(errors.Is(err, workflow.Canceled))
	// Output: true
}

// The first error cancels the others.
func ExampleWithErrGroup() {
	run[any](func(ctx workflow.Context) error {
		ctx, group := workflow.WithErrGroup(ctx)
		group.Go(func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) })
		group.Go(func(workflow.Context) error { return errors.New("no stock") })
		return group.Wait(ctx)
	})
	// Output: <nil> no stock
}

// The value is recorded, so that a replay sees the same one.
func ExampleSideEffect() {
	run[int](func(ctx workflow.Context) (int, error) {
		return workflow.SideEffect(ctx, func(workflow.Context) int { return 42 }).Get(ctx)
	})
	// Output: 42 <nil>
}

// A condition is looked at again whenever something has happened.
func ExampleAwaitCondition() {
	run[int](func(ctx workflow.Context) (int, error) {
		sum := 0
		for n := 1; n <= 3; n++ {
			workflow.Go(ctx, func(ctx workflow.Context) {
				if workflow.Sleep(ctx, time.Duration(n)*time.Hour) == nil {
					sum += n
				}
			})
		}
		err := workflow.AwaitCondition(ctx, func() bool { return sum >= 3 })
		return sum, err
	})
	// Output: 3 <nil>
}

// At most two coroutines work at a time.
func ExampleNewSemaphore() {
	run[time.Duration](func(ctx workflow.Context) (time.Duration, error) {
		begun := workflow.Now(ctx)
		sem, all := workflow.NewSemaphore(2), workflow.NewWaitGroup()
		for range 4 {
			all.Add(1)
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer all.Done()
				if sem.Acquire(ctx, 1) == nil {
					defer sem.Release(1)
					_ = workflow.Sleep(ctx, time.Hour)
				}
			})
		}
		all.Wait(ctx)
		return workflow.Now(ctx).Sub(begun), nil
	})
	// Output: 2h0m0s <nil>
}
