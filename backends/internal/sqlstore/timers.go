package sqlstore

import (
	"time"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

var timerColumns = []string{"instance", "ref", "slot", "due", "event"}

func (b *batch) addTimers(x *row, timers []backend.Timer) error {
	if len(timers) == 0 {
		return nil
	}
	if err := b.insertTimers(x, timers); err != nil {
		return err
	}
	return b.nextTimer(x)
}

func (b *batch) insertTimers(x *row, timers []backend.Timer) error {
	for _, t := range timers {
		query, owner := x.owned(b.st.upsertTimer)
		if err := b.send(query, owner, t.Ref, int64(t.Slot), b.dueTime(t), t.Event); err != nil {
			return err
		}
		if x.known.timers != nil {
			x.known.timers[backend.TimerKey{Ref: t.Ref, Slot: t.Slot}] = b.dueTime(t)
		}
	}
	return nil
}

func (b *batch) dueTime(t backend.Timer) int64 {
	if t.Due.IsZero() {
		return b.in(t.After)
	}
	return nanos(t.Due)
}

func (b *batch) dropTimers(x *row, keys []backend.TimerKey) error {
	var dropped int64
	for _, k := range keys {
		query, args := "DELETE FROM timers WHERE instance = ? AND ref = ?", []any{x.pk, k.Ref}
		if k.Slot != backend.AllSlots {
			query, args = query+" AND slot = ?", append(args, int64(k.Slot))
		}
		n, err := b.drop(x, k, query, args)
		if err != nil {
			return err
		}
		dropped += n
	}
	if dropped == 0 {
		return nil
	}
	return b.nextTimer(x)
}

// drop deletes the timers of one key and returns how many there were.
func (b *batch) drop(x *row, k backend.TimerKey, query string, args []any) (n int64, err error) {
	if x.known.timers == nil {
		return b.exec(query, args...)
	}
	for t := range x.known.timers {
		if t.Ref == k.Ref && (k.Slot == backend.AllSlots || t.Slot == k.Slot) {
			delete(x.known.timers, t)
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	return n, b.send(query, args...)
}

// nextTimer looks up the earliest timer after timers have changed.
func (b *batch) nextTimer(x *row) error {
	var due int64
	if x.known.timers != nil {
		for _, t := range x.known.timers {
			due = earliest(due, t)
		}
	} else if _, err := b.queryRow("SELECT MIN(due) FROM timers WHERE instance = ?", func(r *Row) { due = r.Int() }, x.pk); err != nil {
		return err
	}
	if due != x.nextTimer {
		x.nextTimer = due
		x.dirty |= groupTimer
	}
	return nil
}

// arrivals is what the holder of x is told. Rows of the batch must have been
// written before.
func (b *batch) arrivals(x *row) (a backend.Arrivals, err error) {
	a.Paused = x.paused
	if x.known.hasArrived {
		a.Inbox = x.known.arrived
	} else if x.inbox > 0 {
		if a.Inbox, a.More, err = inboxRows(b, x.pk); err != nil {
			return a, err
		}
	}
	switch {
	case x.nextTimer == 0:
	case x.nextTimer > b.now:
		a.NextTimer = timeOf(x.nextTimer)
	case x.known.hasFired:
		for _, t := range x.known.fired {
			if nanos(t.Due) <= b.now {
				a.Timers = append(a.Timers, t)
			} else if a.NextTimer.IsZero() {
				a.NextTimer = t.Due
			}
		}
	default:
		a.Timers, a.NextTimer, err = b.dueTimers(x)
	}
	return a, err
}

func inboxRows(b *batch, pk int64) (rows []backend.InboxRow, more bool, err error) {
	err = b.query("SELECT id, event FROM inbox WHERE instance = ? ORDER BY id LIMIT ?", func(r *Row) {
		if len(rows) == backend.MaxInbox {
			more = true
			return
		}
		rows = append(rows, backend.InboxRow{ID: r.Int(), Event: history.Encoded(r.Bytes())})
	}, pk, backend.MaxInbox+1)
	return rows, more, err
}

func (b *batch) dueTimers(x *row) (due []backend.Timer, next time.Time, err error) {
	err = b.query("SELECT ref, slot, due, event FROM timers WHERE instance = ? AND due <= ? ORDER BY due, ref, slot",
		func(r *Row) { due = append(due, scanTimer(r)) }, x.pk, b.now)
	if err != nil {
		return nil, next, err
	}
	_, err = b.queryRow("SELECT MIN(due) FROM timers WHERE instance = ? AND due > ?",
		func(r *Row) { next = r.Time() }, x.pk, b.now)
	return due, next, err
}

func scanTimer(r *Row) backend.Timer {
	return backend.Timer{Ref: r.Int(), Slot: backend.TimerSlot(r.Int()), Due: r.Time(), Event: r.Bytes()}
}
