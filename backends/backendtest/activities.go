package backendtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func addActivities(rows ...backend.ActivityRow) func(*backend.WorkflowCommit) {
	return func(c *backend.WorkflowCommit) { c.AddActivities = append(c.AddActivities, rows...) }
}

// scheduled makes an execution that sleeps and has the activity rows.
func (e *env) scheduled(id string, rows ...backend.ActivityRow) engine.Instance {
	e.Helper()
	i := e.create(id)
	e.claim().commit(addActivities(rows...))
	return i
}

func (e *env) tryClaimActivities(change ...func(*backend.ActivityClaim)) backend.ActivityClaimed {
	e.Helper()
	c := backend.ActivityClaim{
		Worker: worker, Build: build, Queues: []engine.Queue{queue}, Activities: []string{"act"}, Max: 100, Lease: long,
	}
	for _, f := range change {
		f(&c)
	}
	got, err := e.b.ClaimActivities(e.ctx(), c)
	e.ok(err, "claiming activities")
	return got
}

func (e *env) claimActivity(change ...func(*backend.ActivityClaim)) backend.ActivityTask {
	e.Helper()
	tasks := e.tryClaimActivities(change...).Tasks
	if len(tasks) != 1 {
		e.Fatalf("claimed %d activities, want the one that is ready", len(tasks))
	}
	return tasks[0]
}

// claimRefs claims and returns "instance#ref" in order.
func (e *env) claimRefs(change ...func(*backend.ActivityClaim)) string {
	e.Helper()
	var refs []string
	for _, t := range e.tryClaimActivities(change...).Tasks {
		refs = append(refs, fmt.Sprintf("%s#%d", t.Instance.InstanceID, t.Ref))
	}
	return strings.Join(refs, " ")
}

func byOther(c *backend.ActivityClaim) { c.Worker = "w2" }

func activityLease(d time.Duration) func(*backend.ActivityClaim) {
	return func(c *backend.ActivityClaim) { c.Lease = d }
}

// result is what a worker commits when its attempt has ended.
func result(t backend.ActivityTask, change ...func(*backend.ActivityCommit)) backend.ActivityCommit {
	c := backend.ActivityCommit{
		Instance: t.Instance, Ref: t.Ref, Token: t.Token,
		Events: []history.Encoded{encode(t.Ref, history.ActivityCompleted{Run: history.Run{Attempt: t.Attempt}})},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func (e *env) tryCommitActivity(c backend.ActivityCommit) error {
	e.Helper()
	return one(e, "CommitActivities", e.b.CommitActivities(e.ctx(), []backend.ActivityCommit{c}))
}

func (e *env) commitActivity(c backend.ActivityCommit) {
	e.Helper()
	e.ok(e.tryCommitActivity(c), "committing activity %d", c.Ref)
}

func (e *env) tryExtendActivity(t backend.ActivityTask, details engine.Payload) error {
	e.Helper()
	x := backend.ActivityExtension{Instance: t.Instance, Ref: t.Ref, Token: t.Token, Lease: long, Details: details}
	return one(e, "ExtendActivities", e.b.ExtendActivities(e.ctx(), []backend.ActivityExtension{x}))
}

// retry keeps the row for another attempt, and tells history quietly.
func retry(attempt int, after time.Duration) func(*backend.ActivityCommit) {
	return func(c *backend.ActivityCommit) {
		c.Events = []history.Encoded{encode(c.Ref, history.ActivityAttemptFailed{})}
		c.Quiet = true
		c.Retry = &backend.ActivityRetry{Attempt: attempt, After: after, LastError: "it failed"}
	}
}

var activityCases = []testCase{
	{"ReturnAtOnce", "ClaimActivities returns at once when none is ready.", func(e *env) {
		got := e.tryClaimActivities()
		equal(e, "tasks", len(got.Tasks), 0)
		e.near("Now", got.Now, e.clock.Now())
		equal(e, "Next", got.Next, time.Time{})
	}},
	{"TellTheTask", "A task carries the row, whose it is, and the lease.", activityTellsTheTask},
	{"LeaseOnce", "A leased activity is not claimed by another.", func(e *env) {
		e.scheduled("i", activityRow(1))
		equal(e, "claimed", e.claimRefs(), "i#1")
		equal(e, "claimed by another", e.claimRefs(byOther), "")
	}},
	{"LongestReadyFirst", "Claims take rows ready longest first, ties in order of creation.", func(e *env) {
		late, early := activityRow(1), activityRow(2)
		late.After, early.After = e.unit/2, e.unit/4
		e.scheduled("i", late, early)
		e.scheduled("j", activityRow(3), activityRow(1))
		equal(e, "claimed", e.claimRefs(func(c *backend.ActivityClaim) { c.Max = 1 }), "j#3")
		e.pass(e.unit)
		equal(e, "claimed", e.claimRefs(), "j#1 i#2 i#1")
	}},
	{"After", "After postpones the attempt from the moment of the write.", func(e *env) {
		row := activityRow(1)
		row.After = e.unit
		e.scheduled("i", row)
		got := e.tryClaimActivities()
		equal(e, "tasks before", len(got.Tasks), 0)
		e.near("Next", got.Next, e.clock.Now().Add(e.unit))
		e.pass(e.unit)
		equal(e, "claimed", e.claimRefs(), "i#1")
	}},
	{"OnlyItsQueuesAndNames", "A worker claims rows of the queues it serves and the names it registered.", func(e *env) {
		q2, name2, other := activityRow(2), activityRow(3), activityRow(4)
		q2.Queue, name2.Name, other.Name = "q2", "ACT", "other"
		e.scheduled("i", activityRow(1), q2, name2, other)
		equal(e, "claimed", e.claimRefs(func(c *backend.ActivityClaim) {
			c.Queues, c.Activities = []engine.Queue{"q2", "none", queue}, []string{"ACT", "act", "none"}
		}), "i#1 i#2 i#3")
		equal(e, "claimed for no name", e.claimRefs(func(c *backend.ActivityClaim) { c.Activities = nil }), "")
	}},
	{"ExpiredLeaseIsAnAttempt", "An expired lease counts as an attempt: such a task comes with Lost set and Attempt one higher.", func(e *env) {
		e.scheduled("i", activityRow(1))
		first := e.claimActivity(activityLease(e.unit))
		equal(e, "lost attempt of the first claim", first.Lost, nil)
		e.pass(e.unit)
		second := e.claimActivity(byOther, activityLease(e.unit))
		equal(e, "attempt", second.Attempt, 2)
		e.lost(second, 1, worker, first.Started)
		e.is(e.tryCommitActivity(result(first)), engine.ErrLeaseLost, "committing under the token that was replaced")
		e.pass(e.unit)
		third := e.claimActivity()
		equal(e, "attempt", third.Attempt, 3)
		e.lost(third, 2, "w2", second.Started)
		e.commitActivity(result(third))
	}},
	{"ExpiredLeaseIsStillGood", "A lease that has expired but was not claimed by anybody else is still good.", func(e *env) {
		i := e.scheduled("i", activityRow(1), activityRow(2))
		tasks := e.tryClaimActivities(activityLease(e.unit)).Tasks
		e.pass(e.unit)
		e.commitActivity(result(tasks[0]))
		e.ok(e.tryExtendActivity(tasks[1], nil), "extending")
		equal(e, "claimed", e.claimRefs(byOther), "")
		equal(e, "inbox", e.inbox(i), "ActivityCompleted#1")
	}},
	{"Commit", "CommitActivities delivers the events to the execution, all in one transaction, deletes the row and wakes the execution.", func(e *env) {
		i := e.scheduled("i", activityRow(1))
		e.commitActivity(result(e.claimActivity(), func(c *backend.ActivityCommit) {
			c.Events = []history.Encoded{encode(1, history.ActivityAttemptFailed{}), encode(1, history.ActivityFailed{})}
		}))
		equal(e, "rows", len(e.pending(i).Activities), 0)
		equal(e, "inbox", e.labels(e.claim().inbox), "ActivityAttemptFailed#1 ActivityFailed#1")
	}},
	{"CommitOnce", "If the row is gone, CommitActivities answers ErrLeaseLost and nothing was delivered.", func(e *env) {
		i := e.scheduled("i", activityRow(1))
		c := result(e.claimActivity())
		e.commitActivity(c)
		e.is(e.tryCommitActivity(c), engine.ErrLeaseLost, "committing again")
		equal(e, "inbox", e.inbox(i), "ActivityCompleted#1")
	}},
	{"CommitNeedsTheToken", "If the row is leased under another token, CommitActivities answers ErrLeaseLost and nothing was delivered.", func(e *env) {
		i := e.scheduled("i", activityRow(1))
		t := e.claimActivity()
		e.is(e.tryCommitActivity(result(t, func(c *backend.ActivityCommit) { c.Token = engine.NewID() })), engine.ErrLeaseLost, "another token")
		e.is(e.tryCommitActivity(result(t, func(c *backend.ActivityCommit) { c.Token = "" })), engine.ErrLeaseLost, "no token")
		e.is(e.tryCommitActivity(result(t, func(c *backend.ActivityCommit) { c.Ref = 2 })), engine.ErrLeaseLost, "another ref")
		equal(e, "inbox", e.inbox(i), "")
		e.commitActivity(result(t))
	}},
	{"Quiet", "Quiet leaves the execution asleep: the events join its history with whatever wakes it next.", func(e *env) {
		i := e.scheduled("i", activityRow(1))
		e.commitActivity(result(e.claimActivity(), retry(2, 0)))
		e.claimNone("the event came quietly")
		equal(e, "inbox", e.inbox(i), "ActivityAttemptFailed#1")
		e.deliver(byID(i), "a")
		equal(e, "inbox of the task", e.labels(e.claim().inbox), "ActivityAttemptFailed#1 a")
	}},
	{"QuietForAHolder", "What came quietly wakes nobody when the lease is given back, or lost.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addActivities(activityRow(1), activityRow(2)))
		ts := e.tryClaimActivities().Tasks
		e.commitActivity(result(ts[0], retry(2, long)))
		equal(e, "inbox by extend", e.labels(h.extend().Inbox), "ActivityAttemptFailed#1")
		h.commit(unread)
		e.claimNone("the lease was given back, the event came quietly")
		e.deliver(byID(h.instance()), "a")
		h = e.claim(leaseOf(e.unit))
		h.commit(func(c *backend.WorkflowCommit) { c.Lease = e.unit })
		e.commitActivity(result(ts[1], retry(2, long)))
		e.pass(e.unit)
		e.claimNone("the lease was lost, the event came quietly")
		e.deliver(byID(h.instance()), "b")
		equal(e, "inbox of the task", e.labels(e.claim().inbox), "ActivityAttemptFailed#2 b")
	}},
	{"Retry", "Retry keeps the row for another attempt.", func(e *env) {
		i := e.scheduled("i", activityRow(1))
		first := e.claimActivity()
		e.ok(e.tryExtendActivity(first, engine.Payload(`"half"`)), "heartbeat")
		e.commitActivity(result(first, retry(2, e.unit)))
		row := e.pending(i).Activities[0]
		equal(e, "row", []any{row.Attempt, row.LastError, row.Holder}, []any{2, "it failed", ""})
		e.near("ReadyAt", row.ReadyAt, e.clock.Now().Add(e.unit))
		equal(e, "claimed before", e.claimRefs(), "")
		e.pass(e.unit)
		second := e.claimActivity(byOther)
		equal(e, "task", []any{second.Attempt, second.LastError, string(second.Details)}, []any{2, "it failed", `"half"`})
		equal(e, "event", e.label(second.Event), "ActivityScheduled#1")
		equal(e, "lost attempt", second.Lost, nil)
		e.is(e.tryCommitActivity(result(first)), engine.ErrLeaseLost, "committing the first attempt again")
		e.commitActivity(result(second))
	}},
	{"Extend", "ExtendActivities prolongs leases and stores heartbeat details, unless nil.", func(e *env) {
		i := e.scheduled("i", activityRow(1))
		t := e.claimActivity(activityLease(e.unit))
		e.ok(e.tryExtendActivity(t, engine.Payload(`{"a":1}`)), "extending")
		e.ok(e.tryExtendActivity(t, nil), "extending without details")
		e.pass(e.unit)
		equal(e, "claimed by another", e.claimRefs(byOther), "")
		row := e.pending(i).Activities[0]
		equal(e, "details", string(row.Details), `{"a":1}`)
		equal(e, "holder", row.Holder, worker)
		e.near("Started", row.Started, t.Started)
	}},
	{"ExtendNeedsTheToken", "ExtendActivities answers ErrLeaseLost if the row is gone or leased under another token.", func(e *env) {
		e.scheduled("i", activityRow(1))
		t := e.claimActivity()
		wrong := t
		wrong.Token = engine.NewID()
		e.is(e.tryExtendActivity(wrong, nil), engine.ErrLeaseLost, "extending under another token")
		e.commitActivity(result(t))
		e.is(e.tryExtendActivity(t, nil), engine.ErrLeaseLost, "extending a row that is gone")
	}},
	{"DetailsOfTheLost", "Details are what the attempts before reported, also those that were lost.", func(e *env) {
		e.scheduled("i", activityRow(1))
		t := e.claimActivity(activityLease(e.unit))
		x := backend.ActivityExtension{Instance: t.Instance, Ref: t.Ref, Token: t.Token, Lease: e.unit, Details: engine.Payload("7")}
		e.ok(one(e, "ExtendActivities", e.b.ExtendActivities(e.ctx(), []backend.ActivityExtension{x})), "extending")
		e.pass(e.unit)
		equal(e, "details", string(e.claimActivity(byOther).Details), "7")
	}},
	{"Drop", "DropActivities deletes rows; their holders get ErrLeaseLost.", activityDrop},
	{"EndWithTheExecution", "The end of an execution deletes its activities; their holders get ErrLeaseLost.", func(e *env) {
		for n, end := range []func(h *hold){
			func(h *hold) { h.commit(finish(engine.StatusCanceled)) },
			func(h *hold) { e.terminate(byID(h.instance())) },
		} {
			h := e.held(fmt.Sprint("i", n))
			h.commit(keep, addActivities(activityRow(1), activityRow(2)))
			t := e.tryClaimActivities(func(c *backend.ActivityClaim) { c.Max = 1 }).Tasks[0]
			end(h)
			equal(e, "claimed", e.claimRefs(), "")
			e.is(e.tryCommitActivity(result(t)), engine.ErrLeaseLost, "committing after the end")
			e.is(e.tryExtendActivity(t, nil), engine.ErrLeaseLost, "extending after the end")
			equal(e, "inbox", e.inbox(h.instance()), "")
		}
	}},
	{"NotWhilePaused", "A paused instance starts no attempt; running ones finish into the inbox.", func(e *env) {
		i := e.scheduled("i", activityRow(1), activityRow(2))
		t := e.tryClaimActivities(func(c *backend.ActivityClaim) { c.Max = 1 }).Tasks[0]
		e.pause(byID(i), true)
		equal(e, "claimed while paused", e.claimRefs(), "")
		e.ok(e.tryExtendActivity(t, nil), "extending while paused")
		e.commitActivity(result(t))
		equal(e, "inbox", e.inbox(i), "ActivityCompleted#1")
		e.claimNone("it is paused")
		e.pause(byID(i), false)
		equal(e, "claimed after", e.claimRefs(), "i#2")
		equal(e, "claimed", e.claimIDs(), "i")
	}},
	{"ScheduleToStart", "The store drops the timer of SlotScheduleToStart when the activity of the same Ref is claimed for the first time.", func(e *env) {
		h := e.held("i")
		h.commit(addActivities(activityRow(1), activityRow(2)), addTimers(
			timer(1, backend.SlotScheduleToStart, e.unit), timer(1, backend.SlotScheduleToClose, 5*e.unit),
			timer(2, backend.SlotScheduleToStart, 2*e.unit)))
		e.claimRefs(func(c *backend.ActivityClaim) { c.Max = 1 })
		equal(e, "timers", timers(e.pending(h.instance()).Timers), "2/1 1/2")
		e.pass(e.unit)
		e.claimNone("the timer that would be due was dropped")
		e.pass(e.unit)
		equal(e, "due timers", timers(e.claim().task.Timers), "2/1")
	}},
}

// lost checks what a task tells about the attempt before.
func (e *env) lost(t backend.ActivityTask, attempt int, holder string, started time.Time) {
	e.Helper()
	if t.Lost == nil {
		e.Fatalf("the task does not tell of the lost attempt")
	}
	equal(e, "lost attempt", t.Lost.Attempt, attempt)
	equal(e, "worker of the lost attempt", t.Lost.Worker, holder)
	e.near("start of the lost attempt", t.Lost.Started, started)
}

func activityTellsTheTask(e *env) {
	row := activityRow(5)
	row.Attempt, row.LastError = 3, "before"
	i := e.scheduled("i", row)
	p := e.pending(i).Activities
	equal(e, "rows", len(p), 1)
	equal(e, "row that nobody claimed", []any{p[0].Holder, p[0].Started, p[0].LeaseUntil}, []any{"", time.Time{}, time.Time{}})
	t := e.claimActivity()
	if t.Token == "" {
		e.Error("the task has no token")
	}
	e.near("Started", t.Started, e.clock.Now())
	e.near("LeaseUntil", t.LeaseUntil, e.clock.Now().Add(long))
	e.near("Scheduled", t.Scheduled, row.Scheduled)
	t.Token, t.Started, t.LeaseUntil, t.Scheduled = "", time.Time{}, time.Time{}, row.Scheduled
	equal(e, "task", t, backend.ActivityTask{ActivityRow: row, Instance: i, Workflow: workflow})
}

func activityDrop(e *env) {
	h := e.held("i")
	h.commit(keep, addActivities(activityRow(1), activityRow(2), activityRow(3)))
	t := e.tryClaimActivities(func(c *backend.ActivityClaim) { c.Max = 1 }).Tasks[0]
	h.commit(keep, func(c *backend.WorkflowCommit) { c.DropActivities = []int64{1, 2, 9} })
	e.is(e.tryExtendActivity(t, nil), engine.ErrLeaseLost, "extending a dropped activity")
	e.is(e.tryCommitActivity(result(t)), engine.ErrLeaseLost, "committing a dropped activity")
	equal(e, "inbox", e.inbox(h.instance()), "")
	equal(e, "claimed", e.claimRefs(), "i#3")
}
