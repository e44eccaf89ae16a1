package tui

import (
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// table shows some rows of many: it asks for those that are seen only.
type table struct {
	// cursor is the row under the cursor, top the first that is seen.
	cursor, top int
	count       int
	// page is how many rows there was room for.
	page int
	// least is how wide each column has been, by key: columns must not jump while rows
	// pass by.
	least map[string]int
	room  int // that least was measured for
	// unfocused tables show no cursor: keys go elsewhere.
	unfocused bool
	at        grid.Area
	// columns are where the columns begin.
	columns []placed
}

// placed is the key of a column, and where it begins.
type placed struct {
	x   int
	key string
}

// columnAt returns the key of the column that is at x.
func (t *table) columnAt(x int) (key string) {
	for _, p := range t.columns {
		if p.x <= x {
			key = p.key
		}
	}
	return key
}

// rows returns rows of a table as view makes them.
type rows func(from, to int, o view.Options) view.Table

// move walks, and reports whether the move was one.
func (t *table) move(name string) bool {
	to := t.cursor
	switch name {
	case "up":
		to--
	case "down":
		to++
	case "page-up":
		to -= t.page
	case "page-down":
		to += t.page
	case "half-up":
		to -= t.page / 2
	case "half-down":
		to += t.page / 2
	case "first":
		to = 0
	case "last":
		to = t.count - 1
	default:
		return false
	}
	t.to(to)
	return true
}

// to puts the cursor on a row.
func (t *table) to(row int) { t.cursor = max(0, min(row, t.count-1)) }

// resize tells how many rows there are.
func (t *table) resize(count int) {
	t.count = count
	t.to(t.cursor)
}

// gutter is the room for the cursor and the mark of a row.
const gutter = 2

// draw draws a heading and the rows around the cursor.
func (t *table) draw(at grid.Area, o view.Options, load rows, marked func(int) bool) {
	t.at, t.page = at, max(1, at.H-1)
	t.scroll()
	window := t.steady(load(t.top, min(t.count, t.top+t.page), o), at.W-gutter)
	for y, cells := range view.Layout(window, at.W-gutter) {
		row, line := t.top+y-1, at.Sub(gutter, y, at.W-gutter, 1)
		x := 0
		if y == 0 {
			t.columns = t.columns[:0]
		}
		for _, c := range cells {
			if y == 0 {
				t.columns = append(t.columns, placed{gutter + x, keyOf(window, strings.TrimSpace(c.Text))})
			}
			x = line.Put(x, 0, 0, c) + 1
		}
		if y == 0 {
			continue
		}
		if marked != nil && marked(row) {
			at.Put(1, y, grid.Marked, view.Cell{Text: "*", Style: view.Header})
		}
		if row == t.cursor && !t.unfocused {
			at.Put(0, y, 0, view.Cell{Text: ">"})
			at.Sub(0, y, at.W, 1).Look(grid.Selected)
		}
	}
}

// keyOf returns the key of the column of a title.
func keyOf(t view.Table, title string) string {
	for _, c := range t.Columns {
		if c.Title == title {
			return c.Key
		}
	}
	return ""
}

// scroll brings the cursor into sight.
func (t *table) scroll() {
	t.top = min(t.top, t.cursor)
	t.top = max(t.top, t.cursor-t.page+1, 0)
	t.top = max(0, min(t.top, t.count-t.page))
}

// steady makes columns at least as wide as they have been.
func (t *table) steady(window view.Table, room int) view.Table {
	if t.least == nil || t.room != room {
		t.least, t.room = map[string]int{}, room
	}
	for i := range window.Columns {
		c := &window.Columns[i]
		for _, row := range window.Rows {
			t.least[c.Key] = max(t.least[c.Key], view.Width(view.Clip(row[i].Text, steadyUpTo)))
		}
		c.Least = max(c.Least, t.least[c.Key])
	}
	return window
}

// steadyUpTo is how wide a text may be to widen its column for good.
const steadyUpTo = 24
