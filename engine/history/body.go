package history

import (
	"time"

	"github.com/wfops/wfops/engine"
)

// Events of the whole execution. Ref is 0.
type (
	// WorkflowStarted is the first event a workflow function sees.
	WorkflowStarted struct {
		Workflow string
		Args     []engine.Payload
		Queue    engine.Queue
		Parent   *Parent
		// FirstExecution is the execution that began the chain of
		// continue-as-new; ContinuedFrom the one right before, or "".
		FirstExecution string
		ContinuedFrom  string
		// Signals were in the history of ContinuedFrom and nobody had read them.
		Signals []CarriedSignal
		Tags    map[string]string
		// Deadline of the whole chain, or zero.
		Timeout  time.Duration
		Deadline time.Time
		Headers  Headers
		Trace    Trace
	}

	// TaskStarted begins the events of one step. Everything that the code issued
	// before it is in history already; replay checks that. Its At is what Now
	// returns until the next one.
	TaskStarted struct {
		Worker string
		Build  string
		// Bytes is the size of the encoded history before this step.
		Bytes int64
		// Suggest is whether the workflow was told to continue as new. It is stored
		// because it depends on limits that may change between two builds.
		Suggest bool
	}

	// SignalReceived hands a value to the signal channel of that name.
	SignalReceived struct {
		Name    string
		Arg     engine.Payload
		Sender  *engine.Instance
		Headers Headers
		Trace   Trace
	}

	// EventDropped stands for an event that an operator threw away, because nobody
	// could read it. It takes the place of that event in the inbox, and does not run
	// workflow code.
	EventDropped struct {
		// Event is what was thrown away, as it was delivered.
		Event Encoded
		// Reason is why, and at whose request, in the operator's words.
		Reason string
	}

	// CancelRequested asks the workflow to cancel.
	CancelRequested struct{ Reason string }

	// WorkflowTimedOut ends an execution that ran out of its ExecutionTimeout.
	WorkflowTimedOut struct{}

	// WorkflowCompleted is final, as are WorkflowFailed, WorkflowCanceled,
	// WorkflowTerminated and WorkflowContinuedAsNew: nothing follows them.
	WorkflowCompleted struct{ Result engine.Payload }
	// WorkflowFailed is final.
	WorkflowFailed struct{ Failure *engine.Failure }
	// WorkflowCanceled is final.
	WorkflowCanceled struct{ Failure *engine.Failure }
	// WorkflowTerminated is final. It is appended by the store, in a control
	// operation that needs no worker.
	WorkflowTerminated struct{ Reason string }
	// WorkflowContinuedAsNew is final; the instance goes on as NewExecution.
	WorkflowContinuedAsNew struct {
		NewExecution string
		Args         []engine.Payload
		Site         Site
	}
)

// Commands: what workflow code asked for. Ref is the ordinal of the command.
type (
	// ActivityScheduled asks for an activity.
	ActivityScheduled struct {
		Name     string
		ID       string
		Args     []engine.Payload
		Queue    engine.Queue
		Retry    engine.RetryPolicy
		Timeouts Timeouts
		Headers  Headers
		Trace    Trace
		Site     Site
	}

	// ActivityCanceled withdraws the activity of the same Ref.
	ActivityCanceled struct{ Site Site }

	// TimerScheduled asks for a wake-up.
	TimerScheduled struct {
		Name     string
		Duration time.Duration
		Until    time.Time
		Site     Site
	}

	// TimerCanceled withdraws the timer of the same Ref.
	TimerCanceled struct{ Site Site }

	// ChildScheduled asks for a sub-workflow.
	ChildScheduled struct {
		Workflow    string
		Instance    engine.Instance
		Args        []engine.Payload
		Queue       engine.Queue
		ParentClose ParentClosePolicy
		Attempt     int
		Headers     Headers
		Trace       Trace
		Site        Site
	}

	// ChildCancelRequested asks the child of the same Ref to cancel.
	ChildCancelRequested struct{ Site Site }

	// SignalSent signals another instance.
	SignalSent struct {
		InstanceID string
		Name       string
		Arg        engine.Payload
		Headers    Headers
		Trace      Trace
		Site       Site
	}

	// SideEffectRecorded keeps the value of a side effect, or why it has none.
	SideEffectRecorded struct {
		Value   engine.Payload
		Site    Site
		Failure *engine.Failure
	}

	// MutableSideEffectRecorded keeps the value that MutableSideEffect ID had
	// from its Call-th call on.
	MutableSideEffectRecorded struct {
		ID      string
		Call    int64
		Value   engine.Payload
		Site    Site
		Failure *engine.Failure
	}

	// VersionMarked keeps the answer that Version gave for a change id. It is
	// looked up by the change id in the whole history, and its place among the
	// commands is not checked. Ref is 0.
	VersionMarked struct {
		ChangeID string
		Version  int
		Site     Site
	}
)

// Answers. Ref is the command that is answered. An answer to a command that is
// resolved already, or that history does not have yet, is ignored.
type (
	// ActivityCompleted resolves an activity.
	ActivityCompleted struct {
		Result engine.Payload
		Run    Run
	}

	// ActivityFailed resolves an activity whose attempts are used up.
	ActivityFailed struct {
		Failure *engine.Failure
		Run     Run
	}

	// ActivityAttemptFailed tells of an attempt that is followed by another at
	// Next. It does not run workflow code.
	ActivityAttemptFailed struct {
		Failure *engine.Failure
		Run     Run
		Next    time.Time
	}

	// TimerFired resolves a timer.
	TimerFired struct{}

	// ChildCompleted resolves a sub-workflow.
	ChildCompleted struct{ Result engine.Payload }

	// ChildFailed resolves a sub-workflow that failed, was canceled or
	// terminated, or could not start because its id was taken.
	ChildFailed struct {
		Failure *engine.Failure
		// Status is what the child ended with; empty if it never started.
		Status engine.Status
	}

	// SignalDelivered resolves a signal that is in the target's inbox.
	SignalDelivered struct{}

	// SignalFailed resolves a signal whose target was not there.
	SignalFailed struct{ Failure *engine.Failure }
)

// CarriedSignal is a signal that moved over from the execution before.
type CarriedSignal struct {
	Name   string
	Arg    engine.Payload
	Sender *engine.Instance
	At     time.Time
}

// The kinds, as stored.
const (
	KindWorkflowStarted        Kind = "WorkflowStarted"
	KindTaskStarted            Kind = "TaskStarted"
	KindSignalReceived         Kind = "SignalReceived"
	KindEventDropped           Kind = "EventDropped"
	KindCancelRequested        Kind = "CancelRequested"
	KindWorkflowTimedOut       Kind = "WorkflowTimedOut"
	KindWorkflowCompleted      Kind = "WorkflowCompleted"
	KindWorkflowFailed         Kind = "WorkflowFailed"
	KindWorkflowCanceled       Kind = "WorkflowCanceled"
	KindWorkflowTerminated     Kind = "WorkflowTerminated"
	KindWorkflowContinuedAsNew Kind = "WorkflowContinuedAsNew"
	KindActivityScheduled      Kind = "ActivityScheduled"
	KindActivityCanceled       Kind = "ActivityCanceled"
	KindTimerScheduled         Kind = "TimerScheduled"
	KindTimerCanceled          Kind = "TimerCanceled"
	KindChildScheduled         Kind = "ChildScheduled"
	KindChildCancelRequested   Kind = "ChildCancelRequested"
	KindSignalSent             Kind = "SignalSent"
	KindSideEffectRecorded     Kind = "SideEffectRecorded"
	KindMutableSideEffect      Kind = "MutableSideEffectRecorded"
	KindVersionMarked          Kind = "VersionMarked"
	KindActivityCompleted      Kind = "ActivityCompleted"
	KindActivityFailed         Kind = "ActivityFailed"
	KindActivityAttemptFailed  Kind = "ActivityAttemptFailed"
	KindTimerFired             Kind = "TimerFired"
	KindChildCompleted         Kind = "ChildCompleted"
	KindChildFailed            Kind = "ChildFailed"
	KindSignalDelivered        Kind = "SignalDelivered"
	KindSignalFailed           Kind = "SignalFailed"
)
