package tui

import (
	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// pending is what an instance has under way: activities, timers, and events that it
// has not read.
type pending struct {
	d     *detail
	table table
}

func (*pending) scopes() []command.Scope { return nil }
func (*pending) grown()                  {}
func (*pending) refresh()                {}

func (p *pending) do(name string) bool {
	if p.table.move(name) {
		return true
	}
	if name != "enter" {
		return false
	}
	if seq, ok := p.scheduled(); ok {
		p.d.a.show(newEvent(p.d, seq))
		return true
	}
	p.d.a.say(view.Muted, "it is not in the history yet")
	return true
}

// scheduled returns the event that asked for what is under the cursor.
func (p *pending) scheduled() (seq int64, ok bool) {
	all, row := &p.d.detail.Pending, p.table.cursor
	var ref int64
	switch {
	case row < len(all.Activities):
		ref = all.Activities[row].Ref
	case row < len(all.Activities)+len(all.Timers):
		ref = all.Timers[row-len(all.Activities)].Ref
	}
	return p.d.log.Command(ref)
}

func (p *pending) draw(at grid.Area, o view.Options) {
	t := view.Pending(p.d.detail.Pending, p.d.log.Name, o)
	p.table.resize(len(t.Rows))
	if len(t.Rows) == 0 {
		text := "nothing is under way: no activity, no timer, no event that is not read"
		if !p.d.known {
			text = "reading..."
		}
		at.Line(1, 0, view.Cell{Text: "  " + text, Style: view.Muted})
		return
	}
	p.table.draw(at, o, func(from, to int, _ view.Options) view.Table {
		t.Rows = t.Rows[from:to]
		return t
	}, nil)
}

func (p *pending) click(x, y int) {
	if _, row, ok := p.table.at.Holds(x, y); ok && row > 0 {
		p.table.to(p.table.top + row - 1)
	}
}

func (p *pending) copies() []copyItem {
	text, err := encoded(document.OfPending(p.d.detail.Pending, p.d.log.Name))
	if err != nil {
		return nil
	}
	return []copyItem{{"pending as JSON", text}}
}
