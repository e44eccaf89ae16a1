package tui

import (
	"strings"

	"github.com/gdamore/tcell/v2"
	"github.com/sahilm/fuzzy"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// menu is a list to choose from, which what is typed makes shorter.
type menu struct {
	title   string
	columns []view.Column
	items   []choice
	// whole menus take all the room that there is.
	whole bool

	wanted line
	found  []int // of items, the best first
	cursor int
	top    int
	page   int
	at     grid.Area // where the rows are
}

// choice is one of a menu.
type choice struct {
	cells []view.Cell
	// note says more of it, at the foot of the menu.
	note string
	run  func()
}

func newMenu(title string, columns []view.Column, items []choice) *menu {
	m := &menu{title: title, columns: columns, items: items}
	m.search()
	return m
}

// search finds what has the letters that were typed, in their order.
func (m *menu) search() {
	texts := make([]string, len(m.items))
	for i, c := range m.items {
		texts[i] = text(c.cells)
	}
	m.found, m.cursor, m.top = matching(m.wanted.text(), texts), 0, 0
}

// matching returns which texts have the letters of a pattern, the best first: all if
// there is no pattern.
func matching(pattern string, texts []string) (found []int) {
	pattern = strings.ReplaceAll(pattern, " ", "")
	if pattern == "" {
		for i := range texts {
			found = append(found, i)
		}
		return found
	}
	for _, match := range fuzzy.Find(pattern, texts) {
		found = append(found, match.Index)
	}
	return found
}

func (m *menu) move(by int) { m.cursor = max(0, min(m.cursor+by, len(m.found)-1)) }

func (m *menu) key(ev *tcell.EventKey) (done bool) {
	switch keyName(ev) {
	case "Esc":
		return true
	case "Enter":
		return m.choose()
	case "Up", "Ctrl-P", "Shift-Tab":
		m.move(-1)
	case "Down", "Ctrl-N", "Tab":
		m.move(1)
	case "PgUp":
		m.move(-m.page)
	case "PgDn":
		m.move(m.page)
	default:
		if m.wanted.edit(ev) {
			m.search()
		}
	}
	return false
}

// choose runs what is under the cursor, which may open something in place of the menu.
func (m *menu) choose() (done bool) {
	if m.cursor >= len(m.found) {
		return false
	}
	m.items[m.found[m.cursor]].run()
	return true
}

func (m *menu) paste(text string) {
	m.wanted.insert(text)
	m.search()
}

// Lines of a menu that are no choices.
const (
	menuHead  = 2 // the title, and what was typed
	menuRoom  = 2 // that stay of the screen above
	menuLeast = 3
)

func (m *menu) draw(all, _ grid.Area, o view.Options) {
	height := min(len(m.items)+menuHead, all.H-menuRoom)
	if m.whole {
		height = all.H - menuRoom
	}
	_, at := all.Bottom(max(height, min(all.H, menuLeast)))
	at.Fill(" ", view.Plain, 0)
	at.Rule(0, m.title, o.ASCII)
	at.Sub(1, 0, at.W-2, 1).Right(0, 0, view.Cell{Text: " Enter does it  Esc back ", Style: view.Muted})
	x := at.Put(1, 1, 0, view.Cell{Text: "find ", Style: view.Muted})
	m.wanted.draw(at.Sub(x, 1, at.W-x, 1))
	m.at = at.Sub(0, menuHead, at.W, at.H-menuHead)
	if m.whole {
		m.at, at = m.at.Bottom(1)
		if m.cursor < len(m.found) {
			at.Put(1, 0, 0, view.Cell{Text: m.items[m.found[m.cursor]].note, Style: view.Muted})
		}
	}
	m.drawRows(m.at)
}

func (m *menu) drawRows(at grid.Area) {
	m.page = max(1, at.H)
	m.top = max(0, min(m.top, m.cursor), m.cursor-m.page+1)
	all := view.Table{Columns: m.columns}
	for _, i := range m.found {
		all.Rows = append(all.Rows, m.items[i].cells)
	}
	lines := view.Layout(all, at.W-gutter)[1:]
	if len(lines) == 0 {
		at.Put(gutter, 0, 0, view.Cell{Text: "nothing has these letters", Style: view.Muted})
	}
	for y := range min(at.H, len(lines)-m.top) {
		at.Sub(gutter, y, at.W-gutter, 1).Line(0, 0, spaced(lines[m.top+y])...)
		if m.top+y == m.cursor {
			at.Put(0, y, 0, view.Cell{Text: ">"})
			at.Sub(0, y, at.W, 1).Look(grid.Selected)
		}
	}
}

// spaced returns the cells of a line with spaces between them.
func spaced(line []view.Cell) []view.Cell {
	cells := make([]view.Cell, len(line))
	for i, c := range line {
		if cells[i] = c; i > 0 {
			cells[i].Text = " " + c.Text
		}
	}
	return cells
}

// click chooses a row, and does it.
func (m *menu) click(x, y int) (done bool) {
	_, row, ok := m.at.Holds(x, y)
	if !ok || m.top+row >= len(m.found) {
		return false
	}
	m.cursor = m.top + row
	return m.choose()
}
