package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// rowRun is an attempt of an activity that has a row, which this worker has
// leased.
type rowRun struct {
	w    *Worker
	task backend.ActivityTask
	a    *attempt
	// before are events about attempts that were lost before this one. Whatever is
	// written of the row first has them, be it that the row is given back. They are
	// not changed once the attempt runs.
	before []history.Event

	said atomic.Bool // that the lease is lost

	mu    sync.Mutex
	until time.Time // end of the lease
}

// claimActivities claims up to n rows and starts them.
func (w *Worker) claimActivities(ctx context.Context, n int) (claimed, error) {
	names := w.catalog.load().activities
	if len(names) == 0 {
		return claimed{}, nil
	}
	sent := w.clock.mark()
	got, err := w.store.ClaimActivities(ctx, backend.ActivityClaim{
		Worker: w.id, Build: w.build, Queues: w.opts.activityQueues, Activities: names, Max: n, Lease: w.opts.lease,
	})
	if err != nil {
		return claimed{}, fmt.Errorf("claiming activities: %w", err)
	}
	w.clock.learn(sent, got.Now)
	for i := range got.Tasks {
		late := &lateResults{} // or Stop could find nothing to wait for until the row is among those that run
		w.late.add(late, late)
		go w.runRow(got.Tasks[i], late)
	}
	return claimed{n: len(got.Tasks), next: got.Next}, nil
}

// runRow runs one claimed row. It owns an activity slot.
func (w *Worker) runRow(t backend.ActivityTask, late *lateResults) {
	a := w.takeRow(t)
	w.late.remove(late, late)
	if a != nil {
		w.perform(a)
	}
}

// takeRow returns the attempt that a claimed row asks for, which owns the slot then,
// or nil if there is none to make.
func (w *Worker) takeRow(t backend.ActivityTask) *attempt {
	r := &rowRun{w: w, task: t, until: t.LeaseUntil}
	ev, err := t.Event.DecodeOne()
	body, ok := ev.Body.(history.ActivityScheduled)
	if err != nil || !ok {
		w.acts.leave(1)
		r.putBack(fmt.Errorf("activity %d of %s: the row does not hold an ActivityScheduled event: %w", t.Ref, t.Instance, err))
		return nil
	}
	s := start{
		ref: t.Ref, body: &body, scheduled: t.Scheduled, attempt: t.Attempt, lastError: t.LastError, details: t.Details,
	}
	if t.Lost != nil && !r.account(s, *t.Lost) {
		w.acts.leave(1)
		return nil
	}
	r.a = w.newAttempt(r, &author{instance: t.Instance, workflow: t.Workflow, queue: t.Queue, trace: body.Trace}, &s)
	w.rows.add(r, r)
	if w.cutoff.Load() {
		r.giveBack()
	}
	return r.a
}

// putBack leaves a row that this build can't read to others.
func (r *rowRun) putBack(err error) {
	r.w.log.LogAttrs(r.w.ctx, slog.LevelError, "an activity can't be run here", slog.Any("error", err))
	r.commit(backend.ActivityCommit{
		Retry: &backend.ActivityRetry{Attempt: r.task.Attempt, After: handBackAfter, LastError: engine.FirstLine(err.Error())},
	})
}

// account writes down the attempt that a vanished worker lost, and reports whether
// another one may begin now.
func (r *rowRun) account(s start, lost backend.LostAttempt) bool {
	err := fmt.Errorf("%w: %s ran attempt %d of activity %s and is gone", engine.ErrWorkerLost, lost.Worker, lost.Attempt, s.body.Name)
	s.attempt = lost.Attempt
	it := s.after(outcome{
		failure: r.w.settings.Errors.Failure(err), at: r.w.clock.now(),
		run: history.Run{Attempt: lost.Attempt, Scheduled: s.scheduled, Started: lost.Started, Worker: lost.Worker},
	})
	if it.again != nil && it.again.delay <= 0 {
		r.before, r.task.LastError = []history.Event{it.event}, it.again.lastError
		return true
	}
	r.conclude(it)
	return false
}

// ended implements owner. An attempt that was told to stop has lost its row, or
// gave it back; what it failed with then says nothing.
func (r *rowRun) ended(_ *attempt, o outcome, revoked bool) *hold {
	late := &lateResults{} // the row may have left rows when its lease ran out
	r.w.late.add(late, late)
	defer r.w.late.remove(late, late)
	defer r.w.rows.remove(r, r)
	if revoked && o.failure != nil {
		return nil
	}
	r.conclude(r.a.start.after(o))
	return nil
}

// conclude writes the end of an attempt: an answer, or a failure that another
// attempt follows.
func (r *rowRun) conclude(it item) {
	var next *backend.ActivityRetry
	if s := it.again; s != nil {
		next = &backend.ActivityRetry{Attempt: s.attempt, After: s.delay, LastError: s.lastError}
	}
	r.write(next, it.event)
}

// write commits events, after those in before. With next the row stays, and nobody
// is woken.
func (r *rowRun) write(next *backend.ActivityRetry, events ...history.Event) {
	c := backend.ActivityCommit{Retry: next, Quiet: next != nil}
	for _, ev := range slices.Concat(r.before, events) {
		enc, err := history.Encode(ev)
		if err != nil {
			r.putBack(fmt.Errorf("encoding the outcome of activity %d of %s: %w", r.task.Ref, r.task.Instance, err))
			return
		}
		c.Events = append(c.Events, enc)
	}
	r.commit(c)
}

// commit writes until the outcome is known, also when the lease has run out: it is
// good until somebody else claims the row, and a result is not thrown away because
// the store was out of reach for a while. A commit that was applied though its
// answer was lost is refused the second time, because the row is gone then.
func (r *rowRun) commit(c backend.ActivityCommit) {
	c.Instance, c.Ref, c.Token = r.task.Instance, r.task.Ref, r.task.Token
	if c.Retry != nil {
		r.saveDetails()
	}
	for failures := 1; ; failures++ {
		err := r.w.store.CommitActivities(r.w.ctx, []backend.ActivityCommit{c})[0]
		switch {
		case err == nil:
			return
		case errors.Is(err, engine.ErrLeaseLost):
			r.sayLost(r.left() <= 0)
			return
		case !transient(err) || r.w.ctx.Err() != nil:
			r.w.log.LogAttrs(r.w.ctx, slog.LevelWarn, "committing an activity failed", slog.String("instance", c.Instance.String()),
				slog.Int64("ref", c.Ref), slog.Any("error", err))
			return
		}
		r.w.link.again("committing an activity failed", err, failures, slog.String("instance", c.Instance.String()), slog.Int64("ref", c.Ref))
		r.w.link.pause(r.w.ctx.Done(), backoff(failures))
	}
}

// saveDetails stores what the attempt has reported last, before another one begins.
// It does not ask whether the keeper has done so already: its call may be on the
// way, and would come too late.
func (r *rowRun) saveDetails() {
	if r.a == nil {
		return
	}
	x := backend.ActivityExtension{
		Instance: r.task.Instance, Ref: r.task.Ref, Token: r.task.Token, Lease: r.w.opts.lease, Details: r.a.details(),
	}
	if x.Details == nil || bytes.Equal(x.Details, r.task.Details) {
		return
	}
	sent := r.w.clock.now()
	err := r.w.store.ExtendActivities(r.w.ctx, []backend.ActivityExtension{x})[0]
	r.extended(x, sent, err)
	r.w.keeper.complain(r.w.ctx, err)
}

func (r *rowRun) end() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.until
}

// extension asks to prolong the lease if it is time to, or if there are details to
// store.
func (r *rowRun) extension(now time.Time, lease time.Duration) (backend.ActivityExtension, bool) {
	x := backend.ActivityExtension{
		Instance: r.task.Instance, Ref: r.task.Ref, Token: r.task.Token, Lease: lease, Details: r.a.takeUnsaved(),
	}
	return x, x.Details != nil || dueForExtension(r.end(), now, lease)
}

// extended takes in the answer to an extension.
func (r *rowRun) extended(x backend.ActivityExtension, sent time.Time, err error) {
	switch {
	case err == nil:
		r.mu.Lock()
		r.until = sent.Add(x.Lease)
		r.mu.Unlock()
	case errors.Is(err, engine.ErrLeaseLost):
		r.stop(r.w.whyLost(r.end()))
	default:
		r.a.restore(x.Details)
		if r.left() <= 0 {
			r.stop(activity.ErrLeaseLost)
		}
	}
}

// left is how long the lease can be counted on.
func (r *rowRun) left() time.Duration { return r.w.clock.until(r.end()) - r.w.opts.margin }

// stop tells the function to stop. The row is no longer ours. If the function has
// returned there is nobody to tell; its outcome is good until somebody else claims
// the row.
func (r *rowRun) stop(cause error) {
	r.w.rows.remove(r, r)
	if !r.a.settled.Load() {
		r.sayLost(errors.Is(cause, engine.ErrLeaseLost))
	}
	r.a.revoke(cause)
}

// sayLost logs once that the lease is gone.
func (r *rowRun) sayLost(ranOut bool) {
	if !r.said.Swap(true) {
		if ranOut {
			r.w.incident(Incident{Kind: IncidentLeaseLost, Instance: r.task.Instance, Workflow: r.task.Workflow, Activity: r.task.Name})
		}
		r.w.link.leaseLost(ranOut, r.task.Instance, slog.String("activity", r.task.Name), slog.Int64("ref", r.task.Ref))
	}
}

// giveBack makes the row ready for another worker at once, as the same attempt. It
// counts as late until the store has it: the function may return before, which
// takes the row out of those that run.
func (r *rowRun) giveBack() {
	late := &lateResults{}
	r.w.late.add(late, late)
	go func() {
		defer r.w.late.remove(late, late)
		r.a.revoke(activity.ErrShutdown)
		r.write(&backend.ActivityRetry{Attempt: r.task.Attempt, LastError: r.task.LastError})
		r.w.rows.remove(r, r)
	}()
}
