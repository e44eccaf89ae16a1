// Package command holds what workflow code can ask for, as plain data, and the
// Sink it asks. Authoring packages talk to the Sink; the executor implements it.
// That is what keeps them from knowing each other.
package command

import (
	"log/slog"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Commands are requests made by workflow code; the Sink has a method for each. Each
// issued command has an ordinal, its Ref; what withdraws another one carries the Ref
// of that one instead.
type (
	// ScheduleActivity asks for an activity. Answered by its result.
	ScheduleActivity struct {
		Name     string
		ID       string
		Args     []engine.Payload
		Queue    engine.Queue
		Retry    engine.RetryPolicy
		Timeouts history.Timeouts
		Headers  history.Headers
	}

	// StartTimer asks for a wake-up. Answered without a value.
	StartTimer struct {
		Name  string
		After time.Duration
	}

	// StartChild asks for a sub-workflow. Answered by its result. Without an
	// InstanceID it gets one derived from the parent and the command.
	StartChild struct {
		Workflow    string
		InstanceID  string
		Args        []engine.Payload
		Queue       engine.Queue
		ParentClose history.ParentClosePolicy
		Attempt     int
		Headers     history.Headers
	}

	// SendSignal signals another instance. Answered without a value once the
	// signal is in the target's inbox.
	SendSignal struct {
		InstanceID string
		Name       string
		Arg        engine.Payload
		Headers    history.Headers
	}
)

// Outcome is where the answer to a command appears. It is read and written only
// while the execution's coroutines are being run, so it needs no lock.
type Outcome struct {
	// Ref is the ordinal of the command.
	Ref   int64
	Ready bool
	// Value and Failure are set once Ready is.
	Value   engine.Payload
	Failure *engine.Failure
	// Canceled tells that the command was withdrawn by Sink.Cancel.
	Canceled bool
}

// Signals is the buffer of one signal name. Values are taken from the front.
type Signals struct {
	Queue []Signal
}

// Signal is a received signal that nobody has read yet.
type Signal struct {
	Arg engine.Payload
	// Seq of the event that brought it, for the reason when it can't be decoded.
	Seq int64
	// Order is the ordinal of receipt over all names; At and Sender are kept for
	// the execution that the signal may move over to.
	Order  int64
	At     time.Time
	Sender *engine.Instance
}

// Waiter is what a coroutine is blocked on.
type Waiter interface {
	// Ready reports whether the coroutine can go on. It is called from other
	// goroutines, one at a time, must not use the Sink other than Now and Applied,
	// and must be cheap.
	Ready() bool
	// Waits describes it, with one Wait for each of several things. It is called when
	// somebody wants to know, which is not on replay.
	Waits() []Wait
}

// Wait describes what a coroutine is blocked on, for the waiting line and for
// reports.
type Wait struct {
	Kind WaitKind
	// Name of the signal or channel, if it has one.
	Name string
	// Outcome, for WaitOutcome.
	Outcome *Outcome
}

// WaitKind is what kind of thing a coroutine is blocked on.
type WaitKind int8

// The closed set of things to be blocked on.
const (
	// WaitOutcome: a command's answer.
	WaitOutcome WaitKind = iota
	// WaitSignal: a signal channel.
	WaitSignal
	// WaitChannel: a channel, wait group, mutex, semaphore or condition.
	WaitChannel
	// WaitSelect: several of the above, of which there is one Wait each.
	WaitSelect
)

// ChannelWatcher is implemented by a Sink that may want to look into channels.
type ChannelWatcher interface {
	// WatchChannels reports whether Channel is to be called.
	WatchChannels() bool
	// Channel is called once for each channel, when workflow code first sends to it,
	// receives from it or selects it. look describes what is in it now.
	Channel(look func() ChannelState)
}

// ChannelState is what is in a channel.
type ChannelState struct {
	// Type of its values.
	Type string
	// Size of its buffer, and the values in it, first to be received in front.
	Size   int
	Values []any
	// Senders and Receivers are how many coroutines wait.
	Senders, Receivers int
	Closed             bool
}

// Completion is how a workflow function ended.
type Completion struct {
	Result engine.Payload
	// Err is what the function returned; a *PanicError if it panicked.
	Err error
	// ContinueAsNew, unless nil, holds the arguments of the next execution.
	ContinueAsNew *ContinueAsNew
}

// ContinueAsNew asks for a fresh execution of the same instance.
type ContinueAsNew struct {
	Args    []engine.Payload
	Headers history.Headers
	Site    history.Site
}

// Details of the execution, as of the current step: the same live and on replay.
type Details struct {
	HistoryLength int64
	HistoryBytes  int64
	// ContinueAsNewSuggested is set from a fifth of the history limit on.
	ContinueAsNewSuggested bool
}

// Sink is what workflow code runs against. All methods are called from the
// coroutine that is running, except where noted, and return at once, except
// Wait. When the execution is being torn down (closed, mismatch found), a method
// does not return: it ends the calling coroutine, running its deferred calls, in
// which every method keeps ending the goroutine.
type Sink interface {
	// These record a command, with the call site of the workflow code that is
	// calling, and return where its answer will appear. Commands are large and
	// passed by value: in an interface each would cost an allocation.
	ScheduleActivity(c ScheduleActivity) *Outcome
	StartTimer(c StartTimer) *Outcome
	StartChild(c StartChild) *Outcome
	SendSignal(c SendSignal) *Outcome
	// Cancel withdraws commands that are not answered yet: timers first, then
	// activities, then children, each in the order of issue. Activities and timers
	// are answered at once with engine.ErrCanceled and Canceled set; for a child it
	// sends a request to cancel, and the child answers. Signals can't be canceled.
	Cancel(os ...*Outcome)

	// SideEffect returns the recorded value, or else calls f and records what it
	// returns. f must not use the Sink.
	SideEffect(f func() (engine.Payload, error)) (engine.Payload, error)
	// MutableSideEffect is SideEffect for a value that may change from call to
	// call. It records only values for which changed answers true, given the
	// last recorded one (nil as long as there is none; changed must be true then).
	MutableSideEffect(id string, f func(last engine.Payload) (p engine.Payload, changed bool, err error)) (engine.Payload, error)
	// Version answers as in the rule for versions: the recorded answer; or -1
	// (unrecorded) when this point lies in history already; or else highest,
	// which it records. An answer below lowest, or above highest, blocks the
	// execution.
	Version(changeID string, lowest, highest int) int

	// Signals returns the buffer of a name; always the same one for a name.
	Signals(name string) *Signals

	// Go starts a coroutine. It first runs after the calling one waits or ends.
	Go(name string, f func())
	// Wait blocks the calling coroutine until on is ready.
	Wait(on Waiter)
	// Block parks the execution: workflow code met something that it can't go on
	// with, such as a payload that can't be decoded. It does not return.
	Block(reason engine.BlockReason)

	// OnCancel hands over the cancellation of the root context: when the instance
	// is asked to cancel, f is called in a coroutine of its own that runs before
	// all others. At most one f is kept.
	OnCancel(f func(cause error))

	Now() time.Time
	// Applied grows with each event that is applied: a condition is looked at again
	// after each, as it may depend on anything.
	Applied() int64
	Replaying() bool
	Instance() engine.Instance
	Parent() *history.Parent
	Workflow() string
	Headers() history.Headers
	// Trace is the trace context of the execution, or else of who started it.
	Trace() history.Trace
	Details() Details
	// Unique returns the n-th of a sequence of 128-bit values that depends on the
	// execution alone.
	Unique() [16]byte

	// SetTags merges tags into those of the instance; an empty value deletes.
	// SetStatus replaces the status line. Neither is part of history.
	SetTags(tags map[string]string)
	SetStatus(line string)
	// Note adds v to the notes of this step. It is dropped on replay.
	Note(v any)

	Settings() Settings
}

// Settings are what authoring needs of the process it runs in. All functions are
// pure.
type Settings struct {
	Payloads  engine.Payloads
	Sentinels engine.Sentinels
	// WorkflowName and ActivityName resolve what code passes as a workflow or
	// activity (a function or a name) to the registered name, and check args
	// against the function where it is known.
	WorkflowName func(wf any, args []any) (string, error)
	ActivityName func(act any, args []any) (string, error)
	// Inject returns the headers for a callee, from the values that the calling
	// context holds; Extract puts the headers of the caller into the root context.
	// Both contexts are workflow.Context.
	Inject  func(ctx any) (history.Headers, error)
	Extract func(ctx any, h history.Headers) (any, error)
	// Trace, unless nil, returns the trace context of the span that stands for the
	// command ref of an execution, or for the execution itself if ref is 0.
	Trace func(i engine.Instance, s *history.WorkflowStarted, ref int64) history.Trace
	// Logger does not know of replay yet.
	Logger *slog.Logger
}
