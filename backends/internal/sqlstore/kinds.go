package sqlstore

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// kind is what executions have in common that an index lists one after another, in
// each order of its own. A list of several kinds is merged from them, so that it
// costs what it returns, however few of all executions match.
type kind struct {
	status, queue, workflow string
}

// kinds returns the kinds that match, and how many executions are of them, or more
// where nobody counts them.
func (st *Store) kinds(ctx context.Context, s *Session, f *filter) (all []kind, instances int64, err error) {
	if list := st.d.Kinds(); list != "" {
		err = s.QueryOnce(ctx, "SELECT status, queue, workflow FROM ("+list+") AS kinds"+f.where(), func(r *Row) {
			all = append(all, kind{r.Text(), r.Text(), r.Text()})
		}, f.args...)
		return all, math.MaxInt64, err
	}
	f = f.both(&filter{conditions: []string{"instances > 0"}})
	err = s.QueryOnce(ctx, "SELECT status, queue, workflow, instances FROM kinds"+f.where(), func(r *Row) {
		all = append(all, kind{r.Text(), r.Text(), r.Text()})
		instances += r.Int()
	}, f.args...)
	return all, instances, err
}

// maxKinds is how many kinds one statement merges.
var maxKinds = 400

// union returns a query of n kinds with a filter, and its arguments. See
// shardIndex.read for why that is as fast as one of them.
func union(columns string, of []kind, f *filter) (query string, args []any) {
	return unionOf(columns, of, f, "")
}

// unionOf is union for an engine that has to be told in which order each kind is to be
// read, and how far.
func unionOf(columns string, of []kind, f *filter, order string, limit ...any) (query string, args []any) {
	f = (&filter{conditions: []string{"status = ?", "queue = ?", "workflow = ?"}}).both(f)
	one := "SELECT " + columns + " FROM instances" + f.where()
	if order != "" && len(of) > 1 {
		one = "(" + one + order + " LIMIT ?)"
	} else {
		limit = nil
	}
	for _, k := range of {
		args = append(append(append(args, k.status, k.queue, k.workflow), f.args...), limit...)
	}
	return one + strings.Repeat(" UNION ALL "+one, len(of)-1), args
}

// Count implements backend.Read. Kinds are counted when they change; other counts
// read what matches.
func (st *Store) Count(ctx context.Context, q backend.Query) (counts map[engine.Status]int64, err error) {
	err = st.read(ctx, "counting instances", func(s *Session) error {
		of, rows := st.kindFilter(&q), st.rowFilter(&q).both(createdRange(&q, "created"))
		counts = map[engine.Status]int64{}
		add := func(r *Row) {
			if status, n := engine.Status(r.Text()), r.Int(); n > 0 {
				counts[status] += n
			}
		}
		switch {
		case len(rows.conditions) == 0 && st.d.Kinds() != "":
			return s.QueryOnce(ctx, "SELECT status, COUNT(*) FROM instances"+of.where()+" GROUP BY status", add, of.args...)
		case len(rows.conditions) == 0:
			return s.QueryOnce(ctx, "SELECT status, SUM(instances) FROM kinds"+of.where()+" GROUP BY status", add, of.args...)
		}
		return st.snapshot(ctx, s, func() error { return st.countRows(ctx, s, &q, add) })
	})
	return counts, err
}

func (st *Store) countRows(ctx context.Context, s *Session, q *backend.Query, add func(*Row)) error {
	of, rows := st.kindFilter(q), st.rowFilter(q)
	all, instances, err := st.kinds(ctx, s, of)
	if err != nil || len(all) == 0 {
		return err
	}
	few, err := st.fewest(ctx, s, q)
	if err != nil {
		return err
	}
	inRange := createdRange(q, "created")
	switch f := of.both(rows).both(createdRange(q, plus("created"))); {
	case few != nil && few.n < instances && (few.n <= maxSorted || few.tag):
		f = few.in().both(f)
		return s.QueryOnce(ctx, "SELECT status, COUNT(*) FROM instances"+f.where()+" GROUP BY status", add, f.args...)
	case len(rows.conditions) > 0: // all rows must be read, which is fastest in the order of the table
		return s.QueryOnce(ctx, "SELECT MAX(status), COUNT(*) FROM instances"+f.where()+" GROUP BY "+unindexed("status"), add, f.args...)
	}
	for part := range slices.Chunk(all, maxKinds) {
		query, args := union("MAX(status), COUNT(*)", part, inRange)
		if err := s.QueryOnce(ctx, query, add, args...); err != nil {
			return err
		}
	}
	return nil
}
