package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// listed is one execution of a list.
type listed struct {
	created int64
	place   string // orders those of one microsecond
	sum     backend.Summary

	// For a walk that looks at the work.
	leaseUntil, readyAt time.Time
	activities          []backend.PendingActivity
}

// walk goes through lists of all partitions in order of creation, a page of each at
// a time. What changes while it walks may be seen or not.
type walk struct {
	b        *Backend
	lists    []*pages
	from, to string
	reverse  bool
	after    *position
	size     int // of a page
	work     bool
	now      time.Time
}

// pages are what was read of one list and not used yet.
type pages struct {
	tag, key string
	rows     []*listed
	last     *listed
	done     bool
}

// newWalk chooses the shortest lists that hold all that matches.
func (b *Backend) newWalk(q *backend.Query, work bool) *walk {
	w := &walk{b: b, size: 200, work: work}
	if !q.CreatedAfter.IsZero() {
		w.from = fmt.Sprint(micros(q.CreatedAfter))
	}
	if !q.CreatedBefore.IsZero() {
		w.to = fmt.Sprint(micros(q.CreatedBefore))
	}
	keys := []string{"all"}
	plain := func(pattern string) bool { return !strings.Contains(pattern, "*") }
	switch {
	case q.Parent != nil:
		keys = []string{"k:" + q.Parent.InstanceID}
	case len(q.Statuses) > 0:
		keys = keysOf("st:", q.Statuses)
	case !q.FinishedBefore.IsZero():
		keys = keysOf("st:", []engine.Status{
			engine.StatusCompleted, engine.StatusFailed, engine.StatusCanceled, engine.StatusTerminated, engine.StatusContinuedAsNew,
		})
	case len(q.Workflows) > 0 && !slices.ContainsFunc(q.Workflows, func(p string) bool { return !plain(p) }):
		keys = keysOf("wf:", q.Workflows)
	}
	tags := b.tags
	if q.InstanceID != "" {
		tags = []string{b.partition(q.InstanceID)}
	}
	for _, tag := range tags {
		for _, key := range keys {
			w.lists = append(w.lists, &pages{tag: tag, key: key})
		}
	}
	return w
}

func keysOf[T ~string](prefix string, names []T) []string {
	var keys []string
	for _, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
		keys = append(keys, prefix+string(n))
	}
	return keys
}

// next returns the next execution, or nil at the end.
func (w *walk) next(ctx context.Context) (*listed, error) {
	if err := w.fill(ctx); err != nil {
		return nil, err
	}
	var best *pages
	for _, l := range w.lists {
		if len(l.rows) > 0 && (best == nil || w.before(l.rows[0], best.rows[0])) {
			best = l
		}
	}
	if best == nil {
		return nil, nil
	}
	r := best.rows[0]
	best.rows = best.rows[1:]
	return r, nil
}

func (w *walk) before(x, y *listed) bool {
	c := cmp.Or(cmp.Compare(x.created, y.created), strings.Compare(x.place, y.place))
	return c < 0 != w.reverse && c != 0
}

// fill reads a page of each list that has run out, all in one go.
func (w *walk) fill(ctx context.Context) error {
	for {
		var empty []*pages
		var jobs []job
		for _, l := range w.lists {
			if len(l.rows) == 0 && !l.done {
				empty = append(empty, l)
				jobs = append(jobs, job{script: listScript, tag: l.tag, args: [][]byte{w.ask(l)}})
			}
		}
		if len(empty) == 0 {
			return nil
		}
		for i, r := range w.b.run(ctx, jobs) {
			if r.err != nil {
				return r.err
			}
			w.now = later(w.now, r.answer.time(0))
			if err := empty[i].take(r.answer); err != nil {
				return err
			}
		}
		w.size = min(2*w.size, 500)
	}
}

func (w *walk) ask(l *pages) []byte {
	p := &packer{}
	m := p.begin()
	p.setText("p", l.tag)
	p.setText("key", l.key)
	p.setInt("limit", int64(w.size))
	p.setText("from", w.from)
	if w.to != "" {
		p.setText("to", "("+w.to)
	}
	p.setTrue("reverse", w.reverse)
	p.setTrue("work", w.work)
	switch {
	case l.last != nil:
		p.setText("at", fmt.Sprint(l.last.created))
		p.setText("after", l.last.place)
	case w.after != nil:
		p.setText("at", fmt.Sprint(w.after.Created))
		p.setBytes("after", w.after.Place)
	}
	p.end(m)
	return p.b
}

// take reads a page. One whose rows were all removed meanwhile is empty and has more
// behind it, so the place where it ended is unknown: the walk ends there.
func (l *pages) take(a answer) error {
	l.done = a.int(1) == 0
	for _, row := range listOf(a.list(2)) {
		f, err := unpackMap(row.text(2))
		if err != nil {
			return err
		}
		r := &listed{created: row.int(0), place: row.text(1), leaseUntil: timeOf(f.int("lease")), readyAt: row.time(3)}
		if r.sum, err = summaryFrom(f); err != nil {
			return err
		}
		for n := range row.list(4) {
			act, err := pendingActivity(row.list(4).text(n))
			if err != nil {
				return err
			}
			r.activities = append(r.activities, act)
		}
		l.rows = append(l.rows, r)
	}
	if len(l.rows) == 0 {
		l.done = true
		return nil
	}
	l.last = l.rows[len(l.rows)-1]
	return nil
}
