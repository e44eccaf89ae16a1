package tui

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

// timelinePane draws what an instance did in time.
type timelinePane struct {
	d     *detail
	chart *view.Chart
	table table
	// zoomed is the stretch of time that is shown; none means all of it. at is the
	// point in time under the cursor, and mark another to measure from.
	zoomed   diagnostics.Interval
	at, mark time.Time
	plain    bool // idle time is as long as it was

	critical bool
	path     *view.Path // nil until it was found
	pathOf   int64
	pathNext time.Time // when it is found anew, at the earliest

	window view.Window // as drawn last
}

func newTimeline(d *detail) *timelinePane { return &timelinePane{d: d, chart: view.NewChart(&d.log)} }

func (*timelinePane) scopes() []command.Scope { return []command.Scope{command.ScopeTimeline} }

func (t *timelinePane) grown() {
	t.table.resize(t.chart.Len())
	t.walk()
}

func (t *timelinePane) refresh() { t.walk() }

// bounds are all of the time that there is.
func (t *timelinePane) bounds() diagnostics.Interval { return t.chart.Bounds(t.d.a.now()) }

// shown is the stretch of time that is shown.
func (t *timelinePane) shown() diagnostics.Interval {
	if t.zoomed.Length() > 0 {
		return t.zoomed
	}
	return t.bounds()
}

func (t *timelinePane) do(name string) bool {
	if t.table.move(name) {
		return true
	}
	switch name {
	case "left":
		t.pan(-1)
	case "right":
		t.pan(1)
	case "zoom-in":
		t.zoom(0.5)
	case "zoom-out":
		t.zoom(2)
	case "zoom-all":
		t.zoomed = diagnostics.Interval{}
	case "idle":
		t.plain = !t.plain
	case "critical":
		t.critical = !t.critical
		t.walk()
	case "measure":
		t.measure()
	case "edge-before":
		t.edge(true)
	case "edge-behind":
		t.edge(false)
	case "next", "previous":
		t.find(name == "previous")
	case "enter":
		if seq := t.d.log.Seq(t.chart.Spot(t.table.cursor)); seq > 0 && t.chart.Len() > 0 {
			t.d.a.show(newEvent(t.d, seq))
		}
	default:
		return false
	}
	return true
}

// shortest is the least time that is shown.
const shortest = time.Millisecond

// zoom shows more time, or less, about the cursor: what is under it stays there.
func (t *timelinePane) zoom(by float64) {
	all, now := t.bounds(), t.shown()
	length := max(shortest, time.Duration(float64(now.Length())*by))
	if length >= all.Length() {
		t.zoomed = diagnostics.Interval{}
		return
	}
	at := t.cursor()
	share := 0.5
	if t.window.Scale != nil {
		share = (float64(t.window.Scale.Project(at)) + 0.5) / float64(t.window.Bars)
	}
	t.zoomed = within(all, at.Add(-time.Duration(share*float64(length))), length)
}

// within is a stretch of time that begins as near to from as all of the time allows.
func within(all diagnostics.Interval, from time.Time, length time.Duration) diagnostics.Interval {
	length = min(length, all.Length())
	if last := all.To.Add(-length); from.After(last) {
		from = last
	}
	if from.Before(all.From) {
		from = all.From
	}
	return diagnostics.Interval{From: from, To: from.Add(length)}
}

// panShare is the part of what is shown by which one key moves it.
const panShare = 8

// pan shows time before what is shown, or behind. The cursor goes along and, where
// there is no more time, alone.
func (t *timelinePane) pan(direction int) {
	now, by := t.shown(), t.shown().Length()/panShare*time.Duration(direction)
	moved := by
	if t.zoomed.Length() > 0 {
		t.zoomed = within(t.bounds(), now.From.Add(by), now.Length())
		moved = t.zoomed.From.Sub(now.From)
	}
	if moved == 0 {
		moved = by
	}
	t.to(t.cursor().Add(moved))
}

// cursor is the point in time under the cursor: in the middle at first.
func (t *timelinePane) cursor() time.Time {
	now := t.shown()
	switch {
	case t.at.IsZero():
		return now.From.Add(now.Length() / 2)
	case t.at.Before(now.From):
		return now.From
	case t.at.After(now.To):
		return now.To
	}
	return t.at
}

// to puts the cursor on a point in time, and shows that.
func (t *timelinePane) to(at time.Time) {
	all := t.bounds()
	if at.Before(all.From) {
		at = all.From
	}
	if at.After(all.To) {
		at = all.To
	}
	t.at = at
	if now := t.zoomed; now.Length() > 0 && (at.Before(now.From) || at.After(now.To)) {
		t.zoomed = within(all, at.Add(-now.Length()/2), now.Length())
	}
}

// edge goes to where a part of the step begins or ends.
func (t *timelinePane) edge(before bool) {
	s, at := t.chart.Span(t.table.cursor, t.d.a.now()), t.cursor()
	var best time.Time
	for _, p := range s.Parts {
		for _, edge := range []time.Time{p.From, p.To} {
			switch {
			case before && edge.Before(at) && (best.IsZero() || edge.After(best)), !before && edge.After(at) && (best.IsZero() || edge.Before(best)):
				best = edge
			}
		}
	}
	if best.IsZero() {
		t.d.a.say(view.Muted, "the step has no edge on this side")
		return
	}
	t.to(best)
}

// find goes to the next step in which something went wrong.
func (t *timelinePane) find(back bool) {
	at, _, ok := t.d.log.Find(t.chart.Spot(t.table.cursor), back, view.Wanted{})
	if !ok {
		t.d.a.say(view.Muted, "nothing in this history went wrong")
		return
	}
	t.table.to(t.chart.Line(at))
}

func (t *timelinePane) measure() {
	if t.mark.IsZero() {
		t.mark = t.cursor()
		return
	}
	t.mark = time.Time{}
}

// pathShare is the part of the time that the critical path of a history that grows may
// take to be found again and again.
const pathShare = 100

// walk finds the critical path, if it is asked for and has not been found.
func (t *timelinePane) walk() {
	events, began := t.d.log.Events, t.d.a.o.Clock()
	if !t.critical || events == 0 || t.pathOf == events || began.Before(t.pathNext) || t.d.a.underWay(t.d, "path") {
		return
	}
	trail := t.d.log.Trail(t.d.a.now())
	ask(t.d.a, t.d, "path", func(context.Context) (*view.Path, error) { return trail.Path(), nil }, func(p *view.Path, _ error) {
		now := t.d.a.o.Clock()
		t.path, t.pathOf, t.pathNext = p, events, now.Add(pathShare*now.Sub(began))
	})
}

// rests returns the stretches in which nothing was done. Those of a long history are
// found beside the loop, and are not known at first.
func (t *timelinePane) rests(now time.Time) []diagnostics.Interval {
	if t.plain {
		return nil
	}
	if t.chart.Stale(now) && !t.d.a.underWay(t.d, "idle") {
		trail, events := t.d.log.Trail(now), t.d.log.Events
		ask(t.d.a, t.d, "idle", func(context.Context) ([]diagnostics.Interval, error) { return trail.Idle(), nil }, func(idle []diagnostics.Interval, _ error) {
			t.chart.SetIdle(idle, events, now)
		})
	}
	return t.chart.Idle(now)
}

func (t *timelinePane) click(x, y int) {
	if column, row, ok := t.table.at.Holds(x, y); ok && row > 0 && t.table.top+row <= t.chart.Len() {
		t.table.to(t.table.top + row - 1)
		if cell := column - gutter - t.window.Names - 1; cell >= 0 && cell < t.window.Bars && t.window.Scale != nil {
			t.to(t.window.Scale.Unproject(cell))
		}
	}
}

func (t *timelinePane) copies() []copyItem {
	s := t.chart.Span(t.table.cursor, t.d.a.now())
	if s.Kind == "" {
		return nil
	}
	return []copyItem{{"step", fmt.Sprintf("%s %s: %s to %s", s.Kind, s.Name, stamp(s.Began), stamp(s.Ended))}}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "now"
	}
	return t.UTC().Format(time.RFC3339Nano)
}
