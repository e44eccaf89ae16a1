package backendtest

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var extendCases = []testCase{
	{"Prolongs", "ExtendWorkflows prolongs leases, from now on.", func(e *env) {
		e.create("i")
		h := e.claim(leaseOf(e.unit))
		e.clock.Advance(e.unit / 2)
		r := one(e, "ExtendWorkflows", e.b.ExtendWorkflows(e.ctx(), []backend.WorkflowExtension{
			{Instance: h.instance(), Token: h.task.Token, Lease: 2 * e.unit},
		}))
		e.ok(r.Err, "extending")
		e.near("Now", r.Now, e.clock.Now())
		e.near("LeaseUntil", r.LeaseUntil, e.clock.Now().Add(2*e.unit))
		e.pass(e.unit)
		e.claimNone("its lease was prolonged", by("w2"))
		h.commit()
	}},
	{"FetchesArrivals", "ExtendWorkflows fetches what has come in: inbox rows, due timers, flags.", func(e *env) {
		h := e.held("i")
		h.commit(keep, func(c *backend.WorkflowCommit) {
			c.AddTimers = []backend.Timer{{Ref: 1, After: e.unit, Event: fired(1)}, {Ref: 2, After: 2 * e.unit, Event: fired(2)}}
		})
		r := h.extend()
		equal(e, "inbox", e.labels(r.Inbox), "")
		equal(e, "due timers", timers(r.Timers), "")
		e.near("NextTimer", r.NextTimer, e.clock.Now().Add(e.unit))
		equal(e, "Paused", r.Paused, false)

		due := r.NextTimer
		e.deliver(byID(h.instance()), "a")
		e.pause(byID(h.instance()), true)
		e.pass(e.unit)
		r = h.extend()
		equal(e, "inbox", e.labels(r.Inbox), "a")
		equal(e, "due timers", timers(r.Timers), "1/0")
		equal(e, "event of the timer", e.label(r.Timers[0].Event), "TimerFired#1")
		e.near("Due of the timer", r.Timers[0].Due, due)
		e.near("NextTimer", r.NextTimer, due.Add(e.unit))
		equal(e, "Paused", r.Paused, true)
		equal(e, "the same again, until it is consumed", h.extend().Arrivals, r.Arrivals)
	}},
	{"PagesTheInbox", "An answer holds at most MaxInbox rows and tells that there are more.", func(e *env) {
		h := e.held("i")
		ds := make([]backend.Delivery, backend.MaxInbox+1)
		for n := range ds {
			ds[n] = backend.Delivery{To: byID(h.instance()), Event: signal(fmt.Sprint("s", n))}
		}
		for _, err := range e.b.Deliver(e.ctx(), ds) {
			e.ok(err, "delivering")
		}
		r := h.extend()
		equal(e, "rows", len(r.Inbox), backend.MaxInbox)
		equal(e, "More", r.More, true)
		r = h.commit(keep)
		equal(e, "rows left", e.labels(r.Inbox), fmt.Sprint("s", backend.MaxInbox))
		equal(e, "More", r.More, false)
	}},
	{"NeedsTheToken", "ExtendWorkflows answers ErrLeaseLost as for a commit.", func(e *env) {
		h := e.held("i")
		token := h.task.Token
		h.task.Token = engine.NewID()
		e.is(h.tryExtend().Err, engine.ErrLeaseLost, "extending under another token")
		h.task.Token = token
		h.commit()
		e.is(h.tryExtend().Err, engine.ErrLeaseLost, "extending a lease that was given back")
	}},
	{"NotWhenTakenOver", "Reclaiming an expired lease changes the token.", func(e *env) {
		e.create("i")
		h := e.claim(leaseOf(e.unit))
		e.pass(e.unit)
		second := e.claim(by("w2"))
		e.is(h.tryExtend().Err, engine.ErrLeaseLost, "extending a lease that another worker took over")
		second.extend()
	}},
	{"RevivesTheExpired", "A lease that has expired but was not claimed by anybody else is still good.", func(e *env) {
		e.create("i")
		h := e.claim(leaseOf(e.unit))
		e.pass(e.unit)
		h.extend()
		e.claimNone("its lease was prolonged", by("w2"))
	}},
	{"NotWhenGone", "A holder learns that its execution is gone: terminated, or removed.", func(e *env) {
		h := e.held("i")
		e.terminate(byID(h.instance()))
		e.is(h.tryExtend().Err, engine.ErrLeaseLost, "extending a terminated execution")
		e.ok(one(e, "Remove", e.b.Remove(e.ctx(), []engine.Instance{h.instance()})), "removing")
		e.is(h.tryExtend().Err, engine.ErrLeaseLost, "extending a removed execution")
	}},
	{"ChangesNothingElse", "An extension makes nothing durable but the lease.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "a")
		before := e.summary(h.instance())
		e.clock.Advance(2 * time.Millisecond)
		h.extend()
		equal(e, "summary", e.summary(h.instance()), before)
		equal(e, "inbox", e.inbox(h.instance()), "a")
	}},
}
