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

// claimable returns what the claim may lease, ready longest first, and blocked
// executions at the end.
func (b *batch) claimable(c *backend.WorkflowClaim) ([]*row, error) {
	if len(c.Workflows) == 0 || c.Max <= 0 {
		return nil, nil
	}
	var rows []*row
	for _, q := range c.Queues {
		ready, err := b.readyRows(c, q.OrDefault())
		if err != nil {
			return nil, err
		}
		rows = append(rows, ready...)
	}
	if len(c.Queues) > 1 {
		slices.SortFunc(rows, func(x, y *row) int { return cmp.Or(cmp.Compare(x.readyAt, y.readyAt), cmp.Compare(x.pk, y.pk)) })
	}
	rows = rows[:min(len(rows), c.Max)]
	blocked, err := b.blockedRows(c, min(c.MaxBlocked, c.Max-len(rows)))
	return append(rows, blocked...), err
}

// readyRows returns up to c.Max executions of one queue. It puts right the
// ready_at of leased ones that it meets, and looks again.
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
			if at := x.readiness(b.now); at == 0 || at > b.now {
				x.readyAt = at
				x.dirty |= groupReady
				continue
			}
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
		LocalActivities: x.local, LastWorker: x.lastWorker,
	}
	x.token, x.holder = engine.NewID(), c.Worker
	x.leaseUntil, x.holdUntil = b.now+int64(c.Lease), 0
	x.dirty |= groupLease
	x.place(b.now)
	t.Token, t.LeaseUntil = x.token, timeOf(x.leaseUntil)
	_, err := b.queryRow("SELECT created, tags FROM instances WHERE pk = ?", func(r *Row) {
		t.Created = r.Time()
		r.JSON(&t.Tags)
	}, x.pk)
	if err != nil {
		return t, err
	}
	if t.Arrivals, err = b.arrivals(x); err != nil || x.local == 0 {
		return t, err
	}
	err = b.query("SELECT ref FROM activities WHERE instance = ? ORDER BY ref", func(r *Row) {
		t.ActivityRefs = append(t.ActivityRefs, r.Int())
	}, x.pk)
	return t, err
}

// blockedRows returns up to limit blocked executions: first those that this build
// was not seen to fail on, then those whose retry time has come.
func (b *batch) blockedRows(c *backend.WorkflowClaim, limit int) ([]*row, error) {
	if limit <= 0 {
		return nil, nil
	}
	var rows []*row
	for _, q := range c.Queues {
		q = q.OrDefault()
		lists, err := b.parkedLists(q)
		if err != nil {
			return nil, err
		}
		for _, list := range lists {
			if slices.Contains(splitBuilds(list), c.Build) {
				continue
			}
			if rows, err = b.addBlocked(rows, c, limit, q, "parked = ?", "pk", list); err != nil {
				return nil, err
			}
		}
		if rows, err = b.addBlocked(rows, c, limit, q, "retry_at <= ?", "retry_at, pk", b.now); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (b *batch) addBlocked(rows []*row, c *backend.WorkflowClaim, limit int, q engine.Queue,
	condition, order string, arg any,
) ([]*row, error) {
	if len(rows) >= limit {
		return rows, nil
	}
	args := appendStrings([]any{q, arg, b.now}, c.Workflows)
	query := "SELECT " + rowColumns + " FROM instances WHERE queue = ? AND " + condition +
		" AND parked IS NOT NULL AND lease_until <= ? AND workflow IN (" + marks(len(c.Workflows)) +
		") ORDER BY " + order + " LIMIT ?" + b.st.d.SkipLocked()
	err := b.query(query, func(r *Row) {
		if x := scanRow(r); b.byKey[x.inst] == nil {
			rows = append(rows, b.adopt(x))
		}
	}, append(args, limit-len(rows))...)
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
		_, err = b.queryRow("SELECT MIN(retry_at) FROM instances WHERE queue = ? AND retry_at > ?",
			func(r *Row) { next = earliest(next, r.Int()) }, q.OrDefault(), b.now)
		if err != nil {
			return time.Time{}, err
		}
	}
	return timeOf(next), nil
}

// marks returns n parameters for a list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func appendStrings(args []any, list []string) []any {
	for _, s := range list {
		args = append(args, s)
	}
	return args
}
