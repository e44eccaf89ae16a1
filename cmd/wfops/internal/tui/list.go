package tui

import (
	"cmp"
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
	typing  bool // a filter, of which more may come
	sort    ops.Sort
	up      bool

	window
	table table
	// steered tells that somebody has moved the cursor, or done something with what was
	// under it.
	steered bool
	// selected is the instance under the cursor, wherever it moves.
	selected engine.Instance
	marks    map[engine.Instance]backend.Summary
	// anchor is where a range of marks begins, and before what was marked then.
	anchor  engine.Instance
	before  map[engine.Instance]backend.Summary
	clicked time.Time
	wide    bool
	preview bool
	page    ops.ListPage // the last one that was read
	scanned int          // executions that were looked at
	maxScan int          // of a page; 0 means the default

	counts    ops.Counts
	countNext time.Time
	seen      preview
	// looking is the instance that the preview reads, or has read.
	looking engine.Instance
	// spacious lists show more of the instance under the cursor.
	spacious bool
}

// Sizes of a list.
const (
	listPage = 200
	// mostRows are kept: who looks for something among more filters.
	mostRows = 50_000
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
		cells = append(cells, view.Cell{Text: fmt.Sprintf("%d marked%s  ", len(l.marks), l.hiddenNote()), Style: view.Header})
	}
	if l.anchor != (engine.Instance{}) {
		cells = append(cells, view.Cell{Text: "range, v ends  ", Style: view.Waiting})
	}
	switch {
	case l.page.Capped && l.next != "":
		cells = append(cells, view.Cell{Text: "scanned " + view.Count(int64(l.scanned)) + ", more: G  ", Style: view.Waiting})
	case l.page.Scan:
		cells = append(cells, view.Cell{Text: "scan  ", Style: view.Waiting})
	}
	cells = append(cells, view.Cell{Text: "sort " + order + "  ", Style: view.Muted})
	row := 0
	if l.count() > 0 {
		row = l.table.cursor + 1
	}
	return append(cells, view.Cell{Text: fmt.Sprintf("%s of %s", view.Count(int64(row)), l.total())})
}

// total is how many there are, as far as is known.
func (l *list) total() string {
	loaded := view.Count(int64(l.count()))
	matching, capped := l.counts.Total, l.counts.Capped
	if l.text == "" {
		matching, capped = l.a.counted.census.Total, false
	}
	switch {
	case l.next == "":
		return loaded
	case matching > int64(l.count()) && !capped:
		return view.Count(matching)
	}
	return loaded + "+"
}

func (l *list) count() int { return len(l.items) }

func (l *list) request() ops.ListRequest {
	return ops.ListRequest{Filter: l.filter, Sort: l.sort, Ascending: l.up, Limit: listPage, MaxScan: l.maxScan}
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
	store, request, seen, typing := l.a.conn.Store, l.request(), l.visible(), l.typing
	ask(l.a, l, "page", func(ctx context.Context) (fresh, error) {
		if typing {
			if err := l.a.rested(ctx); err != nil {
				return fresh{}, err
			}
		}
		page, err := store.List(ctx, request)
		f := fresh{page, map[engine.Instance]*backend.Summary{}}
		for i := range page.Items {
			delete(seen, page.Items[i].Instance)
		}
		for i := range seen {
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
			if len(l.items) == l.head {
				l.page, l.scanned = f.page, f.page.Scanned
			}
			l.begin(f.page.Items, f.page.Next, f.rows)
			l.remark()
			l.settle()
			l.look() // what it waits for may have changed, though it has not
		}
	})
	l.recount()
}

// visible are the instances on the screen, and the one under the cursor. They are read
// again unless they are on the first page.
func (l *list) visible() map[engine.Instance]bool {
	all := map[engine.Instance]bool{}
	for i := l.table.top; i < min(l.count(), l.table.top+l.table.page); i++ {
		all[l.items[i].Instance] = true
	}
	if l.find(l.selected) >= 0 {
		all[l.selected] = true
	}
	return all
}

// settle puts the cursor back on the instance that it was on, and reads what is needed
// beside that. As long as nobody has put it there it stays on top, where what needs
// attention comes in: to follow a row that sinks would hide that.
func (l *list) settle() {
	l.table.resize(l.count())
	if at := l.find(l.selected); !l.steered {
		l.table.to(0)
	} else if at >= 0 {
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
	l.stretch()
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
	if l.next != "" && !l.page.Capped && l.table.cursor+2*l.table.page >= l.count() {
		l.load()
	}
}

// load reads the page behind what is loaded.
func (l *list) load() {
	if l.next == "" || l.count() >= mostRows || l.a.underWay(l, "more") {
		return
	}
	store, request := l.a.conn.Store, l.request()
	request.Cursor = l.next
	ask(l.a, l, "more", func(ctx context.Context) (ops.ListPage, error) { return store.List(ctx, request) }, func(p ops.ListPage, err error) {
		if !l.a.heardOf(err) {
			return
		}
		l.more(p.Items, p.Next)
		l.page, l.scanned = p, l.scanned+p.Scanned
		l.table.resize(l.count())
		l.extend()
	})
}

// countShare is the part of the time that counting may take of a store, where it is
// slow if that is large: a console that nobody touches should take less than a hundredth
// of a processor, for the head and for what a list with a filter counts besides.
const countShare = 400

// recount counts what matches the filter, every now and then. Without one it would be
// what the head counts.
func (l *list) recount() {
	if l.text == "" || l.a.o.Clock().Before(l.countNext) || l.a.underWay(l, "count") {
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

func (l *list) chosen() []backend.Summary {
	if len(l.marks) > 0 {
		return slices.SortedFunc(maps.Values(l.marks), func(a, b backend.Summary) int {
			return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Instance.InstanceID, b.Instance.InstanceID))
		})
	}
	if s := l.current(); s != nil {
		return []backend.Summary{*s}
	}
	return nil
}

func (l *list) draw(at grid.Area, o view.Options) {
	var below grid.Area
	l.roomFor(at)
	switch {
	case l.preview && l.spacious:
		at, below = at.Bottom(spaciousHeight)
	case l.preview && at.H >= previewFrom:
		at, below = at.Bottom(previewHeight)
	}
	rows := func(from, to int, o view.Options) view.Table {
		t := l.sorted(view.Instances(l.items[from:to], o), o)
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
		return "reading..."
	case l.text != "":
		return "no instance matches the filter"
	}
	return "there are no instances in this store"
}
