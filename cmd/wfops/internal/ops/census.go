package ops

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Census is how many executions a store holds, and how many of them ask for attention.
type Census struct {
	ByStatus map[engine.Status]int64
	Total    int64
	// FailedLately failed within AttentionSpan.
	FailedLately int64
	// Waiting is how many of those that run wait for what, of signals and timers, and
	// Paused how many are paused: nothing if more than mostParted run.
	Waiting map[engine.WaitKind]int64
	Paused  int64
	// Cost is how long the store took to count. Stores look at every execution for it.
	Cost time.Duration
	Now  time.Time
}

// Census counts everything in the store. On a large one that takes a while, see
// Census.Cost.
func (s *Store) Census(ctx context.Context) (Census, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return Census{}, fmt.Errorf("asking the store for the time: %w", err)
	}
	c := Census{Now: now}
	began := s.time.local()
	if c.ByStatus, err = s.b.Count(ctx, backend.Query{}); err != nil {
		return Census{}, fmt.Errorf("counting instances: %w", err)
	}
	lately, err := s.b.Count(ctx, backend.Query{Statuses: []engine.Status{engine.StatusFailed}, UpdatedAfter: now.Add(-AttentionSpan)})
	if err != nil {
		return Census{}, fmt.Errorf("counting instances that failed lately: %w", err)
	}
	if err := s.part(ctx, &c); err != nil {
		return Census{}, fmt.Errorf("counting instances that wait: %w", err)
	}
	c.Cost = s.time.local().Sub(began)
	c.FailedLately = lately[engine.StatusFailed]
	for _, n := range c.ByStatus {
		c.Total += n
	}
	return c, nil
}

// mostParted is how many instances may run for a census to tell what they wait for: no
// store has an index of that, they look at each.
const mostParted = 2000

// part divides those that run by what they wait for.
func (s *Store) part(ctx context.Context, c *Census) error {
	if n := c.ByStatus[engine.StatusRunning]; n == 0 || n > mostParted {
		return nil
	}
	running := backend.Query{Statuses: []engine.Status{engine.StatusRunning}}
	c.Waiting = map[engine.WaitKind]int64{}
	for _, kind := range []engine.WaitKind{engine.WaitSignal, engine.WaitTimer} {
		q := running
		q.WaitingKind = kind
		n, err := s.b.Count(ctx, q)
		if err != nil {
			return err
		}
		c.Waiting[kind] = n[engine.StatusRunning]
	}
	yes := true
	running.Paused = &yes
	n, err := s.b.Count(ctx, running)
	c.Paused = n[engine.StatusRunning]
	return err
}
