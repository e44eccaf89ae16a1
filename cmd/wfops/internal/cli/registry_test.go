package cli_test

import (
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
)

// changes are command lines without a store for every command that changes something.
func changes() (lines []string) {
	for _, c := range command.All() {
		if c.Needs == command.NeedsWrite {
			line := c.Name
			if c.Name == "signal" {
				line += " go"
			}
			lines = append(lines, line+" kyc-5520 --reason r --yes")
		}
	}
	return lines
}

// Every command of the registry can be run, and has its help from there.
func TestEveryCommandHasItsTwin(t *testing.T) {
	w := newWorld(t)
	for _, c := range command.All() {
		r := w.run(c.Name, "--help")
		if r.exit != 0 || !strings.Contains(r.out, c.Title) || !strings.Contains(r.out, c.Examples[0]) {
			t.Errorf("%s: %+v", c.Name, r)
		}
	}
	if len(changes()) != 7 {
		t.Errorf("%d commands change something, the tests know 7", len(changes()))
	}
}
