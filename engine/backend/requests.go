package backend

import (
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
)

// Stats is the state of a store in a few numbers, for health checks and
// autoscaling.
type Stats struct {
	// ActiveWorkflowInstances are open: running or blocked.
	ActiveWorkflowInstances int64
	// PendingWorkflowTasks and PendingActivityTasks are ready or leased, by queue.
	// An activity that runs where its workflow does is part of the latter's task.
	PendingWorkflowTasks map[engine.Queue]int64
	PendingActivityTasks map[engine.Queue]int64
}

// RemovalOptions say what a bulk removal removes, and how.
type RemovalOptions struct {
	// FinishedBefore spares executions that ended at this time or later; zero
	// spares none that ended.
	FinishedBefore time.Time
	// BatchSize is how many executions one write removes; 0 means
	// DefaultRemovalBatch. At most MaxLimit.
	BatchSize int
}

// DefaultRemovalBatch is how many executions one write of a bulk removal removes.
const DefaultRemovalBatch = 200

// RemovalOption sets one of RemovalOptions. Its errors wrap
// engine.ErrInvalidArgument.
type RemovalOption func(*RemovalOptions) error

// RemoveFinishedBefore spares executions that ended at t or later.
func RemoveFinishedBefore(t time.Time) RemovalOption {
	return func(o *RemovalOptions) error {
		o.FinishedBefore = t
		return nil
	}
}

// RemoveBatchSize sets how many executions one write removes, from 1 to MaxLimit.
func RemoveBatchSize(n int) RemovalOption {
	return func(o *RemovalOptions) error {
		if n < 1 || n > MaxLimit {
			return fmt.Errorf("%w: the batch size of a removal is %d, it must be from 1 to %d", engine.ErrInvalidArgument, n, MaxLimit)
		}
		o.BatchSize = n
		return nil
	}
}

// Check refuses what no worker sends. A store calls it before it changes anything.
// The error wraps engine.ErrInvalidArgument and names the execution.
func (c *WorkflowCommit) Check() error {
	problem := ""
	switch {
	case !slices.Contains(engine.Statuses(), c.Status):
		problem = fmt.Sprintf("status %q is unknown", c.Status)
	case (c.Status == engine.StatusContinuedAsNew) != (c.Next != nil):
		problem = fmt.Sprintf("status %s does not fit Next", c.Status)
	case (c.Status == engine.StatusBlocked) != (c.Block != nil):
		problem = fmt.Sprintf("status %s does not fit Block", c.Status)
	case (c.Count == 0) != (len(c.Events) == 0):
		problem = fmt.Sprintf("%d bytes of events are not %d events", len(c.Events), c.Count)
	default:
		return nil
	}
	return fmt.Errorf("commit of %s: %w: %s", c.Instance, engine.ErrInvalidArgument, problem)
}

// Check refuses a reason that can't be kept. A store calls it before it changes
// anything. The error wraps engine.ErrInvalidArgument and names the instance.
func (p *PauseChange) Check() error { return checkReason(p.Note(time.Time{}), p.To) }

// Note is what a store leaves with the instance.
func (p *PauseChange) Note(at time.Time) engine.Note {
	n := engine.Note{Action: engine.NoteResume, Reason: p.Reason, At: at}
	if p.Paused {
		n.Action = engine.NotePause
	}
	return n
}

// Note is what a store leaves with the instance.
func (r *RetryRequest) Note(at time.Time) engine.Note {
	return engine.Note{Action: engine.NoteRetry, Reason: r.Reason, At: at}
}

func checkReason(n engine.Note, to Address) error {
	if err := engine.CheckReason(n.Reason); err != nil {
		return fmt.Errorf("%s of %s: %w", n.Action, to.InstanceID, err)
	}
	return nil
}

// Check refuses a reason that can't be kept, and to throw an event away without a
// record of it. A store calls it before it changes anything. The error wraps
// engine.ErrInvalidArgument and names the instance.
func (r *RetryRequest) Check() error {
	if (r.DropInbox != 0) == (len(r.Dropped) > 0) {
		return checkReason(r.Note(time.Time{}), r.To)
	}
	return fmt.Errorf("retry of %s: %w: inbox row %d is to be dropped, and the record of it has %d bytes; give both or neither",
		r.To.InstanceID, engine.ErrInvalidArgument, r.DropInbox, len(r.Dropped))
}
