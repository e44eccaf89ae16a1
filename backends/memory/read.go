package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// summary returns a copy that the caller may keep.
func (e *execution) summary() backend.Summary {
	sum := e.sum
	sum.BlockedBuilds = slices.Clone(sum.BlockedBuilds)
	sum.Waiting, sum.Parent, sum.Note = clonePointer(sum.Waiting), clonePointer(sum.Parent), clonePointer(sum.Note)
	sum.Tags = maps.Clone(sum.Tags)
	return sum
}

// Get implements backend.Read.
func (b *Backend) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	if err := b.begin(ctx, false); err != nil {
		return backend.Summary{}, err
	}
	defer b.end()
	e, err := b.st.lookup(i)
	if err != nil {
		return backend.Summary{}, err
	}
	sum := e.summary()
	sum.Inbox = len(e.inbox)
	return sum, nil
}

// History implements backend.Read.
func (b *Backend) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	if err := b.begin(ctx, false); err != nil {
		return nil, err
	}
	defer b.end()
	e := b.st.executions[i]
	if e == nil {
		return nil, fmt.Errorf("memory: %s: %w", i, engine.ErrInstanceNotFound)
	}
	from, _ := slices.BinarySearchFunc(e.chunks, after, func(c backend.Chunk, after int64) int {
		return cmp.Compare(c.First+int64(c.Count)-1, after+1)
	})
	return slices.Clone(upTo(e.chunks[from:], limit)), nil
}

func upTo[T any](rows []T, limit int) []T {
	if limit > 0 && len(rows) > limit {
		return rows[:limit]
	}
	return rows
}

// Pending implements backend.Read.
func (b *Backend) Pending(ctx context.Context, i engine.Instance, limit int) (backend.Pending, error) {
	if err := b.begin(ctx, false); err != nil {
		return backend.Pending{}, err
	}
	defer b.end()
	e, err := b.st.lookup(i)
	if err != nil {
		return backend.Pending{}, err
	}
	p := backend.Pending{
		Timers:   slices.Clone(upTo(e.timers, limit)),
		Closings: slices.Clone(upTo(e.closings, limit)),
		Holder:   e.holder, LeaseUntil: e.leaseUntil,
		ReadyAt: e.readyAt(),
	}
	if e.sum.Status == engine.StatusBlocked {
		p.ReadyAt = e.retryAt
	}
	for _, row := range upTo(e.inbox, limit) {
		p.Inbox = append(p.Inbox, row.InboxRow)
	}
	for _, ref := range upTo(slices.Sorted(maps.Keys(e.activities)), limit) {
		a := e.activities[ref]
		p.Activities = append(p.Activities, backend.PendingActivity{
			ActivityRow: a.ActivityRow, ReadyAt: a.readyAt, Started: a.started,
			Holder: a.holder, LeaseUntil: a.leaseUntil, Details: a.details,
		})
	}
	return p, nil
}

// Queues implements backend.Read.
func (b *Backend) Queues(ctx context.Context) ([]backend.QueueStats, error) {
	if err := b.begin(ctx, false); err != nil {
		return nil, err
	}
	defer b.end()
	s := b.st
	stats := map[backend.QueueStats]*backend.QueueStats{} // the key has Queue and Kind only
	at := func(q engine.Queue, kind backend.QueueKind) *backend.QueueStats {
		key := backend.QueueStats{Queue: q, Kind: kind}
		if stats[key] == nil {
			stats[key] = &backend.QueueStats{Queue: q, Kind: kind}
		}
		return stats[key]
	}
	for _, e := range s.open {
		if e.sum.Status == engine.StatusRunning && !e.sum.Paused {
			s.tally(at(e.sum.Queue, backend.QueueWorkflow), e.leaseUntil, e.readyAt())
		}
		for _, a := range e.activities {
			if !e.sum.Paused {
				s.tally(at(a.Queue, backend.QueueActivity), a.leaseUntil, later(a.readyAt, a.leaseUntil))
			}
		}
	}
	var all []backend.QueueStats
	for _, st := range stats {
		all = append(all, *st)
	}
	slices.SortFunc(all, func(a, b backend.QueueStats) int {
		return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Queue, b.Queue)) // workflow queues first
	})
	return all, nil
}

// tally counts one task: leased until a time, or ready at one.
func (s *state) tally(st *backend.QueueStats, leaseUntil, readyAt time.Time) {
	switch {
	case leaseUntil.After(s.now):
		st.Leased++
	case readyAt.IsZero():
	case readyAt.After(s.now):
		st.Delayed++
	default:
		st.Ready++
		st.OldestReady = earliest(st.OldestReady, readyAt)
	}
}

// Workers implements backend.Read.
func (b *Backend) Workers(ctx context.Context) ([]backend.Worker, error) {
	if err := b.begin(ctx, false); err != nil {
		return nil, err
	}
	defer b.end()
	ws := slices.SortedFunc(maps.Values(b.st.workers), func(a, b backend.Worker) int {
		return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.ID, b.ID))
	})
	for i, w := range ws {
		ws[i].Queues, ws[i].Workflows, ws[i].Activities = slices.Clone(w.Queues), slices.Clone(w.Workflows), slices.Clone(w.Activities)
	}
	return ws, nil
}

// Info implements backend.Read.
func (b *Backend) Info(ctx context.Context) (backend.Info, error) {
	if err := b.begin(ctx, false); err != nil {
		return backend.Info{}, err
	}
	defer b.end()
	return backend.Info{
		Kind: "memory", Version: runtime.Version(), Durability: "none: gone when the process ends",
		ReadOnly: b.readOnly, Now: b.st.now,
	}, nil
}
