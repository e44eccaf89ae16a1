package redis

import (
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

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

// lower maps ASCII letters only, as the port says.
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
