package backendtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// taker takes up to room executions.
type taker struct {
	mu       sync.Mutex
	room     int
	reserved int
	tasks    []backend.WorkflowTask
}

func (t *taker) Reserve(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if name != workflow || t.room == 0 {
		return false
	}
	t.room--
	t.reserved++
	return true
}

func (*taker) Lease() (string, time.Duration) { return worker, long }

func (t *taker) Take(task backend.WorkflowTask) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reserved--
	t.tasks = append(t.tasks, task)
}

func (t *taker) Return() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reserved--
	t.room++
}

// offered is a taker with room for some executions, which ends with the case.
func (e *env) offered(room int) *taker {
	t := &taker{room: room}
	e.subscribe(onWorkflows).Offer(t)
	e.Cleanup(func() { equal(e, "reservations that were neither taken nor returned", t.reserved, 0) })
	return t
}

// took returns the execution that was handed over, as if it had been claimed; for a
// store that makes no use of takers, because it was.
func (e *env) took(t *taker) *hold {
	e.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.tasks) == 0 {
		return e.claim(atMost(1))
	}
	task := t.tasks[0]
	t.tasks = t.tasks[1:]
	return newHold(e, task)
}

var eagerCases = []testCase{
	{"HandsOver", "A new execution may be handed to a taker, leased like by a claim.", func(e *env) {
		t := e.offered(1)
		i := e.create("i", func(c *backend.Creation) {
			c.Inbox, c.Tags = append(c.Inbox, signal("a")), map[string]string{"k": "v"}
			c.Timers = []backend.Timer{{Ref: 7, After: e.unit, Event: fired(7)}}
		})
		h := e.took(t)
		e.claimNone("it is leased", by("w2"))
		equal(e, "instance", []any{h.instance(), h.task.FirstExecution}, []any{i, i.ExecutionID})
		equal(e, "inbox", e.labels(h.inbox), "WorkflowStarted a")
		equal(e, "task", []any{h.task.Workflow, h.task.Queue, h.task.Status, h.task.Tags["k"], h.task.LastSeq, h.task.LastStep},
			[]any{workflow, queue, engine.StatusRunning, "v", int64(0), ""})
		e.near("lease", h.task.LeaseUntil, e.clock.Now().Add(long))
		e.near("next timer", h.task.NextTimer, e.clock.Now().Add(e.unit))
		e.deliver(byID(i), "b")
		equal(e, "what came in later", e.labels(h.commit(keep).Inbox), "b")
		e.pass(e.unit)
		equal(e, "timers", timers(h.extend().Timers), "7/0")
		h.commit(finish(engine.StatusCompleted))
		equal(e, "status", e.summary(i).Status, engine.StatusCompleted)
	}},
	{"OnlyWithRoom", "What no taker has room for is claimed like ever.", func(e *env) {
		t := e.offered(2)
		for n := range 3 {
			e.create(fmt.Sprint("i", n))
		}
		other := e.create("other", func(c *backend.Creation) { c.Workflow = "other" })
		e.took(t)
		e.took(t)
		equal(e, "claimed", e.claimIDs(func(c *backend.WorkflowClaim) { c.Workflows = append(c.Workflows, "other") }), "i2 "+other.InstanceID)
	}},
	{"OnlyWhatIsReady", "An execution that starts later is not handed over.", func(e *env) {
		e.needsClock()
		t := e.offered(1)
		e.create("i", func(c *backend.Creation) { c.Delay = e.unit })
		e.claimNone("it is not ready")
		equal(e, "handed over", len(t.tasks), 0)
		e.pass(e.unit)
		equal(e, "claimed", e.claimIDs(), "i")
	}},
	{"OnlyWhatIsNew", "What is refused or exists already is not handed over.", func(e *env) {
		i := e.create("i")
		t := e.offered(5)
		e.is(e.tryCreate(creation("i")).Err, engine.ErrInstanceAlreadyExists, "creating it again")
		again := creation("i")
		again.Instance = i
		e.ok(e.tryCreate(again).Err, "sending the creation again")
		into := creation("i")
		into.Reuse = backend.IDReuseReturn
		e.ok(e.tryCreate(into).Err, "returning the open one")
		equal(e, "handed over", len(t.tasks), 0)
		equal(e, "claimed", e.claimIDs(), "i")
	}},
	{"ChildrenAndSuccessors", "Children are handed over from the commit that starts them, and so is what continues as new.", func(e *env) {
		h := e.held("i")
		t := e.offered(5)
		next := h.nextStep(func(c *backend.WorkflowCommit) { c.Start = []backend.Creation{creation("child")} })
		h.send(next)
		ids := map[engine.Instance]bool{}
		for range 2 {
			h := e.took(t)
			ids[h.instance()] = true
			h.commit(finish(engine.StatusCompleted))
		}
		equal(e, "instances", ids, map[engine.Instance]bool{next.Start[0].Instance: true, next.Next.Instance: true})
		e.claimNone("all have ended")
	}},
	{"NotThePaused", "A paused execution stays paused when it continues as new, and is not handed over.", func(e *env) {
		h := e.held("i")
		e.pause(byID(h.instance()), true)
		t := e.offered(1)
		h.continueAsNew()
		equal(e, "handed over", len(t.tasks), 0)
		e.claimNone("it is paused")
	}},
	{"NotAfterClose", "A subscription that was closed takes nothing.", func(e *env) {
		t := &taker{room: 1}
		s := e.b.Subscribe(onWorkflows)
		s.Offer(t)
		s.Close()
		e.create("i")
		equal(e, "handed over", len(t.tasks), 0)
		equal(e, "claimed", e.claimIDs(), "i")
	}},
}
