package tui

import (
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// Sizes of a wall.
const (
	// groupsShare is the part of the room that groups get at least, of two.
	groupsShare = 2
	leastGroups = 3
)

func (w *wall) draw(at grid.Area, o view.Options) {
	head, rest := at.Top(2)
	w.drawHead(head, o)
	rest, foot := rest.Bottom(3)
	w.drawFoot(foot, o)
	groups := max(leastGroups, min(len(w.got.groups)+1, rest.H/groupsShare))
	above, below := rest.Top(groups + 1)
	above.Rule(0, "what differs, by the first difference", o.ASCII)
	_, above = above.Top(1)
	w.table.draw(above, o, func(from, to int, o view.Options) view.Table { return view.ReplayGroups(w.got.groups[from:to], o) }, nil)
	if len(w.got.groups) == 0 {
		above.Line(1, 0, view.Cell{Text: "  " + w.nothing(), Style: view.Muted})
	}
	if w.err == nil || w.runs() {
		w.drawVerdicts(below, o)
		return
	}
	for y, line := range view.Wrap(w.err.Error(), max(1, below.W)) {
		below.Line(y+1, 0, view.Cell{Text: line, Style: view.Bad})
	}
}

func (w *wall) nothing() string {
	switch {
	case w.err != nil && len(w.got.verdicts) == 0:
		return "nothing was replayed"
	case w.runs():
		return "nothing differs so far"
	case len(w.got.verdicts) == 0:
		return "no instance matches"
	}
	return "nothing differs"
}

// drawHead says how far it is.
func (w *wall) drawHead(at grid.Area, o view.Options) {
	n := len(w.got.verdicts)
	what := w.filter
	if len(w.names) > 0 {
		what = fmt.Sprintf("%d chosen", len(w.names))
	}
	total := "?"
	if w.expected > 0 {
		total = view.Count(w.expected)
	}
	if w.more {
		total += "+"
	}
	took := w.took
	if w.runs() {
		took = w.a.o.Clock().Sub(w.began)
	}
	left := at.Line(0, 0, view.Cell{Text: what, Style: view.Header}, view.Cell{Text: fmt.Sprintf("   %s of %s replayed in %s", view.Count(int64(n)), total, view.Span(took))})
	bar := at.Sub(left+3, 0, at.W-left-3, 1)
	if w.expected > 0 && !w.more {
		bar.Line(0, 0, view.Bar(int64(n), w.expected, min(40, bar.W), o)...)
	}
	at.Line(1, 0, view.VerdictCounts(w.got.counts, o)...)
	right := view.Cell{Text: "done", Style: view.Good}
	switch {
	case w.runs():
		right = view.Cell{}
	case w.err != nil:
		right = view.Cell{Text: "not all were replayed", Style: view.Bad}
	case w.state == wallRuns:
		right = view.Cell{Text: "stopped before its end; r replays all again", Style: view.Waiting}
	}
	at.Sub(0, 1, at.W, 1).Right(0, 0, right)
}

// drawVerdicts shows a sign for each replay, the last ones if there is no room for all.
func (w *wall) drawVerdicts(at grid.Area, o view.Options) {
	at.Rule(0, "verdicts, oldest instance first", o.ASCII)
	_, at = at.Top(1)
	all := w.got.verdicts
	if at.W == 0 || at.H == 0 {
		return
	}
	first := max(0, (len(all)-1)/at.W+1-at.H) * at.W
	for i, v := range all[min(first, len(all)):] {
		at.Put(i%at.W, i/at.W, 0, view.VerdictSign(v, o))
	}
}

func (w *wall) drawFoot(at grid.Area, o view.Options) {
	at.Rule(0, "", o.ASCII)
	if w.table.cursor < len(w.got.groups) {
		g := w.got.groups[w.table.cursor]
		line := g.Report.Summary
		if c := g.Report.Cause; c != nil && len(c.Fixes) > 0 {
			line = c.Cause + " Try: " + c.Fixes[0]
		}
		at.Line(1, grid.Strong, view.Cell{Text: line})
	}
	right := at.Right(2, 0, view.Cell{Text: w.twin(), Style: view.Muted})
	promise := "no activity ran, nothing was written"
	if right > view.Width(promise) {
		at.Line(2, 0, view.Cell{Text: promise, Style: view.Muted})
	}
}

func (w *wall) click(x, y int) {
	if _, row, ok := w.table.at.Holds(x, y); ok && row > 0 {
		w.table.to(w.table.top + row - 1)
	}
}
