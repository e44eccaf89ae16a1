// Package grid is what a screen is drawn on: cells with a character, a meaning and a
// look. A terminal, a golden file and a picture are all made from it, so that what is
// tested is what is seen.
//
// It is also where strangers' texts are made harmless, for the screens: whatever is
// put on a grid goes through view.Escape, and is cut where its room ends.
package grid

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// Look is how a cell stands out, whatever it means.
type Look uint8

// The looks, which combine.
const (
	Selected Look = 1 << iota // under the cursor
	Marked                    // chosen for an action
	Dim                       // of a store that does not answer
	Strong                    // a title
	Found                     // matches a search
)

// Cell is one character on the screen.
type Cell struct {
	// Text is one grapheme cluster, or "" behind a wide one and where nothing was put.
	Text  string
	Style view.Style
	Look  Look
}

// Grid is a screen full of cells.
type Grid struct {
	w, h  int
	cells []Cell
	// Cursor is where the terminal shows its own, if Typing.
	CursorX, CursorY int
	Typing           bool
	// ASCII puts view.ASCII of texts.
	ASCII bool
}

// New returns an empty grid.
func New(w, h int) *Grid {
	w, h = max(0, w), max(0, h)
	return &Grid{w: w, h: h, cells: make([]Cell, w*h)}
}

// Size returns width and height.
func (g *Grid) Size() (w, h int) { return g.w, g.h }

// Wide reports whether the cell takes the one behind it, too.
func (c Cell) Wide() bool { return len(c.Text) > 1 && uniseg.StringWidth(c.Text) > 1 }

// At returns a cell; outside of the grid there are empty ones.
func (g *Grid) At(x, y int) Cell {
	if x < 0 || y < 0 || x >= g.w || y >= g.h {
		return Cell{}
	}
	return g.cells[y*g.w+x]
}

// All returns the whole grid as an area.
func (g *Grid) All() Area { return Area{g: g, W: g.w, H: g.h} }

// Area is a rectangle of a grid. Nothing that is put on it goes beyond.
type Area struct {
	g    *Grid
	x, y int
	// W and H are its size, never negative.
	W, H int
}

// Sub returns a part of an area, no larger than what there is.
func (a Area) Sub(x, y, w, h int) Area {
	x, y = min(max(0, x), a.W), min(max(0, y), a.H)
	return Area{g: a.g, x: a.x + x, y: a.y + y, W: max(0, min(w, a.W-x)), H: max(0, min(h, a.H-y))}
}

// Top divides an area below its first h lines.
func (a Area) Top(h int) (top, rest Area) {
	return a.Sub(0, 0, a.W, h), a.Sub(0, h, a.W, a.H-min(h, a.H))
}

// Bottom divides an area above its last h lines.
func (a Area) Bottom(h int) (rest, bottom Area) {
	h = min(h, a.H)
	return a.Sub(0, 0, a.W, a.H-h), a.Sub(0, a.H-h, a.W, h)
}

// Left divides an area behind its first w columns.
func (a Area) Left(w int) (left, rest Area) {
	return a.Sub(0, 0, w, a.H), a.Sub(w, 0, a.W-min(w, a.W), a.H)
}

// Holds reports whether a cell of the whole grid is in the area, and where in it.
func (a Area) Holds(gridX, gridY int) (x, y int, ok bool) {
	x, y = gridX-a.x, gridY-a.y
	return x, y, x >= 0 && y >= 0 && x < a.W && y < a.H
}

// Line puts cells one behind the other from the beginning of line y, with their texts
// escaped and cut at the end of the area. It returns the column behind.
func (a Area) Line(y int, look Look, cells ...view.Cell) int {
	x := 0
	for _, c := range cells {
		x = a.Put(x, y, look, c)
	}
	return x
}

// Put puts a cell's text at a place, escaped and cut at the end of the area, and
// returns the column behind it.
func (a Area) Put(x, y int, look Look, c view.Cell) int {
	if y < 0 || y >= a.H || x < 0 || x >= a.W {
		return x
	}
	text, state := view.Clip(c.Text, a.W-x), -1
	if a.g.ASCII {
		text = view.ASCII(text)
	}
	for text != "" {
		var cluster string
		var wide int
		cluster, text, wide, state = uniseg.FirstGraphemeClusterInString(text, state)
		if wide == 0 { // joins what stands before
			continue
		}
		a.set(x, y, Cell{cluster, c.Style, look})
		for i := 1; i < wide; i++ {
			a.set(x+i, y, Cell{"", c.Style, look})
		}
		x += wide
	}
	return x
}

// Right puts cells so that they end with the line, and returns the column that they
// begin at.
func (a Area) Right(y int, look Look, cells ...view.Cell) int {
	width := 0
	for i := range cells {
		cells[i].Text = view.Escape(cells[i].Text)
		width += view.Width(cells[i].Text)
	}
	x := max(0, a.W-width)
	a.Sub(x, y, a.W-x, 1).Line(0, look, cells...)
	return x
}

// Fill fills the area with a character of width 1.
func (a Area) Fill(text string, style view.Style, look Look) {
	for y := range a.H {
		for x := range a.W {
			a.set(x, y, Cell{text, style, look})
		}
	}
}

// Rule draws a line across, with a title in it.
func (a Area) Rule(y int, title string, ascii bool) {
	bar := "─"
	if ascii {
		bar = "-"
	}
	a.Sub(0, y, a.W, 1).Fill(bar, view.Muted, 0)
	if title != "" {
		a.Put(1, y, Strong, view.Cell{Text: " " + title + " ", Style: view.Header})
	}
}

// Look gives what is in the area a look beside those that it has.
func (a Area) Look(look Look) {
	for y := range a.H {
		for x := range a.W {
			a.g.cells[(a.y+y)*a.g.w+a.x+x].Look |= look
		}
	}
}

// Cursor shows the terminal's cursor in the area.
func (a Area) Cursor(x, y int) {
	if x >= 0 && y >= 0 && x < a.W && y < a.H {
		a.g.CursorX, a.g.CursorY, a.g.Typing = a.x+x, a.y+y, true
	}
}

// set puts one cell. A wide character that loses one of its halves loses both: half of
// one would push the rest of the line.
func (a Area) set(x, y int, c Cell) {
	if x < 0 || y < 0 || x >= a.W || y >= a.H {
		return
	}
	at := (a.y+y)*a.g.w + a.x + x
	if a.g.cells[at].Text == "" && c.Text != "" && a.x+x > 0 {
		if before := &a.g.cells[at-1]; uniseg.StringWidth(before.Text) > 1 {
			before.Text = " "
		}
	}
	a.g.cells[at] = c
}

// Text returns the characters of the grid, a line for each row, without spaces at the
// ends.
func (g *Grid) Text() string {
	return g.plane(func(c Cell) string { return c.Text })
}

// Roles returns a letter for the meaning of each cell that shows something: that of
// the style, a capital under the cursor.
func (g *Grid) Roles() string {
	return g.plane(func(c Cell) string {
		letter := " "
		if c.Text != " " || c.Look != 0 {
			letter = string(roles[c.Style])
		}
		if c.Look&Selected != 0 {
			letter = strings.ToUpper(letter)
		}
		return letter
	})
}

func (g *Grid) plane(show func(Cell) string) string {
	var b strings.Builder
	for y := range g.h {
		var line strings.Builder
		for x := 0; x < g.w; {
			c := g.At(x, y)
			wide := max(1, uniseg.StringWidth(c.Text))
			if c.Text == "" {
				c.Text = " "
			}
			line.WriteString(show(c))
			x += wide
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

var roles = [...]byte{
	view.Plain: 'p', view.Header: 'h', view.Muted: 'm', view.Running: 'r', view.Waiting: 'w', view.Good: 'g', view.Bad: 'b',
	view.Stopped: 's', view.Attention: 'a', view.OnlyA: 'x', view.OnlyB: 'y', view.Changed: 'c',
}
