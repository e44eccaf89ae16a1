package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend/intercept"
)

// How long the client waits for one answer of the store. What takes longer hangs
// with its connection.
const (
	// writeLimit bounds each try of a write.
	writeLimit = 10 * time.Second
	// readLimit bounds a read whose ctx has no deadline: lists and counts may have a
	// lot to look at.
	readLimit = 30 * time.Second
	// lookLimit bounds each look of somebody who waits.
	lookLimit = 5 * time.Second
)

// bound gives a call of the store a deadline.
func bound(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
	limit := writeLimit
	if m.Reads() {
		if _, bounded := ctx.Deadline(); bounded {
			return next(ctx)
		}
		limit = readLimit
	}
	return within(ctx, limit, m, next)
}

func within(ctx context.Context, limit time.Duration, m intercept.Method, next func(context.Context) error) error {
	short, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := next(short)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("no answer to %s within %v: %w", m, limit, err)
	}
	return err
}

// How often somebody who waits asks a store again that is away.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 3 * time.Second
)

// worried is how long the store has to be away before the log tells that somebody
// waits for it.
const worried = 5 * time.Second

// patience makes reads again while the store is away. It belongs to one wait.
type patience struct {
	log *slog.Logger
	// told is the client's: its waits together log an outage once.
	told *atomic.Bool
}

// around is the interceptor of a store that somebody waits with. When ctx ends first
// the error tells that, and what the store said last.
func (p patience) around(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
	start, last := time.Now(), error(nil)
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		err := within(ctx, lookLimit, m, next)
		switch {
		case !away(err):
			if last != nil && p.told.CompareAndSwap(true, false) {
				p.log.InfoContext(ctx, "the store is back, waiting goes on", "after", time.Since(start))
			}
			return err
		case ctx.Err() == nil || last == nil: // or else err only says that time is up
			last = err
		}
		if time.Since(start) > worried && p.told.CompareAndSwap(false, true) {
			p.log.WarnContext(ctx, "the store is out of reach, waiting for it to come back", "error", last)
		}
		timer := time.NewTimer(delay + rand.N(delay/4))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("the store has not answered for %v: %w: %w", time.Since(start).Round(time.Millisecond), ctx.Err(), last)
		}
	}
}

// away reports whether err says nothing about what was asked: the store did not
// answer, or was busy.
func away(err error) bool { return engine.OutcomeUnknown(err) || errors.Is(err, engine.ErrBusy) }
