package tui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// list is the list of instances.
type list struct {
	a      *app
	filter filter.Filter
	// text is the filter as it was typed, and problem what is wrong with it.
	text    string
	problem error
	sort    ops.Sort
	up      bool

	window
	table table
	// selected is the instance under the cursor, wherever it moves.
	selected engine.Instance
	marks    map[engine.Instance]backend.Summary
	wide     bool
	preview  bool
	page     ops.ListPage // the last one that was read

	counts    ops.Counts
	countNext time.Time
	detail    ops.Detail
}

// Sizes of a list.
const (
	listPage = 200
	// mostRows are kept: who looks for something among more filters.
	mostRows = 50_000
	// previewFrom is how high a screen has to be for a preview.
	previewFrom, previewHeight = 18, 6
)

func newList(a *app) *list {
	return &list{a: a, sort: ops.SortAttention, marks: map[engine.Instance]backend.Summary{}, preview: true}
}

func (*list) scopes() []command.Scope { return []command.Scope{command.ScopeList} }

func (l *list) title() string {
	if l.text == "" {
		return "workflows"
	}
	return "workflows /" + l.text
}

func (l *list) facts() []view.Cell {
	order := string(l.sort)
	if l.up {
		order += " ascending"
	}
	cells := []view.Cell{}
	if len(l.marks) > 0 {
		cells = append(cells, view.Cell{Text: fmt.Sprintf("%d marked (%d not shown)  ", len(l.marks), l.hidden())})
	}
	cells = append(cells, view.Cell{Text: "sort " + order + "  ", Style: view.Muted})
	if l.page.Scan {
		cells = append(cells, view.Cell{Text: "scan ", Style: view.Waiting})
	}
	row := 0
	if l.count() > 0 {
		row = l.table.cursor + 1
	}
	return append(cells, view.Cell{Text: fmt.Sprintf("%s of %s", view.Count(int64(row)), l.total())})
}

// total is how many there are, as far as is known.
func (l *list) total() string {
	loaded := view.Count(int64(l.count()))
	switch {
	case l.next == "":
		return loaded
	case l.counts.Total > int64(l.count()) && !l.counts.Capped:
		return view.Count(l.counts.Total)
	}
	return loaded + "+"
}

func (l *list) count() int { return len(l.items) }

func (l *list) request() ops.ListRequest {
	return ops.ListRequest{Filter: l.filter, Sort: l.sort, Ascending: l.up, Limit: listPage}
}

// fresh is what a refresh has read.
type fresh struct {
	page ops.ListPage
	rows map[engine.Instance]*backend.Summary
}

// refresh reads the first page again, and what is on the screen beyond it.
func (l *list) refresh() {
	if l.a.underWay(l, "page") {
		return
	}
	store, request, seen := l.a.conn.Store, l.request(), l.visible()
	ask(l.a, l, "page", func(ctx context.Context) (fresh, error) {
		page, err := store.List(ctx, request)
		f := fresh{page, map[engine.Instance]*backend.Summary{}}
		for _, i := range seen {
			if err != nil {
				break
			}
			var s backend.Summary
			s, err = store.Get(ctx, i)
			switch {
			case errors.Is(err, engine.ErrInstanceNotFound), err == nil && !request.Filter.Match(&s, page.Now):
				f.rows[i], err = nil, nil
			case err == nil:
				f.rows[i] = &s
			}
		}
		return f, err
	}, func(f fresh, err error) {
		if l.a.heardOf(err) {
			l.begin(f.page.Items, f.page.Next)
			l.renew(f.rows)
			l.page = f.page
			l.settle()
		}
	})
	l.recount()
}

// visible are the instances on the screen that are not of the first page.
func (l *list) visible() (all []engine.Instance) {
	for i := max(l.head, l.table.top); i < min(l.count(), l.table.top+l.table.page); i++ {
		all = append(all, l.items[i].Instance)
	}
	return all
}

// settle puts the cursor back on the instance that it was on, and reads what is needed
// beside that.
func (l *list) settle() {
	l.table.resize(l.count())
	if at := l.find(l.selected); at >= 0 {
		l.table.to(at)
	}
	l.select1()
	l.extend()
}

// select1 remembers the instance under the cursor.
func (l *list) select1() {
	s := l.current()
	if s == nil || l.selected == s.Instance {
		return
	}
	l.selected = s.Instance
	l.look()
}

func (l *list) current() *backend.Summary {
	if l.table.cursor >= l.count() {
		return nil
	}
	return &l.items[l.table.cursor]
}

// extend loads more when the cursor comes near the end.
func (l *list) extend() {
	if l.next == "" || l.count() >= mostRows || l.table.cursor+2*l.table.page < l.count() || l.a.underWay(l, "more") {
		return
	}
	store, request := l.a.conn.Store, l.request()
	request.Cursor = l.next
	ask(l.a, l, "more", func(ctx context.Context) (ops.ListPage, error) { return store.List(ctx, request) }, func(p ops.ListPage, err error) {
		if !l.a.heardOf(err) {
			return
		}
		l.more(p.Items, p.Next)
		l.page = p
		l.table.resize(l.count())
		if !p.Capped { // else it is for the user to ask for more
			l.extend()
		}
	})
}

// countShare is the part of the time that counting may take of a store: on large ones
// it is slow.
const countShare = 50

// recount counts what matches, every now and then.
func (l *list) recount() {
	if l.a.o.Clock().Before(l.countNext) || l.a.underWay(l, "count") {
		return
	}
	store, f, began := l.a.conn.Store, l.filter, l.a.o.Clock()
	ask(l.a, l, "count", func(ctx context.Context) (ops.Counts, error) { return store.Count(ctx, f, 0) }, func(c ops.Counts, err error) {
		now := l.a.o.Clock()
		l.countNext = now.Add(countShare * now.Sub(began))
		if err == nil { // the list tells of a store that is lost
			l.counts = c
		}
	})
}

// previewDelay keeps a cursor that runs from asking about all that it passes.
const previewDelay = 60 * time.Millisecond

// look reads what the preview shows.
func (l *list) look() {
	if !l.preview {
		return
	}
	store, i := l.a.conn.Store, l.selected
	ask(l.a, l, "preview", func(ctx context.Context) (ops.Detail, error) {
		timer := time.NewTimer(previewDelay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ops.Detail{}, ctx.Err()
		}
		return store.Detail(ctx, i)
	}, func(d ops.Detail, err error) {
		if err == nil { // one that is gone vanishes from the list as well
			l.detail = d
		}
	})
}

func (l *list) chosen() []backend.Summary {
	if len(l.marks) > 0 {
		return slices.SortedFunc(maps.Values(l.marks), func(a, b backend.Summary) int { return a.Created.Compare(b.Created) })
	}
	if s := l.current(); s != nil {
		return []backend.Summary{*s}
	}
	return nil
}

func (l *list) draw(at grid.Area, o view.Options) {
	var below grid.Area
	if l.preview && at.H >= previewFrom {
		at, below = at.Bottom(previewHeight)
	}
	rows := func(from, to int, o view.Options) view.Table {
		t := view.Instances(l.items[from:to], o)
		if !l.wide {
			t = t.Narrow()
		}
		return t
	}
	l.table.draw(at, o, rows, func(row int) bool {
		_, ok := l.marks[l.items[row].Instance]
		return ok
	})
	if l.count() == 0 {
		at.Line(1, 0, view.Cell{Text: "  " + l.nothing(), Style: view.Muted})
	}
	if below.H > 0 {
		l.drawPreview(below, o)
	}
}

// nothing says why the list is empty.
func (l *list) nothing() string {
	switch {
	case l.a.underWay(l, "page"):
		return "reading…"
	case l.text != "":
		return "no instance matches the filter"
	}
	return "there are no instances in this store"
}

func (l *list) drawPreview(at grid.Area, o view.Options) {
	s := l.current()
	if s == nil {
		return
	}
	at.Rule(0, s.Instance.InstanceID, o.ASCII)
	if l.detail.Instance != s.Instance {
		return
	}
	for y, cells := range view.Preview(l.detail, o) {
		at.Line(y+1, 0, cells...)
	}
}

func (l *list) click(x, y int) {
	if _, row, ok := l.table.at.Holds(x, y); ok && row > 0 {
		l.table.to(l.table.top + row - 1)
		l.select1()
	}
}

// hidden counts the marked instances that are not in the list.
func (l *list) hidden() int {
	hidden := len(l.marks)
	for i := range l.items {
		if _, ok := l.marks[l.items[i].Instance]; ok {
			hidden--
		}
	}
	return hidden
}
