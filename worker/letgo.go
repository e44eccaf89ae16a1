package worker

import (
	"errors"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// letGo gives the lease back with a commit that adds no event. What runs or is
// owed here gets rows. readyAfter keeps everybody off for a while, unless
// something comes in.
func (h *hold) letGo(readyAfter time.Duration) {
	if h.body == nil {
		h.body = h.cachedBody() // it stays warm for the next claim
	}
	last, err := h.lastSummary()
	if err != nil {
		h.lose(nil)
		return
	}
	t := turn{step: executor.Step{Status: engine.StatusRunning, Waiting: last.Waiting, Attempt: last.Attempt}}
	h.plan(&t, true)
	if h.turns == 0 && readyAfter == 0 {
		readyAfter = idleAfter
	}
	t.lease, t.onlyIfReady, t.readyAfter = 0, false, readyAfter
	commit, err := commitOf(&h.author, &t)
	if err != nil {
		h.complain("an instance can't be given back", err)
		h.lose(nil)
		return
	}
	ans, err := h.send(commit)
	if err != nil {
		h.lose(nil)
		return
	}
	h.acknowledged(&t, &commit[0], ans)
}

// idleAfter keeps an execution that was claimed and had nothing to do from being
// claimed over and over.
const idleAfter = time.Second

// handBackAfter is how long an execution that this worker can't run is left to
// others.
const handBackAfter = 5 * time.Second

// lastSummary is what the summary of the execution says. A hold that has made no
// step has to ask.
func (h *hold) lastSummary() (*backend.SummaryUpdate, error) {
	if h.turns > 0 {
		return &h.last, nil
	}
	s, err := h.w.store.Get(h.w.ctx, h.instance)
	if err != nil {
		return nil, err
	}
	return &backend.SummaryUpdate{Waiting: s.Waiting, Attempt: s.Attempt}, nil
}

// drain empties the mailbox of a paused execution of what only this worker knows:
// it goes into the inbox. The attempts that would follow are owed.
func (h *hold) drain() {
	var volatile, durable []item
	h.mu.Lock()
	for _, it := range h.box {
		if it.volatile() {
			volatile = append(volatile, it)
		} else {
			durable = append(durable, it)
		}
	}
	h.box = durable
	h.mu.Unlock()
	if err := h.w.deliver(h.w.ctx, h.instance, volatile); err != nil {
		h.lose(volatile)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, it := range volatile {
		if it.again != nil {
			h.owed = append(h.owed, *it.again)
		} else {
			delete(h.local, it.event.Ref)
		}
	}
}

// cannotRun gives up an execution that this build can't run: it is blocked if the
// code does not agree with the history, and otherwise left to others. took are the
// items of the step that did not come about.
func (h *hold) cannotRun(err error, took []item) {
	if b := asBlocked(err); b != nil {
		h.condemn(b, took)
		return
	}
	h.complain("an instance can't be run here", err)
	if h.body != nil { // it is in no state that the store knows
		h.body.x.Close()
		h.body = nil
	}
	h.mu.Lock()
	idle := len(h.local) == 0
	h.mu.Unlock()
	if !idle || !errors.Is(err, engine.ErrNotRegistered) {
		h.lose(took) // it is tried again when the lease runs out
		return
	}
	h.letGo(handBackAfter)
}

// asBlocked returns the reason to block an execution, or nil.
func asBlocked(err error) *executor.BlockedError {
	var (
		b       *executor.BlockedError
		decode  *history.DecodeError
		unknown *history.UnknownKindError
	)
	switch {
	case errors.As(err, &b):
		return b
	case errors.As(err, &decode):
		return &executor.BlockedError{Reason: engine.BlockReason{
			Class: engine.BlockDecode, Message: err.Error(), Seq: decode.Seq, Event: string(decode.Kind),
		}}
	case errors.As(err, &unknown):
		return &executor.BlockedError{Reason: engine.BlockReason{
			Class: engine.BlockDecode, Message: err.Error(), Seq: unknown.Seq, Event: string(unknown.Kind),
		}}
	}
	return nil
}
