package memory

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// execution is one row with everything that belongs to it.
type execution struct {
	sum      backend.Summary // Inbox is kept 0 here
	serial   int64
	chunks   []backend.Chunk
	lastStep string
	removed  bool

	inbox      []inboxRow
	timers     []backend.Timer // by due time
	activities map[int64]*activity
	closings   []backend.Closing

	// The lease. It may have expired: then it is still good until another claim
	// replaces the token.
	token      string
	holder     string
	leaseUntil time.Time

	// wake is since when the inbox, or activities lost with their holder, make
	// the execution ready; zero if they don't. While it is leased, readyAt works
	// that out from the lease. While it is blocked, wake is since when.
	wake time.Time
	// floor is when the lease was given back, or as much later as
	// backend.WorkflowCommit.ReadyAfter says: it is not ready before.
	floor time.Time
	// retryAt is when a blocked execution may be tried by the builds that failed
	// on it, or zero.
	retryAt time.Time

	ready entry[*execution]
	retry entry[*execution]
}

type inboxRow struct {
	backend.InboxRow

	// moves tells that the row follows the instance to its next execution.
	moves bool
	// quiet tells that the row wakes nobody.
	quiet bool
}

func (e *execution) open() bool { return e.sum.Status.Open() }

func (e *execution) leased() bool { return e.token != "" }

// readyAt is when a claim may take the execution; zero if nothing wakes it.
func (e *execution) readyAt() time.Time {
	var timer time.Time
	if len(e.timers) > 0 {
		timer = e.timers[0].Due
	}
	switch {
	case !e.open() || e.sum.Paused:
		return time.Time{}
	case e.sum.Status == engine.StatusBlocked:
		if e.leased() {
			return e.leaseUntil
		}
		return e.wake
	case e.leased():
		if e.hasWork() {
			return e.leaseUntil
		}
		if timer.IsZero() {
			return time.Time{}
		}
		return later(e.leaseUntil, timer)
	}
	at := earliest(e.wake, timer)
	if at.IsZero() {
		return at
	}
	return later(at, e.floor)
}

// hasWork reports whether the execution is ready without a timer once nobody
// holds it.
func (e *execution) hasWork() bool {
	return e.sum.Local > 0 || slices.ContainsFunc(e.inbox, func(r inboxRow) bool { return !r.quiet })
}

// place updates the claim index after any change of e.
func (s *state) place(e *execution) {
	at := e.readyAt()
	group := groupKey{e.sum.Queue, e.sum.Workflow}
	key := shardKey{kind: kindReady, worker: e.sum.Worker, builds: joinBuilds(e.sum.BlockedBuilds)}
	var retryAt time.Time
	if e.sum.Status == engine.StatusBlocked {
		key.kind, key.worker = kindBlocked, ""
		if !at.IsZero() && !e.retryAt.IsZero() {
			retryAt = later(e.retryAt, at)
		}
	}
	s.workflows.put(&e.ready, group, key, at)
	s.workflows.put(&e.retry, group, shardKey{kind: kindRetry, builds: key.builds}, retryAt)
}

// announce tells who may care that e has something new: its holder, and if it
// can be claimed, the workers of its queue.
func (s *state) announce(e *execution) {
	if e.leased() {
		s.hint(backend.TopicHolder, e.holder, e.sum.Instance)
	}
	if e.ready.shard != nil && !e.ready.at.After(s.now) {
		s.hint(backend.TopicWorkflows, string(e.sum.Queue), engine.Instance{})
	}
}

// push puts an event into the inbox.
func (s *state) push(e *execution, ev history.Encoded, moves bool) {
	e.inbox = append(e.inbox, inboxRow{InboxRow: backend.InboxRow{ID: s.next(), Event: ev}, moves: moves})
}

// wakeUp makes e ready now, because of what was pushed.
func (s *state) wakeUp(e *execution) {
	if !e.leased() {
		e.wake = earliest(e.wake, s.now)
		if e.floor.After(s.now) {
			e.floor = s.now
		}
	}
	s.place(e)
	s.announce(e)
}

// consume deletes inbox rows by id. A holder reads from the front, so what it
// consumes is nearly always a prefix.
func (e *execution) consume(ids []int64) {
	n := 0
	for n < len(ids) && n < len(e.inbox) && e.inbox[n].ID == ids[n] {
		n++
	}
	clear(e.inbox[:n])
	e.inbox = e.inbox[n:]
	if rest := ids[n:]; len(rest) > 0 && len(e.inbox) > 0 {
		gone := make(map[int64]struct{}, len(rest))
		for _, id := range rest {
			gone[id] = struct{}{}
		}
		e.inbox = slices.DeleteFunc(e.inbox, func(r inboxRow) bool {
			_, ok := gone[r.ID]
			return ok
		})
	}
	if len(e.inbox) == 0 {
		e.inbox = nil
	}
}

// setTimer adds a timer, in place of one with the same key.
func (s *state) setTimer(e *execution, t backend.Timer) {
	if t.Due.IsZero() {
		t.Due = s.now.Add(t.After)
	}
	t.Due, t.After = t.Due.UTC(), 0
	e.dropTimers(func(o *backend.Timer) bool { return o.Ref == t.Ref && o.Slot == t.Slot })
	at, _ := slices.BinarySearchFunc(e.timers, t, compareTimers)
	e.timers = slices.Insert(e.timers, at, t)
}

func (e *execution) dropTimers(drop func(*backend.Timer) bool) {
	e.timers = slices.DeleteFunc(e.timers, func(t backend.Timer) bool { return drop(&t) })
}

func compareTimers(a, b backend.Timer) int {
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Slot, b.Slot))
}

// arrivals is what the holder of e is told.
func (s *state) arrivals(e *execution) backend.Arrivals {
	a := backend.Arrivals{Paused: e.sum.Paused, More: len(e.inbox) > backend.MaxInbox}
	if n := min(len(e.inbox), backend.MaxInbox); n > 0 {
		a.Inbox = make([]backend.InboxRow, n)
		for i := range a.Inbox {
			a.Inbox[i] = e.inbox[i].InboxRow
		}
	}
	due := 0
	for due < len(e.timers) && !e.timers[due].Due.After(s.now) {
		due++
	}
	if due > 0 {
		a.Timers = slices.Clone(e.timers[:due])
	}
	if due < len(e.timers) {
		a.NextTimer = e.timers[due].Due
	}
	return a
}

// insert stores a new execution. Its inbox gets Started, Inbox and then moved.
func (s *state) insert(c *backend.Creation, moved []inboxRow) *execution {
	e := &execution{serial: s.next(), wake: s.now.Add(c.Delay)}
	e.sum = backend.Summary{
		Instance: c.Instance, FirstExecution: cmp.Or(c.FirstExecution, c.Instance.ExecutionID),
		Workflow: c.Workflow, Queue: c.Queue.OrDefault(), Status: engine.StatusRunning,
		Created: s.now, Updated: s.now, Parent: clonePointer(c.Parent), TraceID: c.TraceID, Tags: maps.Clone(c.Tags),
	}
	e.ready = entry[*execution]{owner: e, seq: e.serial}
	e.retry = e.ready
	s.push(e, c.Started, false)
	for _, ev := range c.Inbox {
		s.push(e, ev, true)
	}
	for _, row := range moved {
		s.push(e, row.Event, true)
		e.wake = s.now
	}
	for _, t := range c.Timers {
		s.setTimer(e, t)
	}
	e.closings = slices.Clone(c.Closings)

	id := c.Instance.InstanceID
	s.executions[c.Instance] = e
	s.open[id] = e
	s.runs[id] = append(s.runs[id], e)
	s.created = append(s.created, e)
	return e
}

// started makes a new execution claimable, or leases it to a worker that takes it
// at once. The hint goes out for a postponed one too: nobody else would tell the
// workers when to look.
func (s *state) started(e *execution) {
	if at := e.readyAt(); !at.IsZero() && !at.After(s.now) {
		if taker := s.hub.Reserve(e.sum.Queue, e.sum.Workflow); taker != nil {
			worker, lease := taker.Lease()
			task := s.lease(e, &backend.WorkflowClaim{Worker: worker, Lease: lease})
			s.handovers = append(s.handovers, backend.Handover{Taker: taker, Task: task})
			return
		}
	}
	s.place(e)
	s.hint(backend.TopicWorkflows, string(e.sum.Queue), engine.Instance{})
}

// forget removes a final execution.
func (s *state) forget(e *execution) {
	id := e.sum.Instance.InstanceID
	delete(s.executions, e.sum.Instance)
	if runs := slices.DeleteFunc(s.runs[id], func(o *execution) bool { return o == e }); len(runs) > 0 {
		s.runs[id] = runs
	} else {
		delete(s.runs, id)
	}
	e.removed, e.chunks = true, nil
	s.removed++
	if s.removed > len(s.created)/2 {
		s.created = slices.DeleteFunc(s.created, func(e *execution) bool { return e.removed })
		s.removed = 0
	}
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
