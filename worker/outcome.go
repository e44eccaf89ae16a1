package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// outcome is how an attempt ended.
type outcome struct {
	result  engine.Payload
	failure *engine.Failure
	run     history.Run
	at      time.Time
}

// after returns the item for an attempt that ended, and decides whether another
// follows.
func (s start) after(o outcome) item {
	ev := history.Event{At: o.at, Ref: s.ref}
	if o.failure == nil {
		ev.Body = history.ActivityCompleted{Result: o.result, Run: o.run}
		return item{from: fromHere, event: ev}
	}
	delay, again := s.body.Retry.Retry(s.attempt, o.failure, o.at.Sub(s.scheduled), rand.Float64())
	if !again {
		ev.Body = history.ActivityFailed{Failure: o.failure, Run: o.run}
		return item{from: fromHere, event: ev}
	}
	ev.Body = history.ActivityAttemptFailed{Failure: o.failure, Run: o.run, Next: o.at.Add(delay)}
	next := s // s itself must not escape: most attempts don't fail
	next.attempt++
	next.delay, next.lastError, next.first = delay, engine.FirstLine(o.failure.Message), false
	return item{from: fromHere, event: ev, again: &next}
}

// ended takes in the outcome of an attempt that ran here. It returns the hold if
// the caller has to run it. A result for an execution that is not ours any more
// is delivered to it on its own; a failure is not, if it may be a consequence of
// the attempt having been told to stop, or is followed by another attempt: the
// next holder finds out that the activity is unresolved and runs it again.
func (h *hold) ended(a *attempt, o outcome, revoked bool) *hold {
	it := a.start.after(o)
	h.mu.Lock()
	l := h.local[a.start.ref]
	if l == nil || l.attempt != a {
		h.mu.Unlock()
		h.w.adrift.remove(a, a)
		return nil // canceled, or somebody else's by now
	}
	l.attempt = nil
	if h.phase == gone {
		keep := it.result() && (o.failure == nil || !revoked)
		h.mu.Unlock()
		defer h.w.adrift.remove(a, a)
		if keep {
			h.w.deliverLate(h.instance, []item{it})
		}
		return nil
	}
	if it.again != nil {
		it.again.details = a.details()
	}
	h.box = append(h.box, it)
	run := h.arrive()
	h.mu.Unlock()
	if !run {
		return nil
	}
	return h
}

// orphaned returns an item for each activity that was lost with the last holder:
// it is unresolved, has no row, and no answer in the inbox. That has to wait until
// the whole inbox is known.
func (h *hold) orphaned(took []item) []item {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.orphans == 0 || h.more {
		return nil
	}
	h.orphans = 0
	var items []item
	now := h.w.clock.now()
	for _, p := range h.body.x.Pending() {
		if slices.Contains(h.refs, p.Ref) || h.local[p.Ref] != nil ||
			slices.ContainsFunc(took, func(it item) bool { return it.event.Ref == p.Ref && it.result() }) {
			continue
		}
		err := fmt.Errorf("%w: %s ran attempt %d of activity %s and is gone", engine.ErrWorkerLost, h.lastWorker, p.Attempt, p.Body.Name)
		s := start{ref: p.Ref, body: &p.Body, scheduled: p.Scheduled, attempt: p.Attempt}
		items = append(items, s.after(outcome{
			failure: h.sentinels.Failure(err), at: now,
			run: history.Run{Attempt: p.Attempt, Scheduled: p.Scheduled, Worker: h.lastWorker},
		}))
		h.local[p.Ref] = &localRun{}
	}
	return items
}

// lose gives up an execution that the store gave to somebody else, or may have.
// The executor is thrown away, whatever state it is in. took are the items of the
// step that was refused.
func (h *hold) lose(took []item) {
	late := &lateResults{} // or Stop could find nothing to wait for in between
	h.w.late.add(late, late)
	defer h.w.late.remove(late, late)
	h.mu.Lock()
	items := append(slices.Clip(took), h.box...)
	first := h.phase != gone
	if first {
		h.leave(lost)
	}
	why := h.w.whyLost(h.until)
	var running []*attempt
	for _, l := range h.local {
		if l.attempt != nil {
			running = append(running, l.attempt)
			h.w.adrift.add(l.attempt, l.attempt)
		}
	}
	h.mu.Unlock()
	if first {
		ranOut := errors.Is(why, activity.ErrLeaseLost)
		if ranOut {
			h.w.incident(Incident{Kind: IncidentLeaseLost, Instance: h.instance, Workflow: h.workflow})
		}
		h.w.link.leaseLost(ranOut, h.instance, slog.Int("activities_canceled", len(running)))
	}
	for _, a := range running {
		a.revoke(why)
	}
	h.w.deliverLate(h.instance, slices.DeleteFunc(items, func(it item) bool { return !it.volatile() || !it.result() }))
}

// deliverLate puts results that only this worker knows into the inbox of their
// execution, in a goroutine that tries until the store answers.
func (w *Worker) deliverLate(i engine.Instance, items []item) {
	if len(items) == 0 {
		return
	}
	late := &lateResults{}
	w.late.add(late, late)
	go func() {
		defer w.late.remove(late, late)
		if err := w.deliver(w.ctx, i, items); err != nil && !errors.Is(err, engine.ErrInstanceNotFound) {
			w.log.LogAttrs(w.ctx, slog.LevelError, "a result could not be delivered; its activity will run again",
				slog.String("instance", i.String()), slog.Any("error", err))
		}
	}()
}

// lateResults stands for something that the store is still being told.
type lateResults struct{ _ byte }

// deliver puts events into the inbox of one execution and tries until the store
// answers. Each delivery has an id, so that sending it again is harmless.
func (w *Worker) deliver(ctx context.Context, i engine.Instance, items []item) error {
	ds := make([]backend.Delivery, len(items))
	for n, it := range items {
		enc, err := history.Encode(it.event)
		if err != nil {
			return fmt.Errorf("encoding a result for %s: %w", i, err)
		}
		ds[n] = backend.Delivery{ID: engine.NewID(), To: exactly(i), Event: enc}
	}
	for failures := 1; ; failures++ {
		err := errors.Join(w.store.Deliver(ctx, ds)...)
		if err == nil || !transient(err) || ctx.Err() != nil {
			return err
		}
		w.link.pause(ctx.Done(), backoff(failures))
	}
}
