package tui

import (
	"strings"
	"testing"
	"time"
)

// Who types what only the command line has is told so, and why.
func TestCommandsOfTheCommandLine(t *testing.T) {
	p := play(t, 120, 24, nil)
	for name, why := range scripted {
		p.press(":"+name, "Enter")
		p.sees("wfops " + name + " is for the command line: " + why)
	}
}

// What a command line says of profiles are no names of stores here.
func TestWordsOfProfiles(t *testing.T) {
	_, change := newWorld(t)
	p := play(t, 80, 24, change)
	for _, line := range []string{":ctx list", ":ctx show prod", ":ctx test prod"} {
		p.press(line, "Enter")
		p.sees("connections", "staging", "not tried")
		p.misses("show:", "list:", "test:")
		p.press("Esc")
	}
}

// What does not grow old is not called stale, and the log counts what it shows.
func TestTheLogIsNotStale(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("@")
	p.misses("0 calls of the store, ")
	p.inLoop(func() {
		p.app.o.Refresh = time.Hour
		p.app.heard = p.app.heard.Add(-2 * staleAfter * p.app.pace())
		if said := p.app.liveness().Text; said != "" {
			t.Errorf("the log is %q", said)
		}
		p.app.back()
		if said := p.app.liveness().Text; !strings.HasPrefix(said, "stale") {
			t.Errorf("the list is %q", said)
		}
	})
}

// On a narrow terminal the reason of a refusal is there, whatever is cut.
func TestRefusalOfSeveralTellsWhy(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.to("order-8791")
	p.press("Space", "Space", "s")
	p.sees("signal makes sense for none of the 2: it is failed, and has to be open")
}
