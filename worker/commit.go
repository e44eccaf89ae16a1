package worker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// author is who commits, and on what.
type author struct {
	instance  engine.Instance
	first     string // execution of the chain
	workflow  string
	queue     engine.Queue
	token     string
	worker    string
	build     string
	sentinels engine.Sentinels
	trace     history.Trace // of the execution, zero if it has none
}

// turn is a step together with what the worker decided about it.
type turn struct {
	stepID string
	seq    int64 // of the history before
	began  time.Time
	at     time.Time
	step   executor.Step
	next   history.Trace // of the execution that follows
	// took are the arrivals that the step consumes.
	took []item
	// rows are attempts for any worker to run, here those that begin at this worker
	// once the commit is durable.
	rows []start
	here []start
	// local is how many activities have neither a row nor an answer afterwards.
	local int
	// placed is what the store holds before the step.
	placed map[int64]placed
	// lease is how long to keep the execution, or 0, if onlyIfReady only if there is
	// more to do; readyAfter how long nobody shall have it.
	lease       time.Duration
	onlyIfReady bool
	readyAfter  time.Duration
}

// start is an attempt of an activity that is to begin.
type start struct {
	ref       int64
	body      *history.ActivityScheduled
	scheduled time.Time
	attempt   int
	delay     time.Duration
	lastError string
	// details are what the attempts before reported by heartbeat.
	details engine.Payload
	// first marks the attempt that comes with the command.
	first bool
}

// builder puts a commit together. Its first error stays.
type builder struct {
	author
	turn // by value: a pointer in here would put it on the heap
	c    *backend.WorkflowCommit
	err  error
}

// commitOf translates a turn into rows. It is a pure function: it reads no clock
// and draws no numbers. It returns one commit, in the form that the store takes.
func commitOf(a *author, t *turn) ([]backend.WorkflowCommit, error) {
	commit := make([]backend.WorkflowCommit, 1)
	b := builder{author: *a, turn: *t, c: &commit[0]}
	s := &b.step
	*b.c = backend.WorkflowCommit{
		Instance: a.instance, Token: a.token, ExpectSeq: t.seq, StepID: t.stepID,
		Events: b.encode(s.Events...), Count: len(s.Events),
		Local: t.local, Status: s.Status, Lease: t.lease, OnlyIfReady: t.onlyIfReady, ReadyAfter: t.readyAfter,
		DropClosings: s.DropChildren,
		Summary: backend.SummaryUpdate{
			Worker: a.worker, Build: a.build, Waiting: s.Waiting, Tags: s.Tags,
			StatusLine: s.StatusLine, LastError: s.LastError, Attempt: s.Attempt,
		},
	}
	b.consume()
	if !s.Status.Final() { // the store deletes what is pending
		b.activities()
		b.timers()
	}
	b.children()
	b.deliveries()
	b.next()
	if b.err != nil {
		return nil, fmt.Errorf("writing a step of %s: %w", a.instance, b.err)
	}
	return commit, nil
}

func (b *builder) encode(events ...history.Event) history.Encoded {
	enc, err := history.Encode(events...)
	if err != nil && b.err == nil {
		b.err = err
	}
	return enc
}

func (b *builder) event(at time.Time, ref int64, body history.Body) history.Encoded {
	return b.encode(history.Event{At: at, Ref: ref, Body: body})
}

// consume takes out of the store what is history now.
func (b *builder) consume() {
	for i := range b.took {
		switch it := &b.took[i]; it.from {
		case fromInbox:
			b.c.Consume = append(b.c.Consume, it.row)
		case fromTimer:
			b.c.DropTimers = append(b.c.DropTimers, it.timer)
		case fromHere:
		}
	}
}

func (b *builder) timers() {
	for _, ref := range b.step.DropTimers {
		key := backend.TimerKey{Ref: ref, Slot: backend.SlotTimer}
		if !slices.Contains(b.c.DropTimers, key) {
			b.c.DropTimers = append(b.c.DropTimers, key)
		}
	}
	for _, t := range b.step.StartTimers {
		b.c.AddTimers = append(b.c.AddTimers, backend.Timer{
			Ref: t.Ref, Slot: backend.SlotTimer, Due: t.Until, Event: b.event(t.Until, t.Ref, history.TimerFired{}),
		})
	}
}

// activities writes rows for what others shall run, and deletes the rows and
// timers of what has an answer. What runs here has no row; see package backend.
func (b *builder) activities() {
	for _, ref := range b.step.DropActivities {
		if b.placed[ref].row {
			b.c.DropActivities = append(b.c.DropActivities, ref)
		}
		if b.placed[ref].timers {
			b.c.DropTimers = append(b.c.DropTimers, backend.TimerKey{Ref: ref, Slot: backend.AllSlots})
		}
	}
	for i := range b.rows {
		s := &b.rows[i]
		queue := cmp.Or(s.body.Queue, b.queue).OrDefault()
		b.c.AddActivities = append(b.c.AddActivities, backend.ActivityRow{
			Ref: s.ref, Name: s.body.Name, Queue: queue, Event: b.event(s.scheduled, s.ref, b.scheduled(*s.body)),
			Scheduled: s.scheduled, Attempt: s.attempt, After: s.delay, LastError: s.lastError,
		})
		if d := s.body.Timeouts.ScheduleToStart; d > 0 && s.first {
			b.timeout(s, backend.SlotScheduleToStart, d, "ScheduleToStart")
		}
	}
	for i := range b.step.StartActivities {
		s := &b.step.StartActivities[i]
		if d := s.Body.Timeouts.ScheduleToClose; d > 0 {
			first := start{ref: s.Event.Ref, body: &s.Body, scheduled: s.Event.At}
			b.timeout(&first, backend.SlotScheduleToClose, d, "ScheduleToClose")
		}
	}
}

// timeout sets a timer that answers the activity in place of its attempts.
func (b *builder) timeout(s *start, slot backend.TimerSlot, d time.Duration, name string) {
	due := s.scheduled.Add(d)
	failure := b.sentinels.Failure(timeoutError(s.body.Name, name, d))
	failed := history.ActivityFailed{Failure: failure, Run: history.Run{Scheduled: s.scheduled}}
	b.c.AddTimers = append(b.c.AddTimers, backend.Timer{Ref: s.ref, Slot: slot, Due: due, Event: b.event(due, s.ref, failed)})
}

func (b *builder) children() {
	for _, s := range b.step.StartChildren {
		ref, child := s.Event.Ref, s.Body.Instance
		parent := &history.Parent{Instance: b.instance, Ref: ref, Workflow: b.workflow}
		queue := cmp.Or(s.Body.Queue, b.queue).OrDefault()
		taken := b.sentinels.Failure(fmt.Errorf("starting sub-workflow %s: %w: %s", s.Body.Workflow, engine.ErrInstanceAlreadyExists, child.InstanceID))
		b.c.Start = append(b.c.Start, backend.Creation{
			Instance: child, FirstExecution: child.ExecutionID, Workflow: s.Body.Workflow, Queue: queue,
			Parent:  &engine.Instance{InstanceID: b.instance.InstanceID, ExecutionID: b.instance.ExecutionID},
			TraceID: s.Body.Trace.ID(),
			Started: b.event(b.at, 0, history.WorkflowStarted{
				Workflow: s.Body.Workflow, Args: s.Body.Args, Queue: queue, Parent: parent,
				FirstExecution: child.ExecutionID, Headers: s.Body.Headers, Trace: s.Body.Trace,
			}),
			Closings: b.tellOfTermination(parent),
			Taken:    b.event(b.at, ref, history.ChildFailed{Failure: taken}),
		})
		b.closing(ref, child, s.Body.ParentClose)
	}
	for _, cancel := range b.step.CancelChildren {
		b.c.Deliver = append(b.c.Deliver, backend.Delivery{
			To:    chain(cancel.Child),
			Event: b.event(b.at, 0, history.CancelRequested{Reason: "canceled by its parent " + b.instance.InstanceID}),
		})
	}
}

// chain is the address of an execution and of those that continue it as new.
func chain(i engine.Instance) backend.Address {
	return backend.Address{InstanceID: i.InstanceID, FirstExecution: i.ExecutionID}
}

// closing says what becomes of a child when this execution ends.
func (b *builder) closing(ref int64, child engine.Instance, p history.ParentClosePolicy) {
	cl := backend.Closing{Ref: ref, On: backend.OnEnd, To: chain(child)}
	reason := "its parent " + b.instance.InstanceID + " ended"
	switch p {
	case history.ParentCloseAbandon:
		return
	case history.ParentCloseTerminate:
		cl.Terminate = true
		cl.Event = b.event(b.at, 0, history.WorkflowTerminated{Reason: reason})
	case history.ParentCloseCancel:
		fallthrough
	default:
		cl.Event = b.event(b.at, 0, history.CancelRequested{Reason: reason})
	}
	b.c.AddClosings = append(b.c.AddClosings, cl)
}

// tellOfTermination is what a terminated child leaves for its parent: nobody runs
// it any more who could answer.
func (b *builder) tellOfTermination(p *history.Parent) []backend.Closing {
	if p == nil {
		return nil
	}
	failed := history.ChildFailed{Failure: b.sentinels.Failure(engine.ErrTerminated), Status: engine.StatusTerminated}
	return []backend.Closing{{
		On: backend.OnTerminate, To: exactly(p.Instance), Event: b.event(b.at, p.Ref, failed),
	}}
}

// exactly is the address of one execution.
func exactly(i engine.Instance) backend.Address {
	return backend.Address{InstanceID: i.InstanceID, ExecutionID: i.ExecutionID}
}

func (b *builder) deliveries() {
	for _, s := range b.step.Signals {
		ref := s.Event.Ref
		gone := b.sentinels.Failure(fmt.Errorf("signaling %s: %w", s.Body.InstanceID, engine.ErrInstanceNotFound))
		sender := b.instance
		b.c.Deliver = append(b.c.Deliver, backend.Delivery{
			To: backend.Address{InstanceID: s.Body.InstanceID},
			Event: b.event(b.at, 0, history.SignalReceived{
				Name: s.Body.Name, Arg: s.Body.Arg, Sender: &sender, Headers: s.Body.Headers, Trace: s.Body.Trace,
			}),
			Accepted: b.event(b.at, ref, history.SignalDelivered{}),
			Refused:  b.event(b.at, ref, history.SignalFailed{Failure: gone}),
		})
	}
	if p := b.step.Parent; p != nil {
		b.c.Deliver = append(b.c.Deliver, backend.Delivery{To: exactly(p.To), Event: b.encode(p.Event)})
	}
}

// next is the execution that follows at continue-as-new. What was set up for the
// chain when it began is set up again.
func (b *builder) next() {
	n := b.step.Next
	if n == nil {
		return
	}
	s := n.Started
	cr := &backend.Creation{
		Instance: n.Instance, FirstExecution: cmp.Or(s.FirstExecution, b.first),
		Workflow: s.Workflow, Queue: cmp.Or(s.Queue, b.queue).OrDefault(), Tags: s.Tags, TraceID: b.turn.next.ID(),
		Started: b.event(b.at, 0, s), Closings: b.tellOfTermination(s.Parent),
	}
	if s.Parent != nil {
		p := s.Parent.Instance
		cr.Parent = &p
	}
	if !s.Deadline.IsZero() {
		cr.Timers = []backend.Timer{{
			Slot: backend.SlotTimer, Due: s.Deadline, Event: b.event(s.Deadline, 0, history.WorkflowTimedOut{}),
		}}
	}
	if n.Cancel != nil {
		cr.Inbox = []history.Encoded{b.event(b.at, 0, *n.Cancel)}
	}
	b.c.Next = cr
}
