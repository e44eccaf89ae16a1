package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// SignalWorkflow hands arg to the signal channel name of the open execution of
// instanceID, and returns once it is durably in its inbox. Signals of one caller
// are received in the order of the calls. engine.ErrInstanceNotFound if there is
// no open execution.
func (c *Client) SignalWorkflow(ctx context.Context, instanceID, name string, arg any) error {
	if err := engine.CheckName("instance id", instanceID); err != nil {
		return err
	}
	return c.signalTo(ctx, backend.Address{InstanceID: instanceID}, name, arg)
}

func (c *Client) signalTo(ctx context.Context, to backend.Address, name string, arg any) error {
	ctx, call := c.settings.Signaling(ctx, to.InstanceID, name)
	event, err := c.signal(ctx, name, arg, call.Trace())
	if err == nil {
		err = c.deliver(ctx, to, event)
	}
	call.End(engine.Instance{InstanceID: to.InstanceID}, err)
	if err != nil {
		return fmt.Errorf("signal %q for workflow instance %s: %w", name, to.InstanceID, err)
	}
	return nil
}

// CancelWorkflowInstance asks the run that instance belongs to to cancel: its
// context is canceled, and it ends when its cleanup has. It does not wait for
// that. engine.ErrInstanceNotFound if the run has ended.
func (c *Client) CancelWorkflowInstance(ctx context.Context, instance *engine.Instance) error {
	return c.operate(ctx, "canceling", instance, func(to backend.Address) error {
		event, err := encode(c.clock.now(ctx, c.b), history.CancelRequested{})
		if err != nil {
			return err
		}
		return c.deliver(ctx, to, event)
	})
}

// TerminateWorkflowInstance ends the run that instance belongs to at once, without
// its code being asked, and applies the parent-close policies of its children. It
// needs no worker. engine.ErrInstanceNotFound if the run has ended.
func (c *Client) TerminateWorkflowInstance(ctx context.Context, instance *engine.Instance, reason string) error {
	return c.operate(ctx, "terminating", instance, func(to backend.Address) error {
		event, err := encode(c.clock.now(ctx, c.b), history.WorkflowTerminated{Reason: reason})
		if err != nil {
			return err
		}
		termination := backend.Termination{To: to, Event: event, Error: reason}
		return send(ctx, func(again bool) error {
			err := c.b.Terminate(ctx, []backend.Termination{termination})[0]
			return unlessDone(again, err)
		})
	})
}

// unlessDone takes "not found" for success when the write was made before with an
// unknown outcome: what it was to bring about is the case.
func unlessDone(again bool, err error) error {
	if again && errors.Is(err, engine.ErrInstanceNotFound) {
		return nil
	}
	return err
}

// Pause keeps the run that instance belongs to from moving until it
// is resumed: no step and no new attempt of an activity begins. What is running
// ends. The reason, which may be empty, is kept as Summary.Note until an operator asks
// for something else. engine.ErrInstanceNotFound if the run has ended.
func (c *Client) Pause(ctx context.Context, instance *engine.Instance, reason string) error {
	return c.pause(ctx, "pausing", instance, backend.PauseChange{Paused: true, Reason: reason})
}

// Resume lets a paused run move again. One that is not paused keeps the reason and
// nothing else. engine.ErrInstanceNotFound if the run has ended.
func (c *Client) Resume(ctx context.Context, instance *engine.Instance, reason string) error {
	return c.pause(ctx, "resuming", instance, backend.PauseChange{Reason: reason})
}

func (c *Client) pause(ctx context.Context, doing string, instance *engine.Instance, change backend.PauseChange) error {
	return c.operate(ctx, doing, instance, func(to backend.Address) error {
		change.To = to
		return send(ctx, func(bool) error { return c.b.Pause(ctx, []backend.PauseChange{change})[0] })
	})
}

// operate does something to the run that instance belongs to.
func (c *Client) operate(ctx context.Context, doing string, instance *engine.Instance, do func(to backend.Address) error) error {
	i, err := instanceOf(instance)
	if err != nil {
		return err
	}
	to, err := c.run(ctx, i)
	if err == nil {
		err = do(to)
	}
	if err != nil {
		return fmt.Errorf("%s workflow instance %s: %w", doing, i, err)
	}
	return nil
}

func (c *Client) deliver(ctx context.Context, to backend.Address, event history.Encoded) error {
	d := backend.Delivery{ID: engine.NewID(), To: to, Event: event}
	return send(ctx, func(bool) error { return c.b.Deliver(ctx, []backend.Delivery{d})[0] })
}
