package tui

import (
	"slices"
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
)

// absent are commands that have no screen yet.
var absent = []string{"diff", "replay", "queues", "workers", "health", "ctx"}

// Whatever a script can ask a store for or do to it can be done on screens as well, by
// its name and by its keys; and what screens read or change is a command.
func TestEveryCommandIsOnAScreen(t *testing.T) {
	for _, c := range command.All() {
		if _, only := scripted[c.Name]; only || slices.Contains(absent, c.Name) {
			continue
		}
		args := map[string]string{"signal": " go kyc-5520"}[c.Name]
		if len(c.Args) > 0 && args == "" {
			args = " kyc-5520"
		}
		for _, line := range []string{c.Name + args, c.Name} {
			p := play(t, 80, 24, nil)
			p.press(":"+line, "Enter")
			p.misses("means nothing here", "there is no command")
		}
	}
}

// Nothing changes a store but what is a command that says so.
func TestMovesChangeNothing(t *testing.T) {
	p := play(t, 80, 24, nil)
	before := p.writes.Load()
	for _, m := range command.Moves() {
		if m.Name == "quit" || m.Name == "suspend" {
			continue
		}
		p.press(":"+m.Name, "Enter", "Esc")
	}
	if after := p.writes.Load(); after != before {
		t.Errorf("moves made %d writes", after-before)
	}
}

// What no key of the screen does is not in its hints, and what help offers is done.
func TestOffersAreBound(t *testing.T) {
	p := play(t, 80, 24, nil)
	for _, open := range []string{"", "Enter", "@"} {
		p.press(open)
		p.inLoop(func() {
			scopes := p.app.top().scopes()
			if !slices.ContainsFunc(command.Chains(), func(chain []command.Scope) bool { return slices.Equal(chain, scopes) }) {
				t.Errorf("%v is no chain", scopes)
			}
			for _, o := range p.app.offers() {
				if o.key == "" {
					continue
				}
				if name, ok := p.app.bind.action(o.key, scopes); !ok || name != o.name {
					t.Errorf("%s is offered as %s, which does %q", o.key, o.name, name)
				}
			}
		})
	}
}

func TestHelpHidesWhatMeansNothing(t *testing.T) {
	p := play(t, 80, 24, nil)
	has := func(name string) (yes bool) {
		p.inLoop(func() {
			yes = slices.ContainsFunc(p.app.offers(), func(o offer) bool { return o.name == name })
		})
		return yes
	}
	if has("back") || has("unmark") || has("fold") || has("completion") || !has("mark") || !has("filter") {
		t.Error("help is not about the list as it is")
	}
	p.press("Space")
	if !has("unmark") {
		t.Error("a mark can't be taken off")
	}
	p.press("@")
	if !has("back") || has("mark") || has("filter") || !has("problems") {
		t.Error("help is not about the log")
	}
	if strings.Contains(p.screen(), "/ filter") {
		t.Error("the hints are not about the log")
	}
}
