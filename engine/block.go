package engine

import "encoding/json"

// BlockReason says why an instance is parked. It is stored with the instance as
// JSON, and grows like the wire format of events: fields are only added. It
// never holds values of payloads.
type BlockReason struct {
	Class BlockClass `json:"class"`
	// Message is one line for people.
	Message string `json:"message"`
	// Seq is the history event at which replay stopped, or 0.
	Seq int64 `json:"seq,omitempty"`
	// Event is the kind of the event that could not be applied.
	Event string `json:"event,omitempty"`
	// Inbox is the inbox row that holds it, if it isn't in history yet.
	Inbox int64 `json:"inbox,omitempty"`
	// Expected is what history records, Issued what the code did; either may be
	// missing.
	Expected *BlockCommand `json:"expected,omitempty"`
	Issued   *BlockCommand `json:"issued,omitempty"`
	// Stack of the coroutine that issued it, or that is stuck.
	Stack string `json:"stack,omitempty"`
	Build string `json:"build,omitempty"`
	// Worker that found it.
	Worker string `json:"worker,omitempty"`
	// Report is what package diagnostics makes of it, a diagnostics.Report, so that it
	// can be shown without the code. It is missing if the history could not be read.
	Report json.RawMessage `json:"report,omitempty"`
}

// BlockCommand is one side of a mismatch.
type BlockCommand struct {
	Kind string `json:"kind"`
	Ref  int64  `json:"ref,omitempty"`
	// Name of the activity, workflow, timer, signal or change id.
	Name string `json:"name,omitempty"`
	// Function, File and Line are the call site.
	Function string `json:"func,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	// Detail says what differs when kind and name agree.
	Detail string `json:"detail,omitempty"`
}

// BlockClass is the kind of a BlockReason. Diagnostics names finer classes of
// nondeterminism.
type BlockClass string

// The closed set of block classes.
const (
	BlockNondeterminism BlockClass = "NONDETERMINISM"
	BlockVersion        BlockClass = "VERSION"
	BlockHang           BlockClass = "HANG"
	BlockDecode         BlockClass = "DECODE"
	BlockHistoryLimit   BlockClass = "HISTORY_LIMIT"
)
