package sqlstore

import (
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

func (st *Store) filter(q *backend.Query) *filter {
	f := &filter{}
	oneOf(f, "status", q.Statuses)
	queues := make([]engine.Queue, len(q.Queues))
	for i, queue := range q.Queues {
		queues[i] = queue.OrDefault()
	}
	oneOf(f, "queue", queues)
	st.filterNames(f, q)
	f.bound("created >= ?", q.CreatedAfter)
	f.bound("created < ?", q.CreatedBefore)
	f.bound("updated >= ?", q.UpdatedAfter)
	f.bound("updated < ?", q.UpdatedBefore)
	f.bound("finished <> 0 AND finished < ?", q.FinishedBefore)
	if q.Paused != nil {
		f.add("paused = ?", *q.Paused)
	}
	if q.MinAttempt > 0 {
		f.add("attempt >= ?", q.MinAttempt)
	}
	f.text(st.d.JSONText("waiting", "kind")+" = ?", string(q.WaitingKind))
	f.text(st.d.JSONText("waiting", "name")+" = ?", q.WaitingName)
	f.text("block_class = ?", q.BlockClass)
	f.text("build = ?", q.Build)
	if q.ErrorContains != "" {
		f.add(st.d.Contains("last_error", q.ErrorContains))
	}
	for name, value := range q.Tags {
		f.add("pk IN (SELECT instance FROM tags WHERE name = ? AND value = ?)", name, value)
	}
	return f
}

func (st *Store) filterNames(f *filter, q *backend.Query) {
	f.text("instance_id = ?", q.InstanceID)
	if q.IDPrefix != "" { // as a range, which every engine finds in the index
		f.add("instance_id >= ?", q.IDPrefix)
		if end := afterPrefix(q.IDPrefix); end != "" {
			f.add("instance_id < ?", end)
		}
	}
	if q.Parent != nil {
		f.add("parent_instance = ?", q.Parent.InstanceID)
		f.text("parent_execution = ?", q.Parent.ExecutionID)
	}
	if len(q.Workflows) == 0 {
		return
	}
	conditions := make([]string, len(q.Workflows))
	args := make([]any, len(q.Workflows))
	for i, pattern := range q.Workflows {
		if !strings.Contains(pattern, "*") {
			conditions[i], args[i] = "workflow = ?", pattern
			continue
		}
		conditions[i], args[i] = st.glob("workflow", pattern)
	}
	f.add("("+strings.Join(conditions, " OR ")+")", args...)
}

func (st *Store) glob(column, pattern string) (string, any) {
	condition, arg := st.d.Glob(column, pattern)
	return condition, arg
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
