package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// ClaimWorkflows implements backend.Work.
func (b *Backend) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	if err := b.begin(ctx, true); err != nil {
		return backend.WorkflowClaimed{}, err
	}
	defer b.end()
	s := b.st
	got := pick(s.workflows, s.sourcesForWorkflows(&c), s.now, c.Max, c.MaxBlocked)
	claimed := backend.WorkflowClaimed{Now: s.now, Next: got.next}
	claimed.Tasks = slices.Grow(claimed.Tasks, len(got.entries))
	for _, en := range got.entries {
		claimed.Tasks = append(claimed.Tasks, s.lease(en.owner, &c))
	}
	return claimed, nil
}

// lease hands e to a worker.
func (s *state) lease(e *execution, c *backend.WorkflowClaim) backend.WorkflowTask {
	e.token, e.holder, e.leaseUntil = engine.NewID(), c.Worker, s.now.Add(c.Lease)
	s.place(e)
	t := backend.WorkflowTask{
		Instance: e.sum.Instance, FirstExecution: e.sum.FirstExecution,
		Workflow: e.sum.Workflow, Queue: e.sum.Queue, Status: e.sum.Status,
		Token: e.token, LeaseUntil: e.leaseUntil,
		LastSeq: e.sum.HistoryLength, LastStep: e.lastStep, HistoryBytes: e.sum.HistoryBytes,
		Tags: maps.Clone(e.sum.Tags), Created: e.sum.Created,
		Arrivals:        s.arrivals(e),
		LocalActivities: e.sum.Local, LastWorker: e.sum.Worker,
	}
	if e.sum.Local > 0 {
		t.ActivityRefs = slices.Sorted(maps.Keys(e.activities))
	}
	return t
}

// release gives the lease back, or takes it away.
func (e *execution) release() { e.token, e.holder, e.leaseUntil = "", "", time.Time{} }

// ExtendWorkflows implements backend.Work.
func (b *Backend) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	return each(ctx, b, es, refuseCommit, func(s *state, x *backend.WorkflowExtension) backend.WorkflowCommitted {
		e := s.executions[x.Instance]
		if e == nil || !e.leased() || e.token != x.Token {
			return backend.WorkflowCommitted{Now: s.now, Err: leaseLost(x.Instance)}
		}
		e.leaseUntil = s.now.Add(x.Lease)
		s.place(e)
		return s.committed(e, x.Token)
	})
}

func refuseCommit(err error) backend.WorkflowCommitted { return backend.WorkflowCommitted{Err: err} }

// CommitWorkflows implements backend.Work.
func (b *Backend) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	return each(ctx, b, cs, refuseCommit, (*state).commit)
}

// committed answers the holder of token. Somebody else's lease is not told.
func (s *state) committed(e *execution, token string) backend.WorkflowCommitted {
	c := backend.WorkflowCommitted{Arrivals: s.arrivals(e), Now: s.now}
	if e.leased() && e.token == token {
		c.LeaseUntil = e.leaseUntil
	}
	return c
}

func (s *state) commit(c *backend.WorkflowCommit) backend.WorkflowCommitted {
	e := s.executions[c.Instance]
	if e != nil && c.StepID != "" && c.StepID == e.lastStep {
		return s.committed(e, c.Token)
	}
	if e == nil || !e.leased() || e.token != c.Token || e.sum.HistoryLength != c.ExpectSeq {
		return backend.WorkflowCommitted{Now: s.now, Err: leaseLost(c.Instance)}
	}
	if err := c.Check(); err != nil {
		return backend.WorkflowCommitted{Now: s.now, Err: fmt.Errorf("memory: %w", err)}
	}
	e.lastStep = c.StepID
	e.appendChunk(c.Events, c.Count)
	e.consume(c.Consume)
	s.applyTimers(e, c)
	s.applyActivities(e, c)
	e.changeClosings(c)
	e.sum.Updated = s.now
	e.update(c)
	s.send(e, c)
	switch {
	case !e.open(): // what it sent has terminated it
	case c.Status.Final():
		s.conclude(e, c)
	case c.Status == engine.StatusBlocked:
		s.block(e, c.Block)
	default:
		s.carryOn(e, c)
	}
	return s.committed(e, c.Token)
}

func (e *execution) appendChunk(events history.Encoded, count int) {
	if count == 0 {
		return
	}
	e.chunks = append(e.chunks, backend.Chunk{First: e.sum.HistoryLength + 1, Count: count, Events: events})
	e.sum.HistoryLength += int64(count)
	e.sum.HistoryBytes += int64(len(events))
}

// chunk is what was added to the history of e last.
func (e *execution) chunk(events history.Encoded, count int) backend.Chunk {
	return backend.Chunk{First: e.sum.HistoryLength - int64(count) + 1, Count: count, Events: events}
}

func (s *state) applyTimers(e *execution, c *backend.WorkflowCommit) {
	if len(c.DropTimers) > 0 {
		e.dropTimers(func(t *backend.Timer) bool {
			return slices.ContainsFunc(c.DropTimers, func(k backend.TimerKey) bool {
				return k.Ref == t.Ref && (k.Slot == t.Slot || k.Slot == backend.AllSlots)
			})
		})
	}
	for _, t := range c.AddTimers {
		s.setTimer(e, t)
	}
}

func (s *state) applyActivities(e *execution, c *backend.WorkflowCommit) {
	for _, ref := range c.DropActivities {
		s.dropActivity(e, ref)
	}
	for i := range c.AddActivities {
		s.addActivity(e, &c.AddActivities[i])
	}
}

func (e *execution) changeClosings(c *backend.WorkflowCommit) {
	if len(c.DropClosings) > 0 {
		e.closings = slices.DeleteFunc(e.closings, func(cl backend.Closing) bool {
			return slices.Contains(c.DropClosings, cl.Ref)
		})
	}
	e.closings = append(e.closings, c.AddClosings...)
}

// send makes what the step asks of other executions: children first, so that a
// signal reaches a child of the same step.
func (s *state) send(e *execution, c *backend.WorkflowCommit) {
	reply := func(ev history.Encoded) {
		if ev != nil && e.open() {
			s.push(e, ev, false)
		}
	}
	for i := range c.Start {
		if r := s.create(&c.Start[i]); r.Err != nil {
			reply(c.Start[i].Taken)
		}
	}
	for i := range c.Deliver {
		d := &c.Deliver[i]
		if s.deliver(d) {
			reply(d.Accepted)
		} else {
			reply(d.Refused)
		}
	}
}

// update sets the columns that a step reports.
func (e *execution) update(c *backend.WorkflowCommit) {
	u := &c.Summary
	e.sum.Local = c.Local
	e.sum.Worker, e.sum.Build = u.Worker, u.Build
	e.sum.Waiting, e.sum.Attempt = clonePointer(u.Waiting), u.Attempt
	if u.Tags != nil {
		e.sum.Tags = maps.Clone(u.Tags)
	}
	if u.StatusLine != nil {
		e.sum.StatusLine = *u.StatusLine
	}
	if u.LastError != nil {
		e.sum.LastError = *u.LastError
	}
}

// conclude ends an execution at its holder's wish, and begins the next one at
// continue-as-new.
func (s *state) conclude(e *execution, c *backend.WorkflowCommit) {
	var moved []inboxRow
	if c.Next != nil {
		for _, row := range e.inbox {
			if row.moves {
				moved = append(moved, row)
			}
		}
		e.inbox = slices.DeleteFunc(e.inbox, func(r inboxRow) bool { return r.moves })
	}
	paused, note := e.sum.Paused, e.sum.Note
	e.release() // its holder knows
	s.finish(e, c.Status, e.chunk(c.Events, c.Count))
	if c.Next != nil {
		next := s.insert(c.Next, moved)
		if paused { // and still for the same reason
			next.sum.Paused, next.sum.Note = true, note
		}
		s.started(next)
	}
	s.applyClosings()
}

// block parks an execution and gives its lease back.
func (s *state) block(e *execution, b *backend.Block) {
	for _, ev := range b.Keep {
		s.push(e, ev, false)
	}
	e.sum.Status, e.sum.Block, e.sum.BlockClass = engine.StatusBlocked, b.Reason, b.Class
	if b.Build != "" {
		e.allow(b.Build)
		e.sum.BlockedBuilds = append(e.sum.BlockedBuilds, b.Build)
		if n := len(e.sum.BlockedBuilds); n > maxBlockedBuilds {
			e.sum.BlockedBuilds = e.sum.BlockedBuilds[n-maxBlockedBuilds:]
		}
	}
	e.wake, e.retryAt = s.now, time.Time{}
	if b.RetryAfter > 0 {
		e.retryAt = s.now.Add(b.RetryAfter)
	}
	e.release()
	s.place(e)
	s.announce(e)
}

// allow takes build from the list of those that can't run e. The list is copied:
// claims hand it out.
func (e *execution) allow(build string) {
	e.sum.BlockedBuilds = slices.DeleteFunc(slices.Clone(e.sum.BlockedBuilds), func(b string) bool { return b == build })
}

func (e *execution) clearBlock() {
	e.sum.Block, e.sum.BlockClass, e.retryAt = nil, "", time.Time{}
}

// ready reports whether e could be claimed at once if nobody held it.
func (s *state) ready(e *execution) bool {
	return !e.sum.Paused && (e.hasWork() || len(e.timers) > 0 && !e.timers[0].Due.After(s.now))
}

// carryOn keeps the lease or gives it back. The build that took this step can
// run the execution; the verdict on other builds stays, or they would block it
// again in turns.
func (s *state) carryOn(e *execution, c *backend.WorkflowCommit) {
	e.sum.Status = engine.StatusRunning
	e.clearBlock()
	if len(e.sum.BlockedBuilds) > 0 {
		e.allow(c.Summary.Build)
	}
	e.wake = time.Time{}
	if c.Lease > 0 && (!c.OnlyIfReady || s.ready(e)) {
		e.leaseUntil = s.now.Add(c.Lease)
		s.place(e)
		return
	}
	e.release()
	if e.hasWork() {
		e.wake = s.now
	}
	e.floor = s.now.Add(c.ReadyAfter)
	s.place(e)
	s.announce(e)
}
