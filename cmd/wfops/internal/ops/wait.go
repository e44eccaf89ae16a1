package ops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// How often a waiter looks without a hint from the store.
const (
	firstLook = 50 * time.Millisecond
	lastLook  = 2 * time.Second
)

// Wait looks at the run of an execution until done says so or the run has ended, and
// returns what it saw last. It follows the run where that continues as new. When ctx
// ends the error is ctx's, beside what was seen last.
func (s *Store) Wait(ctx context.Context, from backend.Summary, done func(*backend.Summary) bool) (backend.Summary, error) {
	hints := s.b.Subscribe(backend.Topic{Kind: backend.TopicFinished, Name: from.Instance.InstanceID})
	defer hints.Close()
	seen := from
	for interval := firstLook; ; interval = min(2*interval, lastLook) {
		now, err := s.latest(ctx, seen)
		switch {
		case err != nil && ctx.Err() != nil:
			return seen, ctx.Err()
		case err != nil:
			return seen, fmt.Errorf("waiting for %s: %w", from.Instance, err)
		}
		seen = now
		if done(&seen) || seen.Status.Final() {
			return seen, nil
		}
		timer := time.NewTimer(interval)
		select {
		case <-hints.Wake():
			hints.Take()
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return seen, ctx.Err()
		}
		timer.Stop()
	}
}

// latest reads the execution that the run of seen is at. If the id has been taken by
// another run, the last execution of this one that was seen is read.
func (s *Store) latest(ctx context.Context, seen backend.Summary) (backend.Summary, error) {
	current, err := s.b.Get(ctx, engine.Instance{InstanceID: seen.Instance.InstanceID})
	if err == nil && current.FirstExecution == seen.FirstExecution {
		return current, nil
	}
	if err != nil && !errors.Is(err, engine.ErrInstanceNotFound) {
		return seen, err
	}
	return s.b.Get(ctx, seen.Instance)
}
