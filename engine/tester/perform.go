package tester

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// perform does what a step asks for, in the order in which a store would: children
// come before signals, so that a signal reaches a child of the same step. It
// returns the children that were started. The caller holds the lock.
func (w *world) perform(i *instance, step executor.Step) []*instance {
	i.waiting = step.Waiting
	for _, ref := range step.DropActivities {
		w.dropAttempt(i, ref)
	}
	for _, ref := range step.DropTimers {
		i.timers[ref].cancel()
		delete(i.timers, ref)
	}
	for _, ref := range step.DropChildren {
		delete(i.children, ref)
	}
	for _, t := range step.StartTimers {
		i.timers[t.Ref] = w.clock.at(t.Until, func() { w.fireTimer(i, t.Ref) })
	}
	for _, a := range step.StartActivities {
		w.schedule(i, a)
	}
	var started []*instance
	for _, c := range step.StartChildren {
		if child := w.startChild(i, c); child != nil {
			started = append(started, child)
		}
	}
	for _, c := range step.CancelChildren {
		w.toChild(c.Child, history.CancelRequested{Reason: "canceled by its parent " + i.id.InstanceID})
	}
	for _, s := range step.Signals {
		w.sendSignal(i, s)
	}
	if step.Status.Final() {
		w.finish(i, step)
	}
	return started
}

func (w *world) fireTimer(i *instance, ref int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(i.timers, ref)
	w.deliver(i, ref, history.TimerFired{})
}

func (w *world) startChild(i *instance, c executor.StartChild) *instance {
	b := c.Body
	if other := w.instances[b.Instance.InstanceID]; other != nil && other.open() {
		taken := fmt.Errorf("starting sub-workflow %s: %w: %s", b.Workflow, engine.ErrInstanceAlreadyExists, b.Instance.InstanceID)
		w.deliver(i, c.Event.Ref, history.ChildFailed{Failure: w.o.settings.Errors.Failure(taken)})
		return nil
	}
	if _, err := w.reg.Workflow(b.Workflow); err != nil && !w.mocks.workflows.has(b.Workflow) {
		w.mistake = cmp.Or(w.mistake, fmt.Errorf(
			"sub-workflow %q is neither mocked (OnSubWorkflow) nor registered (Registry().RegisterWorkflow): %w", b.Workflow, err))
		return nil
	}
	i.children[c.Event.Ref] = b
	return w.create(b.Instance, history.WorkflowStarted{
		Workflow: b.Workflow, Args: b.Args, Queue: cmp.Or(b.Queue, i.queue).OrDefault(),
		Parent:         &history.Parent{Instance: i.id, Ref: c.Event.Ref, Workflow: i.name},
		FirstExecution: b.Instance.ExecutionID, Headers: b.Headers, Trace: b.Trace,
	})
}

// child returns the execution that the child started as first has come to, or nil
// if it has ended.
func (w *world) child(first engine.Instance) *instance {
	if c := w.instances[first.InstanceID]; c != nil && c.first == first.ExecutionID && c.open() {
		return c
	}
	return nil
}

func (w *world) toChild(first engine.Instance, b history.Body) {
	if c := w.child(first); c != nil {
		w.deliver(c, 0, b)
	}
}

func (w *world) sendSignal(i *instance, s executor.SendSignal) {
	to := w.instances[s.Body.InstanceID]
	if to == nil || !to.open() {
		gone := fmt.Errorf("signaling %s: %w", s.Body.InstanceID, engine.ErrInstanceNotFound)
		w.deliver(i, s.Event.Ref, history.SignalFailed{Failure: w.o.settings.Errors.Failure(gone)})
		return
	}
	sender := i.id
	w.deliver(to, 0, history.SignalReceived{
		Name: s.Body.Name, Arg: s.Body.Arg, Sender: &sender, Headers: s.Body.Headers, Trace: s.Body.Trace,
	})
	w.deliver(i, s.Event.Ref, history.SignalDelivered{})
}

// finish ends an execution: its parent learns of it, its children are closed, and
// the next one begins.
func (w *world) finish(i *instance, step executor.Step) {
	w.release(i)
	if p := step.Parent; p != nil {
		if to := w.instances[p.To.InstanceID]; to != nil && to.id == p.To {
			w.deliver(to, p.Event.Ref, p.Event.Body)
		}
	}
	if step.Next == nil {
		i.final = step.Final
		return
	}
	inbox := i.inbox
	next := w.create(step.Next.Instance, step.Next.Started)
	if c := step.Next.Cancel; c != nil {
		w.deliver(next, 0, *c)
	}
	for _, e := range inbox {
		if e.Ref == 0 { // answers belong to the execution that is over
			w.deliver(next, 0, e.Body)
		}
	}
}

// release ends what an execution has going on.
func (w *world) release(i *instance) {
	i.ended, i.waiting = true, nil
	for _, a := range i.inOrder() {
		w.dropAttempt(i, a.ref)
	}
	for _, t := range i.timers {
		t.cancel()
	}
	reason := "its parent " + i.id.InstanceID + " ended"
	for _, ref := range slices.Sorted(maps.Keys(i.children)) {
		switch c := i.children[ref]; c.ParentClose {
		case history.ParentCloseAbandon:
		case history.ParentCloseTerminate:
			w.terminate(w.child(c.Instance), reason)
		case history.ParentCloseCancel:
			w.toChild(c.Instance, history.CancelRequested{Reason: reason})
		}
	}
}

// terminate ends a child without running its code.
func (w *world) terminate(i *instance, reason string) {
	if i == nil {
		return
	}
	i.final = history.WorkflowTerminated{Reason: reason}
	e := history.Event{Seq: int64(len(i.history)) + 1, At: w.clock.time(), Body: i.final}
	i.history = append(i.history, e)
	w.release(i)
}
