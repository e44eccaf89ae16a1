package group

import (
	"context"
	"fmt"
	"reflect"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var errMissing = fmt.Errorf("%w: the Backend is nil; was the error of opening the store looked at?", engine.ErrInvalidArgument)

// missing stands in for a Backend that is nil: constructors don't panic, and every
// call says what is wrong.
type missing struct{ hub backend.Hub }

var _ backend.Backend = (*missing)(nil)

// isNil reports whether b is nil, or holds the nil pointer to its own type that
// opening a store returns beside the error.
func isNil(b backend.Backend) bool {
	v := reflect.ValueOf(b)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func refuse(n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = errMissing
	}
	return errs
}

func refuseCommits(n int) []backend.WorkflowCommitted {
	out := make([]backend.WorkflowCommitted, n)
	for i := range out {
		out[i].Err = errMissing
	}
	return out
}

func (*missing) Create(_ context.Context, cs []backend.Creation) []backend.CreateResult {
	out := make([]backend.CreateResult, len(cs))
	for i := range out {
		out[i].Err = errMissing
	}
	return out
}

func (*missing) Deliver(_ context.Context, ds []backend.Delivery) []error { return refuse(len(ds)) }

func (*missing) Terminate(_ context.Context, ts []backend.Termination) []error {
	return refuse(len(ts))
}

func (*missing) Pause(_ context.Context, ps []backend.PauseChange) []error { return refuse(len(ps)) }

func (*missing) Retry(_ context.Context, rs []backend.RetryRequest) []error { return refuse(len(rs)) }

func (*missing) Remove(_ context.Context, is []engine.Instance) []error { return refuse(len(is)) }

func (*missing) ClaimWorkflows(context.Context, backend.WorkflowClaim) (c backend.WorkflowClaimed, err error) {
	return c, errMissing
}

func (*missing) CommitWorkflows(_ context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	return refuseCommits(len(cs))
}

func (*missing) ExtendWorkflows(_ context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	return refuseCommits(len(es))
}

func (*missing) ClaimActivities(context.Context, backend.ActivityClaim) (c backend.ActivityClaimed, err error) {
	return c, errMissing
}

func (*missing) CommitActivities(_ context.Context, cs []backend.ActivityCommit) []error {
	return refuse(len(cs))
}

func (*missing) ExtendActivities(_ context.Context, es []backend.ActivityExtension) []error {
	return refuse(len(es))
}

func (*missing) Heartbeat(context.Context, backend.Worker) error { return errMissing }

func (*missing) Get(context.Context, engine.Instance) (s backend.Summary, err error) {
	return s, errMissing
}

func (*missing) History(context.Context, engine.Instance, int64, int) ([]backend.Chunk, error) {
	return nil, errMissing
}

func (*missing) Pending(context.Context, engine.Instance, int) (p backend.Pending, err error) {
	return p, errMissing
}

func (*missing) List(context.Context, backend.Query) (p backend.Page, err error) {
	return p, errMissing
}

func (*missing) Count(context.Context, backend.Query) (map[engine.Status]int64, error) {
	return nil, errMissing
}

func (*missing) Queues(context.Context) ([]backend.QueueStats, error) { return nil, errMissing }

func (*missing) Workers(context.Context) ([]backend.Worker, error) { return nil, errMissing }

func (*missing) Info(context.Context) (i backend.Info, err error) { return i, errMissing }

func (m *missing) Subscribe(topics ...backend.Topic) *backend.Subscription {
	return m.hub.Subscribe(topics...)
}

func (*missing) Close() error { return nil }
