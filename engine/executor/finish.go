package executor

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
)

// effect adds what a newly recorded command has to bring about to the step.
func (e *Executor) effect(ev history.Event) {
	switch b := ev.Body.(type) { //nolint:gochecksumtype // markers have no effect
	case history.ActivityScheduled:
		e.step.StartActivities = append(e.step.StartActivities, StartActivity{ev, b})
	case history.ActivityCanceled:
		e.dropActivity(ev.Ref)
	case history.TimerScheduled:
		e.step.StartTimers = append(e.step.StartTimers, StartTimer{ev.Ref, b.Until})
	case history.TimerCanceled:
		e.dropTimer(ev.Ref)
	case history.ChildScheduled:
		e.step.StartChildren = append(e.step.StartChildren, StartChild{ev, b})
	case history.ChildCancelRequested:
		if p, ok := e.open.byRef[ev.Ref]; ok {
			child, _ := p.body.(history.ChildScheduled)
			e.step.CancelChildren = append(e.step.CancelChildren, CancelChild{ev.Ref, child.Instance})
		}
	case history.SignalSent:
		e.step.Signals = append(e.step.Signals, SendSignal{ev, b})
	}
}

// dropActivity takes back an activity: what was scheduled and canceled in the
// same step leaves nothing behind.
func (e *Executor) dropActivity(ref int64) {
	started := len(e.step.StartActivities)
	e.step.StartActivities = slices.DeleteFunc(e.step.StartActivities, func(s StartActivity) bool { return s.Event.Ref == ref })
	if len(e.step.StartActivities) == started {
		e.step.DropActivities = append(e.step.DropActivities, ref)
	}
}

func (e *Executor) dropTimer(ref int64) {
	started := len(e.step.StartTimers)
	e.step.StartTimers = slices.DeleteFunc(e.step.StartTimers, func(s StartTimer) bool { return s.Ref == ref })
	if len(e.step.StartTimers) == started {
		e.step.DropTimers = append(e.step.DropTimers, ref)
	}
}

// finalBody is the event that ends the execution the way the code came to.
func (e *Executor) finalBody() history.Body {
	c := e.done
	switch {
	case c.ContinueAsNew != nil:
		return history.WorkflowContinuedAsNew{
			NewExecution: e.derive("next", 0), Args: c.ContinueAsNew.Args, Site: c.ContinueAsNew.Site,
		}
	case c.Err == nil:
		return history.WorkflowCompleted{Result: c.Result}
	case e.isCanceled(c.Err):
		return history.WorkflowCanceled{Failure: e.failure(c.Err)}
	default:
		return history.WorkflowFailed{Failure: e.failure(c.Err)}
	}
}

// finish ends the execution: the final event, and what it brings about.
func (e *Executor) finish() {
	body := e.finalBody()
	e.record(history.Event{At: e.now, Body: body})
	e.step.Final = body
	e.finished = true
	e.abandon()
	switch b := body.(type) { //nolint:gochecksumtype // these are what finalBody returns
	case history.WorkflowContinuedAsNew:
		e.step.Status = engine.StatusContinuedAsNew
		e.step.Next = e.next(b)
	case history.WorkflowCompleted:
		e.step.Status = engine.StatusCompleted
		e.tellParent(history.ChildCompleted{Result: b.Result})
	case history.WorkflowCanceled:
		e.step.Status = engine.StatusCanceled
		e.tellParent(history.ChildFailed{Failure: b.Failure, Status: engine.StatusCanceled})
	case history.WorkflowFailed:
		e.step.Status = engine.StatusFailed
		e.noteError(b.Failure)
		e.tellParent(history.ChildFailed{Failure: b.Failure, Status: engine.StatusFailed})
	}
}

// abandon takes back and names what was still pending when the workflow function
// returned. Signals are on their way and arrive, and children that were started to
// outlive their parent do.
func (e *Executor) abandon() {
	for p := e.open.oldest; p != nil; p = p.newer {
		switch b := p.body.(type) { //nolint:gochecksumtype // these are the open commands
		case history.SignalSent:
			continue
		case history.ActivityScheduled:
			e.dropActivity(p.ref)
		case history.TimerScheduled:
			e.dropTimer(p.ref)
		case history.ChildScheduled:
			if b.ParentClose == history.ParentCloseAbandon {
				continue
			}
		}
		e.step.Abandoned = append(e.step.Abandoned, sentence(describe(p.ref, p.body)))
	}
	for _, c := range e.sched.Live() {
		if c.Name != mainCoroutine {
			e.step.Abandoned = append(e.step.Abandoned, "coroutine "+c.Name)
		}
	}
}

func (e *Executor) tellParent(answer history.Body) {
	if e.started == nil || e.started.Parent == nil {
		return
	}
	p := e.started.Parent
	e.step.Parent = &Answer{To: p.Instance, Event: history.Event{At: e.now, Ref: p.Ref, Body: answer}}
}

// next is the execution that follows: it inherits what belongs to the instance,
// and the signals that nobody has read, in the order in which they came.
func (e *Executor) next(b history.WorkflowContinuedAsNew) *Next {
	started := *e.started
	started.Args = b.Args
	started.ContinuedFrom = e.opts.Instance.ExecutionID
	if started.FirstExecution == "" {
		started.FirstExecution = e.opts.Instance.ExecutionID
	}
	started.Tags = maps.Clone(e.tags)
	for change := range e.past.versions { // the next execution asks anew
		delete(started.Tags, versionTag+change)
	}
	started.Signals = e.unread()
	if h := e.done.ContinueAsNew.Headers; h != nil {
		started.Headers, _ = splitTrace(h)
	}
	return &Next{
		Instance: engine.Instance{InstanceID: e.opts.Instance.InstanceID, ExecutionID: b.NewExecution},
		Started:  started,
		Cancel:   e.missed,
	}
}

func (e *Executor) unread() []history.CarriedSignal {
	type named struct {
		name string
		command.Signal
	}
	var all []named
	for name, buf := range e.signals {
		for _, s := range buf.Queue {
			all = append(all, named{name, s})
		}
	}
	slices.SortFunc(all, func(a, b named) int { return cmp.Compare(a.Order, b.Order) })
	carried := make([]history.CarriedSignal, len(all))
	for i, s := range all {
		carried[i] = history.CarriedSignal{Name: s.name, Arg: s.Arg, Sender: s.Sender, At: s.At}
	}
	return carried
}

// waiting describes what the execution waits for: what its main coroutine waits
// for, or else the first coroutine that waits for something from outside.
func (e *Executor) waiting() *engine.Waiting {
	var best engine.Waiting
	for _, c := range e.sched.Live() {
		w := waits(c)
		if w.on == nil {
			continue
		}
		line := e.waitLine(w)
		if best.Kind == "" || line.Kind != engine.WaitOther {
			best = line
		}
		if best.Kind != engine.WaitOther {
			break
		}
	}
	if best.Kind == "" {
		return nil
	}
	if best.Kind == engine.WaitOther {
		best = e.waitOpen(best)
	}
	if best.Ref > 0 {
		best.More = len(e.open.byRef) - 1
	}
	return &best
}

// waitLine picks the most telling of the things one coroutine waits for: of a
// signal and its deadline, the signal, with the deadline as Until.
func (e *Executor) waitLine(w *waitRecord) engine.Waiting {
	line := engine.Waiting{Kind: engine.WaitOther, Since: w.since}
	for _, on := range w.on.Waits() {
		one := e.waitOn(on, w)
		if one.Kind == engine.WaitTimer && line.Kind != engine.WaitOther {
			line.Until = one.Until
			continue
		}
		if waitRank(one.Kind) < waitRank(line.Kind) {
			if line.Kind == engine.WaitTimer {
				one.Until = line.Until
			}
			line = one
		}
	}
	return line
}

func waitRank(k engine.WaitKind) int {
	return slices.Index([]engine.WaitKind{engine.WaitSignal, engine.WaitActivity, engine.WaitChild, engine.WaitTimer, engine.WaitOther}, k)
}

func (e *Executor) waitOn(on command.Wait, w *waitRecord) engine.Waiting {
	line := engine.Waiting{Kind: engine.WaitOther, Name: on.Name, Since: w.since}
	if on.Kind == command.WaitSignal {
		line.Kind = engine.WaitSignal
		return line
	}
	if on.Outcome == nil {
		return line
	}
	p, ok := e.open.byRef[on.Outcome.Ref]
	if !ok {
		return line
	}
	return e.waitPending(p, w.since)
}

func (e *Executor) waitPending(p *pending, since time.Time) engine.Waiting {
	line := engine.Waiting{Name: history.Subject(p.body), Ref: p.ref, Since: since, Kind: engine.WaitOther}
	switch b := p.body.(type) { //nolint:gochecksumtype // the others are not waited for
	case history.ActivityScheduled:
		line.Kind, line.Attempt, line.Next = engine.WaitActivity, p.attempt, p.next
	case history.TimerScheduled:
		line.Kind, line.Until = engine.WaitTimer, b.Until
	case history.ChildScheduled:
		line.Kind, line.Name = engine.WaitChild, b.Workflow
	case history.SignalSent:
		line.Kind, line.Name = engine.WaitOther, "delivery of signal "+b.Name
	}
	return line
}

// waitOpen answers for coroutines that wait for each other: what everything
// hangs on is the oldest open command.
func (e *Executor) waitOpen(line engine.Waiting) engine.Waiting {
	p := e.open.oldest
	if p == nil {
		return line
	}
	return e.waitPending(p, p.at)
}
