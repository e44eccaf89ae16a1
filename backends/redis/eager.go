package redis

import (
	"context"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// packEager packs the creation of an execution that a worker of this process may take.
func (b *Backend) packEager(c *backend.Creation) (it item, h backend.Handover) {
	p := &packer{b: make([]byte, 0, 512)}
	m := p.begin()
	p.setText("op", "create")
	b.packCreation(p, c)
	h = b.reserve(p, c)
	p.end(m)
	return item{tag: b.partition(c.Instance.InstanceID), data: p.b}, h
}

// reserve finds a worker of this process that takes a new execution from its creation,
// and has the script lease it to that one.
func (b *Backend) reserve(p *packer, c *backend.Creation) (h backend.Handover) {
	if b.failed != nil || c.Delay > 0 || len(c.Inbox) >= backend.MaxInbox {
		return h
	}
	if h.Taker = b.hub.Reserve(c.Queue.OrDefault(), c.Workflow); h.Taker == nil {
		return h
	}
	worker, lease := h.Lease()
	h.Task = backend.WorkflowTask{
		Instance: c.Instance, FirstExecution: firstOf(c), Workflow: c.Workflow, Queue: c.Queue.OrDefault(),
		Status: engine.StatusRunning, Token: engine.NewID(), Tags: c.Tags,
	}
	p.setText("etok", h.Task.Token)
	p.setText("eworker", worker)
	p.key("elease")
	p.int(microsOf(lease))
	return h
}

// settle hands the execution over if the script has leased it.
func (b *Backend) settle(h backend.Handover, r result) {
	switch {
	case h.Taker == nil:
	case engine.OutcomeUnknown(r.err):
		if !b.goOn(func() { b.find(h) }) {
			h.Return()
		}
	case r.err == nil && r.answer.text(0) == "ok" && len(r.answer) > 2:
		h.Task.Created, h.Task.LeaseUntil, h.Task.Arrivals = r.now, r.answer.time(2), arrivalsFrom(r.answer.list(3))
		h.Take(h.Task)
	default:
		h.Return()
	}
}

// How long to wait between two tries to find out about a creation, at first and at most.
const (
	askSoon = 100 * time.Millisecond
	askSlow = time.Second
)

// find hands an execution over if it turns out that the script has leased it: nobody
// else would touch it before its lease runs out.
func (b *Backend) find(h backend.Handover) {
	_, lease := h.Lease()
	ctx, cancel := context.WithTimeout(b.life, lease)
	defer cancel()
	adopt := b.item("adopt", h.Task.Instance, func(p *packer) { p.setText("tok", h.Task.Token) })
	for wait := askSoon; ; wait = min(2*wait, askSlow) {
		got := b.holders(ctx, "looking for a new execution", []item{adopt}, func(int) engine.Instance { return h.Task.Instance })[0]
		switch {
		case got.Err == nil && !got.LeaseUntil.IsZero():
			h.Task.Created, h.Task.LeaseUntil, h.Task.Arrivals = got.LeaseUntil.Add(-lease), got.LeaseUntil, got.Arrivals
			h.Take(h.Task)
			return
		case !engine.OutcomeUnknown(got.Err):
			h.Return()
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			h.Return()
			return
		}
	}
}

// goOn runs f beside the caller, unless the store is closed.
func (b *Backend) goOn(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.work.Go(f)
	return true
}
