package scenarios

import (
	"context"
	"sync/atomic"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// breakable is a connection to a store that can break for good, as it does for a
// worker that is killed or cut off.
type breakable struct {
	backend.Backend

	err     atomic.Pointer[error]
	retired atomic.Bool
}

func breakableOn(b backend.Backend) *breakable { return &breakable{Backend: b} }

// sever makes every later call fail with err. What was sent before is applied.
func (b *breakable) sever(err error) { b.err.Store(&err) }

// mend makes calls work again.
func (b *breakable) mend() { b.err.Store(nil) }

// retire makes calls work again, but claims find nothing any more: a worker that comes
// back gets rid of what it has, and no more.
func (b *breakable) retire() {
	b.retired.Store(true)
	b.mend()
}

func (b *breakable) broken() error {
	if p := b.err.Load(); p != nil {
		return *p
	}
	return nil
}

// all is the error of a broken connection for n items, or nil.
func (b *breakable) all(n int) []error {
	err := b.broken()
	if err == nil {
		return nil
	}
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func committed(errs []error) []backend.WorkflowCommitted {
	cs := make([]backend.WorkflowCommitted, len(errs))
	for i := range cs {
		cs[i].Err = errs[i]
	}
	return cs
}

func (b *breakable) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	if errs := b.all(len(ds)); errs != nil {
		return errs
	}
	return b.Backend.Deliver(ctx, ds)
}

func (b *breakable) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	if err := b.broken(); err != nil {
		return backend.WorkflowClaimed{}, err
	}
	if b.retired.Load() {
		return backend.WorkflowClaimed{}, nil
	}
	return b.Backend.ClaimWorkflows(ctx, c)
}

func (b *breakable) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	if errs := b.all(len(cs)); errs != nil {
		return committed(errs)
	}
	return b.Backend.CommitWorkflows(ctx, cs)
}

func (b *breakable) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	if errs := b.all(len(es)); errs != nil {
		return committed(errs)
	}
	return b.Backend.ExtendWorkflows(ctx, es)
}

func (b *breakable) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	if err := b.broken(); err != nil {
		return backend.ActivityClaimed{}, err
	}
	return b.Backend.ClaimActivities(ctx, c)
}

func (b *breakable) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	if errs := b.all(len(cs)); errs != nil {
		return errs
	}
	return b.Backend.CommitActivities(ctx, cs)
}

func (b *breakable) ExtendActivities(ctx context.Context, es []backend.ActivityExtension) []error {
	if errs := b.all(len(es)); errs != nil {
		return errs
	}
	return b.Backend.ExtendActivities(ctx, es)
}

func (b *breakable) Heartbeat(ctx context.Context, w backend.Worker) error {
	if err := b.broken(); err != nil {
		return err
	}
	return b.Backend.Heartbeat(ctx, w)
}

func (b *breakable) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	if err := b.broken(); err != nil {
		return backend.Summary{}, err
	}
	return b.Backend.Get(ctx, i)
}

func (b *breakable) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	if err := b.broken(); err != nil {
		return nil, err
	}
	return b.Backend.History(ctx, i, after, limit)
}
