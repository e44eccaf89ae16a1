package backendtest

import (
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// continueAsNew ends the execution and returns the one that follows.
func (h *hold) continueAsNew(change ...func(*backend.WorkflowCommit)) engine.Instance {
	h.env.Helper()
	step := h.nextStep(change...)
	h.send(step)
	return step.Next.Instance
}

func (h *hold) nextStep(change ...func(*backend.WorkflowCommit)) backend.WorkflowCommit {
	next := creation(h.instance().InstanceID)
	next.FirstExecution = h.task.FirstExecution
	return h.step(append([]func(*backend.WorkflowCommit){func(c *backend.WorkflowCommit) {
		c.Status, c.Next = engine.StatusContinuedAsNew, &next
	}}, change...)...)
}

var continuedCases = []testCase{
	{"StartsTheNext", "Next is the execution that follows; the one before is final.", func(e *env) {
		h := e.held("i")
		next := h.continueAsNew(keep, func(c *backend.WorkflowCommit) { c.Next.Tags = map[string]string{"k": "v"} })
		equal(e, "status of the first", e.summary(h.instance()).Status, engine.StatusContinuedAsNew)
		s := e.summary(engine.Instance{InstanceID: "i"})
		equal(e, "the next", []any{s.Instance, s.FirstExecution, s.Status, s.Tags["k"]}, []any{next, h.instance().ExecutionID, engine.StatusRunning, "v"})
		h.refused("of the execution before")
		second := e.claim(by("w2"))
		equal(e, "claimed", second.instance(), next)
		equal(e, "inbox", e.labels(second.inbox), "WorkflowStarted")
		equal(e, "last sequence", second.seq, 0)
	}},
	{"MovesTheUnread", "Inbox rows that are not in Consume move to the next inbox, after its own, if they came by an address without an ExecutionID.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "read")
		h.extend()
		e.deliver(byID(h.instance()), "a")
		e.deliver(exactly(h.instance()), "dropped")
		e.deliver(backend.Address{InstanceID: "i", FirstExecution: h.task.FirstExecution}, "b")
		next := h.continueAsNew(func(c *backend.WorkflowCommit) { c.Next.Inbox = []history.Encoded{signal("own")} })
		e.deliver(byID(h.instance()), "c")
		equal(e, "inbox of the next", e.inbox(next), "WorkflowStarted own a b c")
		equal(e, "unread", e.summary(h.instance()).Unread, 1)
		second := e.claim()
		equal(e, "inbox of the task", e.labels(second.inbox), "WorkflowStarted own a b c")
		third := second.continueAsNew(unread)
		equal(e, "inbox after another time", e.inbox(third), "WorkflowStarted own a b c")
	}},
	{"MovesCreationInbox", "What came with the creation is addressed to the InstanceID; it moves if nobody read it.", func(e *env) {
		e.create("i", func(c *backend.Creation) { c.Inbox = []history.Encoded{signal("a"), signal("b")} })
		h := e.claim()
		next := h.continueAsNew(func(c *backend.WorkflowCommit) { c.Consume = c.Consume[:2] })
		equal(e, "inbox", e.inbox(next), "WorkflowStarted b")
	}},
	{"MovesReturnedInbox", "So is what came with a creation that was answered with the open execution.", func(e *env) {
		h := e.held("i")
		c := again("i", backend.IDReuseReturn)
		c.Inbox = []history.Encoded{signal("a")}
		e.ok(e.tryCreate(c).Err, "creating an open id")
		equal(e, "inbox", e.inbox(h.continueAsNew()), "WorkflowStarted a")
	}},
	{"DropsTheRest", "At continue-as-new pending activities and timers are gone.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, 0, e.unit)), addActivities(activityRow(2)))
		task := e.claimActivity()
		next := h.continueAsNew()
		e.is(e.tryCommitActivity(result(task)), engine.ErrLeaseLost, "committing an activity of the execution before")
		equal(e, "inbox", e.inbox(next), "WorkflowStarted")
		e.claim().commit()
		e.pass(e.unit)
		e.claimNone("the timer is gone")
		equal(e, "pending of the first", e.pending(h.instance()), backend.Pending{})
	}},
	{"TimersAndClosingsOfTheNext", "The next execution has the timers and closings of its creation.", func(e *env) {
		parent := e.asleep("parent")
		h := e.held("i")
		next := h.continueAsNew(func(c *backend.WorkflowCommit) {
			c.Next.Timers = []backend.Timer{{After: e.unit, Event: encode(0, history.WorkflowTimedOut{})}}
			c.Next.Closings = []backend.Closing{tells(0, backend.OnTerminate, parent, "ended")}
		})
		equal(e, "timers", timers(e.pending(next).Timers), "0/0")
		e.terminate(byID(next))
		equal(e, "inbox of the parent", e.inbox(parent), "ended")
	}},
	{"AppliedOnce", "A resent continue-as-new is a success and starts nothing.", func(e *env) {
		h := e.held("i")
		step := h.nextStep()
		h.send(step)
		e.claim().commit()
		h.send(step)
		equal(e, "history of the next", e.history(step.Next.Instance), "TaskStarted")
		page, err := e.b.List(e.ctx(), backend.Query{InstanceID: "i"})
		e.ok(err, "listing")
		equal(e, "executions", len(page.Items), 2)
	}},
	{"StaysPaused", "The paused flag moves to the next execution.", func(e *env) {
		h := e.held("i")
		e.pause(byID(h.instance()), true)
		next := h.continueAsNew()
		equal(e, "Paused", e.summary(next).Paused, true)
		e.claimNone("it is paused")
		e.pause(byID(next), false)
		equal(e, "claimed", e.claimIDs(), "i")
	}},
	{"RepliesToTheEnded", "What the last step of an execution sends is sent, and its replies go nowhere.", func(e *env) {
		other := e.asleep("other")
		h := e.held("i")
		next := h.continueAsNew(func(c *backend.WorkflowCommit) {
			c.Deliver = []backend.Delivery{{To: byID(other), Event: signal("a"), Accepted: encode(1, history.SignalDelivered{})}}
		})
		equal(e, "inbox of the other", e.inbox(other), "a")
		equal(e, "inbox of the next", e.inbox(next), "WorkflowStarted")
	}},
	{"NoStrangersAnswer", "A child's answer to an earlier execution never reaches a later one with the same id.", func(e *env) {
		child := e.held("child")
		parent := e.held("parent")
		next := parent.continueAsNew()
		refused := child.commit(keep, func(c *backend.WorkflowCommit) {
			c.Deliver = []backend.Delivery{{To: exactly(parent.instance()), Event: encode(1, history.ChildCompleted{}), Refused: signal("refused")}}
		})
		equal(e, "inbox of the child", e.labels(refused.Inbox), "refused")
		equal(e, "inbox of the next", e.inbox(next), "WorkflowStarted")
	}},
	{"Delayed", "Delay postpones the next execution too.", func(e *env) {
		h := e.held("i")
		h.continueAsNew(func(c *backend.WorkflowCommit) { c.Next.Delay = e.unit })
		e.claimNone("it is delayed")
		e.pass(e.unit)
		equal(e, "claimed", e.claimIDs(), "i")
	}},
	{"DelayedWithUnread", "Rows that move to the next execution were delivered to it, so its delay is over.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "a")
		h.continueAsNew(func(c *backend.WorkflowCommit) { c.Next.Delay = long })
		equal(e, "inbox", e.labels(e.claim().inbox), "WorkflowStarted a")
	}},
	{"LongChain", "Get without an ExecutionID finds the current or else the latest execution of a long chain.", func(e *env) {
		h := e.held("i")
		first := h.instance()
		for range 20 {
			e.clock.Advance(time.Millisecond)
			h.continueAsNew()
			h = e.claim()
		}
		s := e.summary(engine.Instance{InstanceID: "i"})
		equal(e, "current", []any{s.Instance, s.FirstExecution}, []any{h.instance(), first.ExecutionID})
		h.commit(finish(engine.StatusCompleted))
		equal(e, "latest", e.summary(engine.Instance{InstanceID: "i"}).Instance, h.instance())
		e.ok(e.tryRemove(h.instance()), "removing the latest")
		equal(e, "latest that is left", e.summary(engine.Instance{InstanceID: "i"}).Status, engine.StatusContinuedAsNew)
	}},
}
