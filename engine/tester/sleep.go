package tester

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/wfops/wfops/engine/activity"
)

// hold lets an attempt hold up all else, unless the clock is the real one.
func (w *world) hold(a *attempt) {
	if w.clock.wall {
		return
	}
	if len(w.held) == 0 {
		w.heldFrom = time.Now()
	}
	w.held[a] = struct{}{}
}

// awaken says that a sleeping attempt runs again.
func (w *world) awaken(a *attempt) {
	if a.state == sleeping {
		a.state = running
		w.running++
		w.hold(a)
	}
}

type attemptKey struct{}

// Sleep lets an activity, or the mock of one, take time on the tester's clock. It
// blocks until d has passed there, and returns nil, or until ctx is canceled, and
// returns the cause. ctx must be the context of the activity or derived from it;
// with any other it returns an error at once.
func Sleep(ctx context.Context, d time.Duration) error {
	a, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return fmt.Errorf("tester.Sleep: %w", activity.ErrNoActivity)
	}
	return a.sleep(ctx, d)
}

// endless is longer than any clock runs: such a sleep ends by cancellation only.
const endless = time.Duration(math.MaxInt64) / 2

func (a *attempt) sleep(ctx context.Context, d time.Duration) error {
	w := a.w
	passed := make(chan struct{})
	var alarm *entry
	w.mu.Lock()
	if ctx.Err() != nil {
		w.mu.Unlock()
		return context.Cause(ctx)
	}
	if a.state == running {
		a.state = sleeping
		w.running--
		delete(w.held, a)
	}
	if d < endless {
		alarm = w.clock.after(d, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.awaken(a)
			close(passed)
		})
	}
	w.signalLoop()
	w.mu.Unlock()
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	alarm.cancel()
	w.awaken(a) // if only a context derived from ours was canceled
	return context.Cause(ctx)
}
