package outage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// steady outlives workers that are killed again and again.
var steady = workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{
	MaxAttempts: 100, FirstRetryInterval: 10 * time.Millisecond, BackoffCoefficient: 1.5, MaxRetryInterval: time.Second,
}}

// The functions of the program, by name.
const (
	nameOrder = "order"
	nameWork  = "work"
	paid      = "paid" // a signal
)

// order has a bit of everything: activities one after another and at once, a timer,
// a sub-workflow, and a signal for the outermost one. It returns what orderResult says.
func order(ctx workflow.Context, steps int, inner bool) (int, error) {
	sum := 0
	for n := range steps {
		one, err := work(ctx, n).Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += one
	}
	if inner {
		return sum, nil
	}
	both := []workflow.Future[int]{work(ctx, 10), work(ctx, 20), workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, nameOrder, 1, true)}
	if err := workflow.Sleep(ctx, 20*time.Millisecond); err != nil {
		return 0, err
	}
	cents, _ := workflow.NewSignalChannel[int](ctx, paid).Receive(ctx)
	sum += cents
	for _, f := range both {
		one, err := f.Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

func work(ctx workflow.Context, n int) workflow.Future[int] {
	return workflow.ExecuteActivity[int](ctx, steady, nameWork, n)
}

// orderResult is what an order of so many steps returns.
func orderResult(steps int) int { return steps*(steps-1)/2 + 100 + 10 + 20 }

// register registers the program, whose activities note what they do and take a while.
func register(j *journal, takes time.Duration) (*registry.Registry, error) {
	r := registry.New()
	err := errors.Join(
		r.RegisterWorkflow(order, registry.WithName(nameOrder)),
		r.RegisterActivity(func(ctx context.Context, n int) (int, error) {
			if err := j.note(activity.Info(ctx)); err != nil {
				return 0, err
			}
			select {
			case <-time.After(takes):
				return n, nil
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		}, registry.WithName(nameWork)))
	return r, err
}

// serve places an order, pays it, and waits for the result, however long the store is
// away. Calls whose outcome the client could not find out are made again.
func serve(ctx context.Context, c *client.Client, id string, steps int) error {
	i := &engine.Instance{InstanceID: id}
	calls := []func() error{
		func() error {
			o := client.WorkflowInstanceOptions{InstanceID: id, IDReuse: client.IDReuseReject}
			_, err := c.CreateWorkflowInstance(ctx, o, nameOrder, steps, false)
			if errors.Is(err, engine.ErrInstanceAlreadyExists) {
				return nil
			}
			return err
		},
		func() error { return c.SignalWorkflow(ctx, id, paid, 100) },
		func() error {
			got, err := client.GetWorkflowResult[int](ctx, c, i, -1)
			if err == nil && got != orderResult(steps) {
				return fmt.Errorf("%w: the result is %d, want %d", engine.ErrInvalidArgument, got, orderResult(steps))
			}
			return err
		},
	}
	for _, call := range calls {
		err := call()
		for err != nil && engine.OutcomeUnknown(err) && ctx.Err() == nil {
			pass(50 * time.Millisecond)
			err = call()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}
