package tui

import (
	"slices"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// offer is something that can be done now. Help, the palette and the hints at the foot
// of the screen are made from offers, and so from the registry.
type offer struct {
	name, title string
	// key is what is pressed, of the innermost screen; "" if there is none.
	key string
	// hint is the word beside the key at the foot, or "".
	hint string
	// roomy hints wait until all others have found room.
	roomy bool
	// typed is what is typed behind a colon, and cli on a command line; a move has
	// none.
	typed, cli string
	// scope is how far out the key is bound: 0 for the screen's own.
	scope int
}

// scripted commands have no screen of their own.
var scripted = map[string]string{
	"wait":       "screens are live",
	"trace":      "the timeline shows it",
	"doctor":     "it is for when there is no screen",
	"completion": "it is for shells",
	"version":    "it is for scripts",
}

// meaningless says why what is called that does nothing on the screen.
func meaningless(name string) string {
	if why, only := scripted[name]; only {
		return "wfops " + name + " is for the command line: " + why
	}
	return name + " means nothing here"
}

// offers returns what means something on the screen, its own things first.
func (a *app) offers() []offer {
	scopes := append(slices.Clone(a.top().scopes()), command.ScopeAll)
	var all []offer
	add := func(o offer, bound []command.Key) {
		key, at := boundIn(bound, scopes)
		if at < 0 && len(bound) > 0 && o.cli == "" || !a.can(o.name) {
			return
		}
		if o.key, o.scope = key, at; at < 0 {
			o.scope = len(scopes)
		}
		all = append(all, o)
	}
	for _, m := range allMoves() {
		add(offer{name: m.Name, title: m.Title, hint: m.Hint, roomy: m.Roomy, typed: ":" + m.Name}, m.Keys)
	}
	for _, c := range allCommands() {
		if _, only := scripted[c.Name]; only {
			continue
		}
		o := offer{name: c.Name, title: c.Title, typed: ":" + c.Use(), cli: "wfops " + c.Use()}
		if slices.ContainsFunc(c.Keys, func(k command.Key) bool { return k.Scope == command.ScopeList }) {
			o.hint = c.Name
		}
		add(o, c.Keys)
	}
	slices.SortStableFunc(all, func(x, y offer) int { return x.scope - y.scope })
	return all
}

// boundIn returns the first key in the innermost of these scopes, and which that is.
func boundIn(bound []command.Key, scopes []command.Scope) (key string, at int) {
	for at, scope := range scopes {
		for _, k := range bound {
			if k.Scope == scope {
				return k.Key, at
			}
		}
	}
	return "", -1
}

// help lists what can be done here, and does it.
func (a *app) help() *menu {
	columns := []view.Column{{Key: "key", Min: 5}, {Key: "title", Min: 44}, {Key: "typed", Rank: 1, Min: 12}, {Key: "cli", Rank: 2, Min: 30}}
	var items []choice
	for _, o := range a.offers() {
		if o.name == "help" {
			continue
		}
		style := view.Plain
		if o.scope == 0 {
			style = view.Header
		}
		items = append(items, choice{
			cells: []view.Cell{{Text: o.key, Style: view.Header}, {Text: o.title, Style: style}, {Text: o.typed, Style: view.Muted}, {Text: o.cli, Style: view.Muted}},
			note:  strings.TrimSpace(o.typed + "   " + o.cli),
			run:   func() { a.offered(o) },
		})
	}
	m := newMenu("what can be done here", columns, items)
	m.whole = true
	return m
}

// offered does what was chosen, or begins to type it if something has to follow.
func (a *app) offered(o offer) {
	if c, ok := commandOf(o.name); ok && o.key == "" && len(c.Args) > 0 && len(a.top().chosen()) == 0 {
		a.over = newPalette(a, o.name+" ")
		return
	}
	a.over = nil
	a.do(o.name)
}

// acts are what the menu of actions offers beside the changes.
var acts = []string{"export", "replay", "diff"}

// actions lists what can be done to the chosen instances.
func (a *app) actions() *menu {
	columns := []view.Column{{Key: "name", Min: 9}, {Key: "key", Min: 3}, {Key: "title", Min: 20}}
	var items []choice
	add := func(name string) {
		c, ok := commandOf(name)
		if !ok || !a.can(name) {
			return
		}
		scopes := append(slices.Clone(a.top().scopes()), command.ScopeAll)
		key, _ := boundIn(c.Keys, scopes)
		title, label := view.Cell{Text: c.Title}, view.Cell{Text: c.Name}
		if c.Dangerous {
			label.Style = view.Bad
		}
		if why := a.senseless(ops.Action(c.Name)); why != "" {
			label.Style, title = view.Muted, view.Cell{Text: why, Style: view.Muted}
		}
		items = append(items, choice{
			cells: []view.Cell{label, {Text: key, Style: view.Header}, title},
			run:   func() { a.over = nil; a.do(c.Name) },
		})
	}
	for _, action := range ops.Actions() {
		add(string(action))
	}
	for _, name := range acts {
		add(name)
	}
	return newMenu(a.aboutChosen(), columns, items)
}

// senseless says why an action makes sense for nothing that is chosen, as it was read
// last, or "".
func (a *app) senseless(action ops.Action) string {
	if !slices.Contains(ops.Actions(), action) {
		return ""
	}
	if why := a.refuses(); why != "" {
		return why
	}
	outcomes, err := a.conn.Store.Preview(ops.Change{Action: action, Reason: "-", Signal: "-"}, a.top().chosen())
	if err != nil || len(outcomes) == 0 || slices.ContainsFunc(outcomes, func(o ops.Outcome) bool { return o.Err == nil }) {
		return ""
	}
	return whyRefused(outcomes[0])
}

// aboutChosen says what an action would be about.
func (a *app) aboutChosen() string {
	chosen := a.top().chosen()
	switch len(chosen) {
	case 0:
		return "nothing is chosen"
	case 1:
		return chosen[0].Instance.InstanceID
	}
	return view.Count(int64(len(chosen))) + " marked instances"
}
