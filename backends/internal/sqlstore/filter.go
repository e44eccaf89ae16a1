package sqlstore

import (
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// filter is the WHERE clause of a Query.
type filter struct {
	conditions []string
	args       []any
}

func (f *filter) add(condition string, args ...any) {
	f.conditions = append(f.conditions, condition)
	f.args = append(f.args, args...)
}

// both returns a filter for what matches f and g.
func (f *filter) both(g *filter) *filter {
	return &filter{slices.Concat(f.conditions, g.conditions), slices.Concat(f.args, g.args)}
}

func (f *filter) where() string {
	if len(f.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.conditions, " AND ")
}

// text adds a comparison, unless the value is empty.
func (f *filter) text(condition, value string) {
	if value != "" {
		f.add(condition, value)
	}
}

// bound adds a comparison, unless the time is zero.
func (f *filter) bound(condition string, t time.Time) {
	if !t.IsZero() {
		f.add(condition, nanos(t))
	}
}

// atMost adds the upper bound of what is read backwards. It is never the same as a
// lower bound: MySQL 8.0 reads forwards where a range of an index is a single key, also
// if the order goes on with the pk.
func (f *filter) atMost(column string, n int64) { f.add(column+" < ?", n+1) }

// oneOf adds alternatives, unless there are none.
func oneOf[T ~string](f *filter, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	f.add(column+" IN ("+marks(len(values))+")", args...)
}

// kindFilter is about the columns that make a kind, see kinds.
func (st *Store) kindFilter(q *backend.Query) *filter {
	f := &filter{}
	if statuses := possibleStatuses(q); len(statuses) < len(engine.Statuses()) {
		if len(statuses) == 0 {
			f.add("1 = 0")
		}
		oneOf(f, "status", statuses)
	}
	queues := make([]engine.Queue, len(q.Queues))
	for i, queue := range q.Queues {
		queues[i] = queue.OrDefault()
	}
	oneOf(f, "queue", queues)
	if len(q.Workflows) == 0 {
		return f
	}
	conditions := make([]string, len(q.Workflows))
	args := make([]any, len(q.Workflows))
	for i, pattern := range q.Workflows {
		if !strings.Contains(pattern, "*") {
			conditions[i], args[i] = "workflow = ?", pattern
			continue
		}
		conditions[i], args[i] = st.d.Glob("workflow", pattern)
	}
	f.add("("+strings.Join(conditions, " OR ")+")", args...)
	return f
}

// possibleStatuses are those that what matches can have: much of what can be asked
// for is there in some statuses only.
func possibleStatuses(q *backend.Query) []engine.Status {
	final := !q.FinishedBefore.IsZero()
	open := q.WaitingKind != "" || q.WaitingName != "" || q.Paused != nil && *q.Paused
	return slices.DeleteFunc(engine.Statuses(), func(s engine.Status) bool {
		return len(q.Statuses) > 0 && !slices.Contains(q.Statuses, s) ||
			final && s.Open() || open && s.Final() || q.BlockClass != "" && s != engine.StatusBlocked
	})
}

// unindexed keeps an engine from the index on a column where rows are read in the
// order of a list: it would sort all that it finds there.
func unindexed(column string) string { return "COALESCE(" + column + ", '')" }

// plus is unindexed for numbers. What an index holds can still be read from it.
func plus(column string) string { return "(" + column + " + 0)" }

// rowFilter is about all other columns, except the time of creation.
func (st *Store) rowFilter(q *backend.Query) *filter {
	f := &filter{}
	f.bound("updated >= ?", q.UpdatedAfter)
	f.bound("updated < ?", q.UpdatedBefore)
	f.bound("finished < ?", q.FinishedBefore) // of those that are final, see possibleStatuses
	if q.Paused != nil {
		f.add("paused = ?", *q.Paused)
	}
	if q.MinAttempt > 0 {
		f.add("attempt >= ?", q.MinAttempt)
	}
	f.text(unindexed("instance_id")+" = ?", q.InstanceID)
	f.prefix(unindexed("instance_id"), q.IDPrefix)
	if q.Parent != nil {
		f.add(unindexed("parent_instance")+" = ?", q.Parent.InstanceID)
		f.text("parent_execution = ?", q.Parent.ExecutionID)
	}
	f.text(st.d.JSONText("waiting", "kind")+" = ?", string(q.WaitingKind))
	f.text(st.d.JSONText("waiting", "name")+" = ?", q.WaitingName)
	f.text("block_class = ?", q.BlockClass)
	f.text("build = ?", q.Build)
	if q.ErrorContains != "" {
		f.add(st.d.Contains("last_error", q.ErrorContains))
	}
	for name, value := range q.Tags {
		f.add("EXISTS (SELECT 1 FROM tags AS t WHERE t.name = ? AND t.value = ? AND t.instance = pk)", name, value)
	}
	return f
}

// createdRange is the filter for the time of creation.
func createdRange(q *backend.Query, column string) *filter {
	f := &filter{}
	f.bound(column+" >= ?", q.CreatedAfter)
	f.bound(column+" < ?", createdBefore(q))
	return f
}

// createdBefore is when all that matches was created before, or zero: nothing
// changes or ends before it is created.
func createdBefore(q *backend.Query) (first time.Time) {
	for _, t := range []time.Time{q.CreatedBefore, q.UpdatedBefore, q.FinishedBefore} {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

// prefix adds a range, which every engine finds in an index.
func (f *filter) prefix(column, prefix string) {
	if prefix == "" {
		return
	}
	f.add(column+" >= ?", prefix)
	if end := afterPrefix(prefix); end != "" {
		f.add(column+" < ?", end)
	}
}

// afterPrefix returns the least text that is greater than all with the prefix, in
// binary order, or "" if there is none. 0xff, which no UTF-8 holds, is left out.
func afterPrefix(prefix string) string {
	b := []byte(prefix)
	for len(b) > 0 {
		last := len(b) - 1
		if b[last] < 0xff {
			b[last]++
			return string(b)
		}
		b = b[:last]
	}
	return ""
}
