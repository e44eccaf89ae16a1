package backendtest

import (
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

var commitCases = []testCase{
	{"AppendsEvents", "Events are appended to history as one chunk of Count events that begins at ExpectSeq+1.", func(e *env) {
		e.create("i")
		h := e.claim()
		two, err := history.Encode(
			history.Event{Body: history.TaskStarted{Worker: worker}},
			history.Event{Ref: 1, Body: history.TimerScheduled{}},
		)
		e.ok(err, "encoding")
		h.commit(keep, func(c *backend.WorkflowCommit) { c.Events, c.Count = two, 2 })
		h.commit(keep)
		equal(e, "history", e.history(h.instance()), "TaskStarted TimerScheduled#1 TaskStarted")
		s := e.summary(h.instance())
		equal(e, "history length", s.HistoryLength, 3)
		equal(e, "history bytes", s.HistoryBytes, int64(len(two)+len(h.step().Events)))
	}},
	{"NeedsTheToken", "Unless Token is what the store holds, a commit changes nothing and answers ErrLeaseLost.", func(e *env) {
		commitRefused(e, func(c *backend.WorkflowCommit) { c.Token = engine.NewID() })
	}},
	{"NeedsTheSequence", "Unless ExpectSeq is what the store holds, a commit changes nothing and answers ErrLeaseLost.", func(e *env) {
		commitRefused(e, func(c *backend.WorkflowCommit) { c.ExpectSeq++ })
		commitRefused(e, func(c *backend.WorkflowCommit) { c.ExpectSeq-- })
	}},
	{"NeedsALease", "A token is good for nothing after its lease was given back.", func(e *env) {
		e.create("i")
		h := e.claim()
		h.commit()
		h.refused("after the lease was given back")
		equal(e, "history", e.history(h.instance()), "TaskStarted")
	}},
	{"UnknownInstance", "A commit for an execution that is not there has lost its lease.", func(e *env) {
		h := &hold{env: e, task: backend.WorkflowTask{Instance: newInstance("none"), Token: engine.NewID()}}
		h.refused("of an unknown instance")
	}},
	{"StepOnce", "A StepID that the store already holds is answered like then, with current Arrivals, and applied once.", func(e *env) {
		other := e.asleep("other")
		e.create("i")
		h := e.claim(atMost(1))
		step := h.step(keep, func(c *backend.WorkflowCommit) {
			c.Deliver = []backend.Delivery{{To: byID(other), Event: signal("once")}}
		})
		h.send(step)
		e.deliver(byID(h.instance()), "a")
		again := h.send(step)
		equal(e, "current arrivals", e.labels(again.Inbox), "a")
		e.near("lease", again.LeaseUntil, e.clock.Now().Add(long))
		equal(e, "history", e.history(h.instance()), "TaskStarted")
		equal(e, "inbox of the other", e.inbox(other), "once")
		h.commit()
	}},
	{"StepOnceAfterLosingTheLease", "A resent step that was applied is a success, also when somebody else has the execution by now.", func(e *env) {
		e.create("i")
		h := e.claim()
		step := h.step(func(c *backend.WorkflowCommit) { c.Lease = e.unit })
		h.send(step)
		e.deliver(byID(h.instance()), "a")
		e.pass(e.unit)
		second := e.claim(by("w2"))
		h.send(step)
		second.commit()
		equal(e, "history", e.history(h.instance()), "TaskStarted TaskStarted")
	}},
	{"StepOnceAtTheEnd", "A resent final step that was applied is a success.", func(e *env) {
		e.create("i")
		h := e.claim()
		step := h.step(finish(engine.StatusCompleted))
		h.send(step)
		h.send(step)
		equal(e, "history", e.history(h.instance()), "TaskStarted")
	}},
	{"NoEvents", "Count may be 0: a commit without events changes rows only.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "a")
		h.commit(keep, func(c *backend.WorkflowCommit) { c.Events, c.Count = nil, 0 })
		equal(e, "history", e.history(h.instance()), "TaskStarted")
		equal(e, "inbox", e.inbox(h.instance()), "a")
		h.commit()
	}},
	{"ConsumesExactly", "Consuming deletes exactly the row ids that were read, never up to one of them.", func(e *env) {
		h := e.held("i")
		for _, s := range []string{"a", "b", "c", "d"} {
			e.deliver(byID(h.instance()), s)
		}
		rows := h.extend().Inbox
		left := h.commit(keep, func(c *backend.WorkflowCommit) { c.Consume = []int64{rows[3].ID, rows[1].ID} })
		equal(e, "inbox", e.labels(left.Inbox), "a c")
		left = h.commit(keep, func(c *backend.WorkflowCommit) { c.Consume = []int64{rows[1].ID, rows[0].ID, rows[3].ID} })
		equal(e, "inbox when ids are gone already", e.labels(left.Inbox), "c")
	}},
	{"KeepsTheLease", "Lease prolongs the lease by this much from now.", func(e *env) {
		e.create("i")
		h := e.claim(leaseOf(e.unit))
		e.clock.Advance(e.unit / 2)
		r := h.commit(func(c *backend.WorkflowCommit) { c.Lease = 2 * e.unit })
		e.near("Now", r.Now, e.clock.Now())
		e.near("LeaseUntil", r.LeaseUntil, e.clock.Now().Add(2*e.unit))
		e.deliver(byID(h.instance()), "a")
		e.pass(e.unit)
		e.claimNone("its lease was prolonged", by("w2"))
		e.pass(e.unit)
		equal(e, "claimed when it has run out", e.claimIDs(by("w2")), "i")
	}},
	{"GivesTheLeaseBack", "Lease 0 gives the lease back; rows that are unread make the execution ready at once.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "a")
		r := h.commit()
		equal(e, "lease", r.LeaseUntil, time.Time{})
		equal(e, "holder", e.pending(h.instance()).Holder, "")
		equal(e, "inbox of the next holder", e.labels(e.claim(by("w2")).inbox), "a")
	}},
	{"KeepsTheLeaseIfReady", "OnlyIfReady gives the lease back in spite of Lease, unless the execution would be ready at once: by what is left in its inbox, or by a due timer, and not while it is paused.", func(e *env) {
		ifReady := func(c *backend.WorkflowCommit) { c.Lease, c.OnlyIfReady = long, true }
		h := e.held("idle")
		equal(e, "lease with nothing to do", h.commit(ifReady, addTimers(timer(1, 0, long))).LeaseUntil, time.Time{})
		h.refused("after the lease was given back")

		h = e.held("busy")
		e.deliver(byID(h.instance()), "a")
		r := h.commit(ifReady)
		e.near("lease with a signal to read", r.LeaseUntil, e.clock.Now().Add(long))
		equal(e, "arrivals", e.labels(r.Inbox), "a")
		equal(e, "lease when it was read", h.commit(ifReady).LeaseUntil, time.Time{})

		h = e.held("timed")
		r = h.commit(ifReady, addTimers(timer(1, 0, 0)))
		e.near("lease with a due timer", r.LeaseUntil, e.clock.Now().Add(long))
		equal(e, "timers", timers(r.Timers), "1/0")
		h.commit(dropTimers(backend.TimerKey{Ref: 1}))

		h = e.held("paused")
		e.deliver(byID(h.instance()), "a")
		e.pause(byID(h.instance()), true)
		equal(e, "lease of a paused one", h.commit(ifReady).LeaseUntil, time.Time{})
	}},
	{"ReadyAfter", "ReadyAfter postpones readiness after giving the lease back.", func(e *env) {
		i := e.create("i")
		e.claim().commit(unread, func(c *backend.WorkflowCommit) { c.ReadyAfter = e.unit })
		e.claimNone("it is postponed")
		e.pass(e.unit)
		e.claim().commit(unread, func(c *backend.WorkflowCommit) { c.ReadyAfter = long })
		e.deliver(byID(i), "a")
		equal(e, "inbox when something was delivered", e.labels(e.claim().inbox), "WorkflowStarted a")
	}},
	{"UpdatesTheSummary", "Summary sets its columns; nil Tags, StatusLine and LastError keep what is stored.", commitUpdatesTheSummary},
	{"EndsForGood", "A final status deletes inbox, timers, activities and closings, and counts what nobody had read.", commitEndsForGood},
	{"AnswersArrivals", "A commit answers with what has come in, so that a warm instance is not deaf.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "a")
		e.pause(byID(h.instance()), true)
		r := h.commit(keep, func(c *backend.WorkflowCommit) {
			c.AddTimers = []backend.Timer{{Ref: 1, After: -time.Second, Event: fired(1)}, {Ref: 2, After: e.unit, Event: fired(2)}}
		})
		equal(e, "inbox", e.labels(r.Inbox), "a")
		equal(e, "due timers", timers(r.Timers), "1/0")
		e.near("NextTimer", r.NextTimer, e.clock.Now().Add(e.unit))
		equal(e, "Paused", r.Paused, true)
	}},
	{"Delivers", "Deliver puts events into inboxes of others, in the order given, in the commit.", func(e *env) {
		other := e.asleep("other")
		h := e.held("i")
		h.commit(func(c *backend.WorkflowCommit) {
			c.Deliver = []backend.Delivery{{To: byID(other), Event: signal("a")}, {To: exactly(other), Event: signal("b")}}
		})
		equal(e, "inbox of the other", e.labels(e.claim().inbox), "a b")
	}},
	{"DeliversReplies", "Accepted and Refused are delivered back to the committing execution.", func(e *env) {
		other := e.asleep("other")
		h := e.held("i")
		accepted, refused := encode(1, history.SignalDelivered{}), encode(2, history.SignalFailed{})
		r := h.commit(keep, func(c *backend.WorkflowCommit) {
			c.Deliver = []backend.Delivery{
				{To: byID(other), Event: signal("a"), Accepted: accepted, Refused: signal("wrong")},
				{To: backend.Address{InstanceID: "nobody"}, Event: signal("b"), Accepted: signal("wrong"), Refused: refused},
				{To: backend.Address{InstanceID: "nobody"}, Event: signal("c")},
				{To: byID(other), Event: signal("d")},
			}
		})
		equal(e, "replies", e.labels(r.Inbox), "SignalDelivered#1 SignalFailed#2")
		equal(e, "inbox of the other", e.inbox(other), "a d")
	}},
	{"DeliversToItself", "An execution may deliver to itself.", func(e *env) {
		h := e.held("i")
		r := h.commit(func(c *backend.WorkflowCommit) {
			c.Deliver = []backend.Delivery{{To: byID(h.instance()), Event: signal("a"), Accepted: encode(1, history.SignalDelivered{})}}
		})
		equal(e, "inbox", e.labels(r.Inbox), "a SignalDelivered#1")
		equal(e, "claimed, because it gave the lease back", e.claimIDs(), "i")
	}},
	{"StartsChildren", "Start creates children in the commit.", func(e *env) {
		h := e.held("parent")
		child := creation("child")
		parent := h.instance()
		child.Parent = &parent
		h.commit(func(c *backend.WorkflowCommit) {
			c.Start = []backend.Creation{child}
			c.Deliver = []backend.Delivery{{To: byID(child.Instance), Event: signal("a")}}
		})
		equal(e, "parent of the child", *e.summary(child.Instance).Parent, parent)
		equal(e, "inbox of the child, a signal of the same step included", e.labels(e.claim().inbox), "WorkflowStarted a")
	}},
	{"MayEndByItsSends", "A child that replaces the committing execution, or one whose closings terminate it, leaves it terminated, whatever Status says.", commitEndsByItsSends},
	{"TellsTakenChildren", "Taken is delivered back to the committing execution when the id is taken; its commit is not refused.", func(e *env) {
		other := e.asleep("child")
		h := e.held("parent")
		child, free := creation("child"), creation("free")
		child.Taken, free.Taken = encode(1, history.ChildFailed{}), signal("wrong")
		r := h.commit(keep, func(c *backend.WorkflowCommit) { c.Start = []backend.Creation{child, free} })
		equal(e, "inbox of the parent", e.labels(r.Inbox), "ChildFailed#1")
		equal(e, "current execution", e.summary(engine.Instance{InstanceID: "child"}).Instance, other)
		equal(e, "inbox of the other child", e.inbox(free.Instance), "WorkflowStarted")
	}},
}

// commitRefused checks that a refused commit leaves no trace.
func commitRefused(e *env, wrong func(*backend.WorkflowCommit)) {
	e.Helper()
	other := e.asleep("other")
	h := e.held("i")
	e.deliver(byID(h.instance()), "a")
	h.extend()
	before, pending, history := e.summary(h.instance()), e.pending(h.instance()), e.history(h.instance())
	h.refused("that its fence keeps out", finish(engine.StatusFailed), wrong, func(c *backend.WorkflowCommit) {
		c.AddTimers = []backend.Timer{{Ref: 1, After: time.Second, Event: fired(1)}}
		c.AddActivities = []backend.ActivityRow{activityRow(2)}
		c.Start = []backend.Creation{creation("child")}
		c.Deliver = []backend.Delivery{{To: byID(other), Event: signal("a")}}
		c.Summary.Tags = map[string]string{"a": "b"}
	})
	equal(e, "summary", e.summary(h.instance()), before)
	equal(e, "pending", e.pending(h.instance()), pending)
	equal(e, "history", e.history(h.instance()), history)
	equal(e, "inbox of the other", e.inbox(other), "")
	_, err := e.b.Get(e.ctx(), engine.Instance{InstanceID: "child"})
	e.is(err, engine.ErrInstanceNotFound, "getting the child that was not started")
	h.commit(finish(engine.StatusCompleted))
	e.terminate(byID(other))
}

func commitUpdatesTheSummary(e *env) {
	i := e.create("i", func(c *backend.Creation) { c.Tags = map[string]string{"old": "1"} })
	line, lastError := "half way", "it hurt"
	waiting := &engine.Waiting{
		Kind: engine.WaitSignal, Name: "go", Ref: 3, Since: e.clock.Now().Truncate(time.Microsecond),
		Until: e.clock.Now().Add(time.Hour).Truncate(time.Microsecond), Attempt: 2, More: 1,
		Next: e.clock.Now().Add(time.Minute).Truncate(time.Microsecond),
	}
	h := e.claim()
	e.clock.Advance(2 * time.Millisecond)
	h.commit(keep, func(c *backend.WorkflowCommit) {
		c.Local = 3
		c.Summary = backend.SummaryUpdate{
			Worker: "w9", Build: "b9", Waiting: waiting, Tags: map[string]string{"new": "2"},
			StatusLine: &line, LastError: &lastError, Attempt: 4,
		}
	})
	s := e.summary(i)
	e.near("Updated", s.Updated, e.clock.Now())
	equal(e, "waiting", s.Waiting, waiting)
	equal(e, "tags", s.Tags, map[string]string{"new": "2"})
	equal(e, "status line, last error, attempt", []any{s.StatusLine, s.LastError, s.Attempt}, []any{line, lastError, 4})
	equal(e, "worker, build, local", []any{s.Worker, s.Build, s.Local}, []any{"w9", "b9", 3})

	h.commit(func(c *backend.WorkflowCommit) { c.Summary = backend.SummaryUpdate{Worker: "w8", Build: "b8"} })
	s = e.summary(i)
	equal(e, "waiting", s.Waiting, nil)
	equal(e, "what nil keeps", []any{s.Tags["new"], s.StatusLine, s.LastError}, []any{"2", line, lastError})
	equal(e, "what is always set", []any{s.Worker, s.Build, s.Local, s.Attempt}, []any{"w8", "b8", 0, 0})
}

func commitEndsForGood(e *env) {
	for _, status := range []engine.Status{engine.StatusCompleted, engine.StatusFailed, engine.StatusCanceled} {
		h := e.held(string(status))
		i := h.instance()
		e.deliver(byID(i), "a")
		e.deliver(byID(i), "b")
		h.commit(keep, func(c *backend.WorkflowCommit) {
			c.AddTimers = []backend.Timer{{Ref: 1, After: time.Second, Event: fired(1)}}
			c.AddActivities = []backend.ActivityRow{activityRow(2)}
			c.AddClosings = []backend.Closing{{Ref: 3, On: backend.OnTerminate, To: byID(i), Event: signal("x")}}
		})
		e.clock.Advance(2 * time.Millisecond)
		h.commit(keep, unread, finish(status))
		s := e.summary(i)
		equal(e, "status", s.Status, status)
		e.near("Finished", s.Finished, e.clock.Now())
		equal(e, "inbox and unread", []int{s.Inbox, s.Unread}, []int{0, 2})
		equal(e, "pending", e.pending(i), backend.Pending{})
		h.refused("after the end")
		equal(e, "extending after the end", h.tryExtend().Err != nil, true)
		e.claimNone("it is final")
	}
}

func commitEndsByItsSends(e *env) {
	child := e.held("child")
	e.create("parent", func(c *backend.Creation) { c.Closings = []backend.Closing{kills(1, child.instance())} })
	itself := e.create("itself", func(c *backend.Creation) { c.Queue = "elsewhere" })
	task := e.tryClaim(func(c *backend.WorkflowClaim) { c.Queues = []engine.Queue{"elsewhere"} }).Tasks[0]
	for id, h := range map[string]*hold{"parent": child, "itself": newHold(e, task)} {
		replacement := again(id, backend.IDReuseTerminate)
		replacement.Taken = signal("wrong")
		r := h.commit(keep, addTimers(timer(1, 0, e.unit)), addActivities(activityRow(2)), func(c *backend.WorkflowCommit) {
			c.Start = []backend.Creation{replacement}
		})
		equal(e, "answer", []any{len(r.Inbox), r.LeaseUntil}, []any{0, time.Time{}})
		s := e.summary(h.instance())
		equal(e, "state", []any{s.Status, s.Finished.IsZero(), s.Local}, []any{engine.StatusTerminated, false, 0})
		equal(e, "pending", e.pending(h.instance()), backend.Pending{})
		equal(e, "inbox of the replacement", e.inbox(replacement.Instance), "WorkflowStarted")
		equal(e, "activities to claim", e.claimRefs(), "")
		h.refused("of a terminated execution")
	}
	equal(e, "history", e.history(itself), "TaskStarted WorkflowTerminated")
	equal(e, "history of the child", e.history(child.instance()), "TaskStarted TaskStarted WorkflowTerminated")
}
