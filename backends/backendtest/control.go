package backendtest

import (
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func (e *env) tryRetry(r backend.RetryRequest) error {
	e.Helper()
	return one(e, "Retry", e.b.Retry(e.ctx(), []backend.RetryRequest{r}))
}

// dropping is a request to throw away the event of an inbox row.
func dropping(to backend.Address, r backend.InboxRow) backend.RetryRequest {
	return backend.RetryRequest{To: to, DropInbox: r.ID, Dropped: encode(0, history.EventDropped{Event: r.Event, Reason: "by case"})}
}

func (e *env) tryPause(to backend.Address, paused bool) error {
	e.Helper()
	return one(e, "Pause", e.b.Pause(e.ctx(), []backend.PauseChange{{To: to, Paused: paused}}))
}

func (e *env) tryRemove(i engine.Instance) error {
	e.Helper()
	return one(e, "Remove", e.b.Remove(e.ctx(), []engine.Instance{i}))
}

var controlCases = []testCase{
	{"TerminateEnds", "Terminate appends the given event, sets the status, and deletes what is pending.", controlTerminateEnds},
	{"TerminateInvalidatesTheLease", "Terminate invalidates leases: the holder's commit changes nothing.", func(e *env) {
		other := e.asleep("other")
		h := e.held("i")
		e.terminate(byID(h.instance()))
		h.refused("of a terminated execution", func(c *backend.WorkflowCommit) {
			c.Deliver = []backend.Delivery{{To: byID(other), Event: signal("a")}}
		})
		equal(e, "history", e.history(h.instance()), "TaskStarted WorkflowTerminated")
		equal(e, "inbox of the other", e.inbox(other), "")
	}},
	{"TerminateAnyOpen", "Terminate needs no worker: blocked, paused and never claimed instances end too.", func(e *env) {
		blocked := e.blocked("blocked", build)
		paused := e.asleep("paused")
		e.pause(byID(paused), true)
		fresh := e.create("new")
		for _, i := range []engine.Instance{blocked, paused, fresh} {
			e.terminate(byID(i))
			s := e.summary(i)
			equal(e, "state of "+i.InstanceID, []any{s.Status, s.Paused, s.BlockClass, string(s.Block)}, []any{engine.StatusTerminated, false, "", ""})
		}
		e.claimNone("all are terminated", ofBuild("b2"))
	}},
	{"TerminateByAddress", "Terminate answers ErrInstanceNotFound if there is no open execution of that address.", func(e *env) {
		i := e.asleep("i")
		for _, to := range []backend.Address{{InstanceID: "j"}, {InstanceID: "i", ExecutionID: "x"}, {InstanceID: "i", FirstExecution: "x"}} {
			e.is(e.tryTerminate(to), engine.ErrInstanceNotFound, "terminating %+v", to)
		}
		equal(e, "status", e.summary(i).Status, engine.StatusRunning)
		e.terminate(backend.Address{InstanceID: "i", ExecutionID: i.ExecutionID, FirstExecution: i.ExecutionID})
		e.is(e.tryTerminate(byID(i)), engine.ErrInstanceNotFound, "terminating what is terminated")
		equal(e, "history", e.history(i), "TaskStarted WorkflowTerminated")
	}},
	{"PauseStopsClaims", "Pause sets the paused flag: nothing is claimed until it is cleared.", func(e *env) {
		i := e.create("i")
		e.pause(byID(i), true)
		e.pause(byID(i), true)
		s := e.summary(i)
		equal(e, "summary", []any{s.Status, s.Paused}, []any{engine.StatusRunning, true})
		e.claimNone("it is paused")
		e.claimNone("it is paused", ofBuild("b2"))
		e.pause(byID(i), false)
		equal(e, "Paused", e.summary(i).Paused, false)
		equal(e, "claimed", e.claimIDs(), "i")
	}},
	{"PauseTellsTheHolder", "The holder of a lease learns of the paused flag from its next extend or commit, and commits the step it is in.", func(e *env) {
		h := e.held("i")
		e.pause(byID(h.instance()), true)
		equal(e, "Paused by extend", h.extend().Paused, true)
		equal(e, "Paused by commit", h.commit(keep).Paused, true)
		e.pause(byID(h.instance()), false)
		equal(e, "Paused by extend after", h.extend().Paused, false)
		e.pause(byID(h.instance()), true)
		h.commit()
		e.deliver(byID(h.instance()), "a")
		e.claimNone("it is paused")
	}},
	{"PauseKeepsLostLeases", "When the holder of a paused execution vanishes, the execution is ready after it was resumed.", func(e *env) {
		i := e.create("i")
		e.claim(leaseOf(e.unit))
		e.pause(byID(i), true)
		e.pass(e.unit)
		e.claimNone("it is paused", by("w2"))
		e.pause(byID(i), false)
		equal(e, "claimed", e.claimIDs(by("w2")), "i")
	}},
	{"PauseByAddress", "Pause answers ErrInstanceNotFound if there is no open execution of that address.", func(e *env) {
		i := e.finished("i")
		e.is(e.tryPause(byID(i), true), engine.ErrInstanceNotFound, "pausing a finished instance")
		e.is(e.tryPause(byID(i), false), engine.ErrInstanceNotFound, "resuming a finished instance")
		e.is(e.tryPause(backend.Address{InstanceID: "j"}, true), engine.ErrInstanceNotFound, "pausing an unknown instance")
	}},
	{"RetryAnyBuild", "Retry makes blocked instances ready for every build at once.", func(e *env) {
		i := e.blocked("i", build)
		e.claimNone("this build failed on it", ofBuild(build))
		e.ok(e.tryRetry(backend.RetryRequest{To: byID(i)}), "retrying")
		equal(e, "builds that failed", len(e.summary(i).BlockedBuilds), 0)
		equal(e, "claimed by the same build", e.claimIDs(ofBuild(build)), "i")
	}},
	{"RetryDropsAnEvent", "With DropInbox, Retry puts the given event in the place of the one that is thrown away.", func(e *env) {
		i := e.blocked("i", build)
		e.deliver(byID(i), "a")
		e.deliver(byID(i), "b")
		drop := dropping(byID(i), e.pending(i).Inbox[1])
		e.ok(e.tryRetry(drop), "dropping a")
		e.ok(e.tryRetry(drop), "dropping it again")
		h := e.claim(ofBuild(build))
		equal(e, "inbox", e.labels(h.inbox), "WorkflowStarted EventDropped b")
		equal(e, "row", h.inbox[1], backend.InboxRow{ID: drop.DropInbox, Event: drop.Dropped})
		h.commit()
		e.ok(e.tryRetry(drop), "dropping what is gone")
		equal(e, "inbox after", e.inbox(i), "")
		e.claimNone("nothing has come in")
	}},
	{"RetryLeavesATrace", "Retry answers ErrInvalidArgument to a request that would throw an event away without a trace, and changes nothing.", func(e *env) {
		i := e.blocked("i", build)
		e.deliver(byID(i), "a")
		drop := dropping(byID(i), e.pending(i).Inbox[1])
		for _, r := range []backend.RetryRequest{{To: drop.To, DropInbox: drop.DropInbox}, {To: drop.To, Dropped: drop.Dropped}} {
			e.is(e.tryRetry(r), engine.ErrInvalidArgument, "retrying with half a request to drop")
		}
		equal(e, "inbox", e.inbox(i), "WorkflowStarted a")
		e.claimNone("this build failed on it", ofBuild(build))
	}},
	{"RetryTraceMoves", "The trace of an event that would move to the next execution moves there; it wakes whoever slept through the event.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "a")
		e.deliver(exactly(h.instance()), "stays")
		for _, r := range e.pending(h.instance()).Inbox {
			e.ok(e.tryRetry(dropping(byID(h.instance()), r)), "dropping %s", e.label(r.Event))
		}
		next := h.continueAsNew()
		equal(e, "inbox of the next", e.inbox(next), "WorkflowStarted EventDropped")
		e.claim().commit(finish(engine.StatusCompleted))

		i := e.scheduled("quiet", activityRow(1))
		e.commitActivity(result(e.claimActivity(), retry(2, long)))
		e.claimNone("it came quietly")
		e.ok(e.tryRetry(dropping(byID(i), e.pending(i).Inbox[0])), "dropping what came quietly")
		e.claim().commit(unread)
		equal(e, "inbox of the woken", e.labels(e.claim().inbox), "EventDropped")
	}},
	{"RetryForgetsVerdicts", "Retry forgets which builds failed, also on an instance that another build has unblocked: else nobody might be left to run it.", func(e *env) {
		i := e.blocked("i", "new")
		e.claim(ofBuild("old")).commit(func(c *backend.WorkflowCommit) { c.Summary.Build = "old" })
		e.deliver(byID(i), "a")
		e.claimNone("the new build failed on it", ofBuild("new"))
		e.ok(e.tryRetry(backend.RetryRequest{To: byID(i)}), "retrying")
		equal(e, "builds that failed", len(e.summary(i).BlockedBuilds), 0)
		equal(e, "claimed by the new build", e.claimIDs(ofBuild("new")), "i")
	}},
	{"RetryOfTheRunning", "Retry is no error if the instance is not blocked.", func(e *env) {
		i := e.asleep("i")
		e.ok(e.tryRetry(backend.RetryRequest{To: byID(i)}), "retrying a running instance")
		e.claimNone("nothing has come in")
		done := e.finished("done")
		e.is(e.tryRetry(backend.RetryRequest{To: byID(done)}), engine.ErrInstanceNotFound, "retrying a finished instance")
		e.is(e.tryRetry(backend.RetryRequest{To: backend.Address{InstanceID: "j"}}), engine.ErrInstanceNotFound, "retrying an unknown instance")
	}},
	{"RemoveDeletesAll", "Remove deletes final executions with all their rows.", func(e *env) {
		i := e.finished("i", func(c *backend.Creation) { c.Tags = map[string]string{"k": "v"} })
		other := e.finished("other")
		e.ok(e.tryRemove(i), "removing")
		_, err := e.b.Get(e.ctx(), i)
		e.is(err, engine.ErrInstanceNotFound, "getting what was removed")
		_, err = e.b.Get(e.ctx(), engine.Instance{InstanceID: "i"})
		e.is(err, engine.ErrInstanceNotFound, "getting it by its InstanceID")
		_, err = e.b.History(e.ctx(), i, 0, 0)
		e.is(err, engine.ErrInstanceNotFound, "reading its history")
		_, err = e.b.Pending(e.ctx(), i, 0)
		e.is(err, engine.ErrInstanceNotFound, "reading what is pending")
		page, err := e.b.List(e.ctx(), backend.Query{})
		e.ok(err, "listing")
		equal(e, "rows left", len(page.Items), 1)
		equal(e, "history of the other", e.history(other), "TaskStarted")
		e.is(e.tryRemove(i), engine.ErrInstanceNotFound, "removing it again")
	}},
	{"RemoveOnlyTheFinal", "Remove answers ErrInstanceNotFinished for an open execution, and ErrInstanceNotFound for an unknown one.", func(e *env) {
		running, blocked, paused := e.asleep("running"), e.blocked("blocked", build), e.asleep("paused")
		e.pause(byID(paused), true)
		for _, i := range []engine.Instance{running, blocked, paused} {
			e.is(e.tryRemove(i), engine.ErrInstanceNotFinished, "removing %s", i)
			e.summary(i)
		}
		e.is(e.tryRemove(newInstance("running")), engine.ErrInstanceNotFound, "removing another execution of the id")
	}},
	{"RemoveOneOfMany", "Finished executions of a continued instance can be removed like any other.", func(e *env) {
		h := e.held("i")
		next := h.continueAsNew()
		e.ok(e.tryRemove(h.instance()), "removing the first execution")
		equal(e, "current execution", e.summary(engine.Instance{InstanceID: "i"}).Instance, next)
		equal(e, "inbox of it", e.labels(e.claim().inbox), "WorkflowStarted")
	}},
	{"RemoveThenReuse", "A removed id is free, and nothing of the old execution is left in the new one.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, 0, time.Second)), addActivities(activityRow(1)))
		e.deliver(byID(h.instance()), "a")
		h.commit(finish(engine.StatusCompleted), unread)
		e.ok(e.tryRemove(h.instance()), "removing")
		i := e.create("i", func(c *backend.Creation) { c.Instance = h.instance() })
		equal(e, "inbox", e.inbox(i), "WorkflowStarted")
		equal(e, "history", e.history(i), "")
		equal(e, "timers and activities", len(e.pending(i).Timers)+len(e.pending(i).Activities), 0)
	}},
}

func controlTerminateEnds(e *env) {
	h := e.held("i")
	i := h.instance()
	h.commit(addTimers(timer(1, 0, time.Second)), addActivities(activityRow(2)), func(c *backend.WorkflowCommit) {
		c.Summary.Waiting = &engine.Waiting{Kind: engine.WaitTimer}
	})
	e.deliver(byID(i), "a")
	e.clock.Advance(2 * time.Millisecond)
	err := one(e, "Terminate", e.b.Terminate(e.ctx(), []backend.Termination{{To: byID(i), Event: terminated("why"), Error: "enough"}}))
	e.ok(err, "terminating")
	chunks, err := e.b.History(e.ctx(), i, 2, 0)
	e.ok(err, "history")
	events, err := chunks[0].Events.Decode(chunks[0].First)
	e.ok(err, "decoding")
	equal(e, "number and body of the event", []any{events[0].Seq, events[0].Body}, []any{int64(3), history.WorkflowTerminated{Reason: "why"}})
	s := e.summary(i)
	equal(e, "summary", []any{s.Status, s.LastError, s.HistoryLength, s.Inbox, s.Unread}, []any{engine.StatusTerminated, "enough", int64(3), 0, 1})
	equal(e, "waiting", s.Waiting, nil)
	e.near("Finished", s.Finished, e.clock.Now())
	e.near("Updated", s.Updated, e.clock.Now())
	equal(e, "pending", e.pending(i), backend.Pending{})
	equal(e, "activities to claim", e.claimRefs(), "")
}
