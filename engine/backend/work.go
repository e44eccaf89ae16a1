package backend

import (
	"encoding/json"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// WorkflowClaim asks for executions to run.
type WorkflowClaim struct {
	Worker string
	Build  string
	Queues []engine.Queue
	// Workflows are the registered names. Executions of other names are left
	// alone.
	Workflows []string
	Max       int
	// MaxBlocked bounds how many of Max may be blocked executions that this
	// build has not been seen to fail on, or whose retry time has come.
	MaxBlocked int
	Lease      time.Duration
}

// WorkflowClaimed answers a WorkflowClaim.
type WorkflowClaimed struct {
	Tasks []WorkflowTask
	Now   time.Time
	// Next is when the earliest execution that is not ready yet will be, for the
	// claim's queues; zero if there is none. It may be early.
	Next time.Time
}

// WorkflowTask is a leased execution.
type WorkflowTask struct {
	Instance       engine.Instance
	FirstExecution string
	Workflow       string
	Queue          engine.Queue
	Status         engine.Status
	Token          string
	LeaseUntil     time.Time
	// LastSeq and LastStep are the fence: a cached executor may go on only if
	// both are what it knows.
	LastSeq  int64
	LastStep string
	// HistoryBytes is the size of the encoded history.
	HistoryBytes int64
	Tags         map[string]string
	Created      time.Time

	Arrivals

	// LocalActivities is the number of activities that ran at the last holder
	// when its lease ran out. If it is above zero, ActivityRefs are the refs of
	// the activities that have a row: what is unresolved, has no row and no
	// answer in the inbox was lost.
	LocalActivities int
	ActivityRefs    []int64
	// LastWorker is the author of the last commit.
	LastWorker string
}

// Arrivals is what has come in for a leased execution. A holder can see the same
// inbox row or timer more than once until it is consumed, and tells them apart
// by id.
type Arrivals struct {
	// Inbox holds at most MaxInbox rows, oldest first.
	Inbox []InboxRow
	// More tells that the inbox holds further rows.
	More bool
	// Timers are due.
	Timers []Timer
	// NextTimer is when the next timer is due, or zero.
	NextTimer time.Time
	Paused    bool
}

// MaxInbox is how many inbox rows an answer holds at most.
const MaxInbox = 1000

// InboxRow is one delivered event.
type InboxRow struct {
	ID    int64
	Event history.Encoded
}

// WorkflowCommit is one step of one execution, applied whole or not at all.
//
// The store first compares Token and ExpectSeq with the execution's row. If they
// differ it answers engine.ErrLeaseLost and changes nothing, except that a
// StepID equal to the row's LastStep means that this very commit was applied
// before: it answers like then, with current Arrivals.
type WorkflowCommit struct {
	Instance  engine.Instance
	Token     string
	ExpectSeq int64
	StepID    string

	// Events are appended to history as one chunk of Count events that begins at
	// ExpectSeq+1. Count may be 0.
	Events history.Encoded
	Count  int

	// Consume are ids of inbox rows that Events made part of history. Ids that
	// are gone already are ignored.
	Consume []int64

	AddTimers []Timer
	// DropTimers are refs; every slot of them is deleted.
	DropTimers []TimerKey

	AddActivities []ActivityRow
	// DropActivities are refs, of activities resolved or canceled. Their holders
	// get engine.ErrLeaseLost.
	DropActivities []int64
	// Local is how many activities run at the holder, without a row, from this
	// commit on.
	Local int

	// Start are children, Deliver events for others. Children come first, so that
	// a signal reaches one of the same step. A child that replaces the committing
	// execution, or one whose closings terminate it, leaves it terminated,
	// whatever Status says.
	Start   []Creation
	Deliver []Delivery

	AddClosings []Closing
	// DropClosings are refs of children that have ended.
	DropClosings []int64

	// Status after this step. A final status deletes inbox, timers, activities
	// and closings, after the closings of trigger OnEnd were delivered.
	Status engine.Status
	// Next is the execution that follows, for StatusContinuedAsNew. Inbox rows
	// that are not in Consume move to its inbox, after its own, if they came by
	// an address without an ExecutionID; others are dropped. The paused flag
	// moves too.
	Next *Creation

	// Block, for StatusBlocked, says why. A commit of another status ends that,
	// and takes Summary.Build from the builds that can't run the execution; the
	// verdict on other builds stays, and claims of theirs leave it alone.
	Block *Block

	Summary SummaryUpdate

	// Lease prolongs the lease by this much; 0 gives it back. After a final or
	// blocked status it is given back in any case.
	Lease time.Duration
	// OnlyIfReady gives the lease back in spite of Lease, unless the execution would
	// be ready at once: something that wakes it is left in its inbox, or a timer is
	// due. A paused execution is not ready.
	OnlyIfReady bool
	// ReadyAfter postpones readiness after giving the lease back, for an
	// execution that this worker can't run, unless something is delivered before;
	// 0 means no delay.
	ReadyAfter time.Duration
}

// TimerKey names a timer. Slot AllSlots means every slot of the Ref.
type TimerKey struct {
	Ref  int64
	Slot TimerSlot
}

// AllSlots in a TimerKey means every timer of its Ref.
const AllSlots TimerSlot = -1

// SummaryUpdate are the columns of Summary that a step sets.
type SummaryUpdate struct {
	Worker string
	Build  string
	// Waiting is nil when the execution waits for nothing.
	Waiting *engine.Waiting
	// Tags replace the stored ones, unless nil.
	Tags map[string]string
	// StatusLine and LastError replace the stored ones, unless nil.
	StatusLine *string
	LastError  *string
	// Attempt is the highest attempt of an unresolved activity, for sorting by
	// trouble.
	Attempt int
}

// Block is why an execution is parked.
type Block struct {
	// Reason is a structured report, see engine.BlockReason.
	Reason json.RawMessage
	// Class is the class of the reason, for filters.
	Class string
	// Build is added to the builds that can't run the execution. The store keeps
	// the last eight.
	Build string
	// RetryAfter is when the same build may try again, for transient reasons; 0
	// means that only another build may.
	RetryAfter time.Duration
	// Keep are events that only the holder had in memory, put into the inbox so
	// that they are not lost.
	Keep []history.Encoded
}

// WorkflowCommitted answers a commit or an extend.
type WorkflowCommitted struct {
	Arrivals

	Now time.Time
	// LeaseUntil is zero if the lease was given back, or is another's.
	LeaseUntil time.Time
	Err        error
}

// WorkflowExtension prolongs the lease of an execution.
type WorkflowExtension struct {
	Instance engine.Instance
	Token    string
	Lease    time.Duration
}

// ActivityRow is an activity for any worker to claim.
type ActivityRow struct {
	Ref   int64
	Name  string
	Queue engine.Queue
	// Event is the ActivityScheduled event.
	Event     history.Encoded
	Scheduled time.Time
	Attempt   int
	// After postpones the attempt from the moment of the write.
	After time.Duration
	// LastError is the line of the failure before.
	LastError string
}

// ActivityClaim asks for activities to run.
type ActivityClaim struct {
	Worker     string
	Build      string
	Queues     []engine.Queue
	Activities []string // registered names
	Max        int
	Lease      time.Duration
}

// ActivityClaimed answers an ActivityClaim.
type ActivityClaimed struct {
	Tasks []ActivityTask
	Now   time.Time
	// Next is when the earliest row that is not ready yet will be, or zero. It
	// may be early.
	Next time.Time
}

// ActivityTask is a leased activity.
type ActivityTask struct {
	ActivityRow

	Instance   engine.Instance
	Workflow   string
	Token      string
	LeaseUntil time.Time
	// Started is the store's time of this claim.
	Started time.Time
	// Details are what the attempts before last reported by heartbeat.
	Details engine.Payload
	// Lost is the attempt whose lease ran out, if this claim took it over.
	Lost *LostAttempt
}

// LostAttempt is an attempt whose worker vanished.
type LostAttempt struct {
	Attempt int
	Worker  string
	Started time.Time
}

// ActivityCommit ends an attempt.
type ActivityCommit struct {
	Instance engine.Instance
	Ref      int64
	Token    string
	// Events are delivered to the execution's inbox, each a single event, all in
	// one transaction.
	Events []history.Encoded
	// Quiet leaves the execution asleep: the events join its history with
	// whatever wakes it next.
	Quiet bool
	// Retry keeps the row for another attempt.
	Retry *ActivityRetry
}

// ActivityRetry reschedules an activity row.
type ActivityRetry struct {
	Attempt   int
	After     time.Duration
	LastError string
}

// ActivityExtension prolongs the lease of an activity.
type ActivityExtension struct {
	Instance engine.Instance
	Ref      int64
	Token    string
	Lease    time.Duration
	// Details replace the stored heartbeat details, unless nil.
	Details engine.Payload
}

// Worker is a heartbeat row.
type Worker struct {
	ID     string
	Host   string
	PID    int
	Build  string
	VCS    string // revision, "+dirty" if the tree was modified; may be empty
	Queues []engine.Queue
	// Workflows and Activities are the registered names, so that a console can
	// say that no worker registers X.
	Workflows  []string
	Activities []string
	// Slots in use and in all.
	WorkflowsUsed, WorkflowSlots  int
	ActivitiesUsed, ActivitySlots int
	Leases                        int
	Warm                          int
	Started                       time.Time
	// Seen is set by the store.
	Seen time.Time
	// Unhealthy says why the worker claims less than it could, or is empty.
	Unhealthy string
	// Stopped removes the row.
	Stopped bool
}
