package backendtest

import (
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// by makes a claim come from another worker.
func by(worker string) func(*backend.WorkflowClaim) {
	return func(c *backend.WorkflowClaim) { c.Worker = worker }
}

// ofBuild makes a claim come from another build that takes blocked executions.
func ofBuild(build string) func(*backend.WorkflowClaim) {
	return func(c *backend.WorkflowClaim) { c.Build, c.MaxBlocked = build, c.Max }
}

// tryClaim claims with the worker, build, queue and workflow that cases share.
func (e *env) tryClaim(change ...func(*backend.WorkflowClaim)) backend.WorkflowClaimed {
	e.Helper()
	c := backend.WorkflowClaim{
		Worker: worker, Build: build, Queues: []engine.Queue{queue}, Workflows: []string{workflow},
		Max: 100, Lease: long,
	}
	for _, f := range change {
		f(&c)
	}
	got, err := e.b.ClaimWorkflows(e.ctx(), c)
	e.ok(err, "claiming")
	return got
}

// claimIDs claims and returns the instance ids in order.
func (e *env) claimIDs(change ...func(*backend.WorkflowClaim)) string {
	e.Helper()
	var ids []string
	for _, t := range e.tryClaim(change...).Tasks {
		ids = append(ids, t.Instance.InstanceID)
	}
	return strings.Join(ids, " ")
}

// claim takes the one execution that is ready.
func (e *env) claim(change ...func(*backend.WorkflowClaim)) *hold {
	e.Helper()
	tasks := e.tryClaim(change...).Tasks
	if len(tasks) != 1 {
		e.Fatalf("claimed %d executions, want the one that is ready", len(tasks))
	}
	return newHold(e, tasks[0])
}

// claimNone checks that nothing is ready.
func (e *env) claimNone(why string, change ...func(*backend.WorkflowClaim)) {
	e.Helper()
	if ids := e.claimIDs(change...); ids != "" {
		e.Errorf("claimed %s, want nothing: %s", ids, why)
	}
}

// hold is a leased execution as its worker knows it.
type hold struct {
	env   *env
	task  backend.WorkflowTask
	seq   int64
	inbox []backend.InboxRow
}

func newHold(e *env, t backend.WorkflowTask) *hold {
	return &hold{env: e, task: t, seq: t.LastSeq, inbox: t.Inbox}
}

// held makes an execution whose first step was committed and whose lease is
// kept.
func (e *env) held(id string, change ...func(*backend.Creation)) *hold {
	e.Helper()
	e.create(id, change...)
	h := e.claim()
	h.commit(keep)
	return h
}

// asleep makes an execution whose first step was committed and that waits for
// something to come in.
func (e *env) asleep(id string, change ...func(*backend.Creation)) engine.Instance {
	e.Helper()
	i := e.create(id, change...)
	e.claim().commit()
	return i
}

// finished makes an execution that completed in its first step.
func (e *env) finished(id string, change ...func(*backend.Creation)) engine.Instance {
	e.Helper()
	i := e.create(id, change...)
	e.claim().commit(finish(engine.StatusCompleted))
	return i
}

func (h *hold) instance() engine.Instance { return h.task.Instance }

// step is a commit of one TaskStarted event that consumes what the holder knows
// of the inbox and gives the lease back.
func (h *hold) step(change ...func(*backend.WorkflowCommit)) backend.WorkflowCommit {
	c := backend.WorkflowCommit{
		Instance: h.instance(), Token: h.task.Token, ExpectSeq: h.seq, StepID: engine.NewID(),
		Events: encode(0, history.TaskStarted{Worker: worker, Build: build}), Count: 1,
		Status:  engine.StatusRunning,
		Summary: backend.SummaryUpdate{Worker: worker, Build: build},
	}
	for _, r := range h.inbox {
		c.Consume = append(c.Consume, r.ID)
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// Changes to a commit.
func keep(c *backend.WorkflowCommit) { c.Lease = long }

func finish(s engine.Status) func(*backend.WorkflowCommit) {
	return func(c *backend.WorkflowCommit) { c.Status = s }
}

func unread(c *backend.WorkflowCommit) { c.Consume = nil }

// send commits a step that must be accepted.
func (h *hold) send(c backend.WorkflowCommit) backend.WorkflowCommitted {
	h.env.Helper()
	r := h.trySend(c)
	h.env.ok(r.Err, "committing a step of %s", c.Instance)
	h.seq, h.inbox = c.ExpectSeq+int64(c.Count), r.Inbox
	return r
}

func (h *hold) trySend(c backend.WorkflowCommit) backend.WorkflowCommitted {
	h.env.Helper()
	return one(h.env, "CommitWorkflows", h.env.b.CommitWorkflows(h.env.ctx(), []backend.WorkflowCommit{c}))
}

func (h *hold) commit(change ...func(*backend.WorkflowCommit)) backend.WorkflowCommitted {
	h.env.Helper()
	return h.send(h.step(change...))
}

// refused commits a step that must be refused and change nothing in history.
func (h *hold) refused(why string, change ...func(*backend.WorkflowCommit)) {
	h.env.Helper()
	h.env.is(h.trySend(h.step(change...)).Err, engine.ErrLeaseLost, "commit %s", why)
}

func (h *hold) tryExtend() backend.WorkflowCommitted {
	h.env.Helper()
	x := backend.WorkflowExtension{Instance: h.instance(), Token: h.task.Token, Lease: long}
	return one(h.env, "ExtendWorkflows", h.env.b.ExtendWorkflows(h.env.ctx(), []backend.WorkflowExtension{x}))
}

func (h *hold) extend() backend.WorkflowCommitted {
	h.env.Helper()
	r := h.tryExtend()
	h.env.ok(r.Err, "extending %s", h.instance())
	h.inbox = r.Inbox
	return r
}
