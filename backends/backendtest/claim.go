package backendtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func atMost(n int) func(*backend.WorkflowClaim) {
	return func(c *backend.WorkflowClaim) { c.Max = n }
}

func leaseOf(d time.Duration) func(*backend.WorkflowClaim) {
	return func(c *backend.WorkflowClaim) { c.Lease = d }
}

var claimCases = []testCase{
	{"ReturnsAtOnce", "ClaimWorkflows returns at once when none is ready.", func(e *env) {
		got := e.tryClaim()
		equal(e, "tasks", len(got.Tasks), 0)
		e.near("Now", got.Now, e.clock.Now())
		equal(e, "Next", got.Next, time.Time{})
	}},
	{"TellsTheTask", "A task carries what its worker needs to go on without another read.", claimTellsTheTask},
	{"LeasesOnce", "A leased execution is not ready.", func(e *env) {
		e.create("i")
		equal(e, "claimed", e.claimIDs(), "i")
		e.claimNone("it is leased", by("w2"))
		e.claimNone("it is leased to this worker already")
	}},
	{"TokensAreNew", "A claim leases a task under a random token that is never reissued.", func(e *env) {
		seen := map[string]bool{}
		for n := range 20 {
			e.create(fmt.Sprint("i", n))
		}
		for range 3 {
			for _, t := range e.tryClaim(leaseOf(e.unit)).Tasks {
				if seen[t.Token] || t.Token == "" {
					e.Errorf("token %q was issued before", t.Token)
				}
				seen[t.Token] = true
			}
			e.pass(e.unit)
		}
		equal(e, "tokens", len(seen), 60)
	}},
	{"LongestReadyFirst", "Claims take those ready longest first.", func(e *env) {
		a, b, c := e.asleep("a"), e.asleep("b"), e.asleep("c")
		for _, i := range []engine.Instance{c, a, b} {
			e.clock.Advance(2 * time.Millisecond)
			e.deliver(byID(i), "x")
		}
		e.clock.Advance(2 * time.Millisecond)
		e.deliver(byID(c), "more, which does not send it to the back")
		equal(e, "claimed", e.claimIDs(atMost(2)), "c a")
		equal(e, "claimed then", e.claimIDs(), "b")
	}},
	{"TiesByCreation", "Of executions that are ready equally long, the one created first is claimed first.", func(e *env) {
		e.needsClock()
		for _, id := range []string{"c", "a", "b"} {
			e.create(id)
		}
		equal(e, "claimed", e.claimIDs(atMost(2)), "c a")
		equal(e, "claimed then", e.claimIDs(), "b")
	}},
	{"EndOfTheLine", "An execution that is given back with work left joins the end of the line.", func(e *env) {
		first := e.asleep("first")
		e.deliver(byID(first), "a")
		h := e.claim()
		e.deliver(byID(first), "b")
		h.commit(keep, addTimers(timer(1, 0, -time.Second)), unread)
		e.clock.Advance(2 * time.Millisecond)
		e.create("second")
		e.clock.Advance(2 * time.Millisecond)
		h.inbox = nil
		h.commit()
		e.clock.Advance(2 * time.Millisecond)
		e.create("third")
		equal(e, "claimed", e.claimIDs(), "second first third")
	}},
	{"KeepsItsPlace", "A pause does not cost an execution its place in the line.", func(e *env) {
		first := e.create("first")
		e.clock.Advance(2 * time.Millisecond)
		e.create("second")
		e.pause(byID(first), true)
		e.clock.Advance(2 * time.Millisecond)
		e.pause(byID(first), false)
		equal(e, "claimed", e.claimIDs(), "first second")
	}},
	{"AtMostMax", "ClaimWorkflows leases up to Max executions.", func(e *env) {
		for n := range 5 {
			e.create(fmt.Sprint("i", n))
		}
		equal(e, "tasks of Max 0", len(e.tryClaim(atMost(0)).Tasks), 0)
		equal(e, "tasks of Max 2", len(e.tryClaim(atMost(2)).Tasks), 2)
		equal(e, "tasks of Max 100", len(e.tryClaim().Tasks), 3)
	}},
	{"OnlyItsQueues", "A worker claims only from the queues it serves.", func(e *env) {
		for _, q := range []engine.Queue{"q", "Q", "q2", "other"} {
			e.create("on "+string(q), func(c *backend.Creation) { c.Queue = q })
		}
		two := func(c *backend.WorkflowClaim) { c.Queues = []engine.Queue{"q2", "q", "empty"} }
		equal(e, "claimed", e.claimIDs(two), "on q on q2")
		equal(e, "claimed from no queue", e.claimIDs(func(c *backend.WorkflowClaim) { c.Queues = nil }), "")
	}},
	{"OnlyRegisteredNames", "Executions of names that the worker has not registered are left alone.", func(e *env) {
		for _, w := range []string{"wf", "WF", "wf2", "other"} {
			e.create("of "+w, func(c *backend.Creation) { c.Workflow = w })
		}
		two := func(c *backend.WorkflowClaim) { c.Workflows = []string{"wf2", "wf", "unused"} }
		equal(e, "claimed", e.claimIDs(two), "of wf of wf2")
		equal(e, "claimed for no name", e.claimIDs(func(c *backend.WorkflowClaim) { c.Workflows = nil }), "")
	}},
	{"NotTheIdle", "An execution without an inbox row, a due timer or lost activities is not ready.", func(e *env) {
		e.asleep("idle")
		e.finished("final")
		i := e.create("paused")
		e.pause(byID(i), true)
		e.claimNone("one is idle, one final, one paused")
	}},
	{"ExpiredLeaseIsReady", "Lease expiry makes an execution with unread rows ready again, under a new token.", func(e *env) {
		e.create("i")
		h := e.claim(leaseOf(e.unit))
		got := e.tryClaim(by("w2"))
		equal(e, "tasks while it is leased", len(got.Tasks), 0)
		e.near("Next", got.Next, h.task.LeaseUntil)
		e.pass(e.unit)
		second := e.claim(by("w2"))
		equal(e, "inbox", e.labels(second.inbox), "WorkflowStarted")
		h.refused("under the token that was replaced")
		second.commit()
	}},
	{"ExpiredIdleLeaseIsNot", "An execution whose lease ran out with nothing to do is not ready.", func(e *env) {
		e.create("i")
		i := e.claim()
		i.commit(func(c *backend.WorkflowCommit) { c.Lease = e.unit })
		e.pass(e.unit)
		e.claimNone("nothing has come in for it")
		e.deliver(byID(i.instance()), "a")
		equal(e, "inbox", e.labels(e.claim(by("w2")).inbox), "a")
	}},
	{"ExpiredLeaseIsStillGood", "A lease that has expired but was not claimed by anybody else is still good.", func(e *env) {
		e.create("i")
		h := e.claim(leaseOf(e.unit))
		e.pass(e.unit)
		h.commit(keep)
		e.claimNone("its holder committed and keeps it", by("w2"))
	}},
	{"PagesTheInbox", "A task holds at most MaxInbox rows, oldest first, and tells that there are more.", claimPagesTheInbox},
	{"PrefersTheLastWorker", "An execution whose last worker is another one with a fresh heartbeat is left to it for PreferLastWorker.", func(e *env) {
		e.heartbeat(worker)
		i := e.asleep("i")
		e.deliver(byID(i), "a")
		got := e.tryClaim(by("w2"))
		equal(e, "tasks of another worker", len(got.Tasks), 0)
		e.near("Next of another worker", got.Next, e.clock.Now().Add(backend.PreferLastWorker))
		equal(e, "claimed by the last worker", e.claimIDs(), "i")
	}},
	{"PrefersForAWhile", "After PreferLastWorker any worker may claim the execution.", func(e *env) {
		e.heartbeat(worker)
		i := e.asleep("i")
		e.deliver(byID(i), "a")
		e.pass(backend.PreferLastWorker)
		equal(e, "claimed by another worker", e.claimIDs(by("w2")), "i")
	}},
	{"PrefersTheLivingOnly", "A last worker whose heartbeat is older than 30 seconds is not waited for.", func(e *env) {
		e.needsClock()
		e.heartbeat(worker)
		i := e.asleep("i")
		e.clock.Advance(31 * time.Second)
		e.deliver(byID(i), "a")
		equal(e, "claimed by another worker", e.claimIDs(by("w2")), "i")
	}},
	{"PrefersNobodyStopped", "A last worker that has stopped is not waited for.", func(e *env) {
		e.heartbeat(worker)
		i := e.asleep("i")
		e.heartbeat(worker, func(w *backend.Worker) { w.Stopped = true })
		e.deliver(byID(i), "a")
		equal(e, "claimed by another worker", e.claimIDs(by("w2")), "i")
	}},
	{"PrefersNobodyForTheNew", "An execution that nobody ran yet is anybody's at once.", func(e *env) {
		e.heartbeat(worker)
		e.create("i")
		equal(e, "claimed", e.claimIDs(by("w2")), "i")
	}},
	{"TellsLostActivities", "A task counts the activities that ran at the last holder when its lease ran out, and names those that have rows.", func(e *env) {
		h := e.held("i")
		h.commit(keep, func(c *backend.WorkflowCommit) {
			c.Local, c.Lease = 2, e.unit
			c.AddActivities = []backend.ActivityRow{activityRow(4), activityRow(2)}
		})
		e.pass(e.unit)
		for range 2 { // also when the second holder vanishes before its first commit
			h = e.claim(by("w2"), leaseOf(e.unit))
			equal(e, "local activities", h.task.LocalActivities, 2)
			equal(e, "refs of activity rows", h.task.ActivityRefs, []int64{2, 4})
			equal(e, "last worker", h.task.LastWorker, worker)
			e.pass(e.unit)
		}
		h.commit(func(c *backend.WorkflowCommit) { c.Local = 0 })
		e.deliver(byID(h.instance()), "a")
		h = e.claim()
		equal(e, "local activities after a commit without", h.task.LocalActivities, 0)
	}},
}

// activityRow is an activity of the queue and name that cases share.
func activityRow(ref int64) backend.ActivityRow {
	return backend.ActivityRow{
		Ref: ref, Name: "act", Queue: queue, Attempt: 1,
		Scheduled: time.Date(2026, time.January, 1, 1, 1, 1, 1000, time.UTC),
		Event:     encode(ref, history.ActivityScheduled{Name: "act", Queue: queue}),
	}
}

func claimTellsTheTask(e *env) {
	created := e.clock.Now()
	i := e.create("i", func(c *backend.Creation) {
		c.FirstExecution, c.Tags = "first", map[string]string{"k": "v"}
	})
	t := e.claim().task
	equal(e, "last sequence of a new execution", t.LastSeq, 0)
	equal(e, "last step of a new execution", t.LastStep, "")
	step := newHold(e, t).step()
	newHold(e, t).send(step)
	e.clock.Advance(2 * time.Millisecond)
	e.deliver(byID(i), "a")
	got := e.tryClaim()
	t = got.Tasks[0]
	e.near("Now", got.Now, e.clock.Now())
	e.near("lease", t.LeaseUntil, e.clock.Now().Add(long))
	e.near("Created", t.Created, created)
	equal(e, "inbox", e.labels(t.Inbox), "a")
	if t.Token == "" || t.Token == step.Token {
		e.Errorf("token %q after %q", t.Token, step.Token)
	}
	t.Token, t.LeaseUntil, t.Created, t.Inbox = "", time.Time{}, time.Time{}, nil
	equal(e, "task", t, backend.WorkflowTask{
		Instance: i, FirstExecution: "first", Workflow: workflow, Queue: queue, Status: engine.StatusRunning,
		LastSeq: 1, LastStep: step.StepID, HistoryBytes: int64(len(step.Events)),
		Tags: map[string]string{"k": "v"}, LastWorker: worker,
	})
}

func claimPagesTheInbox(e *env) {
	const rows = 10 * backend.MaxInbox
	i := e.asleep("i")
	for from := 0; from < rows; from += backend.MaxInbox {
		ds := make([]backend.Delivery, backend.MaxInbox)
		for n := range ds {
			ds[n] = backend.Delivery{ID: engine.NewID(), To: byID(i), Event: signal(fmt.Sprint("s", from+n))}
		}
		for _, err := range e.b.Deliver(e.ctx(), ds) {
			e.ok(err, "delivering")
		}
	}
	equal(e, "rows counted", e.summary(i).Inbox, rows)
	h := e.claim()
	arrivals := h.task.Arrivals
	for from := 0; from < rows; from += backend.MaxInbox {
		equal(e, "rows of an answer", len(arrivals.Inbox), backend.MaxInbox)
		equal(e, "More", arrivals.More, from+backend.MaxInbox < rows)
		want := make([]string, backend.MaxInbox)
		for n := range want {
			want[n] = fmt.Sprint("s", from+n)
		}
		equal(e, "rows in order", e.labels(arrivals.Inbox), strings.Join(want, " "))
		arrivals = h.commit(keep).Arrivals
	}
	equal(e, "rows left", len(arrivals.Inbox), 0)
}
