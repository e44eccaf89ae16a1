// Package group gathers the writes of many callers into one call of a store, so
// that a store with a costly commit pays it once for all of them.
//
// Each kind of write has a lane of its own. The first caller of an idle lane
// calls the store at once, so an idle system waits for nothing; those who arrive
// meanwhile form the next group, and one of them makes the call for all. There is
// no timer and no background goroutine: an idle lane costs nothing.
//
// Grouping changes no outcome. Every item keeps its own answer, items of one
// caller keep their order, and a caller learns the outcome of its own items only.
package group

import (
	"context"

	"github.com/wfops/wfops/engine/backend"
)

// DefaultMax is how many items one call of the store holds at most, unless
// WithMax says otherwise.
const DefaultMax = 1000

// Option configures New.
type Option func(*options)

type options struct{ max int }

// WithMax sets how many items one call of the store holds at most. Values below
// 1 mean DefaultMax. The items of one caller are divided only if they are more
// than that.
func WithMax(n int) Option { return func(o *options) { o.max = n } }

// New returns a Backend that groups the batched writes Create, Deliver,
// CommitWorkflows, ExtendWorkflows, CommitActivities and ExtendActivities, and
// passes everything else on to b. A b that New returned comes back as it is, with
// the options it has. A nil b, or one that holds a nil pointer, is reported by every
// call.
//
// The methods are those of b with these additions. A caller whose ctx ends stops
// waiting and gets its ctx's error for the items without an answer; their outcome
// is unknown. The call of a group goes on until it ends or all its callers have
// left. If a group of several items fails as a whole, with an outcome that is
// unknown for each, its items are tried once more one by one, so that an item
// that the store chokes on fails alone. A panic in b becomes the error of the
// items that were being written.
func New(b backend.Backend, opts ...Option) backend.Backend {
	if g, ok := b.(*grouped); ok {
		return g
	}
	if isNil(b) {
		b = &missing{}
	}
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.max < 1 {
		o.max = DefaultMax
	}
	return &grouped{
		Backend: b,
		create: lane[backend.Creation, backend.CreateResult]{
			name: "Create", max: o.max, call: b.Create,
			failed: func(err error) backend.CreateResult { return backend.CreateResult{Err: err} },
			err:    func(r backend.CreateResult) error { return r.Err },
		},
		deliver:          errorLane("Deliver", o.max, b.Deliver),
		commitWorkflows:  committedLane("CommitWorkflows", o.max, b.CommitWorkflows),
		extendWorkflows:  committedLane("ExtendWorkflows", o.max, b.ExtendWorkflows),
		commitActivities: errorLane("CommitActivities", o.max, b.CommitActivities),
		extendActivities: errorLane("ExtendActivities", o.max, b.ExtendActivities),
	}
}

type grouped struct {
	backend.Backend

	create           lane[backend.Creation, backend.CreateResult]
	deliver          lane[backend.Delivery, error]
	commitWorkflows  lane[backend.WorkflowCommit, backend.WorkflowCommitted]
	extendWorkflows  lane[backend.WorkflowExtension, backend.WorkflowCommitted]
	commitActivities lane[backend.ActivityCommit, error]
	extendActivities lane[backend.ActivityExtension, error]
}

var _ backend.Backend = (*grouped)(nil)

// Create implements backend.Control.
func (g *grouped) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	return g.create.do(ctx, cs)
}

// Deliver implements backend.Control.
func (g *grouped) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	return g.deliver.do(ctx, ds)
}

// CommitWorkflows implements backend.Work.
func (g *grouped) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	return g.commitWorkflows.do(ctx, cs)
}

// ExtendWorkflows implements backend.Work.
func (g *grouped) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	return g.extendWorkflows.do(ctx, es)
}

// CommitActivities implements backend.Work.
func (g *grouped) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	return g.commitActivities.do(ctx, cs)
}

// ExtendActivities implements backend.Work.
func (g *grouped) ExtendActivities(ctx context.Context, es []backend.ActivityExtension) []error {
	return g.extendActivities.do(ctx, es)
}

func errorLane[In any](name string, limit int, call func(context.Context, []In) []error) lane[In, error] {
	return lane[In, error]{
		name: name, max: limit, call: call,
		failed: func(err error) error { return err },
		err:    func(err error) error { return err },
	}
}

func committedLane[In any](name string, limit int, call func(context.Context, []In) []backend.WorkflowCommitted) lane[In, backend.WorkflowCommitted] {
	return lane[In, backend.WorkflowCommitted]{
		name: name, max: limit, call: call,
		failed: func(err error) backend.WorkflowCommitted { return backend.WorkflowCommitted{Err: err} },
		err:    func(c backend.WorkflowCommitted) error { return c.Err },
	}
}
