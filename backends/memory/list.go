package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/backends/internal/matching"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// position is the place of an execution in a list, and the wire format of a
// cursor: what it is ordered by, then the order of creation.
type position struct {
	matching.Head

	At      time.Time `json:"t,omitzero"`
	Attempt int       `json:"n,omitempty"`
	Serial  int64     `json:"s"`
}

func positionOf(q *backend.Query, e *execution) position {
	p := position{Head: matching.HeadOf(q), Serial: e.serial}
	switch q.Order {
	case backend.OrderUpdated:
		p.At = e.sum.Updated
	case backend.OrderAttempt:
		p.Attempt = e.sum.Attempt
	case backend.OrderCreated:
	}
	return p
}

// compare orders two positions of the same list.
func (p position) compare(o position) int {
	c := cmp.Or(p.At.Compare(o.At), cmp.Compare(p.Attempt, o.Attempt), cmp.Compare(p.Serial, o.Serial))
	if p.Ascending {
		return c
	}
	return -c
}

// List implements backend.Read.
func (b *Backend) List(ctx context.Context, q backend.Query) (backend.Page, error) {
	if err := matching.Complete(&q); err != nil {
		return backend.Page{}, fmt.Errorf("memory: %w", err)
	}
	after, err := matching.After[position](&q)
	if err != nil {
		return backend.Page{}, fmt.Errorf("memory: %w", err)
	}
	if err := b.begin(ctx, false); err != nil {
		return backend.Page{}, err
	}
	defer b.end()
	rows := b.st.list(&q, after, q.Limit+1)
	page := backend.Page{Now: b.st.now}
	for _, e := range upTo(rows, q.Limit) {
		page.Items = append(page.Items, e.summary())
	}
	if len(rows) > q.Limit {
		if page.Next, err = matching.Cursor(positionOf(&q, rows[q.Limit-1])); err != nil {
			return backend.Page{}, fmt.Errorf("memory: %w", err)
		}
	}
	return page, nil
}

// list returns at most limit matching rows behind a position, in order.
func (s *state) list(q *backend.Query, after *position, limit int) []*execution {
	m := matching.New(q)
	var rows []*execution
	for i := range s.created {
		e := s.created[i]
		if !q.Ascending {
			e = s.created[len(s.created)-1-i]
		}
		if e.removed || after != nil && positionOf(q, e).compare(*after) <= 0 || !m.Match(&e.sum) {
			continue
		}
		rows = append(rows, e)
		if q.Order == backend.OrderCreated && len(rows) == limit {
			return rows // created is in this order already
		}
	}
	if q.Order != backend.OrderCreated {
		slices.SortFunc(rows, func(a, b *execution) int { return positionOf(q, a).compare(positionOf(q, b)) })
	}
	return upTo(rows, limit)
}

// Count implements backend.Read.
func (b *Backend) Count(ctx context.Context, q backend.Query) (map[engine.Status]int64, error) {
	if err := b.begin(ctx, false); err != nil {
		return nil, err
	}
	defer b.end()
	m := matching.New(&q)
	counts := map[engine.Status]int64{}
	for _, e := range b.st.created {
		if !e.removed && m.Match(&e.sum) {
			counts[e.sum.Status]++
		}
	}
	return counts, nil
}
