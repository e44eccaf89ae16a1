package settings

import (
	"context"
	"fmt"
	"maps"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// Inject returns the headers that the propagators make of the values of ctx, or
// nil if there are no propagators.
func (s Settings) Inject(ctx context.Context) (history.Headers, error) {
	return s.inject(func(p workflow.ContextPropagator, m *workflow.Metadata) error { return p.Inject(ctx, m) })
}

// Extract returns a context for an activity with the values that the propagators
// find in h.
func (s Settings) Extract(ctx context.Context, h history.Headers) (context.Context, error) {
	return extract(s.Propagators, ctx, h, workflow.ContextPropagator.Extract)
}

func (s Settings) injectFromWorkflow(ctx any) (history.Headers, error) {
	return s.inject(func(p workflow.ContextPropagator, m *workflow.Metadata) error {
		c, err := contextOf(ctx)
		if err != nil {
			return err
		}
		return p.InjectFromWorkflow(c, m)
	})
}

func (s Settings) extractToWorkflow(ctx any, h history.Headers) (any, error) {
	c, err := contextOf(ctx)
	if err != nil {
		return nil, err
	}
	return extract(s.Propagators, c, h, workflow.ContextPropagator.ExtractToWorkflow)
}

// contextOf turns what crosses package command, which does not know the type, back
// into a workflow's Context.
func contextOf(ctx any) (workflow.Context, error) {
	c, ok := ctx.(workflow.Context)
	if !ok {
		return nil, fmt.Errorf("%w: a %T is no workflow.Context", engine.ErrInvalidArgument, ctx)
	}
	return c, nil
}

func (s Settings) inject(call func(workflow.ContextPropagator, *workflow.Metadata) error) (history.Headers, error) {
	if len(s.Propagators) == 0 {
		return nil, nil
	}
	m := workflow.Metadata{}
	for _, p := range s.Propagators {
		if err := call(p, &m); err != nil {
			return nil, fmt.Errorf("propagator %T: %w", p, err)
		}
	}
	return history.Headers(m), nil
}

// extract gives each propagator a copy of the headers, which belong to an event.
func extract[C any](ps []workflow.ContextPropagator, ctx C, h history.Headers, call func(workflow.ContextPropagator, C, *workflow.Metadata) (C, error)) (C, error) {
	for _, p := range ps {
		m := make(workflow.Metadata, len(h))
		maps.Copy(m, h)
		var err error
		if ctx, err = call(p, ctx, &m); err != nil {
			return ctx, fmt.Errorf("propagator %T: %w", p, err)
		}
		if any(ctx) == nil {
			return ctx, fmt.Errorf("propagator %T: %w: it returned a nil context", p, engine.ErrInvalidArgument)
		}
	}
	return ctx, nil
}
