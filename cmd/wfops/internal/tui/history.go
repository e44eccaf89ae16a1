package tui

import (
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// historyPane is the history of an instance, step by step.
type historyPane struct {
	d     *detail
	table table
	// follow keeps the cursor at the end while the history grows. cursor is the event
	// that it is on otherwise, and unseen how many have come since it left the end.
	follow bool
	cursor view.Spot
	left   int64 // events that there were then

	wanted view.Wanted
	event  jsonPane
}

func newHistory(d *detail) *historyPane { return &historyPane{d: d, follow: true} }

func (*historyPane) scopes() []command.Scope { return []command.Scope{command.ScopeHistory} }

// grown puts the cursor back on its event, or on the last.
func (h *historyPane) grown() {
	log := &h.d.log
	h.table.resize(log.Len())
	if h.follow {
		h.table.to(log.Len() - 1)
		h.cursor = log.At(h.table.cursor)
	} else {
		h.table.to(log.Row(h.cursor))
	}
	h.d.look(h.seq())
}

func (*historyPane) refresh() {}

// seq is the number of the event under the cursor.
func (h *historyPane) seq() int64 { return h.d.log.Seq(h.cursor) }

// went is told that the cursor was moved.
func (h *historyPane) went() {
	log := &h.d.log
	h.cursor = log.At(h.table.cursor)
	last := h.table.cursor == log.Len()-1
	if h.follow && !last {
		h.left = log.Events
	}
	h.follow = last
	h.d.look(h.seq())
}

func (h *historyPane) do(name string) bool {
	if h.table.move(name) {
		h.went()
		return true
	}
	log := &h.d.log
	switch name {
	case "fold":
		log.Toggle(h.cursor)
		h.cursor = log.Head(h.cursor)
		h.settle()
	case "fold-all":
		log.Unfold(!log.Whole())
		h.settle()
	case "follow":
		h.follow = !h.follow
		h.left = log.Events
		h.grown()
	case "enter":
		if seq := h.seq(); seq > 0 {
			h.d.a.show(newEvent(h.d, seq))
		}
	case "times": // which is not done here, but takes another width
		h.table.least = nil
		return false
	case "filter":
		h.d.a.over = h.search()
	case "next", "previous":
		h.find(name == "previous")
	case "back":
		if h.wanted.Text == "" {
			return false
		}
		h.wanted = view.Wanted{}
		h.d.a.drop(errand{h.d, "search"})
	default:
		return false
	}
	return true
}

// settle puts the cursor back on its event after rows have come or gone.
func (h *historyPane) settle() {
	log := &h.d.log
	h.table.resize(log.Len())
	h.table.to(log.Row(h.cursor))
	h.cursor = log.At(h.table.cursor)
	h.d.look(h.seq())
}

// goTo puts the cursor on an event.
func (h *historyPane) goTo(at view.Spot) {
	h.d.log.Show(at)
	h.table.resize(h.d.log.Len())
	h.table.to(h.d.log.Row(at))
	h.went()
	h.cursor = at
}

// widePane is from where on there is room for two parts side by side.
const widePane = 100

func (h *historyPane) draw(at grid.Area, o view.Options) {
	var right grid.Area
	if at.W >= widePane {
		at, right = at.Left(at.W * 3 / 5)
	}
	h.drawRows(at, o)
	if right.W > 0 {
		_, right = right.Left(1)
		h.drawEvent(right, o)
	}
}

// drawRows draws the heading and the rows of the steps.
func (h *historyPane) drawRows(at grid.Area, o view.Options) {
	log := &h.d.log
	h.table.resize(log.Len())
	at.Rule(0, h.heading(), o.ASCII)
	at.Right(0, 0, h.state()...)
	_, below := at.Top(1)
	if log.Events == 0 {
		below.Line(0, 0, view.Cell{Text: "  " + h.nothing(), Style: view.Muted})
		return
	}
	h.table.draw(below, o, log.Rows, nil)
	h.unseal()
	if h.wanted.Text == "" {
		return
	}
	for y := 1; y < below.H && h.table.top+y-1 < log.Len(); y++ {
		if log.Wants(h.table.top+y-1, h.wanted) {
			below.Sub(gutter, y, below.W-gutter, 1).Look(grid.Found)
		}
	}
}

// unseal opens what rows say that are seen.
func (h *historyPane) unseal() {
	var seen []view.Spot
	for row := h.table.top; row < min(h.table.top+h.table.page, h.d.log.Len()); row++ {
		seen = append(seen, h.d.log.At(row))
	}
	h.d.unseal(seen)
}

func (h *historyPane) heading() string {
	switch {
	case h.d.log.Whole():
		return "history, every event"
	case h.d.log.Asides == 1:
		return "history, 1 task event folded (Z)"
	case h.d.log.Asides > 1:
		return fmt.Sprintf("history, %s task events folded (Z)", view.Count(h.d.log.Asides))
	}
	return "history"
}

// state says what the cursor does, and what it looks for.
func (h *historyPane) state() []view.Cell {
	var cells []view.Cell
	if h.wanted.Text != "" {
		cells = append(cells, view.Cell{Text: " /" + h.wanted.Text + " n N ", Style: view.Waiting})
	}
	switch unseen := h.d.log.Events - h.left; {
	case h.follow && !h.d.log.Ended:
		cells = append(cells, view.Cell{Text: " following ", Style: view.Running})
	case !h.follow && h.left > 0 && unseen > 0:
		cells = append(cells, view.Cell{Text: fmt.Sprintf(" +%s new, F ", view.Count(unseen)), Style: view.Attention})
	}
	return cells
}

// nothing says why there are no rows.
func (h *historyPane) nothing() string {
	if h.d.a.underWay(h.d, "history") || !h.d.known {
		return "reading..."
	}
	return "it has not begun: no worker has taken it up"
}

// drawEvent draws the event under the cursor, beside the rows.
func (h *historyPane) drawEvent(at grid.Area, o view.Options) {
	seq := h.seq()
	at.Rule(0, fmt.Sprintf("event %d", seq), o.ASCII)
	at.Right(0, 0, view.Cell{Text: " Enter opens ", Style: view.Muted})
	_, below := at.Top(1)
	switch e := h.d.event; {
	case seq == 0:
	case e.seq != seq:
		below.Line(0, 0, view.Cell{Text: "...", Style: view.Muted})
	case e.err != nil:
		below.Line(0, 0, view.Cell{Text: e.err.Error(), Style: view.Bad})
	default:
		if h.event.tree != e.tree {
			h.event = jsonPane{tree: e.tree}
		}
		h.event.draw(below, o, false)
	}
}

func (h *historyPane) click(x, y int) {
	if _, row, ok := h.table.at.Holds(x, y); ok && row > 0 && h.table.top+row <= h.table.count {
		h.table.to(h.table.top + row - 1)
		h.went()
	}
}

func (h *historyPane) copies() []copyItem {
	e := h.d.event
	if seq := h.seq(); e.seq != seq || e.err != nil || seq == 0 {
		return nil
	}
	all := []copyItem{{fmt.Sprintf("event %d as JSON", e.seq), e.text}}
	if values := string(valuesOf([]byte(e.text))); values != e.text {
		all = append(all, copyItem{fmt.Sprintf("values of event %d", e.seq), values})
	}
	return all
}
