package client

import (
	"context"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Handle is one run of a workflow that returns a T: an execution and all it
// continues as. It is safe for concurrent use.
type Handle[T any] struct {
	c        *Client
	instance engine.Instance
	early    *early // unless nil
}

// Start is CreateWorkflowInstance for a workflow that returns a T.
func Start[T any](ctx context.Context, c *Client, options WorkflowInstanceOptions, wf any, args ...any) (*Handle[T], error) {
	if options.InstanceID == "" {
		options.InstanceID = engine.NewID()
	}
	e := c.listenEarly(options.InstanceID)
	i, err := c.CreateWorkflowInstance(ctx, options, wf, args...)
	if err != nil {
		e.end()
		return nil, err
	}
	return &Handle[T]{c: c, instance: *i, early: e}, nil
}

// HandleOf returns the handle of an instance that was started before. It does not
// look whether there is one. Without an ExecutionID the handle stands for whatever
// run has the id when it is used.
func HandleOf[T any](c *Client, instance engine.Instance) *Handle[T] {
	return &Handle[T]{c: c, instance: instance}
}

// Instance returns the instance that the handle was made for.
func (h *Handle[T]) Instance() *engine.Instance {
	i := h.instance
	return &i
}

// Get waits until the run has ended or ctx has, and returns what the workflow
// returned. See GetWorkflowResult for its errors.
func (h *Handle[T]) Get(ctx context.Context) (T, error) {
	i, err := instanceOf(&h.instance)
	if err != nil {
		return *new(T), err
	}
	return resultOf[T](ctx, h.c, i, -1, h.early.take())
}

// Signal hands arg to the run's signal channel name. Other than SignalWorkflow it
// never reaches a later run of the same InstanceID.
func (h *Handle[T]) Signal(ctx context.Context, name string, arg any) error {
	to, err := h.c.run(ctx, h.instance)
	if err != nil {
		return err
	}
	return h.c.signalTo(ctx, to, name, arg)
}

// Cancel is CancelWorkflowInstance.
func (h *Handle[T]) Cancel(ctx context.Context) error {
	return h.c.CancelWorkflowInstance(ctx, &h.instance)
}

// Terminate is TerminateWorkflowInstance.
func (h *Handle[T]) Terminate(ctx context.Context, reason string) error {
	return h.c.TerminateWorkflowInstance(ctx, &h.instance, reason)
}

// Pause is Client.Pause.
func (h *Handle[T]) Pause(ctx context.Context, reason string) error {
	return h.c.Pause(ctx, &h.instance, reason)
}

// Resume is Client.Resume.
func (h *Handle[T]) Resume(ctx context.Context, reason string) error {
	return h.c.Resume(ctx, &h.instance, reason)
}

// Describe is Client.Describe for the execution that the run is at.
func (h *Handle[T]) Describe(ctx context.Context) (Description, error) {
	s, err := latest(ctx, h.c.b, h.instance)
	if err != nil {
		return Description{}, err
	}
	return h.c.Describe(ctx, &s.Instance)
}

// History is Client.History for the execution that the run is at.
func (h *Handle[T]) History(ctx context.Context) ([]history.Event, error) {
	s, err := latest(ctx, h.c.b, h.instance)
	if err != nil {
		return nil, err
	}
	return h.c.History(ctx, &s.Instance)
}
