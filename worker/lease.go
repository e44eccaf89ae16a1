package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
)

// extendBatch is how many leases one call prolongs at most.
const extendBatch = 500

// keeper prolongs the leases of everything that this worker holds, and asks what
// has come in for executions that it got a hint about: one goroutine and few calls
// of the store, however much is held.
type keeper struct {
	w     *Worker
	lease time.Duration
	tick  time.Duration
	hints *backend.Subscription
	wake  chan struct{}

	mu    sync.Mutex
	poked map[engine.Instance]struct{}
	// failures of prolonging in a row, and when the last one that counts was.
	failures int
	failed   time.Duration
}

func newKeeper(w *Worker) *keeper {
	return &keeper{
		w: w, lease: w.opts.lease, tick: min(w.opts.margin/2, time.Second),
		wake: make(chan struct{}, 1), poked: map[engine.Instance]struct{}{},
	}
}

// poke has the keeper ask what has come in for an execution.
func (k *keeper) poke(i engine.Instance) {
	k.mu.Lock()
	k.poked[i] = struct{}{}
	k.mu.Unlock()
	signal(k.wake)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run works until ctx is done. A lease is prolonged once a third of it has passed,
// so that two more tries can fail.
func (k *keeper) run(ctx context.Context) {
	t := time.NewTicker(k.tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.hints.Wake():
			for _, hint := range k.hints.Take() {
				k.poke(hint.Instance)
			}
		case <-k.wake:
			k.extendHolds(ctx, k.takePoked())
		case <-t.C:
			now := k.w.clock.now()
			k.extendHolds(ctx, k.dueHolds(now))
			k.extendRows(ctx, now)
		}
	}
}

func (k *keeper) takePoked() []*hold {
	k.mu.Lock()
	poked := k.poked
	k.poked = map[engine.Instance]struct{}{}
	k.mu.Unlock()
	var hs []*hold
	for i := range poked {
		if h := k.w.holds.get(i); h != nil {
			hs = append(hs, h)
		}
	}
	return hs
}

func (k *keeper) dueHolds(now time.Time) []*hold {
	var due []*hold
	for _, h := range k.w.holds.all() {
		h.mu.Lock()
		if dueForExtension(h.until, now, k.lease) {
			due = append(due, h)
		}
		h.mu.Unlock()
	}
	return due
}

// dueForExtension reports whether a third of the lease that ends at until is over.
func dueForExtension(until, now time.Time, lease time.Duration) bool {
	return until.Sub(now) < lease-lease/3
}

// inquiry is an extension on its way, and how many commits of the hold were sent
// before it.
type inquiry struct {
	h       *hold
	commits int64
}

func (k *keeper) extendHolds(ctx context.Context, hs []*hold) {
	for len(hs) > 0 {
		n := min(len(hs), extendBatch)
		k.extendBatch(ctx, hs[:n])
		hs = hs[n:]
	}
}

func (k *keeper) extendBatch(ctx context.Context, hs []*hold) {
	asked := make([]inquiry, 0, len(hs))
	xs := make([]backend.WorkflowExtension, 0, len(hs))
	for _, h := range hs {
		if commits, ok := h.inquire(); ok {
			asked = append(asked, inquiry{h, commits})
			xs = append(xs, backend.WorkflowExtension{Instance: h.instance, Token: h.token, Lease: k.lease})
		}
	}
	if len(xs) == 0 {
		return
	}
	sent := k.w.clock.mark()
	answers := k.w.store.ExtendWorkflows(ctx, xs)
	k.w.clock.learn(sent, answers[0].Now)
	for i, q := range asked {
		if q.h.extended(q.commits, answers[i]) {
			go k.w.drive(q.h)
		}
	}
	k.complain(ctx, answers[0].Err)
}

// inquire returns how many commits were sent so far, and whether it is of use to
// ask the store now. While a commit is under way it is not: its answer shows what
// has come in, and the hint is remembered in case it doesn't.
func (h *hold) inquire() (commits int64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.phase == gone {
		return 0, false
	}
	if h.sending {
		h.deaf = true
		return 0, h.w.clock.until(h.until) < h.w.opts.lease/2 // keep the lease while the commit fails
	}
	return h.commits, true
}

// extended takes in the answer to an extension. It reports whether the caller has
// to run the hold, for which it got a slot. An answer is stale if a commit was sent
// since: it shows what that commit consumed, and the commit's own answer shows
// all that this one does.
func (h *hold) extended(commits int64, ans backend.WorkflowCommitted) bool {
	h.mu.Lock()
	stale := h.phase == gone || h.sending || h.commits != commits
	switch {
	case h.phase == gone:
	case ans.Err == nil:
		h.until = later(h.until, ans.LeaseUntil)
		if !stale {
			h.accept(ans.Arrivals)
		}
	case h.w.clock.until(h.until) < h.w.opts.margin, errors.Is(ans.Err, engine.ErrLeaseLost) && !stale && h.phase != running:
		// A lease that ran out is lost whatever the hold is doing: a call of the store
		// that it waits for may hang, and what runs here has to be told in time. For
		// all else the commit under way, or the next one, finds out for itself.
		h.mu.Unlock()
		h.lose(nil)
		return false
	}
	run := false
	if h.phase == idle {
		if run = h.choose() != doRest && h.arrive(); !run && h.phase == idle && !h.nextTimer.IsZero() {
			h.setAlarm(max(h.w.clock.until(h.nextTimer), time.Millisecond))
		}
	}
	h.mu.Unlock()
	return run
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (k *keeper) extendRows(ctx context.Context, now time.Time) {
	var due []*rowRun
	var xs []backend.ActivityExtension
	for _, r := range k.w.rows.all() {
		if x, ok := r.extension(now, k.lease); ok {
			due, xs = append(due, r), append(xs, x)
		}
	}
	for len(xs) > 0 {
		n := min(len(xs), extendBatch)
		sent := k.w.clock.now()
		errs := k.w.store.ExtendActivities(ctx, xs[:n:n])
		for i, r := range due[:n] {
			r.extended(xs[i], sent, errs[i])
		}
		k.complain(ctx, errs[0])
		due, xs = due[n:], xs[n:]
	}
}

// complain logs that leases could not be prolonged, which is tried again. Failures
// count once a second: there are as many calls as leases and hints.
func (k *keeper) complain(ctx context.Context, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch now := k.w.clock.mark(); {
	case err == nil || errors.Is(err, engine.ErrLeaseLost):
		k.failures = 0
	case ctx.Err() == nil && (k.failures == 0 || now-k.failed >= time.Second):
		k.failures, k.failed = k.failures+1, now
		k.w.link.again("prolonging leases failed", err, k.failures)
	}
}

// watch gives up what this worker can't count on any more, whether the store answers
// or not: the call that would have prolonged a lease may hang for longer than the
// lease.
func (k *keeper) watch(ctx context.Context) {
	t := time.NewTicker(k.tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for _, h := range k.w.holds.all() {
			if h.left() <= 0 {
				h.lose(nil)
			}
		}
		for _, r := range k.w.rows.all() {
			if r.left() <= 0 {
				r.stop(activity.ErrLeaseLost)
			}
		}
	}
}

// whyLost is what an activity is told whose lease was lost: with time left, the
// store has no use for it any more; else somebody may have taken over.
func (w *Worker) whyLost(until time.Time) error {
	if w.clock.until(until) > w.opts.margin {
		return activity.ErrCanceled
	}
	return activity.ErrLeaseLost
}
