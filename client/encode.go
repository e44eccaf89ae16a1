package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// workflowName returns the name under which workers know wf, and checks args.
func (c *Client) workflowName(wf any, args []any) (string, error) {
	name, err := c.registry.ResolveWorkflow(wf, args)
	if err != nil {
		return "", err
	}
	return name, engine.CheckName("workflow name", name)
}

// known refuses a workflow that nobody seems to know. It asks the store only if the
// registry does not know it.
func (c *Client) known(ctx context.Context, name string) error {
	if !c.strict {
		return nil
	}
	_, missing := c.registry.Workflow(name)
	if missing == nil {
		return nil
	}
	workers, err := c.alive(ctx)
	if err != nil {
		return fmt.Errorf("looking for a worker that registers workflow %q: %w", name, err)
	}
	if slices.ContainsFunc(workers, func(w backend.Worker) bool { return slices.Contains(w.Workflows, name) }) {
		return nil
	}
	return fmt.Errorf("%w: %w, and no live worker registers it: register it here, start the worker that does, or use a client without a registry",
		engine.ErrInvalidArgument, missing)
}

// encodeArgs encodes the arguments of the workflow name.
func (c *Client) encodeArgs(name string, args []any) ([]engine.Payload, error) {
	payloads := make([]engine.Payload, len(args))
	for i, arg := range args {
		var err error
		if payloads[i], err = c.settings.Payloads().Encode(fmt.Sprintf("argument %d of workflow %s", i+1, name), arg); err != nil {
			return nil, err
		}
	}
	return payloads, nil
}

// signal checks and encodes a signal.
func (c *Client) signal(ctx context.Context, name string, arg any, t history.Trace) (history.Encoded, error) {
	if err := c.settings.Check(); err != nil {
		return nil, err
	}
	if err := engine.CheckName("signal name", name); err != nil {
		return nil, err
	}
	payload, err := c.settings.Payloads().Encode(fmt.Sprintf("argument of signal %q", name), arg)
	if err != nil {
		return nil, err
	}
	headers, err := c.settings.Inject(ctx)
	if err != nil {
		return nil, err
	}
	return encode(c.clock.now(ctx, c.b), history.SignalReceived{Name: name, Arg: payload, Headers: headers, Trace: t})
}

// encode returns a single event.
func encode(at time.Time, body history.Body) (history.Encoded, error) {
	return history.Encode(history.Event{At: at, Body: body})
}
