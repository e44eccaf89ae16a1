package backendtest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// blocks parks an execution: nothing is written but the reason.
func blocks(build string, change ...func(*backend.Block)) func(*backend.WorkflowCommit) {
	return func(c *backend.WorkflowCommit) {
		c.Events, c.Count, c.Consume = nil, 0, nil
		c.Status = engine.StatusBlocked
		c.Summary.Build = build
		c.Block = &backend.Block{
			Reason: json.RawMessage(`{"class":"NONDETERMINISM","message":"line 1"}`),
			Class:  string(engine.BlockNondeterminism), Build: build,
		}
		for _, f := range change {
			f(c.Block)
		}
	}
}

func retryAfter(d time.Duration) func(*backend.Block) {
	return func(b *backend.Block) { b.RetryAfter = d }
}

// blocked makes an execution that a build could not start.
func (e *env) blocked(id, build string, change ...func(*backend.Block)) engine.Instance {
	e.Helper()
	i := e.create(id)
	e.claim().commit(blocks(build, change...))
	return i
}

var blockedCases = []testCase{
	{"StoresTheReason", "A commit of StatusBlocked stores why, gives the lease back, and keeps history and inbox.", func(e *env) {
		e.create("i")
		h := e.claim()
		r := h.commit(keep, blocks(build))
		equal(e, "lease", r.LeaseUntil, time.Time{})
		s := e.summary(h.instance())
		equal(e, "summary", []any{s.Status, s.BlockClass, string(s.Block), s.BlockedBuilds},
			[]any{engine.StatusBlocked, "NONDETERMINISM", `{"class":"NONDETERMINISM","message":"line 1"}`, []string{build}})
		equal(e, "history", e.history(h.instance()), "")
		equal(e, "inbox", e.inbox(h.instance()), "WorkflowStarted")
		h.refused("after it was blocked")
	}},
	{"ClaimsSkipTheBuild", "Claims skip builds that could not run the execution.", func(e *env) {
		e.blocked("i", build)
		e.claimNone("this build failed on it", ofBuild(build))
		h := e.claim(ofBuild("b2"))
		equal(e, "status of the task", h.task.Status, engine.StatusBlocked)
		equal(e, "inbox of the task", e.labels(h.inbox), "WorkflowStarted")
	}},
	{"DeliveriesDoNotUnblock", "What is delivered to a blocked instance waits.", func(e *env) {
		i := e.blocked("i", build)
		e.deliver(byID(i), "a")
		e.claimNone("this build failed on it", ofBuild(build))
		equal(e, "inbox", e.labels(e.claim(ofBuild("b2")).inbox), "WorkflowStarted a")
	}},
	{"MaxBlockedBounds", "MaxBlocked bounds how many of Max may be blocked executions.", func(e *env) {
		for n := range 5 {
			e.blocked(fmt.Sprint("i", n), build)
		}
		e.create("j")
		limited := func(n int) func(*backend.WorkflowClaim) {
			return func(c *backend.WorkflowClaim) { c.Build, c.MaxBlocked = "b2", n }
		}
		equal(e, "claimed of MaxBlocked 0", e.claimIDs(limited(0)), "j")
		equal(e, "tasks of MaxBlocked 2", len(e.tryClaim(limited(2)).Tasks), 2)
		equal(e, "tasks of Max 1", len(e.tryClaim(limited(2), atMost(1)).Tasks), 1)
		equal(e, "tasks of MaxBlocked 9", len(e.tryClaim(limited(9)).Tasks), 2)
	}},
	{"EndsByAStep", "A commit of another status ends being blocked.", func(e *env) {
		e.blocked("i", build)
		h := e.claim(ofBuild("b2"))
		h.commit(keep, func(c *backend.WorkflowCommit) { c.Summary.Build = "b2" })
		s := e.summary(h.instance())
		equal(e, "summary", []any{s.Status, s.BlockClass, string(s.Block)}, []any{engine.StatusRunning, "", ""})
		equal(e, "history", e.history(h.instance()), "TaskStarted")
	}},
	{"VerdictsStay", "Old and new builds side by side do not undo each other's verdict.", func(e *env) {
		i := e.blocked("i", "new")
		e.claim(ofBuild("old")).commit(func(c *backend.WorkflowCommit) { c.Summary.Build = "old" })
		equal(e, "builds", e.summary(i).BlockedBuilds, []string{"new"})
		e.deliver(byID(i), "a")
		e.claimNone("the new build failed on it", ofBuild("new"))
		equal(e, "claimed by the old build", e.claimIDs(ofBuild("old")), "i")
	}},
	{"VerdictIsTakenBack", "A build that commits a step of the execution can run it.", func(e *env) {
		i := e.blocked("i", build, retryAfter(e.unit))
		e.pass(e.unit)
		e.claim(ofBuild(build)).commit(func(c *backend.WorkflowCommit) { c.Summary.Build = build })
		equal(e, "builds", len(e.summary(i).BlockedBuilds), 0)
		e.deliver(byID(i), "a")
		equal(e, "claimed", e.claimIDs(ofBuild(build)), "i")
	}},
	{"RetryAfter", "RetryAfter is when the same build may try again, for transient reasons.", func(e *env) {
		e.blocked("i", build, retryAfter(e.unit))
		got := e.tryClaim(ofBuild(build))
		equal(e, "tasks before", len(got.Tasks), 0)
		e.near("Next", got.Next, e.clock.Now().Add(e.unit))
		e.pass(e.unit)
		e.claimNone("MaxBlocked is 0")
		e.claim(ofBuild(build)).commit(blocks(build, retryAfter(2*e.unit)))
		e.pass(e.unit)
		e.claimNone("it was put off again", ofBuild(build))
		equal(e, "claimed by another build", e.claimIDs(ofBuild("b2")), "i")
	}},
	{"LastEightBuilds", "The store keeps the last eight builds that can't run the execution.", func(e *env) {
		i := e.blocked("i", "b0")
		want := []string{}
		for n := range 9 {
			name := fmt.Sprint("b", n+1)
			e.claim(ofBuild(name)).commit(blocks(name))
			want = append(want, name)
		}
		equal(e, "builds", e.summary(i).BlockedBuilds, want[1:])
		e.claimNone("it is one of the last eight", ofBuild("b9"))
		e.claim(ofBuild("b0")).commit(blocks("b0"))
		equal(e, "builds", e.summary(i).BlockedBuilds, append(want[2:], "b0"))
	}},
	{"Keep", "Keep are events that only the holder had in memory, put into the inbox so that they are not lost.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "a")
		h.commit(blocks(build, func(b *backend.Block) {
			b.Keep = []history.Encoded{encode(1, history.ActivityCompleted{}), encode(2, history.ActivityFailed{})}
		}))
		equal(e, "inbox", e.labels(e.claim(ofBuild("b2")).inbox), "a ActivityCompleted#1 ActivityFailed#2")
	}},
	{"LostHolder", "A blocked execution whose new holder vanishes is blocked and can be claimed again.", func(e *env) {
		i := e.blocked("i", build)
		e.claim(ofBuild("b2"), leaseOf(e.unit))
		e.claimNone("it is leased", ofBuild("b3"))
		equal(e, "status", e.summary(i).Status, engine.StatusBlocked)
		e.pass(e.unit)
		e.claimNone("this build failed on it", ofBuild(build))
		equal(e, "claimed", e.claimIDs(ofBuild("b2")), "i")
	}},
	{"Paused", "A blocked execution that is paused is not claimed by any build.", func(e *env) {
		i := e.blocked("i", build)
		e.pause(byID(i), true)
		e.claimNone("it is paused", ofBuild("b2"))
		e.pause(byID(i), false)
		equal(e, "claimed", e.claimIDs(ofBuild("b2")), "i")
	}},
	{"TimersWait", "No due timer makes a blocked execution ready for the build that failed.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, 0, e.unit)))
		h.commit(blocks(build))
		e.pass(e.unit)
		e.claimNone("this build failed on it", ofBuild(build))
		equal(e, "due timers", timers(e.claim(ofBuild("b2")).task.Timers), "1/0")
	}},
	{"ActivitiesGoOn", "Activities of a blocked execution run, and their results wait in the inbox.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addActivities(activityRow(1)))
		h.commit(blocks(build))
		e.commitActivity(result(e.claimActivity()))
		equal(e, "inbox", e.inbox(h.instance()), "ActivityCompleted#1")
	}},
}
