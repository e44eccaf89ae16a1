package tui

import (
	"fmt"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

func (t *timelinePane) draw(at grid.Area, o view.Options) {
	if t.chart.Len() == 0 {
		at.Rule(0, "timeline", o.ASCII)
		at.Line(1, 0, view.Cell{Text: "  there is nothing to draw yet", Style: view.Muted})
		return
	}
	var path, foot grid.Area
	if lines := t.criticalLines(at.H); lines > 0 {
		at, path = at.Bottom(lines)
		t.drawPath(path, o)
	}
	if at.H > 6 {
		at, foot = at.Bottom(1)
	}
	at.Rule(0, t.heading(o), o.ASCII)
	at.Right(0, 0, t.state()...)
	_, at = at.Top(1)
	t.drawBars(at, o, true)
	foot.Line(0, 0, t.chart.Legend(t.table.top, t.table.top+t.table.page, o)...)
}

// heading says what time is shown.
func (t *timelinePane) heading(o view.Options) string {
	now, from := t.shown(), t.bounds().From
	if t.zoomed.Length() == 0 {
		return "timeline, " + view.Span(now.Length())
	}
	return fmt.Sprintf("timeline, %s to %s of %s", o.Offset(from, now.From), o.Offset(from, now.To), view.Span(t.bounds().Length()))
}

// state says where the cursor is, and how far from the mark.
func (t *timelinePane) state() []view.Cell {
	o := t.d.a.options()
	text := " at " + o.Offset(t.bounds().From, t.cursor())
	if !t.mark.IsZero() {
		text += ", " + view.Span(t.cursor().Sub(t.mark).Abs()) + " from the mark"
	}
	if t.plain {
		text += ", idle as it was"
	}
	return []view.Cell{{Text: text + " ", Style: view.Muted}}
}

// drawBars draws the axis and the steps that there is room for.
func (t *timelinePane) drawBars(at grid.Area, o view.Options, cursor bool) {
	t.table.at, t.table.page = at, max(1, at.H-1)
	t.table.resize(t.chart.Len())
	t.table.scroll()
	from, to := t.table.top, min(t.chart.Len(), t.table.top+t.table.page)
	t.window = view.NewWindow(t.shown(), t.chart.Names(from, to), at.W-gutter, t.rests(o.Now))
	line := at.Sub(gutter, 0, at.W-gutter, 1)
	line.Line(0, 0, t.chart.Axis(t.window, o)...)
	for row := from; row < to; row++ {
		y := row - from + 1
		at.Sub(gutter, y, at.W-gutter, 1).Line(0, 0, t.chart.Row(row, t.window, o)...)
		if t.critical && t.path != nil && t.path.Has(t.d.log.Seq(t.chart.Spot(row))) {
			at.Put(1, y, grid.Strong, o.Critical())
		}
		if cursor && row == t.table.cursor {
			at.Put(0, y, 0, view.Cell{Text: ">"})
			at.Sub(0, y, gutter+t.window.Names, 1).Look(grid.Selected)
		}
	}
	if cursor {
		x := gutter + t.window.Names + 1 + t.window.Scale.Project(t.cursor())
		at.Sub(x, 0, 1, to-from+1).Look(grid.Selected)
	}
}

// criticalLines is how much room the critical path gets.
func (t *timelinePane) criticalLines(height int) int {
	switch {
	case !t.critical:
		return 0
	case t.path == nil:
		return 2
	}
	return max(2, min(len(t.path.Shares)+1, height/3))
}

func (t *timelinePane) drawPath(at grid.Area, o view.Options) {
	at.Rule(0, "critical path: what the time went into", o.ASCII)
	if t.path == nil || t.pathOf != t.d.log.Events && t.d.a.underWay(t.d, "path") {
		at.Right(0, 0, view.Cell{Text: " looking for it... ", Style: view.Waiting})
	}
	if t.path == nil {
		return
	}
	for i, s := range t.path.Shares {
		if i == at.H-2 && len(t.path.Shares) > at.H-1 {
			at.Line(i+1, 0, view.Cell{Text: fmt.Sprintf("      and %d more", len(t.path.Shares)-i), Style: view.Muted})
			return
		}
		at.Line(i+1, 0, view.Cell{Text: fmt.Sprintf("%3d%%  ", s.Percent), Style: view.Header},
			view.Cell{Text: fmt.Sprintf("%-8s", view.Span(s.Took)), Style: view.Plain}, view.Cell{Text: strings.TrimSpace(string(s.Kind) + " " + s.Name), Style: view.Plain})
	}
}
