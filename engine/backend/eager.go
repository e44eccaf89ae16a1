package backend

import (
	"time"

	"github.com/wfops/wfops/engine"
)

// Taker is a worker in the process of a store. It takes new executions out of the
// write that creates them, leased already, so that nobody has to look for them: an
// eager start. A Subscription makes the offer.
type Taker interface {
	// Reserve reports whether the worker runs this workflow and has room for one
	// more execution, and keeps that room until Take or Return. It must neither
	// block nor call the store, which may be in the middle of a transaction.
	Reserve(workflow string) bool
	// Lease returns the id of the worker and how long its leases are.
	Lease() (worker string, d time.Duration)
	// Take hands over an execution whose creation is durable, or may be.
	Take(t WorkflowTask)
	// Return says that nothing was created.
	Return()
}

// Offer makes t a taker of executions of the queues whose TopicWorkflows s is
// subscribed to, until s is closed. A store need not make use of it. It must be
// called before s is used by several goroutines.
func (s *Subscription) Offer(t Taker) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.taker = t
}

// Reserve returns a taker that has kept room for a new execution, or nil. A store
// asks for it inside of the write, and answers with Take or Return when that has
// ended.
func (h *Hub) Reserve(queue engine.Queue, workflow string) Taker {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, s := range h.subs[Topic{TopicWorkflows, string(queue)}] {
		if s.taker != nil && s.taker.Reserve(workflow) {
			return s.taker
		}
	}
	return nil
}

// Handover is a new execution on its way to a Taker.
type Handover struct {
	Taker
	Task WorkflowTask
}

// Settle ends handovers: they are taken if the write that created them is durable,
// or may be.
func Settle(hs []Handover, written bool) {
	for i := range hs {
		if written {
			hs[i].Take(hs[i].Task)
		} else {
			hs[i].Return()
		}
	}
}
