package backendtest

import (
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// queueStats returns the row of a queue, or a zero one.
func (e *env) queueStats(q engine.Queue, kind backend.QueueKind) backend.QueueStats {
	e.Helper()
	all, err := e.b.Queues(e.ctx())
	e.ok(err, "reading queues")
	found := backend.QueueStats{Queue: q, Kind: kind}
	n := 0
	for _, s := range all {
		if s.Queue == q && s.Kind == kind {
			found = s
			n++
		}
	}
	if n > 1 {
		e.Errorf("%d rows of queue %s %s", n, kind, q)
	}
	return found
}

// depth is the three counts of a queue.
func depth(s backend.QueueStats) [3]int64 { return [3]int64{s.Ready, s.Leased, s.Delayed} }

var statsCases = []testCase{
	{"WorkflowQueues", "Queues tells how many executions are ready, leased and delayed, and since when the oldest has been ready.", func(e *env) {
		e.asleep("idle")
		e.finished("done")
		e.create("leased")
		e.claim()
		e.create("delayed")
		e.claim().commit(addTimers(timer(1, 0, e.unit)))
		e.blocked("blocked", build)
		paused := e.create("paused")
		e.pause(byID(paused), true)
		e.create("elsewhere", func(c *backend.Creation) { c.Queue = "q2" })
		since := e.clock.Now()
		e.create("ready")
		e.clock.Advance(2 * time.Millisecond)
		e.create("ready later")
		s := e.queueStats(queue, backend.QueueWorkflow)
		equal(e, "ready, leased, delayed", depth(s), [3]int64{2, 1, 1})
		e.near("OldestReady", s.OldestReady, since)
		equal(e, "of the other queue", depth(e.queueStats("q2", backend.QueueWorkflow)), [3]int64{1, 0, 0})
		equal(e, "of the activity queue of that name", depth(e.queueStats(queue, backend.QueueActivity)), [3]int64{0, 0, 0})
		e.claimIDs()
		s = e.queueStats(queue, backend.QueueWorkflow)
		equal(e, "ready, leased, delayed when claimed", depth(s), [3]int64{0, 3, 1})
		equal(e, "OldestReady when none is", s.OldestReady, time.Time{})
		e.pass(e.unit)
		equal(e, "ready, leased, delayed when the timer is due", depth(e.queueStats(queue, backend.QueueWorkflow)), [3]int64{1, 3, 0})
	}},
	{"ActivityQueues", "Queues tells how many activities are ready, leased and delayed, and since when the oldest has been ready.", func(e *env) {
		delayed, elsewhere := activityRow(4), activityRow(5)
		delayed.After, elsewhere.Queue = e.unit, "q2"
		since := e.clock.Now()
		e.scheduled("i", activityRow(1), activityRow(2), activityRow(3), delayed, elsewhere)
		e.claimRefs(func(c *backend.ActivityClaim) { c.Max, c.Lease = 1, e.unit })
		s := e.queueStats(queue, backend.QueueActivity)
		equal(e, "ready, leased, delayed", depth(s), [3]int64{2, 1, 1})
		e.near("OldestReady", s.OldestReady, since)
		equal(e, "of the other queue", depth(e.queueStats("q2", backend.QueueActivity)), [3]int64{1, 0, 0})
		e.pass(e.unit)
		equal(e, "ready, leased, delayed when the lease ran out", depth(e.queueStats(queue, backend.QueueActivity)), [3]int64{4, 0, 0})
	}},
	{"Workers", "Workers returns the heartbeat rows, latest seen first, with all that they told.", func(e *env) {
		full := backend.Worker{
			ID: "w2", Host: "host", PID: 42, Build: "b2", VCS: "abc+dirty", Queues: []engine.Queue{"q", "Q"},
			Workflows: []string{"wf"}, Activities: []string{"act", "ACT"},
			WorkflowsUsed: 1, WorkflowSlots: 2, ActivitiesUsed: 3, ActivitySlots: 4, Leases: 5, Warm: 6,
			Started: e.clock.Now().Add(-time.Hour).Truncate(time.Microsecond), Unhealthy: "stuck",
		}
		e.heartbeat("w1")
		e.clock.Advance(2 * time.Millisecond)
		e.ok(e.b.Heartbeat(e.ctx(), full), "heartbeat")
		e.clock.Advance(2 * time.Millisecond)
		e.heartbeat("w3")
		ws := e.workers()
		equal(e, "workers", workerIDs(ws), "w3 w2 w1")
		got := ws[1]
		e.near("Seen", got.Seen, e.clock.Now().Add(-2*time.Millisecond))
		got.Seen = time.Time{}
		equal(e, "row", got, full)
	}},
	{"WorkerUpdates", "A heartbeat replaces the row of its worker.", func(e *env) {
		e.heartbeat("w1")
		e.clock.Advance(2 * time.Millisecond)
		e.heartbeat("w2")
		e.clock.Advance(2 * time.Millisecond)
		e.heartbeat("w1", func(w *backend.Worker) { w.Leases = 7 })
		ws := e.workers()
		equal(e, "workers", workerIDs(ws), "w1 w2")
		equal(e, "Leases", ws[0].Leases, 7)
	}},
	{"WorkerStops", "A Stopped heartbeat removes the row.", func(e *env) {
		e.heartbeat("w1")
		e.heartbeat("w2")
		stop := func(w *backend.Worker) { w.Stopped = true }
		e.heartbeat("w1", stop)
		e.heartbeat("w1", stop)
		equal(e, "workers", workerIDs(e.workers()), "w2")
	}},
	{"Info", "Info describes the store.", func(e *env) {
		info, err := e.b.Info(e.ctx())
		e.ok(err, "info")
		if info.Kind == "" || info.Durability == "" || info.ReadOnly {
			e.Errorf("info: %+v", info)
		}
		e.near("Now", info.Now, e.clock.Now())
	}},
	{"ResultsAreTheCallers", "What the store returns belongs to the caller: changing it changes nothing that is stored.", statsResultsAreTheCallers},
	{"HistoryPages", "History returns the chunks above after, in order, at most limit; the first may begin at or below after.", statsHistoryPages},
	{"PendingPages", "Pending returns at most limit rows of each.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addTimers(timer(1, 0, time.Second), timer(2, 0, time.Minute)), addActivities(activityRow(3), activityRow(4)),
			addClosings(tells(5, backend.OnEnd, h.instance(), "x"), tells(6, backend.OnEnd, h.instance(), "y")))
		e.deliver(byID(h.instance()), "a")
		e.deliver(byID(h.instance()), "b")
		p, err := e.b.Pending(e.ctx(), h.instance(), 1)
		e.ok(err, "pending")
		equal(e, "rows", [4]int{len(p.Inbox), len(p.Timers), len(p.Activities), len(p.Closings)}, [4]int{1, 1, 1, 1})
		equal(e, "first rows", e.labels(p.Inbox)+" "+timers(p.Timers), "a 1/0")
		p = e.pending(h.instance())
		equal(e, "rows without limit", [4]int{len(p.Inbox), len(p.Timers), len(p.Activities), len(p.Closings)}, [4]int{2, 2, 2, 2})
		equal(e, "holder", p.Holder, worker)
		e.near("LeaseUntil", p.LeaseUntil, e.clock.Now().Add(long))
	}},
	{"PendingReadyAt", "ReadyAt is when the execution is ready; zero if nothing will wake it.", func(e *env) {
		i := e.asleep("i")
		equal(e, "ReadyAt of a sleeper", e.pending(i).ReadyAt, time.Time{})
		e.deliver(byID(i), "a")
		e.near("ReadyAt when something came in", e.pending(i).ReadyAt, e.clock.Now())
		e.claim().commit(addTimers(timer(1, 0, e.unit)))
		e.near("ReadyAt with a timer", e.pending(i).ReadyAt, e.clock.Now().Add(e.unit))
		equal(e, "ReadyAt of one that waits for another build", e.pending(e.blocked("j", build)).ReadyAt, time.Time{})
		k := e.blocked("k", build, retryAfter(e.unit))
		e.near("ReadyAt of one that is retried", e.pending(k).ReadyAt, e.clock.Now().Add(e.unit))
	}},
}

func statsResultsAreTheCallers(e *env) {
	e.heartbeat("w1", func(w *backend.Worker) { w.Workflows, w.Activities = []string{"wf"}, []string{"act"} })
	parent := newInstance("parent")
	i := e.create("i", func(c *backend.Creation) { c.Tags, c.Parent = map[string]string{"k": "v"}, &parent })
	e.claim().commit(blocks(build), func(c *backend.WorkflowCommit) { c.Summary.Waiting = &engine.Waiting{Name: "go"} })
	s, w, rows := e.summary(i), e.workers()[0], e.pending(i).Inbox
	s.Tags["k"], s.Parent.InstanceID, s.Waiting.Name, s.BlockedBuilds[0] = "changed", "changed", "changed", "changed"
	w.Queues[0], w.Workflows[0], w.Activities[0] = "changed", "changed", "changed"
	rows[0].ID = -1
	page, err := e.b.List(e.ctx(), backend.Query{})
	e.ok(err, "listing")
	page.Items[0].Tags["k"] = "changed"
	h := e.claim(ofBuild("b2"))
	h.task.Tags["k"] = "changed"
	s, w = e.summary(i), e.workers()[0]
	equal(e, "summary", []any{s.Tags["k"], s.Parent.InstanceID, s.Waiting.Name, s.BlockedBuilds[0]}, []any{"v", "parent", "go", build})
	equal(e, "worker", []any{w.Queues[0], w.Workflows[0], w.Activities[0]}, []any{queue, "wf", "act"})
	equal(e, "inbox", e.labels(h.extend().Inbox), "WorkflowStarted")
	h.commit()
	equal(e, "inbox after it was consumed", e.inbox(i), "")
}

func (e *env) workers() []backend.Worker {
	e.Helper()
	ws, err := e.b.Workers(e.ctx())
	e.ok(err, "reading workers")
	return ws
}

func workerIDs(ws []backend.Worker) string {
	var ids []string
	for _, w := range ws {
		ids = append(ids, w.ID)
	}
	return strings.Join(ids, " ")
}

func statsHistoryPages(e *env) {
	h := e.held("i")
	two, err := history.Encode(history.Event{Body: history.TaskStarted{}}, history.Event{Ref: 1, Body: history.TimerScheduled{}})
	e.ok(err, "encoding")
	h.commit(keep, func(c *backend.WorkflowCommit) { c.Events, c.Count = two, 2 })
	for range 3 {
		h.commit(keep)
	}
	for _, c := range []struct {
		after int64
		limit int
		want  []int64
	}{
		{0, 0, []int64{1, 2, 4, 5, 6}},
		{0, 2, []int64{1, 2}},
		{1, 2, []int64{2, 4}},
		{2, 2, []int64{2, 4}},
		{3, 1, []int64{4}},
		{5, 9, []int64{6}},
		{6, 0, nil},
		{99, 0, nil},
	} {
		chunks, err := e.b.History(e.ctx(), h.instance(), c.after, c.limit)
		e.ok(err, "history")
		var got []int64
		for _, chunk := range chunks {
			got = append(got, chunk.First)
		}
		equal(e, "chunks", got, c.want)
	}
}
