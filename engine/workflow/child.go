package workflow

import (
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/internal/command"
)

// SubWorkflowOptions say how a sub-workflow is started.
type SubWorkflowOptions struct {
	// InstanceID of the sub-workflow; empty means one made from the parent's. If
	// it is taken, the future fails with engine.ErrInstanceAlreadyExists.
	InstanceID string
	// Queue to run it on; empty means the queue of the parent.
	Queue Queue
	// RetryOptions start the sub-workflow again when it fails, under the same
	// InstanceID if one is given.
	RetryOptions RetryOptions
	// ParentClosePolicy says what becomes of the sub-workflow when the parent ends
	// first. The default is ParentCloseCancel.
	ParentClosePolicy ParentClosePolicy
}

// DefaultSubWorkflowRetryOptions make one attempt.
var DefaultSubWorkflowRetryOptions = RetryOptions{MaxAttempts: 1}

// DefaultSubWorkflowOptions make one attempt.
var DefaultSubWorkflowOptions = SubWorkflowOptions{RetryOptions: DefaultSubWorkflowRetryOptions}

func (o SubWorkflowOptions) check() error {
	if o.InstanceID != "" {
		if err := engine.CheckName("SubWorkflowOptions.InstanceID", o.InstanceID); err != nil {
			return err
		}
	}
	if o.Queue != "" {
		if err := engine.CheckName("SubWorkflowOptions.Queue", string(o.Queue)); err != nil {
			return err
		}
	}
	switch o.ParentClosePolicy {
	case "", ParentCloseCancel, ParentCloseTerminate, ParentCloseAbandon:
	default:
		return fmt.Errorf("%w: SubWorkflowOptions.ParentClosePolicy is %q", ErrInvalidArgument, o.ParentClosePolicy)
	}
	return nil // WithRetries checks RetryOptions
}

// CreateSubWorkflowInstance starts a sub-workflow and returns its future result.
// workflow is the function or a registered name. If the sub-workflow continues as
// new, the result is that of its last execution. When ctx is canceled the
// sub-workflow is asked to cancel, and the future waits for how it ends.
func CreateSubWorkflowInstance[TResult any](ctx Context, options SubWorkflowOptions, workflow Workflow, args ...any) Future[TResult] {
	return WithRetries(ctx, options.RetryOptions, func(ctx Context, attempt int) Future[TResult] {
		x := ctx.exec()
		if err := x.admit(ctx, "start a sub-workflow"); err != nil {
			return failed[TResult](err)
		}
		c, err := x.childCommand(ctx, options, workflow, args)
		if err != nil {
			return failed[TResult](NewPermanentError(err))
		}
		c.Attempt = attempt + 1
		return &answer[TResult]{x: x, o: track(ctx, x.sink.StartChild(c)), what: &childAnswer, name: c.Workflow}
	})
}

func (x *execution) childCommand(ctx Context, options SubWorkflowOptions, workflow Workflow, args []any) (command.StartChild, error) {
	var c command.StartChild
	name, err := x.settings.WorkflowName(workflow, args)
	if err != nil {
		return c, err
	}
	if err := options.check(); err != nil {
		return c, fmt.Errorf("sub-workflow %q: %w", name, err)
	}
	payloads, err := x.encode(args)
	if err != nil {
		return c, fmt.Errorf("sub-workflow %q: %w", name, err)
	}
	headers, err := x.headers(ctx)
	if err != nil {
		return c, fmt.Errorf("sub-workflow %q: %w", name, err)
	}
	policy := options.ParentClosePolicy
	if policy == "" {
		policy = ParentCloseCancel
	}
	return command.StartChild{
		Workflow: name, InstanceID: options.InstanceID, Args: payloads, Queue: options.Queue,
		ParentClose: policy, Headers: headers,
	}, nil
}
