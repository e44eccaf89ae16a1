package backendtest

import (
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func addClosings(cs ...backend.Closing) func(*backend.WorkflowCommit) {
	return func(c *backend.WorkflowCommit) { c.AddClosings = append(c.AddClosings, cs...) }
}

// tells is a closing that delivers a signal, kills one that terminates.
func tells(ref int64, on backend.ClosingTrigger, to engine.Instance, name string) backend.Closing {
	return backend.Closing{Ref: ref, On: on, To: exactly(to), Event: signal(name)}
}

func kills(ref int64, to engine.Instance) backend.Closing {
	return backend.Closing{Ref: ref, On: backend.OnEnd, To: exactly(to), Terminate: true, Event: terminated("parent ended")}
}

// ends are all ways in which an execution can end.
var ends = []struct {
	name string
	end  func(*hold)
}{
	{"completed", func(h *hold) { h.commit(finish(engine.StatusCompleted)) }},
	{"failed", func(h *hold) { h.commit(finish(engine.StatusFailed)) }},
	{"canceled", func(h *hold) { h.commit(finish(engine.StatusCanceled)) }},
	{"terminated", func(h *hold) { h.env.terminate(byID(h.instance())) }},
	{"continued", func(h *hold) { h.continueAsNew() }},
}

var closingCases = []testCase{
	{"OnEnd", "OnEnd is every end: a final commit, continue-as-new, Terminate.", func(e *env) {
		for _, end := range ends {
			child := e.asleep("child of " + end.name)
			h := e.held(end.name)
			h.commit(keep, addClosings(tells(1, backend.OnEnd, child, "cancel")))
			equal(e, "inbox before the end", e.inbox(child), "")
			end.end(h)
			equal(e, "inbox of the child of the "+end.name, e.inbox(child), "cancel")
			equal(e, "closings left", len(e.pending(h.instance()).Closings), 0)
			e.claimIDs() // out of the way of the next
		}
	}},
	{"OnTerminate", "OnTerminate is Terminate alone, where no worker can tell the parent.", func(e *env) {
		for _, end := range ends {
			parent := e.asleep("parent of " + end.name)
			h := e.held(end.name)
			h.commit(keep, addClosings(tells(0, backend.OnTerminate, parent, "child ended")))
			end.end(h)
			want := ""
			if end.name == "terminated" {
				want = "child ended"
			}
			equal(e, "inbox of the parent of the "+end.name, e.inbox(parent), want)
			e.claimIDs()
		}
	}},
	{"Terminate", "Terminate makes a closing a Termination with Event as the final event.", func(e *env) {
		for _, end := range ends {
			child := e.asleep("child of " + end.name)
			h := e.held(end.name)
			h.commit(keep, addClosings(kills(1, child)))
			end.end(h)
			equal(e, "status of the child of the "+end.name, e.summary(child).Status, engine.StatusTerminated)
			equal(e, "history of the child", e.history(child), "TaskStarted WorkflowTerminated")
			e.claimIDs()
		}
	}},
	{"TerminateReachesAll", "Closings apply to children of policy terminate, to their children, and so on.", closingTerminateReachesAll},
	{"WakeTheChild", "A closing is a delivery: it wakes its receiver.", func(e *env) {
		child := e.asleep("child")
		h := e.held("parent")
		h.commit(finish(engine.StatusFailed), addClosings(tells(1, backend.OnEnd, child, "cancel")))
		equal(e, "inbox of the task", e.labels(e.claim().inbox), "cancel")
	}},
	{"OfTheSameCommit", "A child that is started by the commit that ends its parent gets the closing too.", func(e *env) {
		h := e.held("parent")
		told, killed := creation("told"), creation("killed")
		h.commit(finish(engine.StatusCompleted),
			addClosings(tells(1, backend.OnEnd, told.Instance, "cancel"), kills(2, killed.Instance)),
			func(c *backend.WorkflowCommit) { c.Start = []backend.Creation{told, killed} })
		equal(e, "inbox of the child that is told", e.inbox(told.Instance), "WorkflowStarted cancel")
		equal(e, "status of the other", e.summary(killed.Instance).Status, engine.StatusTerminated)
	}},
	{"InOrder", "Closings are applied in the order in which they were added.", func(e *env) {
		child := e.asleep("child")
		h := e.held("parent")
		h.commit(keep, addClosings(tells(2, backend.OnEnd, child, "a"), tells(1, backend.OnEnd, child, "b")))
		h.commit(finish(engine.StatusCompleted), addClosings(tells(0, backend.OnEnd, child, "c")))
		equal(e, "inbox", e.inbox(child), "a b c")
	}},
	{"ToNobody", "A closing to an address nobody has any more is skipped.", func(e *env) {
		gone := e.finished("gone")
		next := e.asleep("gone")
		h := e.held("parent")
		h.commit(keep, addClosings(tells(1, backend.OnEnd, gone, "a"), kills(2, gone), kills(3, newInstance("never"))))
		h.commit(finish(engine.StatusCompleted))
		equal(e, "inbox of the later execution", e.inbox(next), "")
		equal(e, "status of the later execution", e.summary(next).Status, engine.StatusRunning)
	}},
	{"Dropped", "DropClosings are refs of children that have ended: theirs are not made.", func(e *env) {
		child := e.asleep("child")
		h := e.held("parent")
		h.commit(keep, addClosings(tells(1, backend.OnEnd, child, "a"), tells(2, backend.OnEnd, child, "b"), tells(1, backend.OnEnd, child, "c")))
		h.commit(keep, func(c *backend.WorkflowCommit) { c.DropClosings = []int64{1, 9} })
		equal(e, "closings left", len(e.pending(h.instance()).Closings), 1)
		h.commit(finish(engine.StatusCompleted))
		equal(e, "inbox of the child", e.inbox(child), "b")
	}},
	{"OfACreation", "A child tells its parent by a closing that it was created with.", func(e *env) {
		parent := e.asleep("parent")
		child := e.create("child", func(c *backend.Creation) {
			c.Parent = &parent
			c.Closings = []backend.Closing{{On: backend.OnTerminate, To: exactly(parent), Event: encode(3, history.ChildFailed{Status: engine.StatusTerminated})}}
		})
		e.terminate(byID(child))
		equal(e, "inbox of the parent", e.labels(e.claim().inbox), "ChildFailed#3")
	}},
}

// closingTerminateReachesAll terminates a chain that is longer than recursion
// should be trusted with, and one that bites its own tail.
func closingTerminateReachesAll(e *env) {
	const depth = 300
	var chain []backend.Creation
	for n := range depth {
		chain = append(chain, creation(fmt.Sprint("i", n)))
	}
	for n := range chain {
		chain[n].Closings = []backend.Closing{kills(1, chain[(n+1)%depth].Instance)}
	}
	for _, r := range e.b.Create(e.ctx(), chain) {
		e.ok(r.Err, "creating")
	}
	e.terminate(byID(chain[0].Instance))
	counts, err := e.b.Count(e.ctx(), backend.Query{})
	e.ok(err, "counting")
	equal(e, "terminated", counts[engine.StatusTerminated], depth)
	e.claimNone("all are terminated")
}
