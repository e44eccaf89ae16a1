package ops

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/engine"
)

// Counts is how many executions match a filter.
type Counts struct {
	ByStatus map[engine.Status]int64
	Total    int64
	Now      time.Time
	// Scan tells that each had to be looked at, Scanned how many were.
	Scan    bool
	Scanned int
	// Capped tells that there may be more.
	Capped bool
}

// Count counts what matches. It looks at no more than maxScan executions (0:
// DefaultScan) if the store can't count by itself.
func (s *Store) Count(ctx context.Context, f filter.Filter, maxScan int) (Counts, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return Counts{}, fmt.Errorf("asking the store for the time: %w", err)
	}
	plan := f.Plan(now)
	c := Counts{ByStatus: map[engine.Status]int64{}, Now: now, Scan: plan.Scan}
	switch {
	case plan.Nothing:
	case plan.Scan:
		err = s.countEach(ctx, f, maxScan, &c)
	default:
		c.ByStatus, err = s.b.Count(ctx, plan.Query)
	}
	if err != nil {
		return Counts{}, fmt.Errorf("counting instances: %w", err)
	}
	for _, n := range c.ByStatus {
		c.Total += n
	}
	return c, nil
}

func (s *Store) countEach(ctx context.Context, f filter.Filter, maxScan int, c *Counts) error {
	page, err := s.List(ctx, ListRequest{Filter: f, Sort: SortCreated, Limit: 1 << 30, MaxScan: maxScan})
	for i := range page.Items {
		c.ByStatus[page.Items[i].Status]++
	}
	c.Scanned, c.Capped = page.Scanned, page.Capped
	return err
}
