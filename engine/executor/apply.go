package executor

import (
	"errors"
	"fmt"
	"maps"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/internal/coro"
	"github.com/wfops/wfops/engine/workflow"
)

// apply takes in one event: what it means is decided by its kind alone.
func (e *Executor) apply(ev history.Event) error {
	e.kind = ev.Kind()
	switch b := ev.Body.(type) {
	case history.TaskStarted:
		return e.startTask(ev, b)
	case history.WorkflowStarted:
		return e.start(b)
	case history.SignalReceived:
		return e.signal(ev, b)
	case history.EventDropped:
		return nil // for the people who look at the history
	case history.CancelRequested:
		return e.cancel(b)
	case history.WorkflowTimedOut:
		return e.timeOut()
	case history.ActivityScheduled, history.ActivityCanceled, history.TimerScheduled, history.TimerCanceled,
		history.ChildScheduled, history.ChildCancelRequested, history.SignalSent,
		history.SideEffectRecorded, history.MutableSideEffectRecorded:
		return e.match(ev)
	case history.VersionMarked:
		return nil // looked up by its change id, wherever it stands
	case history.WorkflowCompleted, history.WorkflowFailed, history.WorkflowCanceled, history.WorkflowContinuedAsNew:
		return e.matchFinal(ev)
	case history.WorkflowTerminated:
		e.finished = true
		return nil
	case history.ActivityCompleted, history.ActivityFailed, history.ActivityAttemptFailed,
		history.TimerFired, history.ChildCompleted, history.ChildFailed,
		history.SignalDelivered, history.SignalFailed:
		return e.answer(ev)
	}
	return e.block(engine.BlockReason{
		Class: engine.BlockDecode, Seq: ev.Seq, Event: string(ev.Kind()),
		Message: fmt.Sprintf("event %d is of kind %q, which this build does not know", ev.Seq, ev.Kind()),
	})
}

func (e *Executor) startTask(ev history.Event, b history.TaskStarted) error {
	if err := e.checkSurplus(ev); err != nil {
		return err
	}
	if e.done != nil {
		return e.mismatch(ev, ev.Body, e.finalBody())
	}
	e.beginTask(ev, b)
	return nil
}

func (e *Executor) beginTask(ev history.Event, b history.TaskStarted) {
	if e.replaying {
		e.step = Step{} // all of it was done long ago
	}
	e.now = ev.At
	e.recorded = e.refs
	e.bytes = b.Bytes
	e.details = command.Details{
		HistoryLength:          ev.Seq - 1,
		HistoryBytes:           b.Bytes,
		ContinueAsNewSuggested: b.Suggest,
	}
}

func (e *Executor) start(b history.WorkflowStarted) error {
	fn, err := e.opts.Registry.Workflow(b.Workflow)
	if err != nil {
		return err
	}
	e.started = &b
	maps.Copy(e.tags, b.Tags)
	for _, s := range b.Signals {
		e.buffer(s.Name, command.Signal{Arg: s.Arg, Seq: e.seq, At: s.At, Sender: s.Sender})
	}
	e.sched.Go(mainCoroutine, func() {
		c := workflow.Execute(e, fn, b.Args)
		e.done = &c
		e.sched.Stop()
	})
	return e.run()
}

func (e *Executor) signal(ev history.Event, b history.SignalReceived) error {
	e.buffer(b.Name, command.Signal{Arg: b.Arg, Seq: ev.Seq, At: ev.At, Sender: b.Sender})
	return e.run()
}

func (e *Executor) buffer(name string, s command.Signal) {
	e.arrived++
	s.Order = e.arrived
	buf := e.Signals(name)
	buf.Queue = append(buf.Queue, s)
}

func (e *Executor) cancel(b history.CancelRequested) error {
	if e.done != nil {
		e.missed = &b // whoever sent it means the instance, not this execution
		return nil
	}
	if e.canceled {
		return nil
	}
	e.canceled = true
	if e.onCancel == nil {
		return nil
	}
	cause := engine.ErrCanceled
	if b.Reason != "" {
		cause = fmt.Errorf("%w: %s", engine.ErrCanceled, b.Reason)
	}
	e.sched.GoFirst("cancel", func() { e.onCancel(cause) })
	return e.run()
}

// timeOut ends the execution without running its code again.
func (e *Executor) timeOut() error {
	if e.done == nil {
		e.done = &command.Completion{Err: fmt.Errorf("%w: the execution ran longer than its ExecutionTimeout", engine.ErrTimeout)}
	}
	return nil
}

// answer resolves the command that ev belongs to. An answer that comes a second
// time, or after the command was canceled, is consumed and ignored: two workers
// can both finish an activity when a lease ran out under the first. So is one to a
// command that was not in history when the task began: whoever made it acted on a
// step that a store has acknowledged and lost again.
func (e *Executor) answer(ev history.Event) error {
	if ev.Ref < 1 {
		return e.mismatch(ev, ev.Body, nil)
	}
	p, ok := e.open.byRef[ev.Ref]
	if !ok || ev.Ref > e.recorded {
		return nil
	}
	move := moves[e.kind]
	if move == nil || history.Target(ev.Body) != p.kind() {
		return e.block(engine.BlockReason{
			Class: engine.BlockDecode, Seq: ev.Seq, Event: string(ev.Kind()),
			Message: fmt.Sprintf("event %d (%s) answers command %d, which is %s", ev.Seq, ev.Kind(), ev.Ref, p.kind()),
		})
	}
	if !move(e, p, ev) {
		return nil
	}
	return e.run()
}

// run lets the coroutines run until all of them wait.
func (e *Executor) run() error {
	if e.done != nil {
		return nil
	}
	err := e.sched.Run()
	if e.blocked != nil {
		return e.blocked
	}
	if err != nil {
		return e.broken(err)
	}
	return nil
}

// broken says what becomes of the execution when a coroutine ended in no orderly
// way.
func (e *Executor) broken(err error) error {
	var (
		stuck    *coro.StuckError
		foreign  *coro.ForeignError
		panicked *coro.PanicError
	)
	switch {
	case errors.As(err, &panicked):
		e.done = &command.Completion{Err: engine.NewPanicError(panicked.Value, panicked.Stack)}
		return nil
	case errors.As(err, &stuck):
		e.dead.Store(true)
		return &BlockedError{Transient: true, Reason: engine.BlockReason{
			Class: engine.BlockHang, Seq: e.seq, Event: string(e.kind), Stack: stackText(stuck.Name, sitesOf(stuck.Stack)),
			Message: fmt.Sprintf("coroutine %q did not give way before the step deadline: workflow code must not sleep, block or loop outside the engine", stuck.Name),
		}}
	case errors.As(err, &foreign):
		e.dead.Store(true)
		return &BlockedError{Transient: true, Reason: engine.BlockReason{
			Class: engine.BlockHang, Seq: e.seq, Event: string(e.kind), Stack: stackText("none", sitesOf(foreign.Stack)),
			Message: "a goroutine that workflow code started called into the engine; use workflow.Go",
		}}
	}
	return fmt.Errorf("running %s: %w", e.opts.Instance, err)
}

// block parks the execution from inside an event.
func (e *Executor) block(r engine.BlockReason) error {
	e.dead.Store(true)
	e.blocked = &BlockedError{Reason: r}
	return e.blocked
}

const mainCoroutine = "main"
