package intercept

import (
	"context"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Create implements backend.Control.
func (b *intercepted) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	return batch(ctx, b, Create, cs, b.Backend.Create, createAnswer)
}

// Deliver implements backend.Control.
func (b *intercepted) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	return batch(ctx, b, Deliver, ds, b.Backend.Deliver, errorAnswer)
}

// Terminate implements backend.Control.
func (b *intercepted) Terminate(ctx context.Context, ts []backend.Termination) []error {
	return batch(ctx, b, Terminate, ts, b.Backend.Terminate, errorAnswer)
}

// Pause implements backend.Control.
func (b *intercepted) Pause(ctx context.Context, ps []backend.PauseChange) []error {
	return batch(ctx, b, Pause, ps, b.Backend.Pause, errorAnswer)
}

// Retry implements backend.Control.
func (b *intercepted) Retry(ctx context.Context, rs []backend.RetryRequest) []error {
	return batch(ctx, b, Retry, rs, b.Backend.Retry, errorAnswer)
}

// Remove implements backend.Control.
func (b *intercepted) Remove(ctx context.Context, is []engine.Instance) []error {
	return batch(ctx, b, Remove, is, b.Backend.Remove, errorAnswer)
}

// ClaimWorkflows implements backend.Work.
func (b *intercepted) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	return single(ctx, b, ClaimWorkflows, func(ctx context.Context) (backend.WorkflowClaimed, error) { return b.Backend.ClaimWorkflows(ctx, c) })
}

// CommitWorkflows implements backend.Work.
func (b *intercepted) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	return batch(ctx, b, CommitWorkflows, cs, b.Backend.CommitWorkflows, commitAnswer)
}

// ExtendWorkflows implements backend.Work.
func (b *intercepted) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	return batch(ctx, b, ExtendWorkflows, es, b.Backend.ExtendWorkflows, commitAnswer)
}

// ClaimActivities implements backend.Work.
func (b *intercepted) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	return single(ctx, b, ClaimActivities, func(ctx context.Context) (backend.ActivityClaimed, error) {
		return b.Backend.ClaimActivities(ctx, c)
	})
}

// CommitActivities implements backend.Work.
func (b *intercepted) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	return batch(ctx, b, CommitActivities, cs, b.Backend.CommitActivities, errorAnswer)
}

// ExtendActivities implements backend.Work.
func (b *intercepted) ExtendActivities(ctx context.Context, es []backend.ActivityExtension) []error {
	return batch(ctx, b, ExtendActivities, es, b.Backend.ExtendActivities, errorAnswer)
}

// Heartbeat implements backend.Work.
func (b *intercepted) Heartbeat(ctx context.Context, w backend.Worker) error {
	return b.around(ctx, Heartbeat, func(ctx context.Context) error { return b.Backend.Heartbeat(ctx, w) })
}

// Get implements backend.Read.
func (b *intercepted) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	return single(ctx, b, Get, func(ctx context.Context) (backend.Summary, error) { return b.Backend.Get(ctx, i) })
}

// History implements backend.Read.
func (b *intercepted) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	return single(ctx, b, History, func(ctx context.Context) ([]backend.Chunk, error) { return b.Backend.History(ctx, i, after, limit) })
}

// Pending implements backend.Read.
func (b *intercepted) Pending(ctx context.Context, i engine.Instance, limit int) (backend.Pending, error) {
	return single(ctx, b, Pending, func(ctx context.Context) (backend.Pending, error) { return b.Backend.Pending(ctx, i, limit) })
}

// List implements backend.Read.
func (b *intercepted) List(ctx context.Context, q backend.Query) (backend.Page, error) {
	return single(ctx, b, List, func(ctx context.Context) (backend.Page, error) { return b.Backend.List(ctx, q) })
}

// Count implements backend.Read.
func (b *intercepted) Count(ctx context.Context, q backend.Query) (map[engine.Status]int64, error) {
	return single(ctx, b, Count, func(ctx context.Context) (map[engine.Status]int64, error) { return b.Backend.Count(ctx, q) })
}

// Queues implements backend.Read.
func (b *intercepted) Queues(ctx context.Context) ([]backend.QueueStats, error) {
	return single(ctx, b, Queues, b.Backend.Queues)
}

// Workers implements backend.Read.
func (b *intercepted) Workers(ctx context.Context) ([]backend.Worker, error) {
	return single(ctx, b, Workers, b.Backend.Workers)
}

// Info implements backend.Read.
func (b *intercepted) Info(ctx context.Context) (backend.Info, error) {
	return single(ctx, b, Info, b.Backend.Info)
}
