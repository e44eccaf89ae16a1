package sqlstore

import (
	"cmp"
	"slices"
	"time"

	"github.com/wfops/wfops/backends/internal/matching"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// walk is an index that is read in the order of a list until the page is full.
type walk struct {
	// source returns the query for the rows, as "at", the time that they are ordered
	// by, and "found", their pk, both from after on unless that is nil. Of a source that
	// is merged from several, it reads size rows of each.
	source func(after *mark, size int) (query string, args []any)
	// rows are the conditions that the index does not know.
	rows *filter
	// lag is how much later than at the key of the list may be.
	lag int64
}

// mark is the last row that was read of an index.
type mark struct{ at, pk int64 }

func (m *mark) compare(o *mark) int {
	return cmp.Or(cmp.Compare(m.at, o.at), cmp.Compare(m.pk, o.pk))
}

const (
	// maxPart is how many rows are read at once, if few of them match.
	maxPart = 100_000
	// maxWalk is how many rows are read before a subset is sorted after all.
	maxWalk = 10_000
)

// walk reads part after part. Conditions that the index does not know are tested on
// what was merged from the kinds: in each kind alone, a match may be far away.
func (l *listing) walk(from *position, w walk) (found []position, err error) {
	var last *mark
	size, walked := l.limit, 0
	if w.lag > 0 {
		size *= 2 // or it would hardly ever be certain
	}
	for {
		source, args := w.source(last, size)
		more, end, err := l.part(source, args, size, w.rows)
		if err != nil {
			return nil, err
		}
		for _, p := range more {
			if from == nil || p.compare(from) > 0 {
				found = append(found, p)
			}
		}
		slices.SortFunc(found, func(a, b position) int { return a.compare(&b) })
		last = end
		if last == nil || len(found) >= l.limit && l.certain(&found[l.limit-1], last, w.lag) {
			return found[:min(len(found), l.limit)], nil
		}
		if walked += size; walked > maxWalk && l.few != nil {
			return l.sorted(from)
		}
		size = min(8*size, maxPart)
		if n := len(found); n > 0 { // as many as it takes, if it goes on like that, and half as many more
			size = min(size, max(l.limit, (l.limit-n)*walked*3/n/2))
		}
	}
}

// part returns those of the next rows that match, and the last of all of them, or nil
// if nothing comes after it.
func (l *listing) part(source string, args []any, size int, rows *filter) (found []position, last *mark, err error) {
	key := "0"
	if l.q.Order == backend.OrderUpdated {
		key = "updated"
	}
	source += l.order("at", "found")
	f := rows.both(&filter{conditions: []string{"pk = found"}})
	err = l.s.QueryOnce(l.ctx, "SELECT at, "+key+", created, pk FROM ("+source+" LIMIT ?) AS part CROSS JOIN instances"+f.where(), func(r *Row) {
		at := r.Int()
		p := position{matching.HeadOf(l.q), r.Int(), r.Int(), r.Int()}
		found = append(found, p)
		if m := (&mark{at, p.PK}); last == nil || m.compare(last) > 0 == l.q.Ascending {
			last = m
		}
	}, append(append(slices.Clip(args), size), rows.args...)...)
	if last != nil && len(found) == size { // all match
		return found, last, err
	}
	if last = nil; err != nil || len(rows.conditions) == 0 {
		return found, nil, err
	}
	err = l.s.QueryOnce(l.ctx, source+" LIMIT 1 OFFSET ?", func(r *Row) { last = &mark{r.Int(), r.Int()} }, append(slices.Clip(args), size-1)...)
	return found, last, err
}

// certain reports whether no row behind last can come before p.
func (l *listing) certain(p *position, last *mark, lag int64) bool {
	switch {
	case lag == 0:
		return true
	case l.q.Ascending:
		return p.Key < last.at
	}
	return p.Key >= last.at+lag
}

// created lists in the order of creation: by a tag, all, or by kinds.
func (l *listing) created(from *position, rows *filter) ([]position, error) {
	inRange := createdRange(l.q, "created")
	switch {
	case l.few != nil && l.few.tag:
		return l.tagged(from, rows)
	case len(l.of.conditions) == 0 && len(inRange.conditions) == 0:
		return l.walk(from, walk{rows: rows, source: func(after *mark, _ int) (string, []any) {
			f := &filter{}
			if after != nil {
				f = l.behind([]string{"pk"}, after.pk)
			} else if from != nil {
				f = l.behind([]string{"pk"}, from.PK)
			}
			return "SELECT pk AS at, pk AS found FROM instances" + f.where(), f.args
		}})
	}
	if from != nil {
		inRange = inRange.both(l.behind([]string{"created", "pk"}, from.Created, from.PK))
	}
	return l.merged(l.kinds, from, rows, inRange, "created", 0)
}

// tagged lists in the order of creation what has a tag.
func (l *listing) tagged(from *position, rows *filter) ([]position, error) {
	f := l.of.both(rows).both(createdRange(l.q, plus("created")))
	f.add("pk = tags.instance")
	f.add("tags.name = ? AND tags.value = ?", l.few.args...)
	if from != nil {
		f = f.both(l.behind([]string{"tags.instance"}, from.PK))
	}
	return l.query("SELECT 0, created, pk FROM tags CROSS JOIN instances"+f.where()+l.order("tags.instance")+" LIMIT ?", append(f.args, l.limit)...)
}

// updated lists in the order of the last update. The index knows that of an execution
// that has ended, and of others a time up to touchEvery before.
func (l *listing) updated(from *position) (found []position, err error) {
	var open, final []kind
	for _, k := range l.kinds {
		if engine.Status(k.status).Final() {
			final = append(final, k)
		} else {
			open = append(open, k)
		}
	}
	if found, err = l.updatedOf(final, from, 0); err != nil {
		return nil, err
	}
	more, err := l.updatedOf(open, from, touchEvery)
	found = append(found, more...)
	slices.SortFunc(found, func(a, b position) int { return a.compare(&b) })
	return found[:min(len(found), l.limit)], err
}

// updatedOf lists kinds that the index is late by the same time for.
func (l *listing) updatedOf(of []kind, from *position, lag time.Duration) ([]position, error) {
	f := createdRange(l.q, plus("created")) // the index holds it too
	f.bound("changed >= ?", l.q.CreatedAfter)
	if !l.q.UpdatedAfter.IsZero() {
		f.add("changed >= ?", nanos(l.q.UpdatedAfter)-int64(lag))
	}
	f.bound("changed < ?", l.q.UpdatedBefore)
	f.bound("changed < ?", l.q.FinishedBefore)
	if from != nil && !l.q.Ascending {
		f.atMost("changed", from.Key)
	} else if from != nil {
		f.add("changed >= ?", from.Key-int64(lag))
	}
	return l.merged(of, from, l.rows, f, "changed", int64(lag))
}

// merged walks through an index of the kinds, as many at a time as a statement takes.
func (l *listing) merged(of []kind, from *position, rows, inRange *filter, column string, lag int64) (found []position, err error) {
	for part := range slices.Chunk(of, maxKinds) {
		more, err := l.walk(from, walk{rows: rows, lag: lag, source: func(after *mark, size int) (string, []any) {
			f := inRange
			if after != nil {
				f = f.both(l.behind([]string{column, "pk"}, after.at, after.pk))
			}
			order := ""
			if l.st.d.Remote() { // others merge as they read
				order = l.order(column, "pk")
			}
			return unionOf(column+" AS at, pk AS found", part, f, order, size)
		}})
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	slices.SortFunc(found, func(a, b position) int { return a.compare(&b) })
	found = slices.CompactFunc(found, func(a, b position) bool { return a.PK == b.PK }) // of parts that were sorted as one
	return found[:min(len(found), l.limit)], nil
}
