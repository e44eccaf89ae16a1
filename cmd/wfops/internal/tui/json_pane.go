package tui

import (
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// jsonPane shows a document as a tree.
type jsonPane struct {
	tree   *view.JSON
	table  table
	left   int
	wanted string
}

// do walks, folds and searches, and reports whether the move was one of these.
func (p *jsonPane) do(name string) bool {
	if p.tree == nil {
		return false
	}
	p.table.resize(p.tree.Len())
	if p.table.move(name) {
		return true
	}
	switch name {
	case "left":
		p.left = max(0, p.left-step)
	case "right":
		p.left += step
	case "fold", "enter":
		at := p.tree.Toggle(p.table.cursor)
		p.table.resize(p.tree.Len())
		p.table.to(at)
	case "fold-all":
		p.tree.ToggleAll()
		p.table.resize(p.tree.Len())
	default:
		return false
	}
	return true
}

// find goes to what is searched for, and reports whether there is any.
func (p *jsonPane) find(back bool) bool {
	if p.tree == nil {
		return false
	}
	row, ok := p.tree.Find(p.table.cursor, back, p.wanted)
	p.table.resize(p.tree.Len())
	p.table.to(row)
	return ok
}

func (p *jsonPane) draw(at grid.Area, o view.Options, cursor bool) {
	if p.tree.Note != "" {
		var note grid.Area
		note, at = at.Top(1)
		note.Line(0, 0, view.Cell{Text: p.tree.Note, Style: view.Waiting})
	}
	p.table.at, p.table.page = at, max(1, at.H)
	p.table.resize(p.tree.Len())
	p.table.scroll()
	for y := range at.H {
		row := p.table.top + y
		if row >= p.tree.Len() {
			break
		}
		line := at.Sub(0, y, at.W, 1)
		look := grid.Look(0)
		if p.tree.Wants(row, p.wanted) {
			look = grid.Found
		}
		line.Line(0, look, p.tree.Row(row, p.left, o)...)
		if cursor && row == p.table.cursor {
			line.Look(grid.Selected)
		}
	}
}

func (p *jsonPane) click(x, y int) {
	if _, row, ok := p.table.at.Holds(x, y); ok && p.table.top+row < p.table.count {
		p.table.to(p.table.top + row)
	}
}
