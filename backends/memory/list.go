package memory

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
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
	Order   backend.Order `json:"o"`
	Reverse bool          `json:"r,omitempty"`
	At      time.Time     `json:"t,omitzero"`
	Attempt int           `json:"a,omitempty"`
	Serial  int64         `json:"s"`
}

func positionOf(q *backend.Query, e *execution) position {
	p := position{Order: q.Order, Reverse: !q.Ascending, Serial: e.serial}
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
	if p.Reverse {
		return -c
	}
	return c
}

// parseCursor returns the position that the page before ended with.
func parseCursor(q *backend.Query) (position, error) {
	var p position
	raw, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err == nil && (p.Order != q.Order || p.Reverse == q.Ascending) {
		err = fmt.Errorf("it is of a list ordered by %q", p.Order)
	}
	if err != nil {
		return p, fmt.Errorf("memory: cursor %q: %w: %w", q.Cursor, engine.ErrInvalidArgument, err)
	}
	return p, nil
}

func (p position) cursor() (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("memory: making a cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// List implements backend.Read.
func (b *Backend) List(ctx context.Context, q backend.Query) (backend.Page, error) {
	q.Order = cmp.Or(q.Order, backend.OrderCreated)
	if !slices.Contains([]backend.Order{backend.OrderCreated, backend.OrderUpdated, backend.OrderAttempt}, q.Order) {
		return backend.Page{}, fmt.Errorf("memory: order %q: %w", q.Order, engine.ErrInvalidArgument)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = backend.DefaultLimit
	}
	limit = min(limit, backend.MaxLimit)
	var after *position
	if q.Cursor != "" {
		p, err := parseCursor(&q)
		if err != nil {
			return backend.Page{}, err
		}
		after = &p
	}
	if err := b.begin(ctx, false); err != nil {
		return backend.Page{}, err
	}
	defer b.end()
	rows := b.st.list(&q, after, limit+1)
	page := backend.Page{Now: b.st.now}
	for _, e := range upTo(rows, limit) {
		page.Items = append(page.Items, e.summary())
	}
	if len(rows) > limit {
		next, err := positionOf(&q, rows[limit-1]).cursor()
		if err != nil {
			return backend.Page{}, err
		}
		page.Next = next
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
