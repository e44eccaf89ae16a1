package executor

import (
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Step is everything that one task of an execution brought about, as plain data.
// The caller makes it durable whole, and only then performs it.
type Step struct {
	// Events to append, numbered, beginning with a TaskStarted. Empty if there was
	// nothing to do.
	Events []history.Event

	// StartActivities are newly scheduled and not canceled in the same step.
	StartActivities []StartActivity
	// DropActivities are the refs of activities resolved or canceled in this step:
	// rows, timers and running functions of them are to go.
	DropActivities []int64

	StartTimers []StartTimer
	DropTimers  []int64

	StartChildren []StartChild
	// CancelChildren are to be asked to cancel.
	CancelChildren []CancelChild
	// DropChildren are the refs of children that have ended.
	DropChildren []int64

	Signals []SendSignal

	// Status after the step: running, or final.
	Status engine.Status
	// Final is the last of Events if Status is final, or nil.
	Final history.Body
	// Parent is to be told of Final, unless nil. It is nil at continue-as-new.
	Parent *Answer
	// Next is the execution to start, for StatusContinuedAsNew.
	Next *Next

	// Waiting is nil if the execution ended.
	Waiting *engine.Waiting
	// Tags, StatusLine and LastError are nil if unchanged. Tags are all tags.
	Tags       map[string]string
	StatusLine *string
	LastError  *string
	// Attempt is the highest attempt of an unresolved activity.
	Attempt int

	// Warnings are differences that the check for determinism lets pass.
	Warnings []Warning
	// Abandoned names what was still pending when the workflow function returned.
	Abandoned []string
	// Notes are what workflow.Note collected.
	Notes []any
}

// StartActivity is an activity to run.
type StartActivity struct {
	Event history.Event
	Body  history.ActivityScheduled
}

// StartTimer is a timer to set.
type StartTimer struct {
	Ref   int64
	Until time.Time
}

// StartChild is a child to create.
type StartChild struct {
	Event history.Event
	Body  history.ChildScheduled
}

// CancelChild is a child to ask to cancel.
type CancelChild struct {
	Ref   int64
	Child engine.Instance
}

// SendSignal is a signal to deliver.
type SendSignal struct {
	Event history.Event
	Body  history.SignalSent
}

// Answer is an event for the inbox of the execution that started this one.
type Answer struct {
	To    engine.Instance
	Event history.Event
}

// Next is the execution that follows at continue-as-new.
type Next struct {
	Instance engine.Instance
	Started  history.WorkflowStarted
	// Cancel, unless nil, is a request to cancel that came after the workflow
	// function had returned: it is the second event of the next execution.
	Cancel *history.CancelRequested
}

// Warning is a difference between history and code that is let pass.
type Warning struct {
	Seq     int64
	Message string
}

// PendingActivity is an unresolved activity, for a holder that takes an
// execution over.
type PendingActivity struct {
	Ref       int64
	Scheduled time.Time
	Body      history.ActivityScheduled
	// Attempt is the one in progress, as far as history knows: 1, or one more than
	// the last failed attempt in history.
	Attempt int
}
