package backend

import (
	"context"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Backend is the whole port. Consumers accept the narrower roles.
type Backend interface {
	Control
	Work
	Read

	// Close ends all use of the store and waits for calls in progress. It may be
	// called more than once.
	Close() error
}

// Control starts and operates instances. None of it needs a worker.
type Control interface {
	// Create adds instances. A result answers engine.ErrInstanceAlreadyExists,
	// with the Instance that is in the way, when the id is taken under the
	// creation's policy.
	Create(ctx context.Context, cs []Creation) []CreateResult

	// Deliver puts events into inboxes and wakes their instances. An error is
	// engine.ErrInstanceNotFound if no open execution has that address. A
	// Delivery.ID that was accepted before is answered with nil and changes
	// nothing, for at least ten minutes, whatever has become of the execution.
	Deliver(ctx context.Context, ds []Delivery) []error

	// Terminate ends open instances, blocked and paused ones too: it appends the
	// given event, sets the status terminated, invalidates leases, deletes
	// what is pending, and applies the closings, children of policy terminate
	// included. engine.ErrInstanceNotFound if there is no open execution.
	Terminate(ctx context.Context, ts []Termination) []error

	// Pause sets or clears the paused flag of open instances, and leaves a note of
	// that, also if the flag was so. The holder of a lease learns of the flag from
	// its next extend or commit. An error is engine.ErrInstanceNotFound if there is
	// no open execution, or engine.ErrInvalidArgument.
	Pause(ctx context.Context, ps []PauseChange) []error

	// Retry makes blocked instances ready for every build at once, by forgetting
	// which builds failed, also on instances that run again, and leaves a note of
	// that. The blocked ones stay so until a worker commits another status, so that
	// WorkflowClaim.MaxBlocked bounds their number here too. With DropInbox it also
	// throws away the event of that inbox row, and puts Dropped in its place, so that
	// the history tells of it; a row that is gone already stays so. An error is
	// engine.ErrInstanceNotFound if there is no open execution, or
	// engine.ErrInvalidArgument; none if it is not blocked.
	Retry(ctx context.Context, rs []RetryRequest) []error

	// Remove deletes final executions with all their rows. An error is
	// engine.ErrInstanceNotFound, or engine.ErrInstanceNotFinished.
	Remove(ctx context.Context, is []engine.Instance) []error
}

// Work claims tasks, keeps their leases and commits their results.
type Work interface {
	// ClaimWorkflows leases up to Max ready executions, those ready longest
	// first, and returns at once when none is ready. An execution whose last
	// worker is another one with a fresh heartbeat is left to it for
	// PreferLastWorker.
	ClaimWorkflows(ctx context.Context, c WorkflowClaim) (WorkflowClaimed, error)

	// CommitWorkflows applies steps. See WorkflowCommit for the fence.
	CommitWorkflows(ctx context.Context, cs []WorkflowCommit) []WorkflowCommitted

	// ExtendWorkflows prolongs leases and fetches what has come in for their
	// executions. It makes nothing durable but the lease; a store need not sync.
	// engine.ErrLeaseLost as for a commit.
	ExtendWorkflows(ctx context.Context, es []WorkflowExtension) []WorkflowCommitted

	// ClaimActivities leases up to Max ready activity rows, those ready longest
	// first, and returns at once when none is ready. An expired lease counts as
	// an attempt: such a task comes with Lost set and Attempt one higher.
	ClaimActivities(ctx context.Context, c ActivityClaim) (ActivityClaimed, error)

	// CommitActivities ends attempts: it delivers the event to the execution and
	// deletes the row, or reschedules it. engine.ErrLeaseLost if the row is gone
	// or leased under another token: then nothing was delivered.
	CommitActivities(ctx context.Context, cs []ActivityCommit) []error

	// ExtendActivities prolongs leases and stores heartbeat details. The error is
	// engine.ErrLeaseLost if the row is gone (canceled, its execution ended) or
	// leased under another token.
	ExtendActivities(ctx context.Context, es []ActivityExtension) []error

	// Heartbeat stores that a worker is alive and what it does. A Stopped
	// heartbeat removes the row. The store may do its housekeeping here.
	Heartbeat(ctx context.Context, w Worker) error
}

// Read is what clients wait with and consoles look through. It sees committed
// state only and never takes a lease.
type Read interface {
	// Get returns the summary of an execution; without an ExecutionID, of the
	// current or else the latest execution of that InstanceID.
	// engine.ErrInstanceNotFound if there is none.
	Get(ctx context.Context, i engine.Instance) (Summary, error)

	// History returns the chunks whose events have a sequence number above after,
	// in order, at most limit chunks (0: all). The first chunk may begin at or
	// below after. engine.ErrInstanceNotFound if there is no such execution; the
	// ExecutionID is required.
	History(ctx context.Context, i engine.Instance, after int64, limit int) ([]Chunk, error)

	// Pending returns the inbox, timers, activities and lease of an execution,
	// at most limit rows of each (0: all).
	Pending(ctx context.Context, i engine.Instance, limit int) (Pending, error)

	// List returns one page of the executions that match.
	List(ctx context.Context, q Query) (Page, error)

	// Count returns how many executions match, by status. Order, Limit and
	// Cursor are ignored.
	Count(ctx context.Context, q Query) (map[engine.Status]int64, error)

	// Queues returns depth and age of every queue that has open work.
	Queues(ctx context.Context) ([]QueueStats, error)

	// Workers returns the heartbeat rows, latest seen first.
	Workers(ctx context.Context) ([]Worker, error)

	// Info describes the store.
	Info(ctx context.Context) (Info, error)

	// Subscribe returns hints about changes, so that nobody needs to poll for
	// what happens in this process, or in others where the store can tell. A
	// hint may come late, twice, or for nothing; a subscriber must look for
	// itself, and look now and then without a hint.
	Subscribe(topics ...Topic) *Subscription
}

// PreferLastWorker is how long ready executions are left to the worker that ran
// them last, whose caches are warm.
const PreferLastWorker = 200 * time.Millisecond

// Address names who receives a Delivery.
type Address struct {
	InstanceID string
	// ExecutionID, unless empty, restricts the address to that execution.
	ExecutionID string
	// FirstExecution, unless empty, restricts it to executions of the chain of
	// continue-as-new that began with that execution.
	FirstExecution string
}

// Delivery is one event on its way to an inbox.
type Delivery struct {
	// ID makes a repeated delivery harmless. Inside a WorkflowCommit it is empty:
	// the StepID covers it.
	ID string
	To Address
	// Event is a single event. Its Seq is 0.
	Event history.Encoded
	// Accepted and Refused, inside a WorkflowCommit only and unless nil, are
	// delivered back to the committing execution when the event was put into an
	// inbox or when no open execution had the address.
	Accepted history.Encoded
	Refused  history.Encoded
}

// IDReuse says what Create does when the InstanceID is known already.
type IDReuse string

// The closed set of id-reuse policies.
const (
	// IDReuseFinished allows a new execution once the last one is final.
	IDReuseFinished IDReuse = "reuse_finished"
	// IDReuseReject refuses an id that was ever used and not removed.
	IDReuseReject IDReuse = "reject"
	// IDReuseTerminate terminates an open execution with Creation.Terminate.
	IDReuseTerminate IDReuse = "terminate_running"
	// IDReuseReturn answers the open execution, and puts Creation.Inbox into its
	// inbox, or else starts a new one. A repeated ExecutionID is answered like the
	// first and puts nothing, for at least ten minutes.
	IDReuseReturn IDReuse = "return_existing"
)

// Creation is a new execution.
type Creation struct {
	Instance engine.Instance
	// FirstExecution is Instance.ExecutionID, except at continue-as-new.
	FirstExecution string
	Workflow       string
	Queue          engine.Queue
	Parent         *engine.Instance
	Tags           map[string]string
	TraceID        string
	// Started is the WorkflowStarted event, the first row of the inbox.
	Started history.Encoded
	// Inbox are single events that follow it, as if delivered to the InstanceID.
	Inbox []history.Encoded
	// Delay postpones readiness, unless something is delivered or a timer is due
	// before.
	Delay    time.Duration
	Timers   []Timer
	Closings []Closing
	// Reuse is IDReuseFinished if empty.
	Reuse IDReuse
	// Terminate is the event that ends a running execution under
	// IDReuseTerminate.
	Terminate history.Encoded
	// Taken, inside a WorkflowCommit only, is delivered back to the committing
	// execution when the id is taken.
	Taken history.Encoded
}

// CreateResult answers a Creation.
type CreateResult struct {
	// Instance is the execution that exists now: the new one, or the one in the
	// way.
	Instance engine.Instance
	// Existed tells that IDReuseReturn found an open execution.
	Existed bool
	Err     error
}

// Timer is an event that joins the inbox at its time.
type Timer struct {
	Ref  int64
	Slot TimerSlot
	// Due is by the store's clock. If it is zero, After counts from the moment of
	// the write.
	Due   time.Time
	After time.Duration
	Event history.Encoded
}

// TimerSlot tells apart timers of the same Ref.
type TimerSlot int8

// The closed set of timer slots.
const (
	// SlotTimer is a timer of the workflow, or the execution's timeout (Ref 0).
	SlotTimer TimerSlot = 0
	// SlotScheduleToStart is dropped by the store when the activity of the same
	// Ref is claimed for the first time.
	SlotScheduleToStart TimerSlot = 1
	// SlotScheduleToClose bounds an activity with all its attempts.
	SlotScheduleToClose TimerSlot = 2
)

// Closing is a delivery to make when an execution ends. One to an address
// nobody has any more is skipped.
type Closing struct {
	// Ref is the command that started the child, or 0.
	Ref int64
	// On says at which ends it is made.
	On ClosingTrigger
	To Address
	// Terminate makes it a Termination with Event as the final event; otherwise
	// Event goes to the inbox.
	Terminate bool
	Event     history.Encoded
}

// ClosingTrigger says which ends of an execution a Closing is for.
type ClosingTrigger string

// The closed set of closing triggers.
const (
	// OnEnd is every end: a final commit, continue-as-new, Terminate.
	OnEnd ClosingTrigger = "end"
	// OnTerminate is Terminate alone, where no worker can tell the parent.
	OnTerminate ClosingTrigger = "terminate"
)

// Termination ends an instance from outside.
type Termination struct {
	To Address
	// Event is the WorkflowTerminated event. The store gives it the next
	// sequence number.
	Event history.Encoded
	// Error is the last-error line of the summary.
	Error string
}

// PauseChange sets the paused flag.
type PauseChange struct {
	To     Address
	Paused bool
	// Reason is kept in the note, see engine.CheckReason.
	Reason string
}

// RetryRequest unblocks an instance.
type RetryRequest struct {
	To Address
	// DropInbox is the id of an inbox row whose event is thrown away, or 0.
	DropInbox int64
	// Dropped is the EventDropped event that takes its place. DropInbox needs it.
	Dropped history.Encoded
	// Reason is kept in the note, see engine.CheckReason.
	Reason string
}
