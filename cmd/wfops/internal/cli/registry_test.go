package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
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

// Golden files show each command as a table, as JSON, and how it fails.
func TestEveryCommandIsInAGoldenFile(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?s)\$ wfops (.*?)\n.*?--- exit (\d+)\n`).FindAllStringSubmatch(string(raw), -1) {
			seen[kindOf(m[1], m[2])] = true
		}
	}
	for _, c := range command.All() {
		want := []string{"table", "json", "error"}
		if c.Name == "completion" { // its scripts are cobra's
			want = want[2:]
		}
		for _, kind := range want {
			if !seen[c.Name+" "+kind] {
				t.Errorf("no golden file has %s: %s", c.Name, kind)
			}
		}
	}
}

// kindOf says which command a line runs, and what of it its output shows.
func kindOf(line, exit string) string {
	name := ""
	for _, word := range split(line) {
		if slices.ContainsFunc(command.All(), func(c command.Command) bool { return c.Name == word }) {
			name = word
			break
		}
	}
	switch {
	case exit != "0" && exit != "1":
		return name + " error"
	case strings.Contains(line, "-o json"), strings.Contains(line, "--output=json"):
		return name + " json"
	case strings.Contains(line, "-o "), strings.Contains(line, "--jq"), strings.Contains(line, "help"):
		return name
	}
	return name + " table"
}
