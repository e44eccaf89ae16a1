package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// detail is one instance: what is known of it and its history, behind tabs.
type detail struct {
	a      *app
	detail ops.Detail
	// known tells that detail has been read, and gone that there is no such instance
	// any more.
	known, gone bool

	log     view.Log
	problem error // why the history can't be read on
	// sealed is why values can't be opened. The codec is not asked before rest is over.
	sealed error
	rest   time.Time
	event  loaded

	panes  []pane
	active int
	places []tabPlace
}

// pane is what is shown behind a tab.
type pane interface {
	// scopes name its keys, innermost first.
	scopes() []command.Scope
	draw(grid.Area, view.Options)
	do(name string) bool
	click(x, y int)
	// grown is told when there is more history, refresh when all is read anew.
	grown()
	refresh()
	copies() []copyItem
}

// tab is a pane with what stands on it.
type tab struct{ name, title, short string }

// tabs are in the order of their keys, from 1.
var tabs = []tab{
	{"get", "overview", "over"}, {"history", "history", "hist"}, {"timeline", "timeline", "time"}, {"pending", "pending", "pend"},
	{"data", "data", "data"}, {"tree", "tree", "tree"}, {"export", "raw", "raw"},
}

var _ copier = (*detail)(nil)

type tabPlace struct {
	at  grid.Area
	tab int
}

func newDetail(a *app, s backend.Summary) *detail {
	d := &detail{a: a, detail: ops.Detail{Summary: s}}
	h := newHistory(d)
	t := newTimeline(d)
	d.panes = []pane{&overview{d: d, history: h, timeline: t}, h, t, &pending{d: d}, newData(d), &tree{d: d}, newRaw(d)}
	return d
}

func (d *detail) pane() pane { return d.panes[d.active] }

func (d *detail) instance() engine.Instance { return d.detail.Instance }

func (d *detail) scopes() []command.Scope { return append(d.pane().scopes(), command.ScopeDetail) }

func (d *detail) title() string { return d.detail.Instance.InstanceID }

func (d *detail) facts() []view.Cell {
	if d.gone {
		return []view.Cell{{Text: "this execution has been removed", Style: view.Attention}}
	}
	return view.Standing(d.detail, d.a.options())
}

func (d *detail) chosen() []backend.Summary {
	if t, ok := d.pane().(*tree); ok && t.current() != nil {
		return t.chosen()
	}
	return []backend.Summary{d.detail.Summary}
}

func (d *detail) do(name string) bool {
	if d.pane().do(name) {
		return true
	}
	for i, t := range tabs {
		if t.name == name {
			d.turn(i)
			return true
		}
	}
	switch name {
	case "next-pane":
		d.turn((d.active + 1) % len(tabs))
	case "previous-pane":
		d.turn((d.active + len(tabs) - 1) % len(tabs))
	default:
		return false
	}
	return true
}

// turn shows another tab.
func (d *detail) turn(to int) {
	d.active = to
	d.pane().grown()
	d.pane().refresh()
}

func (d *detail) refresh() {
	if d.a.underWay(d, "detail") {
		return
	}
	store, c, i := d.a.conn.Store, d.a.conn.Codec, d.instance()
	ask(d.a, d, "detail", func(ctx context.Context) (ops.Detail, error) { return openedDetail(ctx, store, c, i) }, func(answer ops.Detail, err error) {
		if isGone(err) {
			d.gone = true
			return
		}
		if d.a.heardOf(err) {
			d.detail, d.known = answer, true
			d.read()
		}
	})
	d.read()
	d.pane().refresh()
}

func (d *detail) draw(at grid.Area, o view.Options) {
	head, body := at.Top(1)
	d.drawTabs(head, o)
	if d.problem != nil && body.H > 2 {
		line, rest := body.Top(1)
		line.Line(0, 0, view.Cell{Text: "the history can't be read on: " + d.problem.Error(), Style: view.Bad})
		body = rest
	}
	if d.sealed != nil && body.H > 2 {
		line, rest := body.Top(1)
		line.Line(0, 0, view.Cell{Text: "values are sealed: " + d.sealed.Error(), Style: view.Waiting})
		body = rest
	}
	d.pane().draw(body, o)
}

// wideTabs is how much room tabs need to have their names written out.
const wideTabs = 76

func (d *detail) drawTabs(at grid.Area, o view.Options) {
	d.places = d.places[:0]
	x := 0
	for i, t := range tabs {
		title := t.title
		if at.W < wideTabs {
			title = t.short
		}
		dot := "·"
		if o.ASCII {
			dot = " "
		}
		title = fmt.Sprintf("%d%s%s", i+1, dot, title)
		if n := d.pendingCount(); t.name == "pending" && n > 0 && at.W >= wideTabs {
			title += fmt.Sprintf("(%d)", n)
		}
		look, left, right := grid.Look(0), " ", " "
		if i == d.active {
			look, left, right = grid.Selected, "[", "]"
		}
		begin := x
		x = at.Put(x, 0, look, view.Cell{Text: left + title + right, Style: view.Header})
		d.places = append(d.places, tabPlace{at.Sub(begin, 0, x-begin, 1), i})
	}
	at.Sub(x+1, 0, at.W-x-1, 1).Right(0, 0, d.progress()...)
}

func (d *detail) pendingCount() int {
	p := &d.detail.Pending
	return len(p.Activities) + len(p.Timers) + len(p.Inbox)
}

// progress says how far the history has been read.
func (d *detail) progress() []view.Cell {
	switch {
	case !d.a.underWay(d, "history"):
		return nil
	case d.log.Events == 0:
		return []view.Cell{{Text: "reading...", Style: view.Waiting}}
	}
	return []view.Cell{{Text: fmt.Sprintf("%s of %s", view.Count(d.log.Events), view.Count(max(d.log.Events, d.detail.HistoryLength))), Style: view.Waiting}}
}

func (d *detail) click(x, y int) {
	for _, p := range d.places {
		if _, _, ok := p.at.Holds(x, y); ok {
			d.turn(p.tab)
			return
		}
	}
	d.pane().click(x, y)
}

// copies is what can be copied: what the pane has under the cursor, then the instance.
func (d *detail) copies() []copyItem {
	i, all := d.instance(), d.pane().copies()
	if lines := view.Blocked(d.detail); len(lines) > 0 {
		all = append(all, copyItem{"why it is blocked", plain(lines)})
	}
	return append(all,
		copyItem{"instance id", i.InstanceID}, copyItem{"execution id", i.ExecutionID},
		copyItem{"command that shows this", d.twin()})
}

// plain are the characters of lines.
func plain(lines view.Lines) string {
	var b strings.Builder
	for _, line := range lines {
		for _, c := range line {
			b.WriteString(c.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// twin is the command that shows what the tab does.
func (d *detail) twin() string {
	if name := tabs[d.active].name; name != "export" {
		return d.command(name)
	}
	if d.a.conn.Codec != nil {
		return d.command("history") + " --sealed -o jsonl"
	}
	return d.command("history") + " -o jsonl"
}

// command is what a command line shows the same with.
func (d *detail) command(name string) string {
	return "wfops " + quoted(d.a.conn.Name) + " " + name + " " + operands(reference(&d.detail.Summary))
}

// reference names an execution on a command line. Of one that has ended the id alone may
// name a later one.
func reference(s *backend.Summary) string {
	if s.Status.Open() {
		return s.Instance.InstanceID
	}
	return s.Instance.InstanceID + "/" + s.Instance.ExecutionID
}
