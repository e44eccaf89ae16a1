package sqlstore

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Terminate implements backend.Control.
func (st *Store) Terminate(ctx context.Context, ts []backend.Termination) []error {
	need := func(n *needs, t *backend.Termination) {
		n.instance(t.To.InstanceID)
		n.finals = append(n.finals, t.To)
	}
	return each(ctx, st, "terminating instances", ts, need, asError, func(b *batch, t *backend.Termination) (error, error) {
		return b.withOpen(t.To, func(x *row) error { return b.terminate(x, *t) })
	})
}

// withOpen changes the open execution that has an address. The first error is a
// refusal, the second ends the transaction.
func (b *batch) withOpen(to backend.Address, change func(*row) error) (refusal, err error) {
	x, err := b.find(to)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return notFound(to), nil
	}
	return nil, change(x)
}

// Pause implements backend.Control.
func (st *Store) Pause(ctx context.Context, ps []backend.PauseChange) []error {
	need := func(n *needs, p *backend.PauseChange) { n.instance(p.To.InstanceID) }
	return each(ctx, st, "pausing instances", ps, need, asError, func(b *batch, p *backend.PauseChange) (error, error) {
		if refusal := p.Check(); refusal != nil {
			return refusal, nil
		}
		return b.withOpen(p.To, func(x *row) error { return b.pause(x, p) })
	})
}

func (b *batch) pause(x *row, p *backend.PauseChange) error {
	if err := b.note(x, p.Note(timeOf(b.now))); err != nil || x.paused == p.Paused {
		return err
	}
	x.paused = p.Paused
	x.dirty |= groupStatus
	if x.blocked() {
		x.dirty |= groupPark
	}
	x.place(b.now)
	if err := b.holdActivities(x); err != nil {
		return err
	}
	return b.announce(x)
}

// note leaves a note, in a statement of its own: no other ever writes that column.
func (b *batch) note(x *row, n engine.Note) error {
	x.set.updated = b.now
	text, err := encodeJSON(n)
	if err != nil {
		return err
	}
	return b.send("UPDATE instances SET note = ? WHERE pk = ?", text, x.pk)
}

// bequeath leaves the note of a paused execution with the next one, the latest by now.
// MySQL refuses to read the table that it updates, unless in a subquery that it can't
// merge with the rest: that is what MAX is for.
func (b *batch) bequeath(x *row) error {
	return b.send(`UPDATE instances SET note = (SELECT note FROM (SELECT MAX(note) AS note FROM instances WHERE pk = ?) AS last)
		WHERE `+latest, x.pk, x.inst.InstanceID)
}

// holdActivities takes the activities of a paused execution away from claims, or
// gives them back.
func (b *batch) holdActivities(x *row) error {
	if x.paused {
		err := b.send("UPDATE activities SET ready_at = NULL WHERE instance = ?", x.pk)
		return err
	}
	n, err := b.exec(`UPDATE activities SET ready_at = CASE WHEN lease_until > due THEN lease_until ELSE due END
		WHERE instance = ?`, x.pk)
	if n == 0 || err != nil {
		return err
	}
	return b.query("SELECT DISTINCT queue FROM activities WHERE instance = ?", func(r *Row) {
		b.hint(backend.TopicActivities, r.Text(), engine.Instance{})
	}, x.pk)
}

// Retry implements backend.Control.
func (st *Store) Retry(ctx context.Context, rs []backend.RetryRequest) []error {
	need := func(n *needs, r *backend.RetryRequest) { n.instance(r.To.InstanceID) }
	return each(ctx, st, "retrying instances", rs, need, asError, func(b *batch, r *backend.RetryRequest) (error, error) {
		if refusal := r.Check(); refusal != nil {
			return refusal, nil
		}
		return b.withOpen(r.To, func(x *row) error { return b.retry(x, r) })
	})
}

func (b *batch) retry(x *row, r *backend.RetryRequest) error {
	if err := b.note(x, r.Note(timeOf(b.now))); err != nil {
		return err
	}
	if len(x.builds) > 0 || x.blocked() {
		x.builds, x.retryAt = nil, 0
		x.dirty |= groupPark
	}
	if r.DropInbox != 0 {
		n, err := b.exec("UPDATE inbox SET event = ?, quiet = 0 WHERE instance = ? AND id = ?", r.Dropped, x.pk, r.DropInbox)
		if err != nil {
			return err
		}
		if n > 0 {
			return b.wake(x)
		}
	}
	x.place(b.now)
	return b.announce(x)
}

// Remove implements backend.Control.
func (st *Store) Remove(ctx context.Context, is []engine.Instance) []error {
	need := func(n *needs, i *engine.Instance) { n.instance(i.InstanceID) }
	return each(ctx, st, "removing instances", is, need, asError, (*batch).remove)
}

func (b *batch) remove(i *engine.Instance) (refusal, err error) {
	x, err := b.exact(*i)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return noExecution(*i), nil
	}
	if x.open() {
		return fmt.Errorf("%s is %s: %w", i, x.status, engine.ErrInstanceNotFinished), nil
	}
	if err := b.deleteRows(x, "history", "inbox", "timers", "activities", "closings", "tags"); err != nil {
		return nil, err
	}
	if err := b.send("DELETE FROM instances WHERE pk = ?", x.pk); err != nil {
		return nil, err
	}
	b.forget(x)
	// The execution before it becomes the latest, unless a later one is.
	err = b.send(`UPDATE instances SET superseded = 0
		WHERE pk = (SELECT pk FROM (SELECT MAX(pk) AS pk FROM instances WHERE instance_id = ?) AS last)
		AND superseded = 1`, i.InstanceID)
	return nil, err
}

// forget takes a deleted row out of the batch.
func (b *batch) forget(x *row) {
	x.dirty = 0
	delete(b.byKey, x.inst)
	delete(b.latest, x.inst.InstanceID)
}
