// Package executor replays workflow code against its history and turns new events
// into steps. It is a pure state machine: events in, Step out. It performs no
// I/O, reads no clock, takes no context and logs nothing; the time, the worker
// and what has happened come in as arguments.
//
// # How events and commands meet
//
// Workflow code runs as coroutines. After each event the coroutines run until
// all of them wait, live and on replay alike; what they ask for on the way is
// issued, in order. A live step records what was issued after the events that
// caused it. A replay takes the recorded commands in turn and holds each against
// the next issued one: they must agree, nothing may be left over when the next
// task starts, and nothing when history ends.
package executor

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/internal/coro"
	"github.com/wfops/wfops/engine/registry"
)

// Options are what an Executor is made from. Instance, Registry and Command are
// required.
type Options struct {
	Instance engine.Instance
	Registry *registry.Registry
	// Command comes from settings.Settings.
	Command command.Settings
	// StepDeadline bounds each resume of a coroutine; 0 means 2 s, negative none.
	StepDeadline time.Duration
	// Strict makes differences in arguments, options and durations block the
	// execution instead of causing a Warning.
	Strict bool
	// MaxEvents and MaxBytes of history; reaching one blocks the execution.
	MaxEvents int64
	MaxBytes  int64
	// Watch, unless nil, is told of each command that the code issues while history
	// is replayed, before the command is held against history. It must not use the
	// Executor.
	Watch func(Issued)
	// Stacks says when to keep the stacks of issued commands.
	Stacks Stacks
	// Channels keeps track of the channels that the code uses, for State.
	Channels bool
}

// Stacks says when an Executor keeps the stacks of issued commands.
type Stacks int8

// The closed set of Stacks.
const (
	// StacksIfNeeded repeats a replay that meets a mismatch, to find the stack of the
	// command that does not fit.
	StacksIfNeeded Stacks = iota
	// StacksNever replays once, and reports a mismatch without a stack or a call site
	// of the code.
	StacksNever
	// StacksAlways keeps them from the start, which doubles the time that a replay
	// takes.
	StacksAlways
)

// Input is what has happened since the last step.
type Input struct {
	// Now by the store's clock. The step uses the time of the execution's last
	// event if that is later.
	Now    time.Time
	Worker string
	Build  string
	// HistoryBytes is the size of the encoded history so far.
	HistoryBytes int64
	// Events, in the order in which they are to be applied. Their Seq is ignored.
	Events []history.Event
}

// BlockedError says that the execution can't go on with this code. Nothing of the
// step is to be stored but the reason. The Executor is of no use any more.
type BlockedError struct {
	Reason engine.BlockReason
	// Transient blocks are worth another try with the same build.
	Transient bool
}

func (b *BlockedError) Error() string { return string(b.Reason.Class) + ": " + b.Reason.Message }

// Executor is the state of one execution. It is not safe for concurrent use.
type Executor struct {
	opts  Options
	sched *coro.Scheduler
	step  Step // of the task in progress; a scratch one on replay

	started   *history.WorkflowStarted
	seq       int64        // of the last event
	kind      history.Kind // of the event being applied
	now       time.Time    // Now of workflow code: At of the last TaskStarted
	last      time.Time    // the latest At of all events
	details   command.Details
	bytes     int64
	replaying bool
	stacks    bool        // keep those of issued commands
	dead      atomic.Bool // every call into the sink ends its coroutine; a stuck one reads it at any time
	blocked   *BlockedError
	explore   *exploration // while Explore runs
	channels  []func() command.ChannelState

	refs       int64 // ordinal of the last issued command
	recorded   int64 // what refs was when the task began: history has these
	open       openCommands
	activities int                // how many open commands are activities
	retried    map[int64]*pending // and which of these failed at least once
	issued     queue              // issued and not yet matched with or added to history
	past       past               // what replay looks up ahead of its place in history
	signals    map[string]*command.Signals
	arrived    int64 // signals received, for their order
	unique     uint64

	onCancel func(cause error)
	canceled bool
	missed   *history.CancelRequested // came when done was set
	done     *command.Completion
	finished bool // the final event is in history
	tags     map[string]string
	warnings []Warning // of replay, for the next step
	warned   bool      // of the history's length
}

// New returns the executor of an execution without a past.
func New(o Options) *Executor {
	if o.MaxEvents <= 0 {
		o.MaxEvents = engine.DefaultHistoryEvents
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = engine.DefaultHistoryBytes
	}
	return &Executor{
		opts:    o,
		sched:   coro.New(coro.Options{Deadline: o.StepDeadline}),
		open:    openCommands{byRef: map[int64]*pending{}},
		retried: map[int64]*pending{},
		signals: map[string]*command.Signals{},
		past:    past{versions: map[string]int{}, effects: map[string]mutable{}},
		tags:    map[string]string{},
		stacks:  o.Stacks == StacksAlways,
	}
}

// Replay advances through the whole stored history. It is called at most once,
// before Apply. Its error is a *BlockedError if the code does not repeat what
// history records, or wraps engine.ErrNotRegistered.
func (e *Executor) Replay(events []history.Event) error {
	err := e.replayAll(events)
	if e.blocked == nil || e.opts.Stacks != StacksIfNeeded || e.blocked.Reason.Class != engine.BlockNondeterminism {
		return err
	}
	if again := e.withStacks(events); again != nil {
		e.blocked = again
	}
	return e.blocked
}

// withStacks repeats a replay that met a mismatch and keeps stacks this time: to
// keep them always would take as long as all the rest. It returns nil if the code
// does something else each time it is run, so that there is nothing to find.
func (e *Executor) withStacks(events []history.Event) *BlockedError {
	o := e.opts
	o.Stacks, o.Watch = StacksAlways, nil
	again := New(o)
	defer again.Close()
	var b *BlockedError
	if !errors.As(again.Replay(events), &b) || b.Reason.Seq != e.blocked.Reason.Seq {
		return nil
	}
	return b
}

func (e *Executor) replayAll(events []history.Event) error {
	e.replaying = true
	defer func() { e.replaying = false }()
	e.past.index(events)
	for _, ev := range events {
		if err := e.replay(ev); err != nil {
			return err
		}
	}
	end := history.Event{Seq: e.seq + 1}
	if err := e.checkSurplus(end); err != nil {
		return err
	}
	if e.done != nil && !e.finished {
		return e.mismatch(end, nil, e.finalBody())
	}
	e.past = past{versions: e.past.versions, effects: e.past.effects}
	return nil
}

func (e *Executor) replay(ev history.Event) error {
	e.seq = ev.Seq
	e.last = later(e.last, ev.At)
	if e.finished {
		return e.mismatch(ev, ev.Body, nil)
	}
	return e.apply(ev)
}

// Apply takes in what has happened and returns what must be stored. in.Events
// must not be empty. Its error is as for Replay.
func (e *Executor) Apply(in Input) (Step, error) {
	if len(in.Events) == 0 {
		return Step{}, errors.New("executor: a step without events")
	}
	if e.finished {
		return Step{}, fmt.Errorf("executor: %s has ended", e.opts.Instance)
	}
	if err := e.checkBytes(in); err != nil {
		return Step{}, err
	}
	const head, command = 1, 1 // what most steps add to their input
	e.step = Step{Warnings: e.warnings, Events: make([]history.Event, 0, head+len(in.Events)+command)}
	e.warnings = nil
	e.bytes = in.HistoryBytes
	task := history.Event{At: later(in.Now.UTC(), e.last), Body: history.TaskStarted{
		Worker: in.Worker, Build: in.Build, Bytes: in.HistoryBytes, Suggest: e.suggestContinue(e.seq, in.HistoryBytes),
	}}
	if err := e.live(task); err != nil {
		return Step{}, err
	}
	for _, ev := range in.Events {
		if err := e.live(ev); err != nil {
			return Step{}, err
		}
	}
	return e.finishStep()
}

// live applies a new event and makes it part of the step.
func (e *Executor) live(ev history.Event) error {
	e.last = later(e.last, ev.At)
	return e.apply(e.record(ev))
}

// record makes ev the next event of the step.
func (e *Executor) record(ev history.Event) history.Event {
	e.seq++
	ev.Seq = e.seq
	e.step.Events = append(e.step.Events, ev)
	return ev
}

func (e *Executor) finishStep() (Step, error) {
	for i, ok := e.issued.take(); ok; i, ok = e.issued.take() {
		e.effect(e.record(history.Event{At: e.now, Ref: i.ref, Body: i.body}))
	}
	e.step.Status = engine.StatusRunning
	if e.done != nil {
		e.finish()
	} else {
		e.step.Waiting = e.waiting()
		e.step.Attempt = e.attempt()
	}
	if e.seq > e.opts.MaxEvents {
		return Step{}, e.limitReached(fmt.Sprintf("%d events, the limit is %d", e.seq, e.opts.MaxEvents))
	}
	step := e.step
	e.step = Step{}
	return step, nil
}

// LastSeq is the sequence number of the last event.
func (e *Executor) LastSeq() int64 { return e.seq }

// Warnings are the differences that Replay let pass, for callers that look at a
// history without going on. Apply hands them out with its first step.
func (e *Executor) Warnings() []Warning { return e.warnings }

// WorkflowStarted returns the event that began the execution, or nil if it was
// not applied yet.
func (e *Executor) WorkflowStarted() *history.WorkflowStarted { return e.started }

// Pending returns the activities without an answer, in the order of issue.
func (e *Executor) Pending() []PendingActivity {
	var ps []PendingActivity
	for p := e.open.oldest; p != nil; p = p.newer {
		if b, ok := p.body.(history.ActivityScheduled); ok {
			ps = append(ps, PendingActivity{Ref: p.ref, Scheduled: p.at, Body: b, Attempt: p.attempt})
		}
	}
	return ps
}

// Size estimates the memory that the executor keeps, in bytes. What workflow code
// itself holds is estimated by the size of its history.
func (e *Executor) Size() int64 {
	const perExecutor, perCoroutine = 4 << 10, 8 << 10
	return perExecutor + perCoroutine*int64(len(e.sched.Live())) + e.bytes
}

// Close ends the coroutines of an execution that has not ended, running their
// deferred calls. The Executor is of no use afterwards.
func (e *Executor) Close() {
	e.dead.Store(true)
	e.sched.Close()
}

// checkBytes checks what can be known before the step. The number of events is
// checked after it.
func (e *Executor) checkBytes(in Input) error {
	if in.HistoryBytes > e.opts.MaxBytes {
		return e.limitReached(fmt.Sprintf("%d bytes, the limit is %d", in.HistoryBytes, e.opts.MaxBytes))
	}
	if !e.warned && e.suggestContinue(e.seq, in.HistoryBytes) {
		e.warned = true
		e.warnings = append(e.warnings, Warning{Seq: e.seq, Message: fmt.Sprintf(
			"history has %d events and %d bytes, a fifth of its limit; continue as new before it is reached", e.seq, in.HistoryBytes)})
	}
	return nil
}

func (e *Executor) suggestContinue(events, bytes int64) bool {
	return events >= e.opts.MaxEvents/5 || bytes >= e.opts.MaxBytes/5
}

func (e *Executor) limitReached(what string) error {
	return &BlockedError{Reason: engine.BlockReason{
		Class:   engine.BlockHistoryLimit,
		Message: "history would have " + what + "; continue as new earlier, or raise the limit and retry",
		Seq:     e.seq,
	}}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Abandoned returns the number of coroutines of this process that are stuck in
// workflow code and can't be ended. They may still use the CPU.
func Abandoned() int64 { return coro.Abandoned() }
