package tui

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// eventScreen is one event, with all that is stored of it.
type eventScreen struct {
	d     *detail
	seq   int64
	event loaded
	json  jsonPane
}

func newEvent(d *detail, seq int64) *eventScreen { return &eventScreen{d: d, seq: seq} }

func (*eventScreen) scopes() []command.Scope { return []command.Scope{command.ScopeData} }

func (e *eventScreen) title() string { return fmt.Sprintf("event %d", e.seq) }

func (e *eventScreen) facts() []view.Cell {
	if e.json.wanted != "" {
		return []view.Cell{{Text: "/" + e.json.wanted + " n N", Style: view.Waiting}}
	}
	return []view.Cell{{Text: fmt.Sprintf("n N the events beside it, of %s", view.Count(e.d.log.Events)), Style: view.Muted}}
}

func (e *eventScreen) chosen() []backend.Summary { return e.d.chosen() }

// refresh reads the event, once: events do not change.
func (e *eventScreen) refresh() {
	if e.event.seq == e.seq {
		return
	}
	store, i, seq := e.d.a.conn.Store, e.d.instance(), e.seq
	read := func(ctx context.Context) (history.Event, error) { return store.Event(ctx, i, seq) }
	askEvent(e.d.a, e, "event", read, false, func(l loaded, err error) {
		if l.seq, l.err = seq, err; isLost(err) && !isUnreadable(err) {
			e.d.a.heardOf(err)
			return
		}
		e.event, e.json = l, jsonPane{tree: l.tree, wanted: e.json.wanted}
	})
}

func (e *eventScreen) draw(at grid.Area, o view.Options) {
	switch {
	case e.event.seq != e.seq:
		at.Line(0, 0, view.Cell{Text: "reading...", Style: view.Muted})
	case e.event.err != nil:
		at.Line(0, 0, view.Cell{Text: e.event.err.Error(), Style: view.Bad})
	default:
		e.json.draw(at, o, true)
	}
}

func (e *eventScreen) do(name string) bool {
	if e.json.do(name) {
		return true
	}
	switch name {
	case "jq":
		e.jq()
	case "filter":
		e.d.a.over = newPrompt("/", e.json.wanted, func(text string, _ bool) {
			e.json.wanted = text
			e.json.table.cursor = max(0, e.json.table.cursor-1)
			e.json.find(false)
		})
	case "next", "previous":
		e.beside(name == "previous")
	case "back":
		if e.json.wanted == "" {
			return false
		}
		e.json.wanted = ""
	default:
		return false
	}
	return true
}

// beside goes to the next match or, if nothing is searched for, to the next event.
func (e *eventScreen) beside(back bool) {
	if e.json.wanted != "" {
		if !e.json.find(back) {
			e.d.a.say(view.Muted, "no value has "+e.json.wanted)
		}
		return
	}
	to := e.seq + 1
	if back {
		to = e.seq - 1
	}
	if to < 1 || to > e.d.log.Events {
		e.d.a.say(view.Muted, "there is no event beside it")
		return
	}
	e.seq = to
	e.refresh()
}

// jq puts the event through a program.
func (e *eventScreen) jq() {
	if e.event.tree == nil {
		return
	}
	e.d.a.askJQ(e.event.text, "", func(program string) string { return e.twin() + "l --jq " + quoted(program) })
}

// twin is the command that shows the event.
func (e *eventScreen) twin() string {
	return e.d.command("history") + fmt.Sprintf(" --after %d -n 1 -o json", e.seq-1)
}

func (e *eventScreen) click(x, y int) { e.json.click(x, y) }

func (e *eventScreen) copies() []copyItem {
	if e.event.tree == nil {
		return nil
	}
	all := []copyItem{{"value under the cursor", e.event.tree.Text(e.json.table.cursor)}, {fmt.Sprintf("event %d as JSON", e.seq), e.event.text}}
	if values := string(valuesOf([]byte(e.event.text))); values != e.event.text {
		all = append(all, copyItem{fmt.Sprintf("values of event %d", e.seq), values})
	}
	return append(all, copyItem{"command that shows this", e.twin()})
}
