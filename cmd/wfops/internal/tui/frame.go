package tui

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
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
	// asked is when a refresh began that has not been answered, and cost how long the
	// last one took.
	asked time.Time
	cost  time.Duration
	lost  lost
}

// lost is a store that does not answer.
type lost struct {
	err  error
	next time.Time
	try  int
}

// whyLost is why nothing can be changed while it is lost.
const whyLost = "the store does not answer, and nothing can be changed until it does"

// spacious screens have room for lines between their parts.
const spacious = 30

// say shows a line at the foot of the screen.
func (a *app) say(style view.Style, text string) {
	a.toast = view.Cell{Text: text, Style: style}
	if text != "" && style != view.Muted && style != view.Waiting {
		a.log.said(style, text)
	}
}

// A store that takes long to answer is asked less often: reading anew may take a tenth
// of its time, but happens twice a minute at least.
const (
	costShare = 10
	longest   = 30 * time.Second
)

// pace is how often a store is asked that takes that long.
func (a *app) pace() time.Duration { return max(a.o.Refresh, min(longest, costShare*a.cost)) }

// refresh reads anew what is shown, unless the store is given time.
func (a *app) refresh() {
	now := a.o.Clock()
	switch {
	case a.lost.err != nil && (now.Before(a.lost.next) || a.waits(a.top())):
		return
	case a.lost.err == nil && costShare*a.cost > a.o.Refresh && now.Before(a.heard.Add(a.pace())):
		return
	}
	a.asked = now
	a.top().refresh()
}

// Bounds of the time between two tries to reach a store, which is also not longer than
// an answer may take.
const (
	firstTry = time.Second
	lastTry  = 30 * time.Second
)

// heardOf tells the frame how a read went, and reports whether there is something to
// show. What a store that does not answer had said stays on the screen.
func (a *app) heardOf(err error) bool {
	if err == nil {
		if strings.HasSuffix(a.toast.Text, whyLost) { // which is not so any more
			a.toast = view.Cell{}
		}
		a.heard, a.lost = a.o.Clock(), lost{}
		if !a.asked.IsZero() {
			a.cost, a.asked = a.heard.Sub(a.asked), time.Time{}
		}
		a.recensus()
		return true
	}
	if errors.Is(err, ops.ErrReplaced) && a.reopens() {
		return false
	}
	if isLost(err) {
		wait := min(lastTry, cmp.Or(a.o.Patience, lastTry), firstTry<<min(a.lost.try, 10))
		a.lost = lost{err: err, next: a.o.Clock().Add(wait), try: a.lost.try + 1}
		return false
	}
	a.say(view.Bad, err.Error())
	return false
}

// paint draws everything.
func (a *app) paint(g *grid.Grid) {
	g.ASCII = a.o.ASCII
	all := g.All()
	if all.W < leastWidth || all.H < leastHeight {
		tooSmall(all)
		return
	}
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
	right := []view.Cell{a.liveness(), {Text: "  " + o.Now.UTC().Format("15:04:05Z"), Style: view.Muted}}
	if a.lost.err != nil {
		right = []view.Cell{{Text: a.banner(), Style: view.Attention}}
	}
	// A long name of a store must not push out the time, or that the store is away, or
	// what needs attention.
	room := at.W - widthOf(right) - between
	x := at.Line(0, 0, a.identity(room-leastCounts)...)
	at.Sub(x, 0, room-x, 1).Line(0, 0, a.census(room-x)...)
	at.Sub(x+between, 0, at.W-x-between, 1).Right(0, 0, right...)
	a.paintWay(at, o)
}

// paintWay shows the way back, of which the end matters most, and what is beside it.
func (a *app) paintWay(at grid.Area, o view.Options) {
	facts := a.top().facts()
	room := at.W - between - widthOf(fitting(facts, 0))
	from := 0
	for from < len(a.stack)-1 && view.Width(view.Escape(a.crumbs(from))) > room {
		from++
	}
	x := 0
	for i, s := range a.stack[from:] {
		if i > 0 || from > 0 {
			x = at.Put(x, 1, 0, view.Cell{Text: o.Arrow(), Style: view.Muted})
		}
		x = at.Put(x, 1, grid.Strong, view.Cell{Text: s.title(), Style: view.Header})
	}
	beside := at.Sub(x+between, 1, at.W-x-between, 1)
	beside.Right(0, 0, fitting(facts, beside.W)...)
}

// leastName is the room for the name of a store in any case, and leastCounts what is kept
// for how many instances there are.
const leastName, leastCounts = 8, 24

// everything is more room than any line needs.
const everything = 1 << 16

func widthOf(cells []view.Cell) (width int) {
	for _, c := range cells {
		width += view.Width(view.Escape(c.Text))
	}
	return width
}

// fitting leaves out what matters least where there is no room for all.
func fitting(facts []view.Cell, width int) []view.Cell {
	used := widthOf(facts)
	return slices.DeleteFunc(slices.Clone(facts), func(c view.Cell) bool {
		drop := used > width && c.Style == view.Muted
		if drop {
			used -= view.Width(view.Escape(c.Text))
		}
		return drop
	})
}

// identity says what is connected, and whether it can be changed, which is never cut.
func (a *app) identity(width int) []view.Cell {
	if a.conn == nil {
		return []view.Cell{{Text: "wfops", Style: view.Header}, {Text: " no connection", Style: view.Muted}}
	}
	mode := view.Cell{Text: " RW", Style: view.Attention}
	if a.conn.Store.ReadOnly() {
		mode = view.Cell{Text: " RO", Style: view.Good}
	}
	rest := []view.Cell{{Text: " (" + a.conn.Kind + ")", Style: view.Muted}, a.environment(), mode}
	name := view.Cell{Text: nameIn(a.conn.Name, max(leastName, width-widthOf(rest))), Style: view.Header}
	return append([]view.Cell{name}, rest...)
}

// nameIn is the name of a store in so much room: of a file the end says most.
func nameIn(name string, width int) string {
	if at := strings.LastIndexAny(name, `/\`); at > 0 && view.Width(view.Escape(name)) > width && !strings.Contains(name, "://") {
		name = "…" + name[at:]
	}
	return view.Clip(name, width)
}

// liveness says how old what is shown may be. Nothing stands out while it is as fresh as
// it should be.
func (a *app) liveness() view.Cell {
	age := view.Span(a.o.Clock().Sub(a.heard))
	switch {
	case a.conn == nil, !a.can("refresh"): // what is shown does not grow old
		return view.Cell{}
	case a.heard.IsZero():
		return view.Cell{Text: "reading", Style: view.Waiting}
	case a.frozen:
		return view.Cell{Text: "paused " + age, Style: view.Waiting}
	case a.o.Refresh == 0:
		return view.Cell{Text: age + " old", Style: view.Muted}
	case a.o.Clock().Sub(a.heard) > staleAfter*a.pace():
		return view.Cell{Text: "stale " + age, Style: view.Attention}
	}
	return view.Cell{Text: "live " + a.pace().Round(100*time.Millisecond).String(), Style: view.Muted}
}

// staleAfter is how many refreshes have to be missing for data to be old.
const staleAfter = 4

func (a *app) banner() string {
	return fmt.Sprintf("NO ANSWER from the store, try %d in %s", a.lost.try+1, view.Span(max(0, a.lost.next.Sub(a.o.Clock()))))
}

// paintFoot shows what was said last, and the keys of the screen.
func (a *app) paintFoot(at grid.Area, _ view.Options) {
	said, toast := at.Sub(0, 0, at.W, 1), a.toast
	if a.lost.err != nil && toast.Text == "" {
		toast = view.Cell{Text: a.lost.err.Error(), Style: view.Bad}
	}
	if said.Line(0, 0, toast); view.Width(view.Escape(toast.Text)) > at.W {
		said.Right(0, grid.Strong, view.Cell{Text: "  @ log"})
	}
	x := 0
	for _, h := range a.hints(at.W) {
		x = at.Put(x, 1, grid.Strong, view.Cell{Text: h.key})
		x = at.Put(x, 1, 0, view.Cell{Text: " " + h.hint, Style: view.Muted}) + between
	}
}

// between is the room between two hints.
const between = 2

// hints are the keys at the foot: those of the screen, those of everywhere, as many
// commands as there is room for, and what else finds room then. Help is always there.
func (a *app) hints(room int) (shown []offer) {
	all := a.offers()
	at := slices.IndexFunc(all, func(o offer) bool { return o.name == "help" })
	help := all[at]
	room -= help.hintWidth()
	for turn := range 3 {
		for _, o := range all {
			width := o.hintWidth() + between
			if o.key != "" && o.hint != "" && o.turn() == turn && o.name != help.name && width <= room {
				shown = append(shown, o)
				room -= width
			}
		}
	}
	slices.SortStableFunc(shown, func(x, y offer) int { return x.scope - y.scope })
	return append(shown, help)
}

// turn says when a hint is given room.
func (o offer) turn() int {
	switch {
	case o.roomy:
		return 2
	case o.cli != "":
		return 1
	}
	return 0
}

func (o offer) hintWidth() int { return view.Width(o.key) + view.Width(o.hint) + 1 }
