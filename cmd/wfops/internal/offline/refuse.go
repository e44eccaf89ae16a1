package offline

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// refusing is the part of a store that can't be had: nothing can be changed.
type refusing struct {
	backend.Hub // nothing is ever published
}

func refused() error { return fmt.Errorf("an exported history: %w", engine.ErrReadOnly) }

func all(n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = refused()
	}
	return errs
}

func committed(n int) []backend.WorkflowCommitted {
	answers := make([]backend.WorkflowCommitted, n)
	for i := range answers {
		answers[i].Err = refused()
	}
	return answers
}

func (*refusing) Create(_ context.Context, cs []backend.Creation) []backend.CreateResult {
	answers := make([]backend.CreateResult, len(cs))
	for i := range answers {
		answers[i].Err = refused()
	}
	return answers
}

func (*refusing) Deliver(_ context.Context, ds []backend.Delivery) []error { return all(len(ds)) }

func (*refusing) Terminate(_ context.Context, ts []backend.Termination) []error { return all(len(ts)) }

func (*refusing) Pause(_ context.Context, ps []backend.PauseChange) []error { return all(len(ps)) }

func (*refusing) Retry(_ context.Context, rs []backend.RetryRequest) []error { return all(len(rs)) }

func (*refusing) Remove(_ context.Context, is []engine.Instance) []error { return all(len(is)) }

func (*refusing) ClaimWorkflows(context.Context, backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	return backend.WorkflowClaimed{}, refused()
}

func (*refusing) CommitWorkflows(_ context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	return committed(len(cs))
}

func (*refusing) ExtendWorkflows(_ context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	return committed(len(es))
}

func (*refusing) ClaimActivities(context.Context, backend.ActivityClaim) (backend.ActivityClaimed, error) {
	return backend.ActivityClaimed{}, refused()
}

func (*refusing) CommitActivities(_ context.Context, cs []backend.ActivityCommit) []error {
	return all(len(cs))
}

func (*refusing) ExtendActivities(_ context.Context, es []backend.ActivityExtension) []error {
	return all(len(es))
}

func (*refusing) Heartbeat(context.Context, backend.Worker) error { return refused() }
