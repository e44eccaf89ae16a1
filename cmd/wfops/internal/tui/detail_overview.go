package tui

import (
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// overview shows of everything what is most telling. Its keys are those of the history,
// which takes what room is left.
type overview struct {
	d        *detail
	history  *historyPane
	timeline *timelinePane
	pending  grid.Area
}

func (*overview) scopes() []command.Scope { return []command.Scope{command.ScopeHistory} }

func (v *overview) grown() {
	v.history.grown()
	v.timeline.grown()
}

func (*overview) refresh() {}

func (v *overview) do(name string) bool { return v.history.do(name) }

func (v *overview) click(x, y int) {
	if _, _, ok := v.pending.Holds(x, y); ok {
		v.d.do("pending")
		return
	}
	v.history.click(x, y)
}

func (v *overview) copies() []copyItem { return v.history.copies() }

// Parts of an overview, in lines.
const (
	mostPending  = 5
	leastHistory = 5
	leastForBars = 17 // below, there is no room for a timeline
)

func (v *overview) draw(at grid.Area, o view.Options) {
	width := at.W
	if at.W >= widePane {
		width = at.W/2 - 1
	}
	facts, blocked := view.Facts(v.d.detail, o, width), view.Blocked(v.d.detail)
	if at.H < leastForBars {
		blocked = blocked[:min(len(blocked), 3)]
		facts = facts[:min(len(facts), max(0, 1-len(blocked)))]
	}
	if at.W >= widePane {
		v.drawWide(at, o, facts, blocked)
		return
	}
	rest := drawLines(at, blocked, facts)
	rest = v.drawPending(rest, o, max(1, min(mostPending, (rest.H-leastHistory)/4)))
	if at.H >= leastForBars {
		var bars grid.Area
		history := max(leastHistory, min(v.d.log.Len()+2, rest.H/2))
		bars, rest = rest.Top(v.barLines(rest.H - history))
		v.drawTimeline(bars, o)
	}
	v.history.drawRows(rest, o)
}

// drawLines draws lines at the top, and returns the room below.
func drawLines(at grid.Area, parts ...view.Lines) grid.Area {
	y := 0
	for _, part := range parts {
		for _, line := range part {
			at.Line(y, 0, line...)
			y++
		}
	}
	_, rest := at.Top(y)
	return rest
}

// drawWide puts facts and pending beside the timeline, and the event under the cursor
// beside the history.
func (v *overview) drawWide(at grid.Area, o view.Options, facts, blocked view.Lines) {
	pending := min(mostPending, v.d.pendingCount())
	top, below := at.Top(min(at.H/2, max(len(facts)+len(blocked)+pending+1, v.barLines(at.H/2))))
	left, right := top.Left(at.W/2 - 1)
	_, right = right.Left(1)
	v.drawPending(drawLines(left, blocked, facts), o, pending)
	v.drawTimeline(right, o)
	v.history.draw(below, o)
}

// barLines is how high a timeline is that has no more lines than there are.
func (v *overview) barLines(most int) int {
	if v.timeline.chart.Len() == 0 {
		return 0
	}
	return max(0, min(v.timeline.chart.Len()+2, most))
}

// drawPending draws what is under way, and returns the room below.
func (v *overview) drawPending(at grid.Area, o view.Options, most int) grid.Area {
	t := view.Pending(v.d.detail.Pending, v.d.log.Name, o).Without("ref")
	v.pending = grid.Area{}
	if len(t.Rows) == 0 {
		return at
	}
	shown := min(len(t.Rows), most)
	var rest grid.Area
	v.pending, rest = at.Top(1 + shown)
	title := "pending"
	if more := len(t.Rows) - shown; more > 0 {
		title += fmt.Sprintf(" (%d more, 4)", more)
	}
	v.pending.Rule(0, title, o.ASCII)
	t.Rows = t.Rows[:shown]
	for y, cells := range view.Layout(t, at.W)[1:] {
		x := 0
		for _, c := range cells {
			x = v.pending.Put(x, y+1, 0, c) + 1
		}
	}
	return rest
}

// drawTimeline draws the last steps.
func (v *overview) drawTimeline(at grid.Area, o view.Options) {
	if at.H < 3 || v.timeline.chart.Len() == 0 {
		return
	}
	t := v.timeline
	at.Rule(0, "timeline, "+view.Span(t.bounds().Length()), o.ASCII)
	at.Right(0, 0, view.Cell{Text: " 3 ", Style: view.Muted})
	_, at = at.Top(1)
	small := timelinePane{d: v.d, chart: t.chart, plain: t.plain}
	small.table.resize(t.chart.Len())
	small.table.to(t.chart.Len() - 1)
	small.drawBars(at, o, false)
}
