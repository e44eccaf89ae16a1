package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// maxBlockedBuilds is how many builds that can't run it an execution keeps.
const maxBlockedBuilds = 8

// CommitWorkflows implements backend.Work.
func (st *Store) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	token := func(i int) string { return cs[i].Token }
	var n *needs
	if st.remote() {
		n = &needs{}
		for i := range cs {
			n.commit(&cs[i])
		}
	}
	return st.held(ctx, "committing steps", false, n, len(cs), token, func(b *batch, i int) (*row, error, error) {
		return b.commit(&cs[i])
	})
}

// held applies n changes to leased executions, and then fetches what has come in
// for them, from the other items of the call too.
func (st *Store) held(ctx context.Context, doing string, relaxed bool, need *needs, n int, token func(i int) string,
	apply func(b *batch, i int) (x *row, refusal, err error),
) []backend.WorkflowCommitted {
	results := make([]backend.WorkflowCommitted, n)
	if n == 0 {
		return results
	}
	rows := make([]*row, n)
	err := st.write(ctx, doing, relaxed, need, func(b *batch) (err error) {
		for i := range results {
			results[i] = backend.WorkflowCommitted{Now: timeOf(b.now)}
			if rows[i], results[i].Err, err = apply(b, i); err != nil {
				return err
			}
		}
		if err := b.flush(); err != nil {
			return err
		}
		if err := b.loadArrivals(rows); err != nil {
			return err
		}
		for i, x := range rows {
			if results[i].Err != nil || !x.open() {
				continue
			}
			if x.token == token(i) { // nobody is told of another's lease
				results[i].LeaseUntil = timeOf(x.leaseUntil)
			}
			if results[i].Arrivals, err = b.arrivals(x); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for i := range results {
			results[i] = backend.WorkflowCommitted{Err: err}
		}
	}
	return results
}

func leaseLost(i engine.Instance, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %w", i, fmt.Sprintf(format, args...), engine.ErrLeaseLost)
}

// commit applies a step whose fence holds. A repeated one changes nothing.
func (b *batch) commit(c *backend.WorkflowCommit) (x *row, refusal, err error) {
	x, err = b.exact(c.Instance)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case x == nil:
		return nil, leaseLost(c.Instance, "no such execution"), nil
	case c.StepID != "" && x.lastStep == c.StepID:
		return x, nil, nil
	case c.Token == "" || x.token != c.Token:
		return nil, leaseLost(c.Instance, "the lease is not ours"), nil
	case x.lastSeq != c.ExpectSeq:
		return nil, leaseLost(c.Instance, "the history ends at %d, not at %d", x.lastSeq, c.ExpectSeq), nil
	}
	if refusal := c.Check(); refusal != nil {
		return nil, refusal, nil
	}
	return x, nil, b.step(x, c)
}

// step applies everything that a step says, in an order in which nothing refers
// to what comes later: the status last, because it may delete the rest.
func (b *batch) step(x *row, c *backend.WorkflowCommit) error {
	if c.Count > 0 {
		if err := b.appendHistory(x, c.Events, c.Count); err != nil {
			return err
		}
	}
	x.lastStep, x.local = c.StepID, c.Local
	if err := b.summarize(x, &c.Summary); err != nil {
		return err
	}
	for _, change := range []func(*row, *backend.WorkflowCommit) error{
		b.stepInbox, b.stepTimers, b.stepActivities, b.stepClosings, b.stepSends,
	} {
		if err := change(x, c); err != nil {
			return err
		}
	}
	if !x.open() { // one of its own sends has terminated it
		return nil
	}
	if c.Status.Final() {
		return b.stepFinal(x, c)
	}
	if err := b.stepStatus(x, c); err != nil {
		return err
	}
	return b.stepLease(x, c)
}

func (b *batch) appendHistory(x *row, events history.Encoded, count int) error {
	if err := b.send("INSERT INTO history (instance, first, count, events) VALUES (?, ?, ?, ?)",
		x.pk, x.lastSeq+1, count, events); err != nil {
		return err
	}
	x.lastSeq += int64(count)
	x.historyBytes += int64(len(events))
	return nil
}

// chunk is what was added to the history of x last.
func (x *row) chunk(events history.Encoded, count int) backend.Chunk {
	return backend.Chunk{First: x.lastSeq - int64(count) + 1, Count: count, Events: events}
}

func (b *batch) summarize(x *row, s *backend.SummaryUpdate) error {
	x.set.updated, x.set.attempt, x.lastWorker, x.set.build, x.set.waiting = b.now, s.Attempt, s.Worker, s.Build, nil
	x.dirty |= groupHistory | groupSummary | groupWaiting
	if s.Waiting != nil {
		text, err := encodeJSON(s.Waiting)
		if err != nil {
			return err
		}
		x.set.waiting = text
	}
	if s.StatusLine != nil || s.LastError != nil {
		x.set.statusLine, x.set.lastError = textOrNil(s.StatusLine), textOrNil(s.LastError)
		x.dirty |= groupText
	}
	if s.Tags == nil {
		return nil
	}
	var err error
	if x.tags, err = encodeTags(s.Tags); err != nil {
		return err
	}
	x.dirty |= groupTags
	if err := b.deleteRows(x, "tags"); err != nil {
		return err
	}
	return b.insertTags(x, s.Tags)
}

func textOrNil(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

func (b *batch) stepInbox(x *row, c *backend.WorkflowCommit) error {
	if err := b.consume(x, c.Consume); err != nil {
		return err
	}
	return b.restWake(x)
}

// consume deletes exactly the rows with these ids. Holders read from the front, so
// the ids nearly always are one run.
func (b *batch) consume(x *row, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	var gone int64
	for len(ids) > 0 {
		run := 1
		for run < len(ids) && ids[run] == ids[0]+int64(run) {
			run++
		}
		n, err := b.unread(x, ids[0], ids[run-1])
		if err != nil {
			return err
		}
		gone += n
		ids = ids[run:]
	}
	x.inbox -= int(gone)
	x.dirty |= groupInbox
	return nil
}

// unread deletes a run of inbox rows and returns how many there were.
func (b *batch) unread(x *row, first, last int64) (n int64, err error) {
	const query = "DELETE FROM inbox WHERE instance = ? AND id BETWEEN ? AND ?"
	if x.known.inbox == nil {
		return b.exec(query, x.pk, first, last)
	}
	for id := first; id <= last; id++ {
		if _, ok := x.known.inbox[id]; ok {
			delete(x.known.inbox, id)
			n++
		}
	}
	return n, b.send(query, x.pk, first, last)
}

// loud reports whether the inbox holds a row that wakes x.
func (b *batch) loud(x *row) (bool, error) {
	if x.known.inbox != nil {
		for _, quiet := range x.known.inbox {
			if !quiet {
				return true, nil
			}
		}
		return false, nil
	}
	if x.inbox == 0 {
		return false, nil
	}
	return b.queryRow("SELECT 1 FROM inbox WHERE instance = ? AND quiet = 0 LIMIT 1", func(*Row) {}, x.pk)
}

// restWake looks whether anything that is left in the inbox wakes x.
func (b *batch) restWake(x *row) error {
	if x.wakeAt == 0 || x.blocked() {
		return nil
	}
	loud, err := b.loud(x)
	if err != nil {
		return err
	}
	if !loud {
		x.wakeAt = 0
		x.dirty |= groupInbox
	}
	return nil
}

func (b *batch) stepTimers(x *row, c *backend.WorkflowCommit) error {
	if err := b.dropTimers(x, c.DropTimers); err != nil {
		return err
	}
	return b.addTimers(x, c.AddTimers)
}

func (b *batch) stepClosings(x *row, c *backend.WorkflowCommit) error {
	for _, ref := range c.DropClosings {
		if err := b.send("DELETE FROM closings WHERE instance = ? AND ref = ?", x.pk, ref); err != nil {
			return err
		}
		if x.known.closed {
			x.known.closings = slices.DeleteFunc(x.known.closings, func(c closing) bool { return c.Ref == ref })
		}
	}
	return b.addClosings(x, c.AddClosings)
}

// workFor reports whether x could be claimed at once if nobody held it.
func (x *row) workFor(now int64) bool {
	return !x.paused && (x.hasWork() || x.nextTimer != 0 && x.nextTimer <= now)
}

// hasWork reports whether x is ready without a timer once nobody holds it.
func (x *row) hasWork() bool { return x.wakeAt != 0 || x.local > 0 }

// stepLease prolongs the lease or gives it back. Status is running or blocked.
// What is given back with work left joins the end of the line, so that a full
// inbox can't starve others.
func (b *batch) stepLease(x *row, c *backend.WorkflowCommit) error {
	if c.Lease > 0 && !x.blocked() && (!c.OnlyIfReady || x.workFor(b.now)) {
		x.lease(b.in(c.Lease))
		x.place(b.now)
		return nil
	}
	x.release()
	x.holdUntil = b.in(c.ReadyAfter)
	if x.hasWork() {
		x.wakeAt = b.now
		x.dirty |= groupInbox
	}
	x.place(b.now)
	return b.announce(x)
}
