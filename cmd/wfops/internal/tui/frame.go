package tui

import (
	"fmt"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// frame is what is around every screen.
type frame struct {
	// toast is the last thing that there was to say.
	toast view.Cell
	// frozen screens are not read anew.
	frozen bool
	// leaving tells that the next Ctrl-C quits.
	leaving bool
	// redraw shows every cell again.
	redraw bool
	// heard is when the store answered last.
	heard time.Time
	lost  lost
}

// lost is a store that does not answer.
type lost struct {
	err  error
	next time.Time
	try  int
}

// spacious screens have room for lines between their parts.
const spacious = 30

// say shows a line at the foot of the screen.
func (a *app) say(style view.Style, text string) { a.toast = view.Cell{Text: text, Style: style} }

// refresh reads anew what is shown, unless the store is given time to come back.
func (a *app) refresh() {
	if a.lost.err != nil && a.o.Clock().Before(a.lost.next) {
		return
	}
	a.top().refresh()
}

// Bounds of the time between two tries to reach a store.
const (
	firstTry = time.Second
	lastTry  = 30 * time.Second
)

// heardOf tells the frame how a read went, and reports whether there is something to
// show. What a store that does not answer had said stays on the screen.
func (a *app) heardOf(err error) bool {
	if err == nil {
		a.heard, a.lost = a.o.Clock(), lost{}
		a.recensus()
		return true
	}
	if isLost(err) {
		wait := min(lastTry, firstTry<<min(a.lost.try, 10))
		a.lost = lost{err: err, next: a.o.Clock().Add(wait), try: a.lost.try + 1}
		return false
	}
	a.say(view.Bad, err.Error())
	return false
}

// paint draws everything.
func (a *app) paint(g *grid.Grid) {
	all := g.All()
	o := a.options()
	head, rest := all.Top(2)
	if all.H >= spacious {
		head, rest = all.Top(3)
		head.Rule(2, "", o.ASCII)
	}
	rest, foot := rest.Bottom(2)
	a.paintHead(head, o)
	a.paintFoot(foot, o)
	a.top().draw(rest, o)
	if a.lost.err != nil {
		rest.Look(grid.Dim)
	}
	if a.over != nil {
		a.over.draw(all, foot, o)
	}
}

func (a *app) paintHead(at grid.Area, o view.Options) {
	left := at.Line(0, 0, a.identity()...)
	right := []view.Cell{{Text: a.liveness() + "  "}, {Text: o.Now.UTC().Format("15:04:05Z"), Style: view.Muted}}
	if a.lost.err != nil {
		right = []view.Cell{{Text: a.banner(), Style: view.Attention}}
	}
	room := at.Sub(left, 0, at.W-left, 1)
	a.paintCensus(room.Sub(0, 0, room.Sub(2, 0, room.W-2, 1).Right(0, 0, right...), 1))
	x := 0
	for i, s := range a.stack {
		if i > 0 {
			x = at.Put(x, 1, 0, view.Cell{Text: o.Arrow(), Style: view.Muted})
		}
		x = at.Put(x, 1, grid.Strong, view.Cell{Text: s.title(), Style: view.Header})
	}
	at.Sub(x+2, 1, at.W-x-2, 1).Right(0, 0, a.top().facts()...)
}

func (a *app) identity() []view.Cell {
	if a.conn == nil {
		return []view.Cell{{Text: "wfops", Style: view.Header}, {Text: " no connection", Style: view.Muted}}
	}
	mode := view.Cell{Text: " RW", Style: view.Attention}
	if a.conn.Store.ReadOnly() {
		mode = view.Cell{Text: " RO", Style: view.Good}
	}
	return []view.Cell{{Text: a.conn.Name, Style: view.Header}, {Text: " (" + a.conn.Kind + ")", Style: view.Muted}, a.environment(), mode}
}

func (a *app) liveness() string {
	switch {
	case a.frozen:
		return "paused"
	case a.o.Refresh == 0:
		return ""
	}
	return "live " + a.o.Refresh.String()
}

func (a *app) banner() string {
	return fmt.Sprintf("no answer, try %d in %s: %v", a.lost.try+1, view.Span(max(0, a.lost.next.Sub(a.o.Clock()))), a.lost.err)
}

// paintFoot shows what was said last, and the keys of the screen.
func (a *app) paintFoot(at grid.Area, _ view.Options) {
	at.Line(0, 0, a.toast)
	x := 0
	scopes := a.top().scopes()
	hint := func(key, word string) {
		if width := view.Width(key) + view.Width(word) + 1; x+width <= at.W {
			x = at.Put(x, 1, grid.Strong, view.Cell{Text: key})
			x = at.Put(x, 1, 0, view.Cell{Text: " " + word + "  ", Style: view.Muted})
		}
	}
	for _, scope := range append(scopes, command.ScopeAll) {
		for _, m := range command.Moves() {
			for _, k := range m.Keys {
				if k.Scope == scope && m.Hint != "" {
					hint(k.Key, m.Hint)
					break
				}
			}
		}
	}
}

// pointer handles the mouse.
func (a *app) pointer(ev *tcell.EventMouse) {
	if a.over != nil {
		return
	}
	switch {
	case ev.Buttons()&tcell.WheelUp != 0:
		a.do("up")
	case ev.Buttons()&tcell.WheelDown != 0:
		a.do("down")
	case ev.Buttons()&tcell.Button1 != 0:
		if s, ok := a.top().(clickable); ok {
			s.click(ev.Position())
		}
	}
}

// clickable screens know what a place on the terminal is.
type clickable interface{ click(x, y int) }
