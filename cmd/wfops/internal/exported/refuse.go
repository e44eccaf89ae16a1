package exported

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// refuse is the answer to whoever wants to change something.
func (s *Store) refuse() error {
	return fmt.Errorf("%s is an exported history: %w", s.file, engine.ErrReadOnly)
}

func (s *Store) refuseAll(n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = s.refuse()
	}
	return errs
}

// Create implements backend.Control. It is refused, as is all that changes something.
func (s *Store) Create(_ context.Context, cs []backend.Creation) []backend.CreateResult {
	results := make([]backend.CreateResult, len(cs))
	for i := range results {
		results[i].Err = s.refuse()
	}
	return results
}

// Deliver implements backend.Control.
func (s *Store) Deliver(_ context.Context, ds []backend.Delivery) []error {
	return s.refuseAll(len(ds))
}

// Terminate implements backend.Control.
func (s *Store) Terminate(_ context.Context, ts []backend.Termination) []error {
	return s.refuseAll(len(ts))
}

// Pause implements backend.Control.
func (s *Store) Pause(_ context.Context, ps []backend.PauseChange) []error {
	return s.refuseAll(len(ps))
}

// Retry implements backend.Control.
func (s *Store) Retry(_ context.Context, rs []backend.RetryRequest) []error {
	return s.refuseAll(len(rs))
}

// Remove implements backend.Control.
func (s *Store) Remove(_ context.Context, is []engine.Instance) []error {
	return s.refuseAll(len(is))
}

// ClaimWorkflows implements backend.Work.
func (s *Store) ClaimWorkflows(context.Context, backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	return backend.WorkflowClaimed{}, s.refuse()
}

// CommitWorkflows implements backend.Work.
func (s *Store) CommitWorkflows(_ context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	return s.refuseCommits(len(cs))
}

// ExtendWorkflows implements backend.Work.
func (s *Store) ExtendWorkflows(_ context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	return s.refuseCommits(len(es))
}

func (s *Store) refuseCommits(n int) []backend.WorkflowCommitted {
	committed := make([]backend.WorkflowCommitted, n)
	for i := range committed {
		committed[i].Err = s.refuse()
	}
	return committed
}

// ClaimActivities implements backend.Work.
func (s *Store) ClaimActivities(context.Context, backend.ActivityClaim) (backend.ActivityClaimed, error) {
	return backend.ActivityClaimed{}, s.refuse()
}

// CommitActivities implements backend.Work.
func (s *Store) CommitActivities(_ context.Context, cs []backend.ActivityCommit) []error {
	return s.refuseAll(len(cs))
}

// ExtendActivities implements backend.Work.
func (s *Store) ExtendActivities(_ context.Context, es []backend.ActivityExtension) []error {
	return s.refuseAll(len(es))
}

// Heartbeat implements backend.Work.
func (s *Store) Heartbeat(context.Context, backend.Worker) error { return s.refuse() }
