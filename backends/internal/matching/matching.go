// Package matching is what stores have in common that answer queries: it holds
// executions against one, for those that have to look at each, and divides lists into
// pages.
package matching

import (
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Matcher is a Query prepared for many rows.
type Matcher struct {
	query  *backend.Query
	queues []engine.Queue
	needle string
}

// New prepares q, which must not change while the Matcher is in use.
func New(q *backend.Query) Matcher {
	m := Matcher{query: q, needle: lower(q.ErrorContains)}
	for _, queue := range q.Queues {
		m.queues = append(m.queues, queue.OrDefault())
	}
	return m
}

// Match reports whether an execution is one that the query asks for. Order, Limit and
// Cursor are ignored.
func (m Matcher) Match(s *backend.Summary) bool {
	return m.matchName(s) && m.matchTimes(s) && m.matchState(s)
}

func (m Matcher) matchName(s *backend.Summary) bool {
	id := s.Instance.InstanceID
	return strings.HasPrefix(id, m.query.IDPrefix) &&
		(m.query.InstanceID == "" || id == m.query.InstanceID) &&
		(len(m.queues) == 0 || slices.Contains(m.queues, s.Queue)) &&
		(len(m.query.Workflows) == 0 || slices.ContainsFunc(m.query.Workflows, func(p string) bool { return like(p, s.Workflow) })) &&
		(m.query.Parent == nil || s.Parent != nil && s.Parent.InstanceID == m.query.Parent.InstanceID &&
			(m.query.Parent.ExecutionID == "" || s.Parent.ExecutionID == m.query.Parent.ExecutionID))
}

func (m Matcher) matchTimes(s *backend.Summary) bool {
	return within(s.Created, m.query.CreatedAfter, m.query.CreatedBefore) && within(s.Updated, m.query.UpdatedAfter, m.query.UpdatedBefore) &&
		(m.query.FinishedBefore.IsZero() || !s.Finished.IsZero() && s.Finished.Before(m.query.FinishedBefore))
}

func (m Matcher) matchState(s *backend.Summary) bool {
	waiting := engine.Waiting{}
	if s.Waiting != nil {
		waiting = *s.Waiting
	}
	return (len(m.query.Statuses) == 0 || slices.Contains(m.query.Statuses, s.Status)) &&
		(m.query.Paused == nil || *m.query.Paused == s.Paused) &&
		s.Attempt >= m.query.MinAttempt &&
		(m.query.WaitingKind == "" || m.query.WaitingKind == waiting.Kind) &&
		(m.query.WaitingName == "" || m.query.WaitingName == waiting.Name) &&
		(m.query.BlockClass == "" || m.query.BlockClass == s.BlockClass) &&
		(m.query.Build == "" || m.query.Build == s.Build) &&
		strings.Contains(lower(s.LastError), m.needle) &&
		containsTags(s.Tags, m.query.Tags)
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
