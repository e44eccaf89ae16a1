package backend

import (
	"encoding/json"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Chunk is a stored run of consecutive events.
type Chunk struct {
	// First is the sequence number of the first event.
	First  int64
	Count  int
	Events history.Encoded
}

// Summary is what is stored beside an execution, so that lists and filters never
// read a history.
type Summary struct {
	Instance       engine.Instance
	FirstExecution string
	Workflow       string
	Queue          engine.Queue
	Status         engine.Status
	// Paused is false once the execution is final.
	Paused bool
	// BlockClass and Block are set while Status is blocked.
	BlockClass    string
	Block         json.RawMessage
	BlockedBuilds []string
	Waiting       *engine.Waiting
	// Note is what an operator asked last, nil if nobody ever did. It outlives the
	// end of the execution; the next one begins with it only if it begins paused.
	Note       *engine.Note
	StatusLine string
	LastError  string
	Attempt    int
	Created    time.Time
	// Updated is when the execution was created, committed, terminated, paused,
	// resumed or retried last.
	Updated       time.Time
	Finished      time.Time // zero while open
	HistoryLength int64
	// HistoryBytes is the sum of the lengths of its chunks.
	HistoryBytes int64
	Local        int // activities running at the holder, as of the last step
	Worker       string
	Build        string
	Parent       *engine.Instance
	TraceID      string
	Tags         map[string]string
	// Inbox is how many delivered events are not in history yet. Lists leave it 0.
	Inbox int
	// Unread is how many delivered events nobody had read when it ended, without
	// those that moved to the next execution.
	Unread int
}

// Order of a list. The order of creation is that of Summary.Created, unless the
// store's clock was set back; then a store may take it for either.
type Order string

// The closed set of orders. Ties are broken by the order of creation, in the
// same direction.
const (
	OrderCreated Order = "created" // the default
	OrderUpdated Order = "updated"
	OrderAttempt Order = "attempt"
)

// Query selects executions. The zero value selects all, newest first. All set
// fields must match; values inside one field are alternatives.
type Query struct {
	Statuses []engine.Status
	Paused   *bool
	// Workflows are patterns: "*" matches any run of characters, everything else
	// itself, case-sensitively.
	Workflows []string
	Queues    []engine.Queue
	// IDPrefix matches the beginning of the InstanceID.
	IDPrefix string
	// InstanceID matches the whole of it.
	InstanceID string
	// ParentID and ParentExecution select children.
	Parent        *engine.Instance
	CreatedAfter  time.Time // inclusive
	CreatedBefore time.Time // exclusive
	UpdatedAfter  time.Time
	UpdatedBefore time.Time
	// FinishedBefore selects final executions only.
	FinishedBefore time.Time
	MinAttempt     int
	WaitingKind    engine.WaitKind
	WaitingName    string
	// ErrorContains is a substring of the last error, case-insensitive in ASCII.
	ErrorContains string
	BlockClass    string
	Build         string
	// Tags must all be there.
	Tags map[string]string

	Order     Order
	Ascending bool
	// Limit is at most 1,000; 0 means 100.
	Limit int
	// Cursor is Page.Next of the page before, with otherwise the same query.
	Cursor string
}

// Limits of Query.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Page is one page of a list.
type Page struct {
	Items []Summary
	// Next is the cursor of the following page, or "" at the end.
	Next string
	Now  time.Time
}

// Pending is what an execution has outside its history.
type Pending struct {
	Inbox      []InboxRow
	Timers     []Timer
	Activities []PendingActivity
	Closings   []Closing
	// Holder and LeaseUntil describe the lease, if there is one.
	Holder     string
	LeaseUntil time.Time
	// ReadyAt is when the execution is ready, or for a blocked one, when a build
	// that failed on it may try again; zero if nothing will wake it.
	ReadyAt time.Time
}

// PendingActivity is an activity row and its lease.
type PendingActivity struct {
	ActivityRow

	ReadyAt    time.Time
	Started    time.Time // of the attempt in progress, or zero
	Holder     string
	LeaseUntil time.Time
	Details    engine.Payload
}

// QueueStats is depth and age of one queue.
type QueueStats struct {
	Queue engine.Queue
	Kind  QueueKind
	// Ready tasks wait for a worker; Leased ones have one; Delayed ones wait for
	// their time (for workflows: for a timer).
	Ready   int64
	Leased  int64
	Delayed int64
	// OldestReady is since when the task that waits longest has been ready; zero
	// if none waits.
	OldestReady time.Time
}

// QueueKind tells workflow queues from activity queues of the same name.
type QueueKind string

// The closed set of queue kinds.
const (
	QueueWorkflow QueueKind = "workflow"
	QueueActivity QueueKind = "activity"
)

// Info describes a store.
type Info struct {
	// Kind is the adapter: memory, sqlite, mysql, postgres, redis.
	Kind string
	// Version of the server or library.
	Version string
	// Durability says in the store's own words what an acknowledged write
	// survives, for example "synchronous=FULL".
	Durability string
	Schema     int
	ReadOnly   bool
	Now        time.Time
}
