package sqlstore

import (
	"context"
	"strings"

	"github.com/wfops/wfops/backends/internal/matching"
	"github.com/wfops/wfops/engine/backend"
)

// listing finds one page of a list. Each of its ways of reading returns the positions
// of up to limit rows in the order of the list, behind one to begin from unless that
// is nil.
type listing struct {
	st    *Store
	ctx   context.Context //nolint:containedctx // it lives as long as a call
	s     *Session
	q     *backend.Query
	limit int

	of, rows *filter
	kinds    []kind
	few      *subset
}

// find plans the list. If an index finds few rows they are sorted; otherwise rows are
// read in the order of the list until the page is full, which is soon if many match.
// It takes long only if a condition that no index knows leaves few of many rows.
func (l *listing) find(from *position) (found []position, err error) {
	l.of, l.rows = l.st.kindFilter(l.q), l.st.rowFilter(l.q)
	var instances int64
	if l.kinds, instances, err = l.st.kinds(l.ctx, l.s, l.of); err != nil || len(l.kinds) == 0 {
		return nil, err
	}
	if err := l.subset(instances); err != nil {
		return nil, err
	}
	switch {
	case l.few != nil && l.few.n <= maxSorted:
		return l.sorted(from)
	case l.q.Order == backend.OrderUpdated:
		return l.updated(from)
	case l.q.Order == backend.OrderAttempt:
		return l.byAttempt(from)
	}
	return l.created(from, l.rows)
}

// subset looks for one that is smaller than the number of instances that there are of
// the kinds.
func (l *listing) subset(instances int64) (err error) {
	if l.few, err = l.st.fewest(l.ctx, l.s, l.q); err != nil {
		return err
	}
	if l.few != nil && instances <= min(l.few.n, maxSorted) {
		l.few = nil
	}
	created := createdRange(l.q, "created")
	if len(created.conditions) == 0 || l.q.Order == backend.OrderCreated || len(l.kinds) > maxKinds {
		return nil
	}
	sub := subset{}
	sub.pks, sub.args = union("pk", l.kinds, created)
	if err = sub.count(l.ctx, l.s); err == nil && sub.n <= maxSorted && (l.few == nil || sub.n < l.few.n) {
		l.few = &sub
	}
	return err
}

func (l *listing) direction() (direction, beyond string) {
	if l.q.Ascending {
		return " ASC", ">"
	}
	return " DESC", "<"
}

// order is the ORDER BY of some columns.
func (l *listing) order(columns ...string) string {
	direction, _ := l.direction()
	return " ORDER BY " + strings.Join(columns, direction+", ") + direction
}

// behind is the filter for what comes after some values of columns. The comparison of
// the first column alone is what engines find in an index.
func (l *listing) behind(columns []string, values ...int64) *filter {
	_, beyond := l.direction()
	f := &filter{}
	if len(columns) > 1 && l.q.Ascending {
		f.add(columns[0]+" >= ?", values[0])
	} else if len(columns) > 1 {
		f.atMost(columns[0], values[0])
	}
	f.add("(" + strings.Join(columns, ", ") + ") " + beyond + " (" + marks(len(values)) + ")")
	for _, v := range values {
		f.args = append(f.args, v)
	}
	return f
}

// query runs a query for positions: a key, the time of creation and the pk.
func (l *listing) query(query string, args ...any) (found []position, err error) {
	err = l.s.QueryOnce(l.ctx, query, func(r *Row) {
		found = append(found, position{matching.HeadOf(l.q), r.Int(), r.Int(), r.Int()})
	}, args...)
	return found, err
}

// sorted reads all rows of the subset.
func (l *listing) sorted(from *position) ([]position, error) {
	f := l.few.in().both(l.of).both(l.rows).both(createdRange(l.q, "created"))
	key, columns := "0", []string{"created", "pk"}
	if l.q.Order != backend.OrderCreated {
		key = string(l.q.Order)
		columns = []string{key, "created", "pk"}
	}
	if from != nil {
		f = f.both(l.behind(columns, []int64{from.Key, from.Created, from.PK}[3-len(columns):]...))
	}
	return l.query("SELECT "+key+", created, pk FROM instances"+f.where()+l.order(columns...)+" LIMIT ?", append(f.args, l.limit)...)
}

// byAttempt lists executions that have attempts, and before or after them those that
// have none, in the order of creation.
func (l *listing) byAttempt(from *position) (found []position, err error) {
	first, second := l.withAttempts, l.withoutAttempts
	inFirst := func(p *position) bool { return p.Key > 0 }
	if l.q.Ascending {
		first, second = second, first
		inFirst = func(p *position) bool { return p.Key == 0 }
	}
	if from == nil || inFirst(from) {
		if found, err = first(from); err != nil || len(found) == l.limit {
			return found, err
		}
		from = nil
	}
	more, err := second(from)
	found = append(found, more...)
	return found[:min(len(found), l.limit)], err
}

func (l *listing) withAttempts(from *position) ([]position, error) {
	f := l.of.both(l.rows).both(createdRange(l.q, plus("created")))
	f.add("attempt > 0")
	if from != nil {
		f = f.both(l.behind([]string{"attempt", "pk"}, from.Key, from.PK))
	}
	return l.query("SELECT attempt, created, pk FROM instances"+f.where()+l.order("attempt", "pk")+" LIMIT ?", append(f.args, l.limit)...)
}

func (l *listing) withoutAttempts(from *position) ([]position, error) {
	return l.created(from, l.rows.both(&filter{conditions: []string{"attempt = 0"}}))
}
