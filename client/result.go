package client

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// GetWorkflowResult waits like WaitForWorkflowInstance and returns what the
// workflow returned. Instead of a result it returns
//
//   - an error that is ErrWorkflowCanceled or ErrWorkflowTerminated, if the run
//     ended so;
//   - a *workflow.Error with the message, the causes and the stack of what the
//     workflow function failed with; errors.Is finds the sentinels of the
//     settings;
//   - an error that wraps context.DeadlineExceeded, or ctx's error, if the run has
//     not ended in time.
func GetWorkflowResult[T any](ctx context.Context, c *Client, instance *engine.Instance, timeout time.Duration) (T, error) {
	i, err := instanceOf(instance)
	if err != nil {
		return *new(T), err
	}
	return resultOf[T](ctx, c, i, timeout, nil)
}

func resultOf[T any](ctx context.Context, c *Client, i engine.Instance, timeout time.Duration, early *backend.Subscription) (result T, err error) {
	start := time.Now()
	end, err := c.wait(ctx, i, timeout, early)
	if err != nil {
		return result, err
	}
	if timeout >= 0 && end.last == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, resultDue(start, timeout))
		defer cancel()
	}
	payload, err := c.result(ctx, end)
	if err != nil {
		return result, err
	}
	if err := c.settings.Payloads().Decode(payload, &result); err != nil {
		return *new(T), fmt.Errorf("result of workflow instance %s: %w", end.Instance, err)
	}
	return result, nil
}

// resultDue is until when the result of a run is asked for if the store is away. A run
// that ended in the last moment leaves no less than one look.
func resultDue(start time.Time, timeout time.Duration) time.Time {
	end := start.Add(cmp.Or(timeout, DefaultWaitTimeout))
	if least := time.Now().Add(lookLimit); end.Before(least) {
		return least
	}
	return end
}

// result returns what a finished execution ended with.
func (c *Client) result(ctx context.Context, e ended) (engine.Payload, error) {
	event, err := e.event(ctx, c.patient())
	if err != nil {
		return nil, fmt.Errorf("result of workflow instance %s: %w", e.Instance, err)
	}
	switch end := event.(type) {
	case history.WorkflowCompleted:
		return end.Result, nil
	case history.WorkflowFailed:
		return nil, c.settings.Errors.Bind(end.Failure)
	case history.WorkflowCanceled:
		if end.Failure == nil {
			return nil, fmt.Errorf("%w: %s", ErrWorkflowCanceled, e.Instance)
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrWorkflowCanceled, e.Instance, c.settings.Errors.Bind(end.Failure))
	case history.WorkflowTerminated:
		if end.Reason == "" {
			return nil, fmt.Errorf("%w: %s", ErrWorkflowTerminated, e.Instance)
		}
		return nil, fmt.Errorf("%w: %s: %s", ErrWorkflowTerminated, e.Instance, end.Reason)
	default:
		return nil, fmt.Errorf("execution %s is %s, but its history ends with %s", e.Instance, e.status, event.Kind())
	}
}
