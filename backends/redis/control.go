package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Create implements backend.Control.
func (b *Backend) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	items, handovers := make([]item, len(cs)), make([]backend.Handover, len(cs))
	for i := range cs {
		items[i], handovers[i] = b.packEager(&cs[i])
	}
	out := make([]backend.CreateResult, len(cs))
	for i, r := range b.write(ctx, "creating instances", items) {
		out[i].Err = r.verdict(cs[i].Instance)
		if r.err == nil {
			out[i].Instance = engine.Instance{InstanceID: cs[i].Instance.InstanceID, ExecutionID: r.answer.text(1)}
			out[i].Existed = r.answer.text(0) == "existed"
		}
		b.settle(handovers[i], r)
	}
	return out
}

// Deliver implements backend.Control.
func (b *Backend) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	pack := func(d *backend.Delivery) item {
		return b.addressed("deliver", d.To, func(p *packer) {
			p.setText("did", d.ID)
			packEvent(p, d.Event)
		})
	}
	return each(ctx, b, "delivering events", ds, pack, func(d *backend.Delivery) engine.Instance { return addressee(d.To) })
}

// Terminate implements backend.Control.
func (b *Backend) Terminate(ctx context.Context, ts []backend.Termination) []error {
	pack := func(t *backend.Termination) item {
		return b.addressed("terminate", t.To, func(p *packer) {
			packEvent(p, t.Event)
			p.setText("err", t.Error)
		})
	}
	return each(ctx, b, "terminating instances", ts, pack, func(t *backend.Termination) engine.Instance { return addressee(t.To) })
}

// Pause implements backend.Control.
func (b *Backend) Pause(ctx context.Context, ps []backend.PauseChange) []error {
	pack := func(c *backend.PauseChange) item {
		if err := c.Check(); err != nil {
			return item{refused: fmt.Errorf("redis: %w", err)}
		}
		return b.addressed("pause", c.To, func(p *packer) {
			p.setTrue("paused", c.Paused)
			packNote(p, c.Note(time.Time{}))
		})
	}
	return each(ctx, b, "pausing instances", ps, pack, func(c *backend.PauseChange) engine.Instance { return addressee(c.To) })
}

// Retry implements backend.Control.
func (b *Backend) Retry(ctx context.Context, rs []backend.RetryRequest) []error {
	pack := func(r *backend.RetryRequest) item {
		if err := r.Check(); err != nil {
			return item{refused: fmt.Errorf("redis: %w", err)}
		}
		return b.addressed("retry", r.To, func(p *packer) {
			p.setInt("drop", r.DropInbox)
			packEvent(p, r.Dropped)
			packNote(p, r.Note(time.Time{}))
		})
	}
	return each(ctx, b, "retrying instances", rs, pack, func(r *backend.RetryRequest) engine.Instance { return addressee(r.To) })
}

// Remove implements backend.Control.
func (b *Backend) Remove(ctx context.Context, is []engine.Instance) []error {
	pack := func(i *engine.Instance) item { return b.item("remove", *i, func(*packer) {}) }
	return each(ctx, b, "removing instances", is, pack, func(i *engine.Instance) engine.Instance { return *i })
}
