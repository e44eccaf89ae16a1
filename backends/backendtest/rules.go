package backendtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wfops/wfops/backends/backendtest/faults"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// faulty is an env whose store's writes fail when they are armed to.
type faulty struct {
	*env

	store *faults.Backend
	// meanwhile runs when the lease has ended under a late write.
	meanwhile func()
}

// failing puts failures between a case and its store. Leases of e.unit end
// before a late write arrives.
func failing(run func(*faulty)) func(*env) {
	return func(e *env) {
		f := &faulty{env: e}
		f.store = faults.New(e.b, faults.Plan{Delay: func(context.Context, faults.Method) {
			e.pass(e.unit)
			if f.meanwhile != nil {
				f.meanwhile()
			}
		}})
		e.b = f.store
		run(f)
	}
}

// eachWay runs a case in each way in which a write of the method can fail. What a
// round leaves ready is leased away, so that rounds do not meet.
func eachWay(m faults.Method, run func(f *faulty, id string)) func(*env) {
	return failing(func(f *faulty) {
		for _, mode := range faults.Modes() {
			f.Logf("%s, %s", m, mode)
			f.store.Fail(m, mode)
			run(f, mode.String())
			f.tryClaim(ofBuild("the end of the round"))
		}
	})
}

// insist resends a write until its outcome is known, as workers and clients do.
func (f *faulty) insist(send func() error) error {
	f.Helper()
	for range 5 {
		if err := send(); !errors.Is(err, faults.ErrInjected) {
			return err
		}
	}
	f.Fatal("the write fails again and again")
	return nil
}

func (f *faulty) insistOnStep(c backend.WorkflowCommit) backend.WorkflowCommitted {
	f.Helper()
	var r backend.WorkflowCommitted
	_ = f.insist(func() error {
		r = one(f.env, "CommitWorkflows", f.b.CommitWorkflows(f.ctx(), []backend.WorkflowCommit{c}))
		return r.Err
	})
	return r
}

// brief is a lease that ends under a late write.
func (f *faulty) brief() func(*backend.WorkflowCommit) {
	return func(c *backend.WorkflowCommit) { c.Lease = f.unit }
}

// elsewhere makes a creation that no claim of these cases takes.
func elsewhere(id string) backend.Creation {
	c := creation(id)
	c.Queue = "elsewhere"
	return c
}

// ruleCases are the rules of the design for what can go wrong between two
// writes, as far as they concern a store alone.
var ruleCases = []testCase{
	{"Rule03ResentStep", "A commit is resent unchanged until it is acknowledged; it is applied once, with all that it sends.",
		eachWay(faults.CommitWorkflows, func(f *faulty, id string) {
			other, child := elsewhere("other "+id), elsewhere("child "+id)
			f.ok(f.tryCreate(other).Err, "creating")
			f.create(id)
			h := f.claim(leaseOf(f.unit))
			r := f.insistOnStep(h.step(f.brief(), addTimers(timer(1, 0, long)), func(c *backend.WorkflowCommit) {
				c.Start = []backend.Creation{child}
				c.Deliver = []backend.Delivery{{To: byID(other.Instance), Event: signal("once"), Accepted: encode(2, history.SignalDelivered{})}}
			}))
			f.ok(r.Err, "resending the step")
			equal(f.env, "arrivals", f.labels(r.Inbox), "SignalDelivered#2")
			equal(f.env, "history", f.history(h.instance()), "TaskStarted")
			equal(f.env, "inbox of the other", f.inbox(other.Instance), "WorkflowStarted once")
			equal(f.env, "inbox of the child", f.inbox(child.Instance), "WorkflowStarted")
			equal(f.env, "timers", timers(f.pending(h.instance()).Timers), "1/0")
		})},
	{"Rule03TakenOver", "A commit that arrives when somebody else has taken the lease over is refused and changes nothing.",
		failing(func(f *faulty) {
			f.create("i")
			h := f.claim(leaseOf(f.unit))
			var second *hold
			f.meanwhile = func() { second = f.claim(by("w2")) }
			f.store.Fail(faults.CommitWorkflows, faults.Late)
			f.is(f.insistOnStep(h.step()).Err, engine.ErrLeaseLost, "committing late")
			f.store.Fail(faults.CommitWorkflows, faults.NotApplied)
			f.ok(f.insistOnStep(second.step()).Err, "committing as the new holder")
			equal(f.env, "history", f.history(h.instance()), "TaskStarted")
		})},
	{"Rule04ResultsAreDelivered", "After a refusal each activity result that was only in memory is delivered on its own, once, to the new holder.",
		eachWay(faults.Deliver, func(f *faulty, id string) {
			f.create(id)
			h := f.claim(leaseOf(f.unit))
			h.commit(f.brief(), func(c *backend.WorkflowCommit) { c.Local = 1 })
			f.pass(f.unit)
			second := f.claim(by("w2"))
			equal(f.env, "activities to reissue", second.task.LocalActivities, 1)
			h.refused("after the execution was taken over")
			d := backend.Delivery{ID: engine.NewID(), To: exactly(h.instance()), Event: encode(1, history.ActivityCompleted{})}
			f.ok(f.insist(func() error { return f.tryDeliver(d) }), "delivering the result")
			equal(f.env, "inbox by extend", f.labels(second.extend().Inbox), "ActivityCompleted#1")
			second.commit(finish(engine.StatusCompleted))
		})},
	{"Rule05TokenAndSequence", "The fence is the token and the expected last sequence; tokens are never reissued.", func(e *env) {
		e.create("i")
		first := e.claim(leaseOf(e.unit))
		e.pass(e.unit)
		second := e.claim(by("w2"))
		step := second.step()
		second.send(step)
		e.deliver(byID(first.instance()), "a")
		third := e.claim()
		equal(e, "last step", third.task.LastStep, step.StepID)
		third.seq = 0
		third.refused("with the right token and a sequence of the past")
		first.seq, second.seq = 1, 1
		first.refused("with the right sequence and a token of the past")
		second.refused("with the right sequence and a token that was given back")
		third.seq = 1
		third.commit()
	}},
	{"Rule06GroupOfCommits", "A group that fails as a whole is resent item by item; each item is applied once, a refused one fails alone.",
		eachWay(faults.CommitWorkflows, func(f *faulty, id string) {
			for n := range 3 {
				f.create(fmt.Sprint(id, n))
			}
			var group []backend.WorkflowCommit
			for _, t := range f.tryClaim(leaseOf(f.unit)).Tasks {
				group = append(group, newHold(f.env, t).step())
			}
			group[1].Token = engine.NewID()
			rs := f.b.CommitWorkflows(f.ctx(), group)
			for n, c := range group {
				if errors.Is(rs[n].Err, faults.ErrInjected) {
					rs[n] = f.insistOnStep(c)
				}
			}
			f.batch("CommitWorkflows", errorsOf(rs, commitError), nil, engine.ErrLeaseLost, nil)
			for n, want := range []string{"TaskStarted", "", "TaskStarted"} {
				equal(f.env, "history", f.history(group[n].Instance), want)
			}
		})},
	{"Rule11TwoResults", "Two workers can both finish an activity when a lease ran out under the first; one result is delivered.",
		eachWay(faults.CommitActivities, func(f *faulty, id string) {
			i := f.scheduled(id, activityRow(1))
			first := f.claimActivity(activityLease(f.unit))
			f.pass(f.unit)
			second := f.claimActivity(byOther, activityLease(f.unit))
			err := f.insist(func() error { return f.tryCommitActivity(result(second)) })
			if err != nil && !errors.Is(err, engine.ErrLeaseLost) {
				f.Errorf("committing the second attempt: %v", err)
			}
			f.is(f.tryCommitActivity(result(first)), engine.ErrLeaseLost, "committing the first attempt")
			equal(f.env, "inbox", f.inbox(i), "ActivityCompleted#1")
			equal(f.env, "rows", len(f.pending(i).Activities), 0)
		})},
	{"Rule11AnotherExecution", "A result for another execution changes nothing.", func(e *env) {
		h := e.held("i")
		h.commit(keep, addActivities(activityRow(1)))
		t := e.claimActivity()
		next := h.continueAsNew()
		e.is(e.tryCommitActivity(result(t)), engine.ErrLeaseLost, "committing for the execution before")
		err := e.tryDeliver(backend.Delivery{ID: engine.NewID(), To: exactly(h.instance()), Event: encode(1, history.ActivityCompleted{})})
		e.is(err, engine.ErrInstanceNotFound, "delivering to the execution before")
		equal(e, "inbox of the next", e.inbox(next), "WorkflowStarted")
	}},
	{"Rule12GoneActivities", "The final commit of an execution deletes its activities and timers; their holders learn that they are gone.",
		eachWay(faults.CommitWorkflows, func(f *faulty, id string) {
			f.create(id)
			h := f.claim(leaseOf(f.unit))
			f.ok(f.insistOnStep(h.step(f.brief(), addActivities(activityRow(1)), addTimers(timer(2, 0, f.unit)))).Err, "scheduling")
			h.seq, h.inbox = 1, nil
			t := f.claimActivity()
			f.store.Fail(faults.CommitWorkflows, faults.AnswerLost)
			f.ok(f.insistOnStep(h.step(finish(engine.StatusCanceled))).Err, "ending")
			f.is(f.tryExtendActivity(t, nil), engine.ErrLeaseLost, "extending an activity of the ended")
			f.is(f.tryCommitActivity(result(t)), engine.ErrLeaseLost, "committing an activity of the ended")
			equal(f.env, "pending", f.pending(h.instance()), backend.Pending{})
		})},
	{"Rule14WarmIsNotDeaf", "Extend and commit return what has come in, again and again until it is consumed; a wake-up reaches the holder.",
		eachWay(faults.ExtendWorkflows, func(f *faulty, id string) {
			s := f.subscribe(onHolder)
			f.create(id)
			h := f.claim(leaseOf(f.unit))
			h.commit(f.brief())
			f.deliver(byID(h.instance()), "a")
			f.hinted(s, "a signal came in", heldHint(h))
			var r backend.WorkflowCommitted
			f.ok(f.insist(func() error { r = h.tryExtend(); return r.Err }), "extending")
			equal(f.env, "inbox by extend", f.labels(r.Inbox), "a")
			f.claimNone("it is leased", by("w2"))
			equal(f.env, "inbox by commit", f.labels(h.commit(f.brief()).Inbox), "a")
			h.commit()
		})},
	{"Rule17OrderOfCommits", "Consuming deletes exactly the rows that were read, while others come in; each sender's rows keep their order.", rule17},
	{"Rule18DeliverOrContinue", "A signal that races with continue-as-new is in the next inbox or refused, never lost.", rule18},
	{"Rule19Addresses", "Signals and cancels are addressed to an InstanceID, everything else to an execution.", func(e *env) {
		h := e.held("i")
		next := h.continueAsNew()
		e.deliver(byID(h.instance()), "signal")
		for _, to := range []backend.Address{exactly(h.instance()), {InstanceID: "i", FirstExecution: next.ExecutionID}} {
			err := e.tryDeliver(backend.Delivery{ID: engine.NewID(), To: to, Event: signal("stray")})
			e.is(err, engine.ErrInstanceNotFound, "delivering to %+v", to)
		}
		equal(e, "inbox", e.inbox(next), "WorkflowStarted signal")
	}},
}

// rule17 lets a holder consume while others deliver.
func rule17(e *env) {
	const senders, each = 4, 25
	h := e.held("i")
	var read []string
	together(senders+1, func(id int) {
		if id < senders {
			for n := range each {
				d := backend.Delivery{ID: engine.NewID(), To: byID(h.instance()), Event: signal(fmt.Sprintf("%d.%d", id, n))}
				if err := e.b.Deliver(e.ctx(), []backend.Delivery{d}); err[0] != nil {
					e.Errorf("delivering: %v", err[0])
				}
			}
			return
		}
		for len(read) < senders*each && !e.Failed() {
			x := backend.WorkflowExtension{Instance: h.instance(), Token: h.task.Token, Lease: long}
			got := e.b.ExtendWorkflows(e.ctx(), []backend.WorkflowExtension{x})[0]
			h.inbox = got.Inbox
			done := e.b.CommitWorkflows(e.ctx(), []backend.WorkflowCommit{h.step(keep)})[0]
			if got.Err != nil || done.Err != nil {
				e.Errorf("extending: %v, committing: %v", got.Err, done.Err)
				return
			}
			h.seq++
			read = append(read, strings.Fields(e.labels(got.Inbox))...)
		}
	})
	for id := range senders {
		mine := slices.DeleteFunc(slices.Clone(read), func(s string) bool { return !strings.HasPrefix(s, fmt.Sprint(id, ".")) })
		for n := range each {
			if n >= len(mine) || mine[n] != fmt.Sprintf("%d.%d", id, n) {
				e.Fatalf("rows of sender %d: %v", id, mine)
			}
		}
	}
}

// rule18 lets signals race with continue-as-new.
func rule18(e *env) {
	const senders = 4
	for round := range 8 {
		h := e.held(fmt.Sprint("i", round))
		step := h.nextStep()
		accepted := make([]bool, senders)
		together(senders+1, func(id int) {
			if id == senders {
				if r := e.b.CommitWorkflows(e.ctx(), []backend.WorkflowCommit{step}); r[0].Err != nil {
					e.Errorf("continuing: %v", r[0].Err)
				}
				return
			}
			d := backend.Delivery{ID: engine.NewID(), To: byID(h.instance()), Event: signal(fmt.Sprint("s", id))}
			accepted[id] = e.b.Deliver(e.ctx(), []backend.Delivery{d})[0] == nil
		})
		inbox := strings.Fields(e.inbox(step.Next.Instance))
		for id, ok := range accepted {
			equal(e, "accepted and there", slices.Contains(inbox, fmt.Sprint("s", id)), ok)
		}
		equal(e, "first row", inbox[0], "WorkflowStarted")
		e.claimIDs()
	}
}
