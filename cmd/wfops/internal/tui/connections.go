package tui

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// connections are the stores that could be opened.
type connections struct {
	a      *app
	places []view.Place
	// read is when they were read, err why they could not be.
	read time.Time
	err  error
	// tried is how far the trials are, by name.
	tried map[string]view.Trial

	table    table
	selected string // the name of the place under the cursor
}

// openConnections shows what there is to connect to or, given the name of a place,
// connects to it.
func (a *app) openConnections(args ...string) bool {
	if len(args) > 0 && !slices.Contains(a.profiles(), args[0]) && slices.Contains(placeWords(), args[0]) {
		args = nil // the screen lists, shows and tries them
	}
	if len(args) > 0 {
		a.connectTo(args[0], false)
		return true
	}
	a.show(&connections{a: a, tried: map[string]view.Trial{}})
	return true
}

// placeWords are what a command line may say of profiles.
func placeWords() []string {
	c, _ := commandOf("ctx")
	return c.Args[0].Words
}

func (*connections) scopes() []command.Scope { return []command.Scope{command.ScopeConnections} }

func (*connections) title() string { return "connections" }

func (c *connections) facts() []view.Cell {
	if len(c.places) == 0 {
		return nil
	}
	return []view.Cell{{Text: fmt.Sprintf("%d of %d", c.table.cursor+1, len(c.places))}}
}

func (*connections) chosen() []backend.Summary { return nil }

// placesAge is how long a list of places is good.
const placesAge = 10 * time.Second

func (c *connections) refresh() {
	if c.a.lost.err == nil { // this screen asks the store for nothing else
		c.a.recensus()
	}
	if c.a.o.Places == nil || c.a.underWay(c, "places") || !c.read.IsZero() && c.a.o.Clock().Sub(c.read) < placesAge {
		return
	}
	c.reread()
}

func (c *connections) reread() {
	ask(c.a, c, "places", c.a.o.Places, func(places []view.Place, err error) {
		c.read, c.err = c.a.o.Clock(), err
		if c.places = places; err != nil {
			c.a.say(view.Bad, err.Error())
		}
		c.table.resize(len(places))
		if i := slices.IndexFunc(places, func(p view.Place) bool { return p.Name == c.selected }); i >= 0 {
			c.table.to(i)
		}
		for i := range places {
			if places[i].Quick && !c.tried[places[i].Name].Done {
				c.try(&places[i])
			}
		}
	})
}

// trialTime is how long a place may take to answer.
const trialTime = 5 * time.Second

// try finds out whether a place can be used. It is done at once for files that are not
// large; others may want to ask somebody for a password, and are left alone until they
// are asked for.
func (c *connections) try(p *view.Place) {
	name := p.Name
	if c.a.o.Check == nil || p.Problem != nil || c.tried[name].Running {
		return
	}
	before := c.tried[name]
	before.Running = true
	c.tried[name] = before
	check := c.a.o.Check
	ask(c.a, c, "try "+name, func(ctx context.Context) (view.Checked, error) {
		ctx, cancel := context.WithTimeout(ctx, trialTime)
		defer cancel()
		return check(ctx, name), nil
	}, func(result view.Checked, _ error) {
		c.tried[name] = view.Trial{Done: true, Checked: result}
	})
}

func (c *connections) current() *view.Place {
	if c.table.cursor >= len(c.places) {
		return nil
	}
	return &c.places[c.table.cursor]
}

func (c *connections) do(name string) bool {
	p := c.current()
	if c.table.move(name) {
		if p = c.current(); p != nil {
			c.selected = p.Name
		}
		return true
	}
	switch name {
	case "enter":
		if p != nil {
			c.a.connectTo(p.Name, false)
		}
	case "test":
		if p != nil {
			c.try(p)
		}
	case "test-all":
		for i := range c.places {
			c.try(&c.places[i])
		}
	case "refresh":
		if c.a.o.Places != nil {
			c.tried = map[string]view.Trial{}
			c.a.dropAll(c)
			c.reread()
		}
	default:
		return false
	}
	return true
}

// can says which moves mean something here.
func (c *connections) can(name string) bool {
	switch name {
	case "filter", "actions", "left", "right", "wide", "times", "freeze", "next", "previous", "next-pane", "previous-pane", "yank", "yank-menu":
		return false
	case "enter", "test", "test-all":
		return c.current() != nil
	case "back":
		return len(c.a.stack) > 1
	}
	return true
}

func (c *connections) click(x, y int) {
	if _, row, ok := c.table.at.Holds(x, y); ok && row > 0 {
		c.table.to(c.table.top + row - 1)
		if p := c.current(); p != nil {
			c.selected = p.Name
		}
	}
}

// besideFrom is how wide a screen has to be for what is known and what was found out
// to stand side by side.
const besideFrom = 100

func (c *connections) draw(at grid.Area, o view.Options) {
	p := c.current()
	if p == nil {
		c.drawNothing(at)
		return
	}
	trial := c.tried[p.Name]
	facts, found := c.lines(*p, trial, at.W, o)
	below := max(len(facts), len(found))
	if at.W < besideFrom {
		facts, found = append(found, facts...), nil
		below = len(facts)
	}
	// The table may take what the details leave, and half of the screen in any case.
	rows := max(min(len(c.places)+1, at.H-below-1), min(len(c.places)+1, at.H/2))
	table, at := at.Top(rows)
	c.table.draw(table, o, func(from, to int, o view.Options) view.Table {
		trials := make([]view.Trial, to-from)
		for i := range trials {
			trials[i] = c.tried[c.places[from+i].Name]
		}
		return view.Places(c.places[from:to], trials, o)
	}, nil)
	at.Rule(0, p.Name, o.ASCII)
	_, at = at.Top(1)
	half := at.Sub(at.W/2+1, 0, at.W, at.H)
	for y, cells := range facts {
		at.Line(y, 0, cells...)
	}
	for y, cells := range found {
		half.Line(y, 0, cells...)
	}
}

// lines are what is known of a place, and what trying it has told.
func (c *connections) lines(p view.Place, trial view.Trial, width int, o view.Options) (facts, found view.Lines) {
	if width >= besideFrom {
		width = width/2 - 1
	}
	return view.PlaceFacts(p, width), view.TrialFacts(p, trial, o, width)
}

func (c *connections) drawNothing(at grid.Area) {
	switch {
	case c.a.underWay(c, "places"):
		at.Line(0, 0, view.Cell{Text: "  looking...", Style: view.Muted})
	case c.err != nil:
		for y, line := range view.Paragraph(c.err.Error(), at.W) {
			at.Line(y, 0, view.Cell{Text: line, Style: view.Bad})
		}
	default:
		at.Line(0, 0, view.Cell{Text: "  There is no profile in the configuration, and no store in this folder.", Style: view.Plain})
		at.Line(1, 0, view.Cell{Text: "  wfops STORE opens one: a file, a connection string or a profile; see wfops help environment", Style: view.Muted})
	}
}
