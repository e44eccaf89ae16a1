package cli_test

import (
	"slices"
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

// shown says how a command answers: to people in a pipe and on a terminal, to programs,
// and what both are told when it fails.
type shown string

const (
	asTable     shown = "a table in a pipe"
	onScreen    shown = "a table on a terminal"
	asJSON      shown = "JSON"
	asLines     shown = "JSON lines"
	asError     shown = "an error"
	asErrorJSON shown = "an error in JSON"
)

// missing says what no golden file can show, and why.
var missing = map[string]map[shown]string{
	"completion": {
		asTable: "the scripts are those of cobra, which TestCompletion runs", onScreen: "it writes the same there",
		asJSON: "scripts are for shells", asLines: "scripts are for shells",
	},
	"export": {onScreen: "a terminal gets the file as it is", asLines: "it writes the file whatever the format"},
}

// Golden files, which hold on every store, show all of each command.
func TestEveryCommandIsInAGoldenFile(t *testing.T) {
	seen := map[string]map[shown]bool{}
	for _, c := range command.All() {
		seen[c.Name] = map[shown]bool{}
	}
	for _, g := range goldens(t) {
		for _, line := range g.typed {
			for _, word := range split(line.line) {
				if ways := seen[word]; ways != nil {
					ways[wayOf(g, line)] = true
					break
				}
			}
		}
	}
	for _, c := range command.All() {
		for _, way := range []shown{asTable, onScreen, asJSON, asLines, asError, asErrorJSON} {
			switch reason := missing[c.Name][way]; {
			case !seen[c.Name][way] && reason == "":
				t.Errorf("%s: no golden file shows %s", c.Name, way)
			case seen[c.Name][way] && reason != "":
				t.Errorf("%s: a golden file shows %s, though %s", c.Name, way, reason)
			}
		}
	}
}

// wayOf says what of a command a line shows.
func wayOf(g golden, line entry) shown {
	words := split(line.line)
	at := slices.Index(words, "-o")
	format := "table"
	switch {
	case slices.Contains(words, "--help"):
		return ""
	case at > 0:
		format = words[at+1]
	}
	failed := line.exit() != "0" && line.exit() != "1"
	switch {
	case failed && strings.Contains(line.answer, `"schema":"wfops.error/v1"`):
		return asErrorJSON
	case failed:
		return asError
	case slices.Contains(words, "--jq"), strings.HasPrefix(line.answer, "--- "): // it writes nothing
		return ""
	case format == "json":
		return asJSON
	case format == "jsonl":
		return asLines
	case format != "table":
		return ""
	case g.width() > 0:
		return onScreen
	}
	return asTable
}
