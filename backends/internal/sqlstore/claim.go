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

// ClaimWorkflows implements backend.Work.
func (st *Store) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	var claimed backend.WorkflowClaimed
	err := st.write(ctx, "claiming workflows", true, func(b *batch) error {
		claimed = backend.WorkflowClaimed{Now: timeOf(b.now)}
		from, err := b.sources(&c)
		if err != nil {
			return err
		}
		rows, err := b.claimable(&c, &from)
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
		claimed.Next, err = b.nextReady(&from)
		return err
	})
	if err != nil {
		return backend.WorkflowClaimed{}, err
	}
	return claimed, nil
}

// sources are what a claim finds its rows in.
type sources struct {
	ready []shard
	// untried holds blocked executions that the build has not been seen to fail on,
	// failed those that it has, to be tried again at their time.
	untried, failed []shard
}

func (b *batch) sources(c *backend.WorkflowClaim) (from sources, err error) {
	if len(c.Workflows) == 0 {
		return from, nil
	}
	names := setOf(c.Workflows)
	fails := func(builds string) bool { return slices.Contains(splitBuilds(builds), c.Build) }
	can := func(name, builds string) bool { return names[name] && !fails(builds) }
	from.ready, err = b.shards(&readyIndex, c.Queues, can)
	if err != nil || c.MaxBlocked <= 0 {
		return from, err
	}
	if from.untried, err = b.shards(&parkedIndex, c.Queues, can); err != nil {
		return from, err
	}
	from.failed, err = b.shards(&retryIndex, c.Queues, func(name, builds string) bool { return names[name] && fails(builds) })
	return from, err
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
func (b *batch) merge(ix *shardIndex, from []shard, limit int, since func(*row) int64, condition string, args ...any) (rows []*row, err error) {
	err = inTurn(from, b.now, func(part []shard) error {
		query := "SELECT " + rowColumns + " FROM instances WHERE pk IN (SELECT pk FROM (" +
			ix.read(len(part), ix.at+", pk", condition) + ", pk LIMIT ?) AS earliest)" + b.st.d.SkipLocked()
		return b.query(query, func(r *Row) {
			x := b.adopt(scanRow(r))
			if x.since = since(x); x.since != 0 {
				rows = append(rows, x)
			}
		}, append(ix.readArgs(part, args...), limit)...)
	}, func(next int64) bool {
		slices.SortFunc(rows, byReadiness)
		return len(rows) >= limit && rows[limit-1].since <= next
	})
	return rows, err
}

func byReadiness(x, y *row) int {
	return cmp.Or(cmp.Compare(x.since, y.since), cmp.Compare(x.pk, y.pk))
}

// readyRows returns what is ready. It puts right the ready_at that lag behind a
// lease, and looks again.
func (b *batch) readyRows(c *backend.WorkflowClaim, from []shard) ([]*row, error) {
	for {
		lagging := false
		rows, err := b.merge(&readyIndex, from, c.Max, func(x *row) int64 {
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
	untried, err := b.merge(&parkedIndex, from.untried, limit, func(x *row) int64 { return x.wakeAt }, "lease_until <= ?", b.now)
	if err != nil {
		return nil, err
	}
	failed, err := b.merge(&retryIndex, from.failed, limit, func(x *row) int64 { return max(x.wakeAt, x.retryAt) },
		"retry_at <= ? AND lease_until <= ?", b.now, b.now)
	rows := slices.Concat(untried, failed)
	slices.SortFunc(rows, byReadiness)
	return rows, err
}

// nextReady is when something may become ready for a claim that has taken what
// is ready now.
func (b *batch) nextReady(from *sources) (time.Time, error) {
	// What became ready within the last moments may be left to its last worker, and
	// is free after that.
	next, err := b.nextIn(&readyIndex, from.ready, b.now-int64(backend.PreferLastWorker))
	if err != nil {
		return time.Time{}, err
	}
	if next != 0 && next <= b.now {
		next += int64(backend.PreferLastWorker)
	}
	retry, err := b.nextIn(&retryIndex, from.failed, b.now)
	return timeOf(earliest(next, retry)), err
}

// marks returns n parameters for a list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
