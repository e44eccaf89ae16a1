package backendtest

import (
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// batch checks the answers to a batch: nil where want is nil, else that error.
func (e *env) batch(method string, got []error, want ...error) {
	e.Helper()
	if len(got) != len(want) {
		e.Fatalf("%s answered %d results to %d items", method, len(got), len(want))
	}
	for n := range want {
		if want[n] == nil {
			e.ok(got[n], "item %d of %s", n, method)
		} else {
			e.is(got[n], want[n], "item %d of %s", n, method)
		}
	}
}

func errorsOf[R any](rs []R, err func(R) error) []error {
	var errs []error
	for _, r := range rs {
		errs = append(errs, err(r))
	}
	return errs
}

func createError(r backend.CreateResult) error      { return r.Err }
func commitError(r backend.WorkflowCommitted) error { return r.Err }

var batchCases = []testCase{
	{"Empty", "A batch without items is answered with none.", func(e *env) {
		ctx := e.ctx()
		n := len(e.b.Create(ctx, nil)) + len(e.b.Deliver(ctx, nil)) + len(e.b.Terminate(ctx, nil)) + len(e.b.Pause(ctx, nil)) +
			len(e.b.Retry(ctx, nil)) + len(e.b.Remove(ctx, nil)) + len(e.b.CommitWorkflows(ctx, nil)) + len(e.b.ExtendWorkflows(ctx, nil)) +
			len(e.b.CommitActivities(ctx, nil)) + len(e.b.ExtendActivities(ctx, nil))
		equal(e, "results", n, 0)
	}},
	{"Create", "One refused creation fails alone.", func(e *env) {
		e.create("taken")
		rs := e.b.Create(e.ctx(), []backend.Creation{creation("a"), creation("taken"), creation("b")})
		e.batch("Create", errorsOf(rs, createError), nil, engine.ErrInstanceAlreadyExists, nil)
		equal(e, "ids in the order of the items", rs[0].Instance.InstanceID+rs[1].Instance.InstanceID+rs[2].Instance.InstanceID, "atakenb")
		equal(e, "created", e.list(backend.Query{Ascending: true}), "taken a b")
	}},
	{"Deliver", "One refused delivery fails alone, and those for one execution are applied in the order given.", func(e *env) {
		i, j := e.create("i"), e.create("j")
		to := func(i engine.Instance, name string) backend.Delivery {
			return backend.Delivery{ID: engine.NewID(), To: byID(i), Event: signal(name)}
		}
		errs := e.b.Deliver(e.ctx(), []backend.Delivery{to(i, "a"), to(j, "x"), to(newInstance("none"), "lost"), to(i, "b"), to(j, "y"), to(i, "c")})
		e.batch("Deliver", errs, nil, nil, engine.ErrInstanceNotFound, nil, nil, nil)
		equal(e, "inbox", e.inbox(i), "WorkflowStarted a b c")
		equal(e, "inbox of the other", e.inbox(j), "WorkflowStarted x y")
	}},
	{"Commit", "Each commit of a batch is fenced on its own; one refused item fails alone.", func(e *env) {
		for n := range 4 {
			e.create(fmt.Sprint("i", n))
		}
		var cs []backend.WorkflowCommit
		for _, t := range e.tryClaim().Tasks {
			cs = append(cs, newHold(e, t).step())
		}
		cs[1].Token = engine.NewID()
		cs[2].ExpectSeq = 7
		rs := e.b.CommitWorkflows(e.ctx(), cs)
		e.batch("CommitWorkflows", errorsOf(rs, commitError), nil, engine.ErrLeaseLost, engine.ErrLeaseLost, nil)
		for n, want := range []string{"TaskStarted", "", "", "TaskStarted"} {
			equal(e, fmt.Sprint("history of item ", n), e.history(cs[n].Instance), want)
		}
	}},
	{"CommitTwoSteps", "Items for one execution are applied in the order given.", func(e *env) {
		h := e.held("i")
		first := h.step(keep)
		h.seq++
		second := h.step(func(c *backend.WorkflowCommit) {
			c.Events, c.Count = encode(1, history.TimerScheduled{}), 1
		})
		e.batch("CommitWorkflows", errorsOf(e.b.CommitWorkflows(e.ctx(), []backend.WorkflowCommit{first, second}), commitError), nil, nil)
		equal(e, "history", e.history(h.instance()), "TaskStarted TaskStarted TimerScheduled#1")
	}},
	{"CommitSharesReceivers", "Commits of one batch may send to the same execution; nothing is lost.", func(e *env) {
		to := e.asleep("receiver")
		for n := range 3 {
			e.create(fmt.Sprint("i", n))
		}
		var cs []backend.WorkflowCommit
		for n, t := range e.tryClaim().Tasks {
			cs = append(cs, newHold(e, t).step(finish(engine.StatusCompleted), func(c *backend.WorkflowCommit) {
				c.Deliver = []backend.Delivery{{To: byID(to), Event: signal(fmt.Sprint("s", n))}}
			}))
		}
		e.batch("CommitWorkflows", errorsOf(e.b.CommitWorkflows(e.ctx(), cs), commitError), nil, nil, nil)
		equal(e, "signals", len(e.pending(to).Inbox), 3)
	}},
	{"Extend", "One refused extension fails alone.", func(e *env) {
		e.create("i")
		e.create("j")
		ts := e.tryClaim().Tasks
		x := func(t backend.WorkflowTask, token string) backend.WorkflowExtension {
			return backend.WorkflowExtension{Instance: t.Instance, Token: token, Lease: long}
		}
		rs := e.b.ExtendWorkflows(e.ctx(), []backend.WorkflowExtension{x(ts[0], "wrong"), x(ts[1], ts[1].Token), x(ts[0], ts[0].Token)})
		e.batch("ExtendWorkflows", errorsOf(rs, commitError), engine.ErrLeaseLost, nil, nil)
	}},
	{"Terminate", "One refused termination fails alone.", func(e *env) {
		i, j := e.create("i"), e.create("j")
		errs := e.b.Terminate(e.ctx(), []backend.Termination{
			{To: byID(i), Event: terminated("a")}, {To: backend.Address{InstanceID: "none"}, Event: terminated("b")}, {To: byID(j), Event: terminated("c")},
		})
		e.batch("Terminate", errs, nil, engine.ErrInstanceNotFound, nil)
		equal(e, "histories", e.history(i)+" "+e.history(j), "WorkflowTerminated WorkflowTerminated")
	}},
	{"Pause", "One refused pause fails alone; those for one execution are applied in the order given.", func(e *env) {
		i := e.create("i")
		errs := e.b.Pause(e.ctx(), []backend.PauseChange{{To: byID(i), Paused: true}, {To: backend.Address{InstanceID: "none"}}, {To: byID(i)}})
		e.batch("Pause", errs, nil, engine.ErrInstanceNotFound, nil)
		equal(e, "Paused", e.summary(i).Paused, false)
	}},
	{"Retry", "One refused retry fails alone.", func(e *env) {
		i := e.blocked("i", build)
		errs := e.b.Retry(e.ctx(), []backend.RetryRequest{{To: backend.Address{InstanceID: "none"}}, {To: byID(i)}})
		e.batch("Retry", errs, engine.ErrInstanceNotFound, nil)
		equal(e, "claimed", e.claimIDs(ofBuild(build)), "i")
	}},
	{"Remove", "One refused removal fails alone.", func(e *env) {
		i, open := e.finished("i"), e.asleep("open")
		errs := e.b.Remove(e.ctx(), []engine.Instance{open, i, newInstance("none"), i})
		e.batch("Remove", errs, engine.ErrInstanceNotFinished, nil, engine.ErrInstanceNotFound, engine.ErrInstanceNotFound)
		equal(e, "left", e.list(backend.Query{}), "open")
	}},
	{"CommitActivities", "One refused activity commit fails alone.", func(e *env) {
		i := e.scheduled("i", activityRow(1), activityRow(2), activityRow(3))
		ts := e.tryClaimActivities().Tasks
		cs := []backend.ActivityCommit{result(ts[0]), result(ts[1], func(c *backend.ActivityCommit) { c.Token = "wrong" }), result(ts[2])}
		e.batch("CommitActivities", e.b.CommitActivities(e.ctx(), cs), nil, engine.ErrLeaseLost, nil)
		equal(e, "inbox", e.inbox(i), "ActivityCompleted#1 ActivityCompleted#3")
	}},
	{"ExtendActivities", "One refused activity extension fails alone.", func(e *env) {
		i := e.scheduled("i", activityRow(1), activityRow(2))
		ts := e.tryClaimActivities().Tasks
		x := func(t backend.ActivityTask, token, details string) backend.ActivityExtension {
			return backend.ActivityExtension{Instance: t.Instance, Ref: t.Ref, Token: token, Lease: long, Details: engine.Payload(details)}
		}
		errs := e.b.ExtendActivities(e.ctx(), []backend.ActivityExtension{x(ts[0], "wrong", "1"), x(ts[1], ts[1].Token, "2")})
		e.batch("ExtendActivities", errs, engine.ErrLeaseLost, nil)
		rows := e.pending(i).Activities
		equal(e, "details", string(rows[0].Details)+string(rows[1].Details), "2")
	}},
	{"Large", "A batch of a thousand items is answered whole.", func(e *env) {
		cs := make([]backend.Creation, 1000)
		for n := range cs {
			cs[n] = creation(fmt.Sprint("i", n))
		}
		e.batch("Create", errorsOf(e.b.Create(e.ctx(), cs), createError), make([]error, len(cs))...)
		tasks := e.tryClaim(atMost(len(cs))).Tasks
		equal(e, "claimed", len(tasks), len(cs))
		steps := make([]backend.WorkflowCommit, len(cs))
		for n, t := range tasks {
			steps[n] = newHold(e, t).step(finish(engine.StatusCompleted))
		}
		e.batch("CommitWorkflows", errorsOf(e.b.CommitWorkflows(e.ctx(), steps), commitError), make([]error, len(cs))...)
		counts, err := e.b.Count(e.ctx(), backend.Query{})
		e.ok(err, "counting")
		equal(e, "completed", counts[engine.StatusCompleted], int64(len(cs)))
	}},
}
