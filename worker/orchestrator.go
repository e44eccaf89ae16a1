package worker

import (
	"context"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// WorkflowOrchestrator is a worker and a client in one, for programs that start and
// run workflows in the same process. Both have the same settings and registry.
type WorkflowOrchestrator struct {
	// Client starts and operates instances.
	Client *client.Client

	worker *Worker
}

// NewWorkflowOrchestrator returns a worker and a client on b.
func NewWorkflowOrchestrator(b backend.Backend, options *Options) *WorkflowOrchestrator {
	var o Options
	if options != nil {
		o = *options
	}
	if o.Registry == nil {
		o.Registry = registry.New()
	}
	b = group.New(b) // worker and client share groups
	return &WorkflowOrchestrator{
		Client: client.New(b, client.WithSettings(o.Settings), client.WithRegistry(o.Registry)),
		worker: New(b, &o),
	}
}

// RegisterWorkflow is that of Worker.
func (o *WorkflowOrchestrator) RegisterWorkflow(wf workflow.Workflow, opts ...registry.RegisterOption) error {
	return o.worker.RegisterWorkflow(wf, opts...)
}

// RegisterActivity is that of Worker.
func (o *WorkflowOrchestrator) RegisterActivity(a workflow.Activity, opts ...registry.RegisterOption) error {
	return o.worker.RegisterActivity(a, opts...)
}

// Start is that of Worker.
func (o *WorkflowOrchestrator) Start(ctx context.Context) error { return o.worker.Start(ctx) }

// Stop is that of Worker.
func (o *WorkflowOrchestrator) Stop(ctx context.Context) error { return o.worker.Stop(ctx) }

// WaitForCompletion is that of Worker.
func (o *WorkflowOrchestrator) WaitForCompletion() error { return o.worker.WaitForCompletion() }

// CreateWorkflowInstance is that of client.Client.
func (o *WorkflowOrchestrator) CreateWorkflowInstance(ctx context.Context, options client.WorkflowInstanceOptions, wf workflow.Workflow, args ...any) (*workflow.Instance, error) {
	return o.Client.CreateWorkflowInstance(ctx, options, wf, args...)
}

// SignalWorkflow is that of client.Client.
func (o *WorkflowOrchestrator) SignalWorkflow(ctx context.Context, instanceID string, name string, arg any) error {
	return o.Client.SignalWorkflow(ctx, instanceID, name, arg)
}

// WaitForWorkflowInstance is that of client.Client.
func (o *WorkflowOrchestrator) WaitForWorkflowInstance(ctx context.Context, instance *workflow.Instance, timeout time.Duration) error {
	return o.Client.WaitForWorkflowInstance(ctx, instance, timeout)
}

// RemoveWorkflowInstance is that of client.Client.
func (o *WorkflowOrchestrator) RemoveWorkflowInstance(ctx context.Context, instance *workflow.Instance) error {
	return o.Client.RemoveWorkflowInstance(ctx, instance)
}
