package backendtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wfops/wfops/backends/backendtest/faults"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// known checks the outcome of a write that is idempotent by nature: the first
// sending was applied, or a later one, which may have found nothing to do.
func (f *faulty) known(err, nothingToDo error, doing string) {
	f.Helper()
	if err != nil && !errors.Is(err, nothingToDo) {
		f.Fatalf("%s: %v", doing, err)
	}
}

var controlRuleCases = []testCase{
	{"Rule20UnreadTravel", "Inbox rows that are unread move over at continue-as-new, in order; the end for good deletes and counts them.",
		eachWay(faults.CommitWorkflows, func(f *faulty, id string) {
			f.create(id, func(c *backend.Creation) { c.Inbox = []history.Encoded{signal("a"), signal("b")} })
			h := f.claim(leaseOf(f.unit))
			step := h.nextStep(func(c *backend.WorkflowCommit) { c.Consume = c.Consume[:1] })
			f.deliver(byID(h.instance()), "c")
			f.ok(f.insistOnStep(step).Err, "continuing as new")
			f.deliver(byID(h.instance()), "d")
			equal(f.env, "inbox of the next", f.inbox(step.Next.Instance), "WorkflowStarted a b c d")
			f.store.Fail(faults.CommitWorkflows, faults.AnswerLost)
			second := f.claim()
			f.ok(f.insistOnStep(second.step(finish(engine.StatusCompleted), func(c *backend.WorkflowCommit) { c.Consume = c.Consume[:2] })).Err, "ending")
			equal(f.env, "unread", f.summary(second.instance()).Unread, 3)
		})},
	{"Rule22CreateOnce", "A creation that is resent after a lost answer starts no second run, under any id-reuse policy.",
		eachWay(faults.Create, func(f *faulty, id string) {
			for _, p := range []backend.IDReuse{backend.IDReuseFinished, backend.IDReuseReject, backend.IDReuseTerminate, backend.IDReuseReturn} {
				c := again(fmt.Sprint(id, p), p)
				f.store.Fail(faults.Create, faults.AnswerLost)
				var r backend.CreateResult
				f.ok(f.insist(func() error { r = f.tryCreate(c); return r.Err }), "creating under %s", p)
				equal(f.env, "answer", r, backend.CreateResult{Instance: c.Instance})
				equal(f.env, "executions", f.list(backend.Query{InstanceID: c.Instance.InstanceID}), c.Instance.InstanceID)
				equal(f.env, "status", f.summary(c.Instance).Status, engine.StatusRunning)
			}
			open := f.create(id)
			c := again(id, backend.IDReuseReturn)
			c.Inbox = []history.Encoded{signal("a")}
			f.store.Fail(faults.Create, faults.AnswerLost)
			var r backend.CreateResult
			f.ok(f.insist(func() error { r = f.tryCreate(c); return r.Err }), "creating an open id")
			equal(f.env, "answer", r, backend.CreateResult{Instance: open, Existed: true})
			equal(f.env, "inbox", f.inbox(open), "WorkflowStarted a")
		})},
	{"Rule22DeliverOnce", "A deliver carries an id; the store ignores a repeated one.",
		eachWay(faults.Deliver, func(f *faulty, id string) {
			i := f.create(id)
			d := backend.Delivery{ID: engine.NewID(), To: byID(i), Event: signal("a")}
			f.ok(f.insist(func() error { return f.tryDeliver(d) }), "delivering")
			equal(f.env, "inbox", f.inbox(i), "WorkflowStarted a")
		})},
	{"Rule23TerminateWhole", "Terminate is one transaction: all of it or nothing, once, for blocked and paused instances too.",
		eachWay(faults.Terminate, func(f *faulty, id string) {
			for _, kind := range []string{"held", "blocked", "paused"} {
				parent := elsewhere("parent " + kind + id)
				f.ok(f.tryCreate(parent).Err, "creating")
				f.create(kind+id, func(c *backend.Creation) {
					c.Closings = []backend.Closing{tells(0, backend.OnTerminate, parent.Instance, "child ended")}
				})
				h := f.claim(leaseOf(f.unit))
				switch kind {
				case "held":
					h.commit(f.brief(), addTimers(timer(1, 0, long)))
				case "blocked":
					h.commit(blocks(build))
				case "paused":
					h.commit()
					f.pause(byID(h.instance()), true)
				}
				f.store.Fail(faults.Terminate, faults.AnswerLost)
				before := f.history(h.instance())
				f.known(f.insist(func() error { return f.tryTerminate(exactly(h.instance())) }), engine.ErrInstanceNotFound, "terminating")
				equal(f.env, "history", f.history(h.instance()), strings.TrimSpace(before+" WorkflowTerminated"))
				equal(f.env, "status", f.summary(h.instance()).Status, engine.StatusTerminated)
				equal(f.env, "inbox of the parent", f.inbox(parent.Instance), "WorkflowStarted child ended")
				h.refused("of a terminated execution")
			}
		})},
	{"Rule24ClosingsOfChildren", "Every child start writes a close row with the parent: however the parent's step arrived, its end reaches the child once.",
		eachWay(faults.CommitWorkflows, func(f *faulty, id string) {
			told, killed := elsewhere("told "+id), elsewhere("killed "+id)
			f.create(id)
			h := f.claim(leaseOf(f.unit))
			f.ok(f.insistOnStep(h.step(
				addClosings(tells(1, backend.OnEnd, told.Instance, "cancel"), kills(2, killed.Instance)),
				func(c *backend.WorkflowCommit) { c.Start = []backend.Creation{told, killed} })).Err, "starting children")
			equal(f.env, "closings", len(f.pending(h.instance()).Closings), 2)
			f.terminate(byID(h.instance()))
			equal(f.env, "inbox of the child that is told", f.inbox(told.Instance), "WorkflowStarted cancel")
			equal(f.env, "history of the other", f.history(killed.Instance), "WorkflowTerminated")
		})},
	{"Rule25Paused", "Paused: no claim, no new attempt; the holder commits the step it is in; running activities finish into the inbox.",
		eachWay(faults.Pause, func(f *faulty, id string) {
			i := f.scheduled(id, activityRow(1), activityRow(2))
			running := f.tryClaimActivities(func(c *backend.ActivityClaim) { c.Max = 1 }).Tasks[0]
			f.deliver(byID(i), "a")
			h := f.claim()
			f.ok(f.insist(func() error { return f.tryPause(byID(i), true) }), "pausing")
			equal(f.env, "Paused by extend", h.extend().Paused, true)
			equal(f.env, "activities claimed", f.claimRefs(byOther), "")
			f.commitActivity(result(running))
			h.commit()
			f.claimNone("it is paused", by("w2"))
			equal(f.env, "inbox", f.inbox(i), "ActivityCompleted#1")
			f.store.Fail(faults.Pause, faults.AnswerLost)
			f.ok(f.insist(func() error { return f.tryPause(byID(i), false) }), "resuming")
			equal(f.env, "activities claimed after", f.claimRefs(byOther), id+"#2")
			equal(f.env, "claimed after", f.claimIDs(by("w2")), id)
		})},
	{"Rule26Remove", "Removal never takes an execution that isn't final; resent, it finds nothing to do.",
		eachWay(faults.Remove, func(f *faulty, id string) {
			f.create(id)
			h := f.claim()
			next := h.continueAsNew()
			f.known(f.insist(func() error { return f.tryRemove(h.instance()) }), engine.ErrInstanceNotFound, "removing")
			_, err := f.b.Get(f.ctx(), h.instance())
			f.is(err, engine.ErrInstanceNotFound, "getting what was removed")
			f.is(f.tryRemove(next), engine.ErrInstanceNotFinished, "removing the open execution")
			equal(f.env, "inbox of the open execution", f.inbox(next), "WorkflowStarted")
		})},
	{"Rule27BlockKeepsResults", "The commit that blocks an instance stores, once, every event that was not durable yet.",
		eachWay(faults.CommitWorkflows, func(f *faulty, id string) {
			f.create(id)
			h := f.claim(leaseOf(f.unit))
			paid := []history.Encoded{encode(1, history.ActivityCompleted{}), encode(2, history.ActivityCompleted{})}
			f.ok(f.insistOnStep(h.step(blocks(build, func(b *backend.Block) { b.Keep = paid }))).Err, "blocking")
			equal(f.env, "inbox", f.inbox(h.instance()), "WorkflowStarted ActivityCompleted#1 ActivityCompleted#2")
			second := f.claim(ofBuild("b2"))
			equal(f.env, "inbox of another build", f.labels(second.inbox), "WorkflowStarted ActivityCompleted#1 ActivityCompleted#2")
			second.commit(finish(engine.StatusCompleted))
		})},
	{"Rule28Verdicts", "An instance keeps the last eight builds that could not run it; claims skip those and are limited in the others.",
		eachWay(faults.CommitWorkflows, func(f *faulty, id string) {
			i := f.create(id)
			for n := range 10 {
				name := fmt.Sprint("b", n)
				f.ok(f.insistOnStep(f.claim(ofBuild(name), leaseOf(f.unit)).step(blocks(name))).Err, "blocking")
			}
			equal(f.env, "builds", strings.Join(f.summary(i).BlockedBuilds, " "), "b2 b3 b4 b5 b6 b7 b8 b9")
			f.claimNone("this build failed on it", ofBuild("b2"))
			f.claimNone("MaxBlocked is 0", func(c *backend.WorkflowClaim) { c.Build = "b0" })
			h := f.claim(ofBuild("b0"))
			h.commit(func(c *backend.WorkflowCommit) { c.Summary.Build = "b0" })
			f.deliver(byID(i), "a")
			f.claimNone("this build failed on it, and another's success is no reason to let it", ofBuild("b9"))
			f.claim(ofBuild("b0")).commit(finish(engine.StatusCompleted))
		})},
	{"Rule29TransientRetry", "A stuck step also retries on the same build, with backoff.",
		eachWay(faults.CommitWorkflows, func(f *faulty, id string) {
			f.create(id)
			h := f.claim(leaseOf(f.unit))
			for n := range 3 {
				f.ok(f.insistOnStep(h.step(blocks(build, retryAfter(f.unit)))).Err, "blocking, time %d", n)
				f.claimNone("it waits", ofBuild(build))
				f.pass(f.unit)
				h = f.claim(ofBuild(build), leaseOf(f.unit))
			}
			h.commit()
			equal(f.env, "status", f.summary(h.instance()).Status, engine.StatusRunning)
			f.deliver(byID(h.instance()), "a")
			f.claim(ofBuild(build)).commit(finish(engine.StatusCompleted))
		})},
	{"Rule31DroppedEvent", "An event is thrown away together with the record of it, in one write that can be resent.",
		eachWay(faults.Retry, func(f *faulty, id string) {
			i := f.create(id, func(c *backend.Creation) { c.Inbox = []history.Encoded{signal("a"), signal("b")} })
			f.claim(leaseOf(f.unit)).commit(blocks(build))
			drop := dropping(byID(i), f.pending(i).Inbox[1])
			f.ok(f.insist(func() error { return f.tryRetry(drop) }), "dropping")
			equal(f.env, "inbox", f.inbox(i), "WorkflowStarted EventDropped b")
			h := f.claim(ofBuild(build))
			equal(f.env, "the record", h.inbox[1].Event, drop.Dropped)
			h.commit(finish(engine.StatusCompleted))
		})},
}
