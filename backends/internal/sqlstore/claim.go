package sqlstore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// workerFresh is how recent the heartbeat of a worker is that executions are left
// to for backend.PreferLastWorker.
const workerFresh = 30 * time.Second

// ClaimWorkflows implements backend.Work.
func (st *Store) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	var claimed backend.WorkflowClaimed
	err := st.write(ctx, "claiming workflows", true, func(b *batch) error {
		claimed = backend.WorkflowClaimed{Now: timeOf(b.now)}
		rows, err := b.claimable(&c)
		if err != nil {
			return err
		}
		for _, x := range rows {
			task, err := b.lease(x, &c)
			if err != nil {
				return err
			}
			claimed.Tasks = append(claimed.Tasks, task)
		}
		if err := b.flush(); err != nil {
			return err
		}
		claimed.Next, err = b.nextReady(&c)
		return err
	})
	if err != nil {
		return backend.WorkflowClaimed{}, err
	}
	return claimed, nil
}

// claimable returns what the claim may lease, ready longest first, blocked
// executions among the others.
func (b *batch) claimable(c *backend.WorkflowClaim) ([]*row, error) {
	if len(c.Workflows) == 0 || c.Max <= 0 {
		return nil, nil
	}
	var ready, blocked []*row
	for _, q := range c.Queues {
		more, err := b.readyRows(c, q.OrDefault())
		if err != nil {
			return nil, err
		}
		ready = append(ready, more...)
		if more, err = b.blockedRows(c, q.OrDefault()); err != nil {
			return nil, err
		}
		blocked = append(blocked, more...)
	}
	slices.SortFunc(blocked, byReadiness)
	rows := slices.Concat(ready, blocked[:min(len(blocked), max(c.MaxBlocked, 0))])
	slices.SortFunc(rows, byReadiness)
	return rows[:min(len(rows), c.Max)], nil
}

func byReadiness(x, y *row) int {
	return cmp.Or(cmp.Compare(x.since, y.since), cmp.Compare(x.pk, y.pk))
}

// readyRows returns up to c.Max executions of one queue. It puts right the
// ready_at that lag behind a lease, and looks again.
func (b *batch) readyRows(c *backend.WorkflowClaim, q engine.Queue) ([]*row, error) {
	query := "SELECT " + rowColumns + ` FROM instances WHERE queue = ? AND ready_at <= ?
		AND workflow IN (` + marks(len(c.Workflows)) + `) AND REPLACE(blocked_builds, ?, '') = blocked_builds
		AND (last_worker = '' OR last_worker = ? OR ready_at <= ?
			OR NOT EXISTS (SELECT 1 FROM workers WHERE workers.id = last_worker AND workers.seen > ?))
		ORDER BY ready_at, pk LIMIT ?` + b.st.d.SkipLocked()
	args := []any{q, b.now}
	args = appendStrings(args, c.Workflows)
	args = append(args, joinBuilds([]string{c.Build}), c.Worker,
		b.now-int64(backend.PreferLastWorker), b.now-int64(workerFresh), c.Max)
	for {
		var rows []*row
		if err := b.query(query, func(r *Row) { rows = append(rows, scanRow(r)) }, args...); err != nil {
			return nil, err
		}
		var ready []*row
		for _, x := range rows {
			x = b.adopt(x)
			if at := x.readiness(); at != x.readyAt {
				x.readyAt = at
				x.dirty |= groupReady
				continue
			}
			x.since = x.readyAt
			ready = append(ready, x)
		}
		if len(ready) == len(rows) {
			return ready, nil
		}
		if err := b.flush(); err != nil {
			return nil, err
		}
	}
}

// lease hands an execution to a worker.
func (b *batch) lease(x *row, c *backend.WorkflowClaim) (backend.WorkflowTask, error) {
	t := backend.WorkflowTask{
		Instance: x.inst, FirstExecution: x.first, Workflow: x.workflow, Queue: x.queue, Status: x.status,
		LastSeq: x.lastSeq, LastStep: x.lastStep, HistoryBytes: x.historyBytes,
		LocalActivities: x.local, LastWorker: x.lastWorker, Created: timeOf(x.created),
	}
	if err := decodeTags(x.tags, &t.Tags); err != nil {
		return t, err
	}
	x.token, x.holder = engine.NewID(), c.Worker
	x.lease(b.in(c.Lease))
	x.place(b.now)
	t.Token, t.LeaseUntil = x.token, timeOf(x.leaseUntil)
	var err error
	if t.Arrivals, err = b.arrivals(x); err != nil || x.local == 0 {
		return t, err
	}
	err = b.query("SELECT ref FROM activities WHERE instance = ? ORDER BY ref", func(r *Row) {
		t.ActivityRefs = append(t.ActivityRefs, r.Int())
	}, x.pk)
	return t, err
}

// blockedRows returns up to c.MaxBlocked blocked executions of one queue each of
// those that this build was not seen to fail on, by the list of builds that were,
// and of those whose retry time has come.
func (b *batch) blockedRows(c *backend.WorkflowClaim, q engine.Queue) (rows []*row, err error) {
	if c.MaxBlocked <= 0 {
		return nil, nil
	}
	lists, err := b.parkedLists(q)
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		var more []*row
		if slices.Contains(splitBuilds(list), c.Build) {
			more, err = b.someBlocked(c, "parked = ? AND retry_at <= ?", "retry_at, pk", q, list, b.now)
		} else {
			more, err = b.someBlocked(c, "parked = ?", "wake_at, pk", q, list)
		}
		if err != nil {
			return nil, err
		}
		for _, x := range more {
			if x.since = x.wakeAt; slices.Contains(x.builds, c.Build) {
				x.since = max(x.since, x.retryAt)
			}
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func (b *batch) someBlocked(c *backend.WorkflowClaim, condition, order string, args ...any) (rows []*row, err error) {
	query := "SELECT " + rowColumns + " FROM instances WHERE queue = ? AND " + condition +
		" AND lease_until <= ? AND workflow IN (" + marks(len(c.Workflows)) +
		") ORDER BY " + order + " LIMIT ?" + b.st.d.SkipLocked()
	args = appendStrings(append(args, b.now), c.Workflows)
	err = b.query(query, func(r *Row) { rows = append(rows, b.adopt(scanRow(r))) }, append(args, min(c.MaxBlocked, c.Max))...)
	return rows, err
}

// parkedLists returns the lists of builds that occur among the blocked executions
// of a queue. It hops from one to the next through the index: there are a few
// lists, even if 100,000 executions are blocked.
func (b *batch) parkedLists(q engine.Queue) (lists []string, err error) {
	query, args := "SELECT MIN(parked) FROM instances WHERE queue = ? AND parked IS NOT NULL", []any{q}
	for {
		var list any
		if _, err = b.queryRow(query, func(r *Row) { list = r.next() }, args...); err != nil || list == nil {
			return lists, err
		}
		r := Row{vals: []driver.Value{list}}
		lists = append(lists, r.Text())
		query, args = "SELECT MIN(parked) FROM instances WHERE queue = ? AND parked > ?", []any{q, lists[len(lists)-1]}
	}
}

// nextReady is when something may become ready for a claim that has taken what
// is ready now.
func (b *batch) nextReady(c *backend.WorkflowClaim) (time.Time, error) {
	var next int64
	for _, q := range c.Queues {
		// What became ready within the last moments may be left to its last
		// worker, and is free after that.
		recent := b.now - int64(backend.PreferLastWorker)
		_, err := b.queryRow("SELECT MIN(ready_at) FROM instances WHERE queue = ? AND ready_at > ?", func(r *Row) {
			at := r.Int()
			if at != 0 && at <= b.now {
				at += int64(backend.PreferLastWorker)
			}
			next = earliest(next, at)
		}, q.OrDefault(), recent)
		if err != nil {
			return time.Time{}, err
		}
		retry, err := b.nextRetry(c, q.OrDefault())
		if err != nil {
			return time.Time{}, err
		}
		next = earliest(next, retry)
	}
	return timeOf(next), nil
}

// nextRetry is when the build may try again what it could not run.
func (b *batch) nextRetry(c *backend.WorkflowClaim, q engine.Queue) (next int64, err error) {
	if c.MaxBlocked <= 0 {
		return 0, nil
	}
	lists, err := b.parkedLists(q)
	if err != nil {
		return 0, err
	}
	for _, list := range lists {
		if !slices.Contains(splitBuilds(list), c.Build) {
			continue
		}
		_, err := b.queryRow("SELECT MIN(retry_at) FROM instances WHERE queue = ? AND parked = ? AND retry_at > ?",
			func(r *Row) { next = earliest(next, r.Int()) }, q, list, b.now)
		if err != nil {
			return 0, err
		}
	}
	return next, nil
}

// marks returns n parameters for a list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func appendStrings(args []any, list []string) []any {
	for _, s := range list {
		args = append(args, s)
	}
	return args
}
