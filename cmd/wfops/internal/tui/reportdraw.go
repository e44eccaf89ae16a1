package tui

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

func (r *report) click(x, y int) {
	if _, line, ok := r.body.at.Holds(x, y); ok && r.top+line < len(r.pages.lines) {
		r.cursor = r.top + line
	}
}

// airyFrom is how high a screen has to be for empty lines between the parts.
const airyFrom = 26

func (r *report) draw(at grid.Area, o view.Options) {
	body, foot := at.Bottom(2)
	twin := foot.Right(1, 0, view.Cell{Text: r.twin(), Style: view.Muted})
	promise := "no activity ran, no lease was taken, nothing was written"
	if twin < view.Width(promise)+1 {
		promise = "nothing was written"
	}
	foot.Sub(0, 1, twin-1, 1).Line(0, 0, view.Cell{Text: promise, Style: view.Muted})
	if r.got == nil {
		foot.Rule(0, "", o.ASCII)
		r.drawNothing(body)
		return
	}
	r.lay(body.W-gutter, body.H >= airyFrom, o)
	r.body.at, r.seen = body, max(1, body.H)
	t := table{cursor: r.cursor, top: r.top, count: len(r.pages.lines), page: r.seen}
	t.resize(t.count)
	t.scroll()
	r.cursor, r.top = t.cursor, t.top
	below := ""
	if n := len(r.pages.lines) - r.top - body.H; n > 0 {
		below = fmt.Sprintf("%d more below", n)
	}
	foot.Rule(0, below, o.ASCII)
	for y := range body.H {
		if r.top+y >= len(r.pages.lines) {
			break
		}
		r.drawLine(body.Sub(0, y, body.W, 1), r.top+y, o)
	}
}

func (r *report) drawLine(at grid.Area, i int, o view.Options) {
	line := r.pages.lines[i]
	if line.Title != "" {
		at.Rule(0, line.Title, o.ASCII)
	} else {
		at.Sub(gutter, 0, at.W-gutter, 1).Line(0, 0, line.Cells...)
	}
	if i == r.cursor {
		at.Put(0, 0, 0, view.Cell{Text: ">"})
		at.Look(grid.Selected)
	}
}

func (r *report) drawNothing(at grid.Area) {
	style, says := view.Muted, "reading..."
	switch {
	case r.err != nil:
		style, says = view.Bad, r.err.Error()
	case r.a.underWay(r, "replay"):
		style, says = view.Waiting, "replaying with "+r.a.conn.Replayer+"... (Ctrl-C stops)"
	case r.known && r.s != nil:
		says = r.name + " is " + view.StatusWord(r.s) + " and not blocked; r replays it with your program"
	case r.known:
		says = "r replays it with your program"
	}
	for y, line := range view.Wrap(says, max(1, at.W)) {
		at.Line(y, 0, view.Cell{Text: line, Style: style})
	}
}

// lay lays the report out, unless it is.
func (r *report) lay(width int, airy bool, o view.Options) {
	p := &r.pages
	o.Now = time.Time{} // nothing in a report has an age
	if p.of == r.got && p.width == width && p.airy == airy && p.o == o {
		return
	}
	facts := view.ReportFacts{Where: r.got.where, Notes: r.got.notes, Blast: r.blast, Source: r.source}
	*p = reportPages{of: r.got, o: o, width: width, airy: airy, lines: view.ReportPage(r.got.report, facts, o, width, airy)}
}
