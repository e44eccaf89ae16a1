package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// workerFresh is how recent the heartbeat of a worker is that executions are left
// to for backend.PreferLastWorker.
const workerFresh = 30 * time.Second

// missedAgain is after what time a claim is worth trying again that found its rows
// locked.
const missedAgain = 2 * time.Millisecond

// ClaimWorkflows implements backend.Work.
func (st *Store) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	var claimed backend.WorkflowClaimed
	from := newSources(&c)
	look := func(b *batch) (due bool, err error) {
		if err := b.findShards(from.ready, from.untried, from.failed); err != nil {
			return false, err
		}
		claimed = backend.WorkflowClaimed{Now: timeOf(b.now)}
		if due = from.ready.due(b.now) || from.untried.due(b.now) || from.failed.due(b.now); !due {
			claimed.Next, err = b.nextReady(&c, from, 0)
		}
		return due, err
	}
	err := st.write(ctx, "claiming workflows", true, &needs{look: look}, func(b *batch) (err error) {
		claimed.Tasks, err = b.leaseAll(&c, from)
		if err != nil {
			return err
		}
		if err := b.flush(); err != nil {
			return err
		}
		claimed.Next, err = b.nextReady(&c, from, len(claimed.Tasks))
		return err
	})
	if err != nil {
		return backend.WorkflowClaimed{}, err
	}
	return claimed, nil
}

func (b *batch) leaseAll(c *backend.WorkflowClaim, from *sources) (tasks []backend.WorkflowTask, err error) {
	rows, err := b.claimable(c, from)
	if err != nil {
		return nil, err
	}
	if err := b.loadArrivals(rows); err != nil {
		return nil, err
	}
	for _, x := range rows {
		task, err := b.lease(x, c)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// sources are what a claim finds its rows in.
type sources struct {
	ready *wanted
	// untried holds blocked executions that the build has not been seen to fail on,
	// failed those that it has, to be tried again at their time.
	untried, failed *wanted
}

func newSources(c *backend.WorkflowClaim) *sources {
	fails := func(builds string) bool { return slices.Contains(splitBuilds(builds), c.Build) }
	can := func(builds string) bool { return !fails(builds) }
	from := &sources{ready: &wanted{ix: &readyIndex}, untried: &wanted{ix: &parkedIndex}, failed: &wanted{ix: &retryIndex}}
	if len(c.Workflows) == 0 {
		return from
	}
	from.ready = &wanted{ix: &readyIndex, queues: c.Queues, names: c.Workflows, can: can}
	if c.MaxBlocked > 0 {
		from.untried = &wanted{ix: &parkedIndex, queues: c.Queues, names: c.Workflows, can: can}
		from.failed = &wanted{ix: &retryIndex, queues: c.Queues, names: c.Workflows, can: fails}
	}
	return from
}

// claimable returns what the claim may lease, ready longest first, blocked
// executions among the others.
func (b *batch) claimable(c *backend.WorkflowClaim, from *sources) ([]*row, error) {
	if c.Max <= 0 {
		return nil, nil
	}
	ready, err := b.readyRows(c, from.ready)
	if err != nil {
		return nil, err
	}
	blocked, err := b.blockedRows(c, from)
	if err != nil {
		return nil, err
	}
	rows := slices.Concat(ready, blocked[:min(len(blocked), max(c.MaxBlocked, 0))])
	slices.SortFunc(rows, byReadiness)
	return rows[:min(len(rows), c.Max)], nil
}

// merge returns those rows of the shards that are ready longest, at least limit of
// them if there are. since tells since when a row is ready, or 0 to leave it out.
func (b *batch) merge(w *wanted, limit int, since func(*row) int64, condition string, args ...any) (rows []*row, err error) {
	err = b.inTurn(w.found, func(part []shard) error {
		query, args := w.ix.claim(b.st.d, part, "x", rowColumns, condition, limit, args...)
		return b.query(query, func(r *Row) {
			x := b.adopt(scanRow(r))
			if x.since = since(x); x.since != 0 {
				rows = append(rows, x)
			}
		}, args...)
	}, func(next int64) bool {
		slices.SortFunc(rows, byReadiness)
		return len(rows) >= limit && rows[limit-1].since < next
	})
	return rows, err
}

func byReadiness(x, y *row) int {
	return cmp.Or(cmp.Compare(x.since, y.since), cmp.Compare(x.pk, y.pk))
}

// readyRows returns what is ready. It puts right the ready_at that lag behind a
// lease, and looks again.
func (b *batch) readyRows(c *backend.WorkflowClaim, from *wanted) ([]*row, error) {
	for {
		lagging := false
		rows, err := b.merge(from, c.Max, func(x *row) int64 {
			if at := x.readiness(); at != x.readyAt {
				x.readyAt, lagging = at, true
				x.dirty |= groupReady
			}
			return x.readyAt
		}, `ready_at <= ? AND (last_worker = '' OR last_worker = ? OR ready_at <= ?
			OR NOT EXISTS (SELECT 1 FROM workers WHERE workers.id = last_worker AND workers.seen > ?))`,
			b.now, c.Worker, b.now-int64(backend.PreferLastWorker), b.now-int64(workerFresh))
		if err != nil || !lagging {
			return rows, err
		}
		if err := b.flush(); err != nil {
			return nil, err
		}
	}
}

// lease hands an execution to a worker.
func (b *batch) lease(x *row, c *backend.WorkflowClaim) (backend.WorkflowTask, error) {
	x.token, x.holder = engine.NewID(), c.Worker
	x.lease(b.in(c.Lease))
	x.place(b.now)
	t := x.task()
	if err := decodeTags(x.tags, &t.Tags); err != nil {
		return t, err
	}
	var err error
	if t.Arrivals, err = b.arrivals(x); err != nil || x.local == 0 {
		return t, err
	}
	err = b.query("SELECT ref FROM activities WHERE instance = ? ORDER BY ref", func(r *Row) {
		t.ActivityRefs = append(t.ActivityRefs, r.Int())
	}, x.pk)
	return t, err
}

// blockedRows returns blocked executions that may be tried: those that this build
// was not seen to fail on, and those whose retry time has come.
func (b *batch) blockedRows(c *backend.WorkflowClaim, from *sources) ([]*row, error) {
	limit := min(c.MaxBlocked, c.Max)
	untried, err := b.merge(from.untried, limit, func(x *row) int64 { return x.wakeAt }, "lease_until <= ?", b.now)
	if err != nil {
		return nil, err
	}
	failed, err := b.merge(from.failed, limit, func(x *row) int64 { return max(x.wakeAt, x.retryAt) },
		"retry_at <= ? AND lease_until <= ?", b.now, b.now)
	rows := slices.Concat(untried, failed)
	slices.SortFunc(rows, byReadiness)
	return rows, err
}

// nextReady is when something may become ready for a claim that has taken what
// is ready now, so many executions.
func (b *batch) nextReady(c *backend.WorkflowClaim, from *sources, taken int) (time.Time, error) {
	// What became ready within the last moments may be left to its last worker, and
	// is free after that. On a server also what is ready for longer may be there: it
	// was locked by a claim that did not take it.
	after := b.now - int64(backend.PreferLastWorker)
	if b.st.d.Remote() && taken < c.Max {
		after = 0
	}
	next, err := b.nextIn(from.ready, after)
	if err != nil {
		return time.Time{}, err
	}
	if next != 0 && next <= b.now {
		if next, err = b.missed(c, from.ready, max(next+int64(backend.PreferLastWorker), b.now+int64(missedAgain))); err != nil {
			return time.Time{}, err
		}
	}
	retry, err := b.nextIn(from.failed, b.now)
	return timeOf(earliest(next, retry)), err
}

// missed looks for what is left to this very worker, and yet was not claimed: on a
// server, the claim of another worker locks a row for a moment before it finds that
// the row is not for it. It returns when to look again, next if there is none.
func (b *batch) missed(c *backend.WorkflowClaim, w *wanted, next int64) (int64, error) {
	if !b.st.d.Remote() {
		return next, nil
	}
	for _, sh := range w.found {
		if sh.first > b.now {
			break
		}
		found, err := b.queryRow("SELECT 1 FROM instances WHERE "+w.ix.in(b.st.d)+" AND ready_at > ? AND ready_at <= ? AND last_worker = ? AND token = '' LIMIT 1",
			func(*Row) {}, w.ix.args([]shard{sh}, b.now-int64(backend.PreferLastWorker), b.now, c.Worker)...)
		if err != nil {
			return 0, err
		}
		if found {
			return b.now + int64(missedAgain), nil
		}
	}
	return next, nil
}

// marks returns n parameters for a list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
