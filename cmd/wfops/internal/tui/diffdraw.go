package tui

import (
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// area is where something was drawn.
type area struct{ at grid.Area }

// stripCache are strips that were drawn for a width.
type stripCache struct {
	width  int
	ascii  bool
	strips *view.Strips
}

// Sizes of a comparison.
const (
	diffTall   = 30 // from where on there is room for timelines and the row in detail
	diffRules1 = 14 // from where on there are lines between the parts
	stripRows  = 5
	paneRows   = 8
	// middle is the room between two sides.
	middle = 5
)

func (d *diff) draw(at grid.Area, o view.Options) {
	if d.got == nil {
		d.drawNothing(at)
		return
	}
	head, rest := at.Top(2)
	d.drawHead(head, o)
	if at.H >= diffRules1 {
		var rule grid.Area
		rule, rest = rest.Top(1)
		rule.Rule(0, "", o.ASCII)
	}
	foot := 2
	if at.H >= diffRules1 {
		foot = 4
	}
	rest, below := rest.Bottom(foot)
	d.drawFoot(below, o)
	if at.H >= diffTall {
		rest = d.drawBelow(rest, o)
	}
	d.drawRows(rest, o)
}

func (d *diff) drawNothing(at grid.Area) {
	switch {
	case d.err != nil:
		at.Line(0, 0, view.Cell{Text: d.err.Error(), Style: view.Bad})
	default:
		at.Line(0, 0, view.Cell{Text: fmt.Sprintf("comparing %s with %s...", d.names[0], d.names[1]), Style: view.Muted})
	}
}

func (d *diff) drawHead(at grid.Area, o view.Options) {
	half := at.W / 2
	for i, letter := range []string{"A", "B"} {
		side := at.Sub(i*half, 0, half-1, 1)
		side.Line(0, 0, d.got.sides[i].Cells(letter, o, side.W)...)
	}
	left := at.Line(1, 0, view.DiffCounts(d.got.result.Counts, o)...)
	all, which := d.page.Differences(d.row())
	place := fmt.Sprintf("n/N diff %s of %s", view.Count(int64(which)), view.Count(int64(all)))
	right := at.Sub(left, 1, at.W-left, 1)
	if at.W < view.SideBySide {
		right.Right(0, 0, view.Cell{Text: place})
		return
	}
	room := right.W - view.Width(place) - 8
	cells, mark := d.page.Minimap(min(60, room), d.row(), o)
	line := append([]view.Cell{{Text: place + "   "}, bracket(o, true)}, cells...)
	x := right.Right(0, 0, append(line, bracket(o, false))...)
	right.Sub(x+view.Width(place)+4+mark, 0, 1, 1).Look(grid.Selected)
}

func bracket(o view.Options, left bool) view.Cell {
	text := map[bool]string{true: "▏", false: "▕"}[left]
	if o.ASCII {
		text = map[bool]string{true: "[", false: "]"}[left]
	}
	return view.Cell{Text: text, Style: view.Muted}
}

// beside reports whether the two sides are beside each other.
func (d *diff) beside(width int) bool { return width >= view.SideBySide != d.other }

func (d *diff) drawRows(at grid.Area, o view.Options) {
	beside := d.beside(at.W)
	if !beside {
		var heading grid.Area
		heading, at = at.Top(1)
		heading.Sub(gutter, 0, at.W-gutter, 1).Line(0, 0, d.page.Heading(at.W-gutter)...)
	}
	d.body.at, d.seen = at, max(1, at.H)
	d.scroll()
	for y := range at.H {
		line := d.top + y
		if line >= d.page.Len() {
			break
		}
		row := at.Sub(gutter, y, at.W-gutter, 1)
		if beside {
			d.drawHalves(row, line, o)
		} else {
			row.Line(0, 0, d.page.Unified(line, o, row.W)...)
		}
		if line == d.cursor {
			at.Put(0, y, 0, view.Cell{Text: ">"})
			at.Sub(0, y, at.W, 1).Look(grid.Selected)
		}
	}
	if d.page.Len() == 0 {
		at.Line(0, 0, view.Cell{Text: "  " + d.nothing(), Style: view.Muted})
	}
}

func (d *diff) nothing() string {
	if same, leftOut := d.page.Same(); same > 0 && leftOut {
		return fmt.Sprintf("nothing differs; %d %ss that are the same are left out (= shows them)", same, d.page.Level.Unit())
	}
	return "neither has done anything"
}

func (d *diff) drawHalves(at grid.Area, line int, o view.Options) {
	width := (at.W - middle) / 2
	a, sign, b := d.page.Halves(line, o, width)
	at.Sub(0, 0, width, 1).Line(0, 0, a...)
	at.Put(width+middle/2, 0, 0, sign)
	at.Sub(width+middle, 0, width, 1).Line(0, 0, b...)
}

// scroll brings the cursor into sight.
func (d *diff) scroll() {
	t := table{cursor: d.cursor, top: d.top, count: d.page.Len(), page: d.seen}
	t.scroll()
	d.top = t.top
}

// drawBelow draws what there is room for on tall screens, and returns what is left.
func (d *diff) drawBelow(at grid.Area, o view.Options) (rest grid.Area) {
	rest, pane := at.Bottom(paneRows + 1)
	pane.Rule(0, d.fieldsTitle(), o.ASCII)
	for y, line := range view.Fields(d.fields.all, o, pane.W) {
		pane.Line(y+1, 0, line...)
	}
	if at.W < view.SideBySide || d.got.code {
		return rest
	}
	rest, strip := rest.Bottom(stripRows + 1)
	strip.Rule(0, "timeline, both from their beginning", o.ASCII)
	if c := &d.strips; c.strips == nil || c.width != at.W || c.ascii != o.ASCII {
		*c = stripCache{at.W, o.ASCII, view.NewStrips(d.got.sides[0].strip, d.got.sides[1].strip, o, at.W)}
	}
	for y, line := range d.strips.strips.Lines(d.current()) {
		strip.Line(y+1, 0, line...)
	}
	return rest
}

func (d *diff) drawFoot(at grid.Area, o view.Options) {
	c, y := d.got, 0
	if at.H > 2 {
		at.Rule(0, "", o.ASCII)
		at.Line(1, 0, d.totals()...)
		y = 2
	}
	text := c.result.Summary
	if same, leftOut := d.page.Same(); leftOut {
		text = fmt.Sprintf("%d %ss that are the same are left out; ", same, d.page.Level.Unit()) + text
	}
	at.Line(y, grid.Strong, view.Cell{Text: text})
	right := at.Right(y+1, 0, view.Cell{Text: d.twin(d.rules), Style: view.Muted})
	ignored := view.DiffIgnored(c.rules, c.result.Ignored)
	if c.code {
		ignored = "commands only: no values, no outcomes"
	}
	at.Sub(0, y+1, right-1, 1).Line(0, 0, view.Cell{Text: ignored, Style: view.Muted})
}

// totals is how long both took or, where one is code, what there is to know about it.
func (d *diff) totals() []view.Cell {
	if d.got.code {
		return []view.Cell{{Text: d.got.note, Style: view.Muted}}
	}
	if sealed, some := d.got.sealed(); some {
		return []view.Cell{sealed}
	}
	return view.DiffTotals(d.got.sides[0].DiffSide, d.got.sides[1].DiffSide, d.got.slowest)
}
