package tui

import (
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// pager shows lines that are more than there is room for.
type pager struct {
	lines view.Lines
	top   int
	left  int
	page  int
	// wanted is what is searched for.
	wanted string
}

func (p *pager) set(lines view.Lines) {
	p.lines = lines
	p.to(p.top)
}

func (p *pager) to(top int) { p.top = max(0, min(top, len(p.lines)-p.page)) }

// step is how far one key moves to the side.
const step = 8

// move walks, and reports whether the move was one.
func (p *pager) move(name string) bool {
	switch name {
	case "up":
		p.to(p.top - 1)
	case "down":
		p.to(p.top + 1)
	case "page-up":
		p.to(p.top - p.page)
	case "page-down":
		p.to(p.top + p.page)
	case "half-up":
		p.to(p.top - p.page/2)
	case "half-down":
		p.to(p.top + p.page/2)
	case "first":
		p.to(0)
	case "last":
		p.to(len(p.lines))
	case "left":
		p.left = max(0, p.left-step)
	case "right":
		p.left += step
	default:
		return false
	}
	return true
}

func (p *pager) draw(at grid.Area) {
	p.page = max(1, at.H)
	p.to(p.top)
	for y := range at.H {
		if p.top+y >= len(p.lines) {
			return
		}
		line, look := p.lines[p.top+y], grid.Look(0)
		if p.wanted != "" && strings.Contains(strings.ToLower(text(line)), strings.ToLower(p.wanted)) {
			look = grid.Found
		}
		at.Line(y, look, shifted(line, p.left)...)
	}
}

// text returns the characters of a line.
func text(line []view.Cell) string {
	var b strings.Builder
	for i, c := range line {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Text)
	}
	return b.String()
}

// shifted returns a line without its first columns, its cells a space apart.
func shifted(line []view.Cell, left int) []view.Cell {
	var cells []view.Cell
	for i, c := range line {
		if i > 0 {
			c.Text = " " + c.Text
		}
		for left > 0 && c.Text != "" {
			cluster := clusters(c.Text)[0]
			c.Text = c.Text[len(cluster):]
			left -= view.Width(cluster)
		}
		cells = append(cells, c)
	}
	return cells
}
