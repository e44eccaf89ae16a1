package memory

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

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
	m := newMatcher(q)
	var rows []*execution
	for i := range s.created {
		e := s.created[i]
		if !q.Ascending {
			e = s.created[len(s.created)-1-i]
		}
		if e.removed || after != nil && positionOf(q, e).compare(*after) <= 0 || !m.match(&e.sum) {
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
	m := newMatcher(&q)
	counts := map[engine.Status]int64{}
	for _, e := range b.st.created {
		if !e.removed && m.match(&e.sum) {
			counts[e.sum.Status]++
		}
	}
	return counts, nil
}

// matcher is a Query prepared for many rows.
type matcher struct {
	*backend.Query

	queues []engine.Queue
	needle string
}

func newMatcher(q *backend.Query) matcher {
	m := matcher{Query: q, needle: lower(q.ErrorContains)}
	for _, queue := range q.Queues {
		m.queues = append(m.queues, queue.OrDefault())
	}
	return m
}

func (m matcher) match(s *backend.Summary) bool {
	return m.matchName(s) && m.matchTimes(s) && m.matchState(s)
}

func (m matcher) matchName(s *backend.Summary) bool {
	id := s.Instance.InstanceID
	return strings.HasPrefix(id, m.IDPrefix) &&
		(m.InstanceID == "" || id == m.InstanceID) &&
		(len(m.queues) == 0 || slices.Contains(m.queues, s.Queue)) &&
		(len(m.Workflows) == 0 || slices.ContainsFunc(m.Workflows, func(p string) bool { return like(p, s.Workflow) })) &&
		(m.Parent == nil || s.Parent != nil && s.Parent.InstanceID == m.Parent.InstanceID &&
			(m.Parent.ExecutionID == "" || s.Parent.ExecutionID == m.Parent.ExecutionID))
}

func (m matcher) matchTimes(s *backend.Summary) bool {
	return within(s.Created, m.CreatedAfter, m.CreatedBefore) && within(s.Updated, m.UpdatedAfter, m.UpdatedBefore) &&
		(m.FinishedBefore.IsZero() || !s.Finished.IsZero() && s.Finished.Before(m.FinishedBefore))
}

func (m matcher) matchState(s *backend.Summary) bool {
	waiting := engine.Waiting{}
	if s.Waiting != nil {
		waiting = *s.Waiting
	}
	return (len(m.Statuses) == 0 || slices.Contains(m.Statuses, s.Status)) &&
		(m.Paused == nil || *m.Paused == s.Paused) &&
		s.Attempt >= m.MinAttempt &&
		(m.WaitingKind == "" || m.WaitingKind == waiting.Kind) &&
		(m.WaitingName == "" || m.WaitingName == waiting.Name) &&
		(m.BlockClass == "" || m.BlockClass == s.BlockClass) &&
		(m.Build == "" || m.Build == s.Build) &&
		strings.Contains(lower(s.LastError), m.needle) &&
		containsTags(s.Tags, m.Tags)
}

func containsTags(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// within treats zero bounds as open ones.
func within(t, from, before time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (before.IsZero() || t.Before(before))
}

// lower maps ASCII letters only, which every database can do alike.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// like matches a pattern in which "*" is any run of characters.
func like(pattern, name string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	last := len(parts) - 1
	for _, part := range parts[:last] {
		_, after, ok := strings.Cut(name, part)
		if !ok {
			return false
		}
		name = after
	}
	return strings.HasSuffix(name, parts[last])
}
