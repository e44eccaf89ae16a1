// Package history defines the facts that make up the durable past of a workflow
// instance: a closed set of events, their wire format, and the checks that a
// stored history is well formed.
//
// The wire format is versioned JSON. Version 1 is frozen by the golden files in
// testdata/v1: fields may be added, none is ever renamed, removed or given
// another meaning.
package history

import (
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
)

// Event is one immutable fact about an execution.
type Event struct {
	// Seq is the position in the history, from 1; 0 while the event waits in an
	// inbox.
	Seq int64
	// At is when it happened by the store's clock, in UTC, to the nanosecond.
	At time.Time
	// Ref is the ordinal, from 1, of the command that the event belongs to; 0
	// for events of the whole execution. Answers carry the Ref of the command
	// they answer.
	Ref int64
	// Body holds the rest; its type is the kind of the event.
	Body Body
}

// Kind names the type of a Body in storage and on screen.
type Kind string

// Kind returns the kind of e's body, or "" if it has none.
func (e Event) Kind() Kind {
	if e.Body == nil {
		return ""
	}
	return e.Body.Kind()
}

// Body is the part of an event that depends on its kind. The set is closed:
// only types of this package implement it. Exhaustive switches over it are
// checked by lint.
//
//sumtype:decl
type Body interface {
	// Kind is the same for every value of a type.
	Kind() Kind
	encode(*coder)
}

// Site is a place in workflow code: the one that issued a command.
type Site struct {
	// Function is the function with its package path.
	Function string `json:"func,omitempty"`
	// File is the base name of the file.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// IsZero reports whether the site is unknown.
func (s Site) IsZero() bool { return s == Site{} }

// Headers are what context propagators carry from caller to callee. They take
// no part in the check for determinism.
type Headers map[string]string

// Trace is the W3C trace context of whoever caused the event.
type Trace struct {
	Parent string `json:"traceparent,omitempty"`
	State  string `json:"tracestate,omitempty"`
}

// ID returns the trace id, or "" if t does not look like a trace context.
func (t Trace) ID() string { return t.part(1) }

// SpanID returns the id of the span, or "" if t does not look like a trace context.
func (t Trace) SpanID() string { return t.part(2) }

// part returns one of version, trace id, span id and flags.
func (t Trace) part(n int) string {
	parts := strings.SplitN(t.Parent, "-", 4)
	if len(parts) != 4 {
		return ""
	}
	return parts[n]
}

// Run is how one attempt of an activity went, for the console and for traces.
type Run struct {
	Attempt   int       `json:"attempt,omitempty"`
	Scheduled time.Time `json:"scheduled,omitzero"`
	Started   time.Time `json:"started,omitzero"`
	Worker    string    `json:"worker,omitempty"`
	Build     string    `json:"build,omitempty"`
}

// Parent tells a child who started it.
type Parent struct {
	engine.Instance

	// Ref is the command of the parent that started the child.
	Ref int64 `json:"ref"`
	// Workflow is the name of the parent's workflow.
	Workflow string `json:"workflow,omitempty"`
}

// ParentClosePolicy says what becomes of a child when its parent ends.
type ParentClosePolicy string

// The closed set of parent-close policies.
const (
	ParentCloseCancel    ParentClosePolicy = "cancel"
	ParentCloseTerminate ParentClosePolicy = "terminate"
	ParentCloseAbandon   ParentClosePolicy = "abandon"
)

// Timeouts of an activity; 0 means none.
type Timeouts struct {
	ScheduleToStart time.Duration
	StartToClose    time.Duration
	ScheduleToClose time.Duration
	Heartbeat       time.Duration
}
