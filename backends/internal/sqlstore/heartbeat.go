package sqlstore

import (
	"context"
	"sync"
	"time"

	"github.com/wfops/wfops/engine/backend"
)

// What housekeeping deletes, and how often it runs in a process.
const (
	keepDeliveries = 15 * time.Minute // ten are promised
	keepWakes      = time.Minute
	keepWorkers    = 24 * time.Hour // so that a console can show who died
	housekeepEvery = 10 * time.Second
	housekeepRows  = 2000 // in one transaction, so that others need not wait
)

// housekeeping remembers when a process last did it.
type housekeeping struct {
	mu   sync.Mutex
	last time.Time
}

func (h *housekeeping) due(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.last.IsZero() && now.Sub(h.last) < housekeepEvery {
		return false
	}
	h.last = now
	return true
}

var workerColumns = []string{"id", "seen", "data"}

// Heartbeat implements backend.Work.
func (st *Store) Heartbeat(ctx context.Context, w backend.Worker) error {
	var now time.Time
	err := st.write(ctx, "storing a heartbeat", true, nil, func(b *batch) error {
		now = timeOf(b.now)
		return b.heartbeat(w)
	})
	if err != nil || !st.keeper.due(now) {
		return err
	}
	for more := true; more && err == nil; {
		err = st.write(ctx, "deleting what has expired", true, nil, func(b *batch) (err error) {
			more, err = b.prune()
			return err
		})
	}
	return err
}

func (b *batch) heartbeat(w backend.Worker) error {
	if w.Stopped {
		return b.send("DELETE FROM workers WHERE id = ?", w.ID)
	}
	w.Seen = time.Time{} // has a column of its own
	data, err := encodeJSON(w)
	if err != nil {
		return err
	}
	return b.send(b.st.upsertWorker, w.ID, b.now, data)
}

// prune deletes some of what has expired and reports whether there is more.
func (b *batch) prune() (more bool, err error) {
	for _, table := range []struct {
		name, key, created string
		keep               time.Duration
	}{
		{"deliveries", "id", "created", keepDeliveries},
		{"wakes", "pk", "created", keepWakes},
		{"workers", "id", "seen", keepWorkers},
	} {
		n, err := b.exec("DELETE FROM "+table.name+" WHERE "+table.key+" IN (SELECT "+table.key+" FROM (SELECT "+
			table.key+" FROM "+table.name+" WHERE "+table.created+" < ? LIMIT ?) AS old)", b.now-int64(table.keep), housekeepRows)
		if err != nil {
			return false, err
		}
		more = more || n == housekeepRows
	}
	return more, nil
}

// Workers implements backend.Read.
func (st *Store) Workers(ctx context.Context) (workers []backend.Worker, err error) {
	err = st.read(ctx, "reading workers", func(s *Session) error {
		workers = nil
		return s.Query(ctx, "SELECT seen, data FROM workers ORDER BY seen DESC, id", func(r *Row) {
			var w backend.Worker
			seen := r.Time()
			r.JSON(&w)
			w.Seen = seen
			workers = append(workers, w)
		})
	})
	return workers, err
}
