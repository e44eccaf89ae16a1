package ops

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Sort is the order of a list.
type Sort string

// The closed set of orders.
const (
	// SortAttention puts first what is blocked, then what failed within
	// AttentionSpan, then what is open by attempts, then the rest, newest first.
	SortAttention Sort = "attention"
	SortCreated   Sort = "created"
	SortUpdated   Sort = "updated"
	SortAttempts  Sort = "attempts"
)

// Sorts returns every order, the default first.
func Sorts() []Sort { return []Sort{SortAttention, SortCreated, SortUpdated, SortAttempts} }

// AttentionSpan is for how long a failure asks for attention.
const AttentionSpan = 24 * time.Hour

// DefaultScan is how many executions a list looks at, if it has to look at each,
// before it stops to ask.
const DefaultScan = 20_000

// ListRequest asks for a page of a list.
type ListRequest struct {
	Filter filter.Filter
	// Sort is SortAttention if empty.
	Sort Sort
	// Ascending begins with the least. SortAttention has one direction only.
	Ascending bool
	// Limit is the number of items; 0 means backend.DefaultLimit.
	Limit int
	// Cursor is ListPage.Next of the page before, of otherwise the same request.
	Cursor string
	// MaxScan bounds how many executions are looked at; 0 means DefaultScan.
	MaxScan int
}

// ListPage is a page of a list.
type ListPage struct {
	Items []backend.Summary
	// Next is the cursor of the following page, or "" at the end.
	Next string
	// Now is the store's time that ages in the filter were counted from. It is the
	// same for all pages of a list.
	Now time.Time
	// Scan tells that the store could not do all of the filter, and Scanned how many
	// executions had to be looked at for this page.
	Scan    bool
	Scanned int
	// Capped tells that the page is short because MaxScan was reached.
	Capped bool
}

// List returns one page. An instance that changes between two pages may be on both or
// on none of them. A cursor of another list is an engine.ErrInvalidArgument.
func (s *Store) List(ctx context.Context, r ListRequest) (ListPage, error) {
	if r.Sort == "" {
		r.Sort = SortAttention
	}
	if r.Limit <= 0 {
		r.Limit = backend.DefaultLimit
	}
	if r.MaxScan <= 0 {
		r.MaxScan = DefaultScan
	}
	at, err := s.begin(ctx, &r)
	if err != nil {
		return ListPage{}, err
	}
	l := lister{b: s.b, r: &r, at: at, page: ListPage{Now: at.time()}}
	if l.segments, err = segments(&r, l.page.Now); err != nil {
		return ListPage{}, err
	}
	l.page.Scan = len(l.segments) > 0 && l.segments[0].scan
	if err := l.run(ctx); err != nil {
		return ListPage{}, fmt.Errorf("listing instances: %w", err)
	}
	if !l.heard.IsZero() { // nobody is asked for a list of nothing
		s.time.heard(l.heard)
	}
	return l.page, nil
}

// begin returns where the page begins.
func (s *Store) begin(ctx context.Context, r *ListRequest) (position, error) {
	if r.Cursor != "" {
		return readCursor(r)
	}
	now, err := s.Now(ctx)
	if err != nil {
		return position{}, fmt.Errorf("asking the store for the time: %w", err)
	}
	return position{Now: now.UnixNano(), List: fingerprint(r)}, nil
}

// segment is a list of the store; a list of ours is some of them in a row.
type segment struct {
	query backend.Query
	// scan tells that the query asks for more than the filter matches.
	scan bool
	// keep, unless nil, leaves out what another segment has.
	keep func(*backend.Summary) bool
}

func segments(r *ListRequest, now time.Time) ([]segment, error) {
	plan := r.Filter.Plan(now)
	if plan.Nothing {
		return nil, nil
	}
	all := segment{query: plan.Query, scan: plan.Scan}
	all.query.Ascending = r.Ascending
	switch r.Sort {
	case SortAttention:
		if r.Ascending {
			return nil, fmt.Errorf("%w: the order %q can't be reversed", engine.ErrInvalidArgument, r.Sort)
		}
		return byAttention(all, now), nil
	case SortCreated:
		all.query.Order = backend.OrderCreated
	case SortUpdated:
		all.query.Order = backend.OrderUpdated
	case SortAttempts:
		all.query.Order = backend.OrderAttempt
	default:
		return nil, fmt.Errorf("%w: there is no order %q; there are %s", engine.ErrInvalidArgument, r.Sort, strings.Trim(fmt.Sprint(Sorts()), "[]"))
	}
	return []segment{all}, nil
}

// byAttention divides a list into four. A failed execution was updated last when it
// failed.
func byAttention(all segment, now time.Time) []segment {
	since := now.Add(-AttentionSpan)
	recent := all
	if recent.query.UpdatedAfter.Before(since) {
		recent.query.UpdatedAfter = since
	}
	rest := all
	rest.keep = func(s *backend.Summary) bool { return s.Status != engine.StatusFailed || s.Updated.Before(since) }
	var parts []segment
	add := func(part segment, order backend.Order, of ...engine.Status) {
		part.query.Order = order
		if part.query.Statuses = both(part.query.Statuses, of); len(part.query.Statuses) > 0 {
			parts = append(parts, part)
		}
	}
	add(all, backend.OrderCreated, engine.StatusBlocked)
	add(recent, backend.OrderUpdated, engine.StatusFailed)
	add(all, backend.OrderAttempt, engine.StatusRunning)
	add(rest, backend.OrderCreated, engine.StatusCompleted, engine.StatusFailed, engine.StatusCanceled, engine.StatusTerminated, engine.StatusContinuedAsNew)
	return parts
}

// both returns what is in both sets, of which an empty first one means all.
func both(set, of []engine.Status) []engine.Status {
	if len(set) == 0 {
		return of
	}
	var in []engine.Status
	for _, status := range set {
		for _, other := range of {
			if status == other {
				in = append(in, status)
			}
		}
	}
	return in
}
