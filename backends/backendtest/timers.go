package backendtest

import (
	"fmt"
	"math"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func addTimers(ts ...backend.Timer) func(*backend.WorkflowCommit) {
	return func(c *backend.WorkflowCommit) { c.AddTimers = append(c.AddTimers, ts...) }
}

func dropTimers(ks ...backend.TimerKey) func(*backend.WorkflowCommit) {
	return func(c *backend.WorkflowCommit) { c.DropTimers = append(c.DropTimers, ks...) }
}

// timer is due after a while.
func timer(ref int64, slot backend.TimerSlot, after time.Duration) backend.Timer {
	return backend.Timer{Ref: ref, Slot: slot, After: after, Event: fired(ref)}
}

var timerCases = []testCase{
	{"WakeTheirExecution", "A due timer makes its execution ready and comes with the task.", func(e *env) {
		e.create("i")
		e.claim().commit(addTimers(timer(1, 0, e.unit)))
		due := e.clock.Now().Add(e.unit)
		got := e.tryClaim()
		equal(e, "tasks before it is due", len(got.Tasks), 0)
		e.near("Next", got.Next, due)
		e.pass(e.unit)
		h := e.claim()
		equal(e, "due timers", timers(h.task.Timers), "1/0")
		equal(e, "event", e.label(h.task.Timers[0].Event), "TimerFired#1")
		e.near("Due", h.task.Timers[0].Due, due)
		equal(e, "NextTimer", h.task.NextTimer, time.Time{})
	}},
	{"StayUntilDropped", "A timer stays until a commit drops it: a holder that vanishes does not take it along.", func(e *env) {
		e.create("i")
		e.claim().commit(addTimers(timer(1, 0, e.unit)))
		e.pass(e.unit)
		h := e.claim(leaseOf(e.unit))
		equal(e, "due timers at the first holder", timers(h.task.Timers), "1/0")
		e.pass(e.unit)
		h = e.claim(by("w2"))
		equal(e, "due timers at the second holder", timers(h.task.Timers), "1/0")
		equal(e, "due timers by extend", timers(h.extend().Timers), "1/0")
		r := h.commit(keep, dropTimers(backend.TimerKey{Ref: 1, Slot: backend.AllSlots}))
		equal(e, "due timers after it was dropped", timers(r.Timers), "")
		h.commit()
		e.claimNone("the timer was dropped")
	}},
	{"ByDueTime", "A timer is due at Due, or After counts from the moment of the write.", func(e *env) {
		h := e.held("i")
		due := e.clock.Now().Add(e.unit)
		e.clock.Advance(2 * time.Millisecond)
		h.commit(keep, addTimers(backend.Timer{Ref: 1, Due: due, Event: fired(1)}, timer(2, 0, e.unit)))
		p := e.pending(h.instance()).Timers
		equal(e, "timers, by due time", timers(p), "1/0 2/0")
		e.near("Due", p[0].Due, due)
		e.near("Due by After", p[1].Due, e.clock.Now().Add(e.unit))
	}},
	{"InThePastAreDue", "A timer whose time has come when it is added is due at once.", func(e *env) {
		h := e.held("i")
		r := h.commit(addTimers(backend.Timer{Ref: 1, Due: e.clock.Now().Add(-time.Hour), Event: fired(1)}))
		equal(e, "due timers", timers(r.Timers), "1/0")
		equal(e, "claimed", e.claimIDs(), "i")
	}},
	{"InOrder", "Due timers come in the order in which they were due; the next one is told.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(3, 0, e.unit/4), timer(1, 0, 2*e.unit), timer(2, 0, e.unit/2), timer(4, 0, e.unit/8)))
		next := e.clock.Now().Add(2 * e.unit)
		e.pass(e.unit)
		r := h.extend()
		equal(e, "due timers", timers(r.Timers), "4/0 3/0 2/0")
		e.near("NextTimer", r.NextTimer, next)
	}},
	{"SlotsApart", "TimerSlot tells apart timers of the same Ref; a TimerKey names one of them.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, backend.SlotTimer, time.Second), timer(1, backend.SlotScheduleToStart, 2*time.Second),
			timer(1, backend.SlotScheduleToClose, 3*time.Second), timer(2, backend.SlotTimer, 4*time.Second)))
		h.commit(keep, dropTimers(backend.TimerKey{Ref: 1, Slot: backend.SlotScheduleToStart}))
		equal(e, "timers", timers(e.pending(h.instance()).Timers), "1/0 1/2 2/0")
	}},
	{"AllSlots", "AllSlots means every timer of its Ref.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, backend.SlotTimer, time.Second), timer(1, backend.SlotScheduleToStart, 2*time.Second),
			timer(1, backend.SlotScheduleToClose, 3*time.Second), timer(2, backend.SlotTimer, 4*time.Second)))
		h.commit(keep, dropTimers(backend.TimerKey{Ref: 1, Slot: backend.AllSlots}, backend.TimerKey{Ref: 9, Slot: backend.AllSlots}))
		equal(e, "timers", timers(e.pending(h.instance()).Timers), "2/0")
	}},
	{"DroppedThenAdded", "One commit may drop a timer and set it anew.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, 0, -time.Second)))
		r := h.commit(keep, dropTimers(backend.TimerKey{Ref: 1}), addTimers(timer(1, 0, e.unit)))
		equal(e, "due timers", timers(r.Timers), "")
		e.near("NextTimer", r.NextTimer, e.clock.Now().Add(e.unit))
		r = h.commit(keep, dropTimers(backend.TimerKey{Ref: 1}))
		equal(e, "NextTimer after it was dropped", r.NextTimer, time.Time{})
	}},
	{"DroppingPutsOff", "When the earliest timer is dropped, the next one decides when the execution is ready.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, 0, e.unit), timer(2, 0, 3*e.unit)))
		h.commit(dropTimers(backend.TimerKey{Ref: 1}))
		e.pass(e.unit)
		e.claimNone("the timer that would be due was dropped")
		e.pass(2 * e.unit)
		equal(e, "due timers", timers(e.claim().task.Timers), "2/0")
	}},
	{"WaitForTheLease", "A due timer of a leased execution is its holder's; when the lease runs out, anybody's.", func(e *env) {
		h := e.held("i")
		h.commit(func(c *backend.WorkflowCommit) { c.Lease = 2 * e.unit }, addTimers(timer(1, 0, e.unit)))
		e.pass(e.unit)
		e.claimNone("it is leased", by("w2"))
		e.pass(e.unit)
		equal(e, "due timers", timers(e.claim(by("w2")).task.Timers), "1/0")
	}},
	{"OutliveTheLease", "A timer that is due after a lease ran out unused wakes the execution at its own time.", func(e *env) {
		h := e.held("i")
		h.commit(func(c *backend.WorkflowCommit) { c.Lease = e.unit }, addTimers(timer(1, 0, 3*e.unit)))
		e.pass(e.unit)
		e.claimNone("nothing is due")
		e.pass(2 * e.unit)
		equal(e, "due timers", timers(e.claim(by("w2")).task.Timers), "1/0")
	}},
	{"NotWhilePaused", "No due timer makes a paused execution ready.", func(e *env) {
		h := e.held("i")
		h.commit(addTimers(timer(1, 0, e.unit)))
		e.pause(byID(h.instance()), true)
		e.pass(e.unit)
		e.claimNone("it is paused")
		e.pause(byID(h.instance()), false)
		equal(e, "due timers", timers(e.claim().task.Timers), "1/0")
	}},
	{"WithAnInbox", "What is delivered before a timer is due wakes the execution without the timer.", func(e *env) {
		h := e.held("i")
		h.commit(addTimers(timer(1, 0, long)))
		e.deliver(byID(h.instance()), "a")
		h = e.claim()
		equal(e, "inbox", e.labels(h.inbox), "a")
		equal(e, "due timers", timers(h.task.Timers), "")
		e.near("NextTimer", h.task.NextTimer, e.pending(h.instance()).Timers[0].Due)
	}},
	{"WakeInTheirOrder", "Claims take the execution whose timer has been due longest first.", func(e *env) {
		var holds []*hold
		for n := range 3 {
			e.create(fmt.Sprint("i", n))
			holds = append(holds, e.claim())
		}
		begin := e.clock.Now()
		for n, after := range []time.Duration{e.unit / 2, e.unit / 8, e.unit / 4} {
			holds[n].commit(addTimers(backend.Timer{Ref: 1, Due: begin.Add(after), Event: fired(1)}))
		}
		e.pass(e.unit)
		equal(e, "claimed", e.claimIDs(), "i1 i2 i0")
	}},
	{"EndWithTheExecution", "The end of an execution deletes its timers.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, 0, e.unit)))
		h.commit(finish(engine.StatusCompleted))
		e.pass(e.unit)
		e.claimNone("it is final")
		equal(e, "timers", len(e.pending(h.instance()).Timers), 0)
	}},
	{"ForEver", "What is put off by more than a store's times can hold is put off for ever.", func(e *env) {
		const forEver = time.Duration(math.MaxInt64)
		e.create("delayed", func(c *backend.Creation) { c.Delay = forEver })
		h := e.held("i")
		row := activityRow(3)
		row.After = forEver
		h.commit(addActivities(row), addTimers(timer(1, 0, forEver),
			backend.Timer{Ref: 2, Due: time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC), Event: fired(2)}))
		got := e.tryClaim()
		equal(e, "tasks", len(got.Tasks), 0)
		if far := e.clock.Now().AddDate(200, 0, 0); got.Next.Before(far) && !got.Next.IsZero() {
			e.Errorf("Next is %v", got.Next)
		}
		equal(e, "activities", len(e.tryClaimActivities().Tasks), 0)
		equal(e, "timers", timers(e.pending(h.instance()).Timers), "1/0 2/0")
	}},
}
