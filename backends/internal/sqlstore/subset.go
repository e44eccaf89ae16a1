package sqlstore

import (
	"context"
	"slices"

	"github.com/wfops/wfops/engine/backend"
)

// subset are the rows that an index finds for one condition of a Query, in an order
// that has nothing to do with the list's.
type subset struct {
	pks  string // the query for them
	args []any
	tag  bool // it is one of the tags
	n    int64
}

// maxSorted is how many rows are read and sorted for a page, if they are few: some ten
// milliseconds if they are far apart. It is a variable, so that tests reach what is
// beyond it with few rows.
var maxSorted int64 = 10_000

// in is the filter for the rows of a subset.
func (sub *subset) in() *filter {
	return &filter{[]string{"pk IN (" + sub.pks + ")"}, sub.args}
}

// subsets returns what there is for a Query.
func (st *Store) subsets(q *backend.Query) (all []subset) {
	add := func(pks string, args ...any) { all = append(all, subset{pks: pks, args: args}) }
	if q.InstanceID != "" {
		add("SELECT pk FROM instances WHERE instance_id = ?", q.InstanceID)
	}
	if q.IDPrefix != "" {
		f := &filter{}
		f.prefix("instance_id", q.IDPrefix)
		add("SELECT pk FROM instances"+f.where(), f.args...)
	}
	if q.Parent != nil && q.Parent.ExecutionID == "" {
		add("SELECT pk FROM instances WHERE parent_instance = ?", q.Parent.InstanceID)
	} else if q.Parent != nil {
		add("SELECT pk FROM instances WHERE parent_instance = ? AND parent_execution = ?", q.Parent.InstanceID, q.Parent.ExecutionID)
	}
	if q.MinAttempt > 0 {
		add("SELECT pk FROM instances WHERE attempt > 0 AND attempt >= ?", q.MinAttempt)
	}
	if q.ErrorContains != "" {
		add("SELECT pk FROM instances WHERE " + st.d.NotEmpty("last_error"))
	}
	if q.Paused != nil && *q.Paused {
		add("SELECT pk FROM instances WHERE paused <> 0")
	}
	for name, value := range q.Tags {
		add("SELECT instance AS pk FROM tags WHERE name = ? AND value = ?", name, value)
		all[len(all)-1].tag = true
	}
	return all
}

// count sets n, to maxSorted+1 if there are more.
func (sub *subset) count(ctx context.Context, s *Session) error {
	return s.QueryOnce(ctx, "SELECT COUNT(*) FROM ("+sub.pks+" LIMIT ?) AS few",
		func(r *Row) { sub.n = r.Int() }, append(slices.Clip(sub.args), maxSorted+1)...)
}

// fewest returns the smallest subset for a Query, or nil if there is none. Those with
// more than maxSorted rows are alike, except that tags have an order.
func (st *Store) fewest(ctx context.Context, s *Session, q *backend.Query) (least *subset, err error) {
	for _, sub := range st.subsets(q) {
		if err := sub.count(ctx, s); err != nil {
			return nil, err
		}
		if least == nil || sub.n < least.n || sub.n == least.n && sub.tag {
			least = &sub
		}
	}
	return least, nil
}
