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
	c.Cost = s.time.local().Sub(began)
	c.FailedLately = lately[engine.StatusFailed]
	for _, n := range c.ByStatus {
		c.Total += n
	}
	return c, nil
}
