package backendtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func reuse(p backend.IDReuse) func(*backend.Creation) {
	return func(c *backend.Creation) { c.Reuse = p }
}

// again is a creation of an id that was used before.
func again(id string, p backend.IDReuse) backend.Creation {
	c := creation(id)
	c.Reuse = p
	if p == backend.IDReuseTerminate {
		c.Terminate = terminated("replaced")
	}
	return c
}

var createCases = []testCase{
	{"StartsAReadyExecution", "Create adds an execution that is ready, with Started as the first inbox row and Inbox after it.", func(e *env) {
		i := e.create("i", func(c *backend.Creation) { c.Inbox = []history.Encoded{signal("a"), signal("b")} })
		equal(e, "inbox of the new execution", e.inbox(i), "WorkflowStarted a b")
		h := e.claim()
		equal(e, "claimed instance", h.instance(), i)
		equal(e, "inbox of the task", e.labels(h.inbox), "WorkflowStarted a b")
	}},
	{"StoresTheSummary", "What a list shows of a new execution is what the creation said.", createStoresTheSummary},
	{"EmptyQueueIsDefault", "QueueDefault is what an empty Queue means.", func(e *env) {
		i := e.create("i", func(c *backend.Creation) { c.Queue = "" })
		equal(e, "queue", e.summary(i).Queue, engine.QueueDefault)
		equal(e, "claimed", e.claimIDs(func(c *backend.WorkflowClaim) { c.Queues = []engine.Queue{""} }), "i")
	}},
	{"RefusesAnOpenID", "A result answers ErrInstanceAlreadyExists, with the Instance that is in the way, when the id is taken.", func(e *env) {
		i := e.create("i")
		for _, p := range []backend.IDReuse{"", backend.IDReuseFinished, backend.IDReuseReject} {
			r := e.tryCreate(again("i", p))
			e.is(r.Err, engine.ErrInstanceAlreadyExists, "creating an open id under %q", p)
			equal(e, "instance in the way", r.Instance, i)
		}
		equal(e, "inbox of the first", e.inbox(i), "WorkflowStarted")
	}},
	{"ReusesAFinishedID", "IDReuseFinished allows a new execution once the last one is final.", func(e *env) {
		first := e.finished("i")
		second := e.create("i")
		equal(e, "current execution", e.summary(engine.Instance{InstanceID: "i"}).Instance, second)
		equal(e, "status of the first", e.summary(first).Status, engine.StatusCompleted)
	}},
	{"RejectRefusesAUsedID", "IDReuseReject refuses an id that was ever used and not removed.", func(e *env) {
		i := e.finished("i")
		r := e.tryCreate(again("i", backend.IDReuseReject))
		e.is(r.Err, engine.ErrInstanceAlreadyExists, "creating a used id")
		equal(e, "instance in the way", r.Instance, i)
		e.ok(one(e, "Remove", e.b.Remove(e.ctx(), []engine.Instance{i})), "removing")
		e.create("i", reuse(backend.IDReuseReject))
	}},
	{"TerminatesAnOpenID", "IDReuseTerminate terminates an open execution with Creation.Terminate.", func(e *env) {
		h := e.held("i")
		c := again("i", backend.IDReuseTerminate)
		e.ok(e.tryCreate(c).Err, "creating in place of an open execution")
		equal(e, "status of the first", e.summary(h.instance()).Status, engine.StatusTerminated)
		equal(e, "history of the first", e.history(h.instance()), "TaskStarted WorkflowTerminated")
		equal(e, "current execution", e.summary(engine.Instance{InstanceID: "i"}).Instance, c.Instance)
		h.refused("of the replaced execution")
	}},
	{"TerminateStartsAFreeID", "IDReuseTerminate needs nothing to terminate.", func(e *env) {
		i := e.create("i", func(c *backend.Creation) { *c = again("i", backend.IDReuseTerminate) })
		equal(e, "status", e.summary(i).Status, engine.StatusRunning)
	}},
	{"ReturnsAnOpenID", "IDReuseReturn answers the open execution and puts Creation.Inbox into its inbox.", func(e *env) {
		i := e.asleep("i")
		c := again("i", backend.IDReuseReturn)
		c.Inbox = []history.Encoded{signal("a"), signal("b")}
		r := e.tryCreate(c)
		e.ok(r.Err, "creating an open id")
		equal(e, "answer", r, backend.CreateResult{Instance: i, Existed: true})
		equal(e, "inbox", e.inbox(i), "a b")
		equal(e, "claimed, because something came in", e.claimIDs(), "i")
	}},
	{"ReturnStartsAFreeID", "IDReuseReturn starts a new execution if none is open.", func(e *env) {
		e.finished("i")
		i := e.create("i", func(c *backend.Creation) {
			*c = again("i", backend.IDReuseReturn)
			c.Inbox = []history.Encoded{signal("a")}
		})
		equal(e, "inbox", e.inbox(i), "WorkflowStarted a")
	}},
	{"IsIdempotent", "Create is idempotent by ExecutionID, so that a retry after a lost answer starts no second run.", func(e *env) {
		for _, p := range []backend.IDReuse{backend.IDReuseFinished, backend.IDReuseReject, backend.IDReuseTerminate, backend.IDReuseReturn} {
			c := again(string(p), p)
			e.ok(e.tryCreate(c).Err, "creating")
			equal(e, "answer to the same creation under "+string(p), e.tryCreate(c), backend.CreateResult{Instance: c.Instance})
			equal(e, "inbox", e.inbox(c.Instance), "WorkflowStarted")
			e.claim().commit(finish(engine.StatusCompleted))
			equal(e, "answer when it ended since", e.tryCreate(c), backend.CreateResult{Instance: c.Instance})
			equal(e, "status", e.summary(c.Instance).Status, engine.StatusCompleted)
		}
	}},
	{"RepeatedReturnPutsOnce", "A creation that was answered with the open execution and is repeated puts its inbox events once.", func(e *env) {
		i := e.asleep("i")
		c := again("i", backend.IDReuseReturn)
		c.Inbox = []history.Encoded{signal("a")}
		first := e.tryCreate(c)
		equal(e, "second answer", e.tryCreate(c), first)
		equal(e, "inbox", e.inbox(i), "a")
	}},
	{"RepeatedReturnStartsNothing", "A creation that was answered with the open execution and is repeated when that has ended is answered like then.", func(e *env) {
		i := e.asleep("i")
		c := again("i", backend.IDReuseReturn)
		first := e.tryCreate(c)
		e.terminate(byID(i))
		equal(e, "second answer", e.tryCreate(c), first)
		equal(e, "executions", e.list(backend.Query{InstanceID: "i"}), "i")
	}},
	{"DelayPostpones", "Delay postpones readiness.", func(e *env) {
		e.create("i", func(c *backend.Creation) { c.Delay = e.unit })
		got := e.tryClaim()
		equal(e, "tasks before the delay is over", len(got.Tasks), 0)
		e.near("Next", got.Next, e.clock.Now().Add(e.unit))
		e.pass(e.unit)
		equal(e, "claimed after", e.claimIDs(), "i")
	}},
	{"DelayEndsByDelivery", "Delay postpones readiness, unless something is delivered before.", func(e *env) {
		i := e.create("i", func(c *backend.Creation) { c.Delay = long })
		e.deliver(byID(i), "a")
		equal(e, "inbox", e.labels(e.claim().inbox), "WorkflowStarted a")
	}},
	{"DelayEndsByTimer", "Delay postpones readiness, unless a timer is due before.", func(e *env) {
		e.create("i", func(c *backend.Creation) {
			c.Delay = long
			c.Timers = []backend.Timer{{After: e.unit, Event: encode(0, history.WorkflowTimedOut{})}}
		})
		e.claimNone("neither the delay nor the timer is over")
		e.pass(e.unit)
		equal(e, "due timers", timers(e.claim().task.Timers), "0/0")
	}},
	{"StoresTimersAndClosings", "Timers and Closings of a creation are the execution's from the start.", func(e *env) {
		parent := newInstance("parent")
		i := e.create("i", func(c *backend.Creation) {
			c.Timers = []backend.Timer{{After: e.unit, Event: encode(0, history.WorkflowTimedOut{})}}
			c.Closings = []backend.Closing{{Ref: 7, On: backend.OnTerminate, To: exactly(parent), Event: encode(3, history.ChildFailed{})}}
		})
		p := e.pending(i)
		if len(p.Timers) != 1 || len(p.Closings) != 1 {
			e.Fatalf("pending: %+v", p)
		}
		e.near("due", p.Timers[0].Due, e.clock.Now().Add(e.unit))
		equal(e, "timer event", e.label(p.Timers[0].Event), "WorkflowTimedOut")
		equal(e, "closing", p.Closings[0], backend.Closing{Ref: 7, On: backend.OnTerminate, To: exactly(parent), Event: encode(3, history.ChildFailed{})})
	}},
	{"AnyID", "Instance ids, names and queues are case-sensitive, up to 255 bytes of UTF-8, any character.", createAnyID},
}

func createStoresTheSummary(e *env) {
	parent := newInstance("parent")
	tags := map[string]string{"team": "a", "empty": ""}
	i := e.create("i", func(c *backend.Creation) {
		c.FirstExecution, c.Parent, c.Tags, c.TraceID = "first", &parent, tags, "trace"
	})
	s := e.summary(i)
	e.near("Created", s.Created, e.clock.Now())
	e.near("Updated", s.Updated, e.clock.Now())
	s.Created, s.Updated = time.Time{}, time.Time{}
	equal(e, "summary", s, backend.Summary{
		Instance: i, FirstExecution: "first", Workflow: workflow, Queue: queue, Status: engine.StatusRunning,
		Parent: &parent, TraceID: "trace", Tags: tags, Inbox: 1,
	})
}

// oddNames are what escapes, collations and length limits get wrong.
func oddNames() []string {
	return []string{
		"a", "A", "ä", "Ä", "ß", "ss", "%", "_", "a%", "a_", "*", "a*b", `\`, `\%`, "'", `"`, "''; --", "`", "$1", "?",
		"line\nbreak", "tab\t", "carriage\r", " ", " a", "a ", "\u00a0", "{a}", "[b]", "a:b", "a/b", "e\u0301", "é",
		"日本語", "🦊", "👩‍👩‍👧", strings.Repeat("x", 255), strings.Repeat("é", 127), strings.Repeat("🦊", 63) + "abc",
	}
}

func createAnyID(e *env) {
	for n, name := range oddNames() {
		i := e.create(name, func(c *backend.Creation) {
			c.Workflow, c.Queue = name, engine.Queue(name)
			c.Tags = map[string]string{name: name}
		})
		e.deliver(byID(i), fmt.Sprint("signal", n))
	}
	for n, name := range oddNames() {
		tasks := e.tryClaim(func(c *backend.WorkflowClaim) {
			c.Queues, c.Workflows = []engine.Queue{engine.Queue(name)}, []string{name}
		}).Tasks
		if len(tasks) != 1 {
			e.Errorf("%q: claimed %d tasks of its queue and workflow, want its own", name, len(tasks))
			continue
		}
		h := newHold(e, tasks[0])
		equal(e, "instance", h.instance().InstanceID, name)
		equal(e, "inbox", e.labels(h.inbox), fmt.Sprint("WorkflowStarted signal", n))
		h.commit(finish(engine.StatusCompleted))
		s := e.summary(engine.Instance{InstanceID: name})
		equal(e, "tags", s.Tags, map[string]string{name: name})
		page, err := e.b.List(e.ctx(), backend.Query{InstanceID: name, Queues: []engine.Queue{engine.Queue(name)}})
		e.ok(err, "listing %q", name)
		equal(e, fmt.Sprintf("rows of %q", name), len(page.Items), 1)
	}
}
