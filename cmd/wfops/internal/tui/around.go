package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// around does what is around every screen: help, the palette's settings, the log, and
// what takes what is shown out of the console.
func (a *app) around(name string, args []string) bool {
	switch name {
	case "help":
		a.over = a.help()
	case "actions":
		a.over = a.actions()
	case "log":
		a.show(newLog(a))
	case "yank":
		a.yank()
	case "yank-menu":
		a.yankMenu()
	case "save":
		a.save()
	case "suspend":
		a.suspend()
	case "set":
		a.set(args)
	case "write":
		a.openForChanges()
	case "event":
		return a.toEvent(args)
	case "list":
		a.toList(strings.Join(args, " "))
	default:
		action := ops.Action(name)
		if !slices.Contains(ops.Actions(), action) {
			return false
		}
		a.begin(action, args)
	}
	return true
}

// retreat goes back, and quits where there is nothing to go back to.
func (a *app) retreat() {
	switch {
	case len(a.stack) > 1:
		a.back()
	default:
		a.exit()
	}
}

// exit ends the console, unless something would be left half done.
func (a *app) exit() {
	if a.change != nil {
		a.say(view.Attention, "a change is under way: wait for it, or stop it with Ctrl-C")
		return
	}
	a.quit = true
}

// about does a command of instances on the screen of the one that it is about: the one
// that is named, by the beginning of its id, or the one that is chosen.
func (a *app) about(name string, args []string) bool {
	c, ok := commandOf(name)
	isTab := slices.ContainsFunc(c.Keys, func(k command.Key) bool { return k.Scope == command.ScopeDetail })
	if !ok || !isTab || len(args) > 1 || a.conn == nil {
		return false
	}
	if len(args) == 0 {
		chosen := a.top().chosen()
		if _, open := a.top().(*detail); open || len(chosen) == 0 {
			return false
		}
		a.open(chosen[0], name)
		return true
	}
	store := a.conn.Store
	a.say(view.Waiting, "looking for "+args[0]+"...")
	ask(a, nil, "find", func(ctx context.Context) (backend.Summary, error) { return store.Resolve(ctx, args[0]) }, func(s backend.Summary, err error) {
		if a.heardOf(err) {
			a.say(view.Plain, "")
			a.open(s, name)
		}
	})
	return true
}

// open shows an instance, and one of its tabs.
func (a *app) open(s backend.Summary, tab string) {
	a.show(newDetail(a, s))
	a.top().do(tab)
}

// The registry, which is asked for every frame, and so is made once.
var (
	allMoves    = sync.OnceValue(command.Moves)
	allCommands = sync.OnceValue(command.All)
	byName      = sync.OnceValue(func() map[string]command.Command {
		all := map[string]command.Command{}
		for _, c := range allCommands() {
			all[c.Name] = c
		}
		return all
	})
)

// commandOf returns a command by its name.
func commandOf(name string) (c command.Command, ok bool) {
	c, ok = byName()[name]
	return c, ok
}

// toList goes back to the list of instances, with a filter unless it is empty.
func (a *app) toList(text string) {
	at := slices.IndexFunc(a.stack, func(s screen) bool { _, is := s.(*list); return is })
	if a.conn == nil {
		a.say(view.Bad, "there is no connection yet")
		return
	}
	if at < 0 {
		a.stack = append([]screen{newList(a)}, a.stack...)
		at = 0
	}
	for len(a.stack) > at+1 {
		a.back()
	}
	if l, ok := a.top().(*list); ok && text != "" {
		l.narrow(text)
		if l.problem != nil {
			a.say(view.Bad, l.problem.Error())
			l.problem = nil
		}
	}
}

// settings are what set can change, with what they can be.
var settings = []struct {
	name, values string
	words        []string
	set          func(a *app, value string) error
}{
	{"refresh", "a time, or 0", []string{"1s", "2s", "5s", "30s", "0"}, func(a *app, value string) error {
		every, err := time.ParseDuration(value)
		if value == "0" || value == "off" {
			every, err = 0, nil
		}
		if err == nil && every != 0 && every < minRefresh {
			err = fmt.Errorf("at least %v", minRefresh)
		}
		if err == nil {
			a.o.Refresh = every
		}
		return err
	}},
	{"theme", "terminal, safe or mono", []string{string(ThemeTerminal), string(ThemeSafe), string(ThemeMono)}, func(a *app, value string) (err error) {
		theme, err := ParseTheme(value)
		if err == nil {
			a.o.Theme, a.redraw = theme, true
		}
		return err
	}},
	{"times", "relative, utc or local", timeModes, func(a *app, value string) error {
		at := slices.Index(timeModes, value)
		if at < 0 {
			return fmt.Errorf("there is no %q", value)
		}
		a.o.Times = view.TimeMode(at) //nolint:gosec // an index of three
		return nil
	}},
	{"signs", "unicode or ascii", []string{"unicode", "ascii"}, func(a *app, value string) error {
		if value != "unicode" && value != "ascii" {
			return fmt.Errorf("there is no %q", value)
		}
		a.o.ASCII = value == "ascii"
		return nil
	}},
	{"mouse", "on or off", []string{"on", "off"}, func(a *app, value string) error {
		if value != "on" && value != "off" {
			return fmt.Errorf("there is no %q", value)
		}
		a.mouse(value == "on")
		return nil
	}},
}

// minRefresh keeps a console from being a load of its own.
const minRefresh = 500 * time.Millisecond

// timeModes are the names of view's, in their order.
var timeModes = []string{view.Relative: "relative", view.UTC: "utc", view.Local: "local"}

// set changes a setting of this console, until it ends.
func (a *app) set(args []string) {
	if len(args) == 2 {
		for _, s := range settings {
			if s.name != args[0] {
				continue
			}
			if err := s.set(a, args[1]); err != nil {
				a.say(view.Bad, fmt.Sprintf("set %s: %v; it is %s", s.name, err, s.values))
				return
			}
			a.say(view.Good, s.name+" is "+args[1])
			return
		}
	}
	var all []string
	for _, s := range settings {
		all = append(all, s.name)
	}
	a.say(view.Bad, "set NAME VALUE, where NAME is "+strings.Join(all, ", "))
}

// mouse takes the mouse from the terminal, or gives it back.
func (a *app) mouse(on bool) {
	if a.o.Mouse = on; on {
		a.terminal.EnableMouse(tcell.MouseButtonEvents)
		a.say(view.Plain, "the mouse clicks; % gives it back to the terminal")
		return
	}
	a.terminal.DisableMouse()
	a.say(view.Plain, "the mouse is the terminal's, to select text; % takes it back")
}

// can reports whether something that can be done means something now.
func (a *app) can(name string) bool {
	switch name {
	case "back":
		return len(a.stack) > 1
	case "suspend":
		return canSuspend
	case "yank", "yank-menu":
		_, ok := a.top().(copier)
		return ok
	case "write":
		return a.opensForChanges()
	case "event":
		return a.opened() != nil
	}
	if c, ok := commandOf(name); ok && c.Needs != command.NeedsNothing && a.conn == nil {
		return false
	}
	s, ok := a.top().(able)
	return !ok || s.can(name)
}

// tooSmall is what a terminal shows that has no room for a screen.
func tooSmall(all grid.Area) {
	all.Line(0, 0, view.Cell{Text: fmt.Sprintf("terminal %dx%d, need %dx%d", all.W, all.H, leastWidth, leastHeight), Style: view.Attention})
}

// The least terminal on which a screen says something.
const leastWidth, leastHeight = 60, 15
