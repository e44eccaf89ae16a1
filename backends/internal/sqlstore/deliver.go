package sqlstore

import (
	"context"

	"github.com/wfops/wfops/engine/backend"
)

// Deliver implements backend.Control.
func (st *Store) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	need := func(n *needs, d *backend.Delivery) {
		n.instance(d.To.InstanceID)
		n.delivery(d.ID)
	}
	return each(ctx, st, "delivering events", ds, need, asError, func(b *batch, d *backend.Delivery) (error, error) {
		known, _, err := b.remembered(d.ID)
		if known || err != nil {
			return nil, err
		}
		found, err := b.deliverTo(d.To, d)
		if err != nil {
			return nil, err
		}
		if !found {
			return notFound(d.To), nil
		}
		return nil, b.remember(d.ID, "")
	})
}

// deliverTo reports whether an open execution has the address. Row order is commit
// order, because it writes the execution's row, whose lock or version the
// next delivery to it waits for.
func (b *batch) deliverTo(to backend.Address, d *backend.Delivery) (found bool, err error) {
	x, err := b.find(to)
	if x == nil || err != nil {
		return false, err
	}
	return true, b.deliver(x, d.Event, to.ExecutionID == "")
}

// remembered reports whether a call with this id was answered before, and what
// was kept with it.
func (b *batch) remembered(id string) (known bool, answer string, err error) {
	if id == "" {
		return false, "", nil
	}
	if a, ok := b.answers[id]; ok {
		return a.known, a.text, nil
	}
	known, err = b.queryRow("SELECT answer FROM deliveries WHERE id = ?", func(r *Row) { answer = r.Text() }, id)
	return known, answer, err
}

func (b *batch) remember(id, text string) error {
	if id == "" {
		return nil
	}
	if _, ok := b.answers[id]; ok {
		b.answers[id] = answer{known: true, text: text}
	}
	return b.send("INSERT INTO deliveries (id, answer, created) VALUES (?, ?, ?)", id, text, b.now)
}
