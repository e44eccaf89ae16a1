package offline

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// matching returns what a query selects, newest first.
func (s *Store) matching(q *backend.Query) (found []backend.Summary) {
	for i := range s.all {
		if row := &s.all[i].Summary; named(q, row) && timed(q, row) && inState(q, row) {
			found = append(found, *row)
		}
	}
	return found
}

func named(q *backend.Query, s *backend.Summary) bool {
	id := s.Instance.InstanceID
	return strings.HasPrefix(id, q.IDPrefix) && (q.InstanceID == "" || q.InstanceID == id) &&
		(len(q.Queues) == 0 || slices.ContainsFunc(q.Queues, func(name engine.Queue) bool { return name.OrDefault() == s.Queue })) &&
		(len(q.Workflows) == 0 || slices.ContainsFunc(q.Workflows, func(p string) bool { return like(p, s.Workflow) })) &&
		(q.Parent == nil || s.Parent != nil && s.Parent.InstanceID == q.Parent.InstanceID && (q.Parent.ExecutionID == "" || q.Parent.ExecutionID == s.Parent.ExecutionID))
}

func timed(q *backend.Query, s *backend.Summary) bool {
	within := func(t, from, before time.Time) bool { return !t.Before(from) && (before.IsZero() || t.Before(before)) }
	return within(s.Created, q.CreatedAfter, q.CreatedBefore) && within(s.Updated, q.UpdatedAfter, q.UpdatedBefore) &&
		(q.FinishedBefore.IsZero() || s.Status.Final() && s.Finished.Before(q.FinishedBefore))
}

func inState(q *backend.Query, s *backend.Summary) bool {
	var waiting engine.Waiting
	if s.Waiting != nil {
		waiting = *s.Waiting
	}
	tagged := true
	for key, value := range q.Tags {
		got, ok := s.Tags[key]
		tagged = tagged && ok && got == value
	}
	return tagged && (len(q.Statuses) == 0 || slices.Contains(q.Statuses, s.Status)) && (q.Paused == nil || *q.Paused == s.Paused) && s.Attempt >= q.MinAttempt &&
		(q.WaitingKind == "" || q.WaitingKind == waiting.Kind) && (q.WaitingName == "" || q.WaitingName == waiting.Name) &&
		(q.BlockClass == "" || q.BlockClass == s.BlockClass) && (q.Build == "" || q.Build == s.Build) &&
		strings.Contains(lower(s.LastError), lower(q.ErrorContains))
}

// lower is for ASCII only, as the port has it.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// like reports whether a text has the form of a pattern, in which * is any run of
// characters.
func like(pattern, text string) bool {
	expression := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `(?s:.*)`)
	return regexp.MustCompile(`\A` + expression + `\z`).MatchString(text)
}

// arrange sorts what was newest first.
func arrange(rows []backend.Summary, q *backend.Query) error {
	by := map[backend.Order]func(a, b *backend.Summary) int{
		"":                   func(a, b *backend.Summary) int { return a.Created.Compare(b.Created) },
		backend.OrderCreated: func(a, b *backend.Summary) int { return a.Created.Compare(b.Created) },
		backend.OrderUpdated: func(a, b *backend.Summary) int { return a.Updated.Compare(b.Updated) },
		backend.OrderAttempt: func(a, b *backend.Summary) int { return cmp.Compare(a.Attempt, b.Attempt) },
	}[q.Order]
	if by == nil {
		return fmt.Errorf("order %q: %w", q.Order, engine.ErrInvalidArgument)
	}
	slices.SortStableFunc(rows, func(a, b backend.Summary) int { return by(&b, &a) })
	if q.Ascending {
		slices.Reverse(rows)
	}
	return nil
}
