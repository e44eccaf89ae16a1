package redis

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/backends/internal/matching"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// position is the place of an execution in a list, and the wire format of a cursor:
// what it is ordered by, then the order of creation.
type position struct {
	matching.Head

	Key     int64  `json:"k,omitempty"` // microseconds, or attempt
	Created int64  `json:"c"`
	Place   []byte `json:"p"`
}

func positionOf(q *backend.Query, r *listed) position {
	p := position{Head: matching.HeadOf(q), Created: r.created, Place: []byte(r.place)}
	switch q.Order {
	case backend.OrderUpdated:
		p.Key = r.sum.Updated.UnixMicro()
	case backend.OrderAttempt:
		p.Key = int64(r.sum.Attempt)
	case backend.OrderCreated:
	}
	return p
}

// compare orders two positions of the same list.
func (p position) compare(o position) int {
	c := cmp.Or(cmp.Compare(p.Key, o.Key), cmp.Compare(p.Created, o.Created), strings.Compare(string(p.Place), string(o.Place)))
	if p.Ascending {
		return c
	}
	return -c
}

// List implements backend.Read.
func (b *Backend) List(ctx context.Context, q backend.Query) (backend.Page, error) {
	if err := matching.Complete(&q); err != nil {
		return backend.Page{}, fmt.Errorf("redis: %w", err)
	}
	after, err := matching.After[position](&q)
	if err != nil {
		return backend.Page{}, fmt.Errorf("redis: %w", err)
	}
	if err := b.enter(ctx, false); err != nil {
		return backend.Page{}, err
	}
	defer b.leave()
	rows, now, err := b.list(ctx, &q, after, q.Limit+1)
	if err != nil {
		return backend.Page{}, fmt.Errorf("redis: listing instances: %w", err)
	}
	page := backend.Page{Now: now}
	for _, r := range upTo(rows, q.Limit) {
		r.sum.Inbox = 0
		page.Items = append(page.Items, r.sum)
	}
	if len(rows) > q.Limit {
		if page.Next, err = matching.Cursor(positionOf(&q, rows[q.Limit-1])); err != nil {
			return backend.Page{}, fmt.Errorf("redis: %w", err)
		}
	}
	return page, nil
}

// list returns at most limit matching rows behind a position, in order. Redis keeps
// the order of creation only; for another all that match are read and sorted.
func (b *Backend) list(ctx context.Context, q *backend.Query, after *position, limit int) ([]*listed, time.Time, error) {
	byCreation := q.Order == backend.OrderCreated
	w := b.newWalk(q, false)
	w.reverse = !q.Ascending
	if byCreation {
		w.after, w.size = after, max(10, 2*limit/len(b.tags))
	}
	m := matching.New(q)
	var rows []*listed
	for {
		r, err := w.next(ctx)
		if err != nil {
			return nil, w.now, err
		}
		if r == nil {
			break
		}
		if m.Match(&r.sum) && (after == nil || positionOf(q, r).compare(*after) > 0) {
			if rows = append(rows, r); byCreation && len(rows) == limit {
				break
			}
		}
	}
	if !byCreation {
		slices.SortFunc(rows, func(x, y *listed) int { return positionOf(q, x).compare(positionOf(q, y)) })
	}
	return upTo(rows, limit), w.now, nil
}

// Count implements backend.Read.
func (b *Backend) Count(ctx context.Context, q backend.Query) (map[engine.Status]int64, error) {
	if err := b.enter(ctx, false); err != nil {
		return nil, err
	}
	defer b.leave()
	counts, err := b.count(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("redis: counting instances: %w", err)
	}
	return counts, nil
}

func (b *Backend) count(ctx context.Context, q backend.Query) (map[engine.Status]int64, error) {
	if onlyStatuses(q) {
		return b.countStatuses(ctx, q.Statuses)
	}
	counts := map[engine.Status]int64{}
	m, w := matching.New(&q), b.newWalk(&q, false)
	for {
		r, err := w.next(ctx)
		if r == nil || err != nil {
			return counts, err
		}
		if m.Match(&r.sum) {
			counts[r.sum.Status]++
		}
	}
}

// onlyStatuses reports whether q asks for nothing but statuses, so that the lists of
// those know the answer.
func onlyStatuses(q backend.Query) bool {
	rest := q
	rest.Statuses, rest.Order, rest.Ascending, rest.Limit, rest.Cursor = nil, "", false, 0, ""
	// What every execution matches is no question.
	text, err := json.Marshal(rest)
	empty, err2 := json.Marshal(backend.Query{})
	return err == nil && err2 == nil && bytes.Equal(text, empty)
}

func (b *Backend) countStatuses(ctx context.Context, statuses []engine.Status) (map[engine.Status]int64, error) {
	if len(statuses) == 0 {
		statuses = engine.Statuses()
	}
	pipe := b.client.Pipeline()
	counts := map[engine.Status]int64{}
	var sums []func()
	for _, s := range slices.Compact(slices.Sorted(slices.Values(statuses))) {
		for _, tag := range b.tags {
			cmd := pipe.ZCard(ctx, b.base(tag)+"st:"+string(s))
			sums = append(sums, func() {
				if n := cmd.Val(); n > 0 {
					counts[s] += n
				}
			})
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	for _, sum := range sums {
		sum()
	}
	return counts, nil
}

// Queues implements backend.Read.
func (b *Backend) Queues(ctx context.Context) ([]backend.QueueStats, error) {
	if err := b.enter(ctx, false); err != nil {
		return nil, err
	}
	defer b.leave()
	t := &tally{stats: map[backend.QueueStats]*backend.QueueStats{}}
	w := b.newWalk(&backend.Query{Statuses: []engine.Status{engine.StatusRunning, engine.StatusBlocked}}, true)
	for {
		r, err := w.next(ctx)
		if err != nil {
			return nil, fmt.Errorf("redis: reading queues: %w", err)
		}
		if r == nil {
			break
		}
		t.now = w.now
		if r.sum.Status == engine.StatusRunning && !r.sum.Paused {
			t.add(r.sum.Queue, backend.QueueWorkflow, r.leaseUntil, r.readyAt)
		}
		for _, a := range r.activities {
			t.add(a.Queue, backend.QueueActivity, a.LeaseUntil, later(a.ReadyAt, a.LeaseUntil))
		}
	}
	var all []backend.QueueStats
	for _, st := range t.stats {
		all = append(all, *st)
	}
	slices.SortFunc(all, func(x, y backend.QueueStats) int {
		return cmp.Or(cmp.Compare(y.Kind, x.Kind), cmp.Compare(x.Queue, y.Queue)) // workflow queues first
	})
	return all, nil
}

// tally counts tasks by queue and kind.
type tally struct {
	now   time.Time
	stats map[backend.QueueStats]*backend.QueueStats // the key has Queue and Kind only
}

// add counts one task: leased until a time, or ready at one.
func (t *tally) add(q engine.Queue, kind backend.QueueKind, leaseUntil, readyAt time.Time) {
	id := backend.QueueStats{Queue: q, Kind: kind}
	st := t.stats[id]
	if st == nil {
		st = &backend.QueueStats{Queue: q, Kind: kind}
		t.stats[id] = st
	}
	switch {
	case leaseUntil.After(t.now):
		st.Leased++
	case readyAt.IsZero():
	case readyAt.After(t.now):
		st.Delayed++
	default:
		st.Ready++
		st.OldestReady = earliest(st.OldestReady, readyAt)
	}
}
