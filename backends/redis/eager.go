package redis

import (
	"context"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// reserve finds a worker of this process that takes a new execution from its creation,
// and has the script lease it to that one.
func (b *Backend) reserve(p *packer, c *backend.Creation) (h backend.Handover) {
	if c.Delay > 0 || len(c.Inbox) >= backend.MaxInbox {
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

// lookAgain is the wait between two looks for an execution that may have been leased.
const lookAgain = 100 * time.Millisecond

// find hands an execution over if it turns out that the script has run: nobody else
// would touch it before its lease runs out.
func (b *Backend) find(h backend.Handover) {
	_, lease := h.Lease()
	ctx, cancel := context.WithTimeout(b.life, lease)
	defer cancel()
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			h.Return()
			return
		}
		look := b.item("look", h.Task.Instance, func(p *packer) { p.setText("tok", h.Task.Token) })
		got := b.holders(ctx, "looking for a new execution", []item{look}, func(int) engine.Instance { return h.Task.Instance })[0]
		switch {
		case got.Err == nil:
			h.Task.Created, h.Task.LeaseUntil, h.Task.Arrivals = got.Now, got.LeaseUntil, got.Arrivals
			h.Take(h.Task)
			return
		case !engine.OutcomeUnknown(got.Err):
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
