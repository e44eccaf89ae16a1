package history

import "github.com/wfops/wfops/engine"

// Class groups the kinds by what they are to an execution.
type Class int8

// The closed set of classes.
const (
	// ClassExecution events concern the execution as a whole. Ref is 0.
	ClassExecution Class = iota
	// ClassFinal events end the execution. Ref is 0.
	ClassFinal
	// ClassCommand events are requests of workflow code, each with the next Ref.
	ClassCommand
	// ClassCancel events withdraw the command of their Ref.
	ClassCancel
	// ClassAnswer events say what became of the command of their Ref.
	ClassAnswer
	// ClassMarker events record a decision of workflow code, without taking part
	// in the count of commands. Ref is 0.
	ClassMarker
)

// ClassOf returns the class of b.
func ClassOf(b Body) Class {
	switch b.(type) {
	case WorkflowStarted, TaskStarted, SignalReceived, EventDropped, CancelRequested, WorkflowTimedOut:
		return ClassExecution
	case WorkflowCompleted, WorkflowFailed, WorkflowCanceled, WorkflowTerminated, WorkflowContinuedAsNew:
		return ClassFinal
	case ActivityScheduled, TimerScheduled, ChildScheduled, SignalSent, SideEffectRecorded, MutableSideEffectRecorded:
		return ClassCommand
	case ActivityCanceled, TimerCanceled, ChildCancelRequested:
		return ClassCancel
	case ActivityCompleted, ActivityFailed, ActivityAttemptFailed, TimerFired, ChildCompleted, ChildFailed,
		SignalDelivered, SignalFailed:
		return ClassAnswer
	case VersionMarked:
		return ClassMarker
	}
	return ClassExecution
}

// IsCommand reports whether b is a request that has a Ref of its own.
func IsCommand(b Body) bool { return ClassOf(b) == ClassCommand }

// IsFinal reports whether nothing follows b.
func IsFinal(b Body) bool { return ClassOf(b) == ClassFinal }

// FinalStatus returns the status of an execution that ended with b, or false if
// b is not final.
func FinalStatus(b Body) (status engine.Status, ok bool) {
	switch b.(type) {
	case WorkflowCompleted:
		return engine.StatusCompleted, true
	case WorkflowFailed:
		return engine.StatusFailed, true
	case WorkflowCanceled:
		return engine.StatusCanceled, true
	case WorkflowTerminated:
		return engine.StatusTerminated, true
	case WorkflowContinuedAsNew:
		return engine.StatusContinuedAsNew, true
	case WorkflowStarted, TaskStarted, SignalReceived, EventDropped, CancelRequested, WorkflowTimedOut,
		ActivityScheduled, TimerScheduled, ChildScheduled, SignalSent, SideEffectRecorded, MutableSideEffectRecorded,
		ActivityCanceled, TimerCanceled, ChildCancelRequested,
		ActivityCompleted, ActivityFailed, ActivityAttemptFailed, TimerFired, ChildCompleted, ChildFailed,
		SignalDelivered, SignalFailed,
		VersionMarked:
		return "", false
	}
	return "", false
}

// Target returns the kind of command that the Ref of b names, for a cancel or an
// answer; otherwise "".
func Target(b Body) Kind {
	switch b.(type) {
	case ActivityCanceled, ActivityCompleted, ActivityFailed, ActivityAttemptFailed:
		return KindActivityScheduled
	case TimerCanceled, TimerFired:
		return KindTimerScheduled
	case ChildCancelRequested, ChildCompleted, ChildFailed:
		return KindChildScheduled
	case SignalDelivered, SignalFailed:
		return KindSignalSent
	case WorkflowStarted, TaskStarted, SignalReceived, EventDropped, CancelRequested, WorkflowTimedOut,
		WorkflowCompleted, WorkflowFailed, WorkflowCanceled, WorkflowTerminated, WorkflowContinuedAsNew,
		ActivityScheduled, TimerScheduled, ChildScheduled, SignalSent, SideEffectRecorded, MutableSideEffectRecorded,
		VersionMarked:
		return ""
	}
	return ""
}
