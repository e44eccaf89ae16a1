package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
)

// golden is a file of testdata: what somebody sees who types its lines. It begins with
// where they are typed.
type golden struct {
	path, place string
	typed       []entry
}

// entry is a command line, and what comes of it.
type entry struct{ line, answer string }

const (
	ownStores  = "# in stores of its own" // because it changes what is in them
	onTerminal = "# on a terminal of %d columns"
	// eachOnALine begins a line that writes words to the input of a command.
	eachOnALine = `printf '%s\n' `
)

// width is 0 where there is no terminal.
func (g golden) width() (width int) {
	if _, err := fmt.Sscanf(g.place, onTerminal, &width); err != nil {
		return 0
	}
	return width
}

// exit returns what the command exited with.
func (e entry) exit() string {
	return strings.TrimSpace(e.answer[strings.LastIndex(e.answer, " ")+1:])
}

// goldens reads all of them.
func goldens(t *testing.T) (all []golden) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%q, %v", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		pieces := regexp.MustCompile(`(?m)^\$ `).Split(string(text), -1)
		g := golden{path: path, place: pieces[0]}
		for _, piece := range pieces[1:] {
			line, answer, _ := strings.Cut(piece, "\n")
			g.typed = append(g.typed, entry{line, strings.TrimSuffix(answer, "\n")})
		}
		all = append(all, g)
	}
	return all
}

// Every store answers every line alike.
func TestGolden(t *testing.T) {
	all := goldens(t)
	onStores(t, func(shared *world) {
		shared.withFleet()
		before := shared.run("app.db", "list", "-o", "json")
		for _, g := range all {
			shared.Run(strings.TrimSuffix(filepath.Base(g.path), ".txt"), func(t *testing.T) {
				w := *shared
				if strings.Contains(g.place, ownStores) {
					w = *newWorldOn(t, w.kind)
				}
				w.T = t
				w.settleIn()
				if width := g.width(); width > 0 {
					w.tty(width)
				}
				w.compare(g.path, w.types(g))
			})
		}
		if after := shared.run("app.db", "list", "-o", "json"); after != before {
			shared.Errorf("a file that is not %q has changed something:\n%s\n%s", ownStores, before.out, after.out)
		}
	})
}

// The profiles that there are: those of the user, and those of the current folder.
const (
	profiles        = "profiles:\n  shop:\n    dsn: app.db\n    mode: ro\n  list: {dsn: other.db}\n  far:\n    dsn: mysql://app@127.0.0.1:1/wf\n    password_env: PW\n"
	projectProfiles = "profiles:\n  shop: {dsn: evil.db}\n  dev: {dsn: app.db, mode: ro}\n  gone: {dsn: missing.db}\n"
)

// settleIn puts what lines refer to into a folder, which becomes the current one.
func (w *world) settleIn() {
	w.Helper()
	w.Chdir(w.TempDir())
	for name, text := range map[string]string{"config.yaml": profiles, connect.ProjectFile: projectProfiles, "broken.wfh": "{"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			w.Fatal(err)
		}
	}
	w.withWorker()
	w.env.Getenv = func(name string) string {
		return map[string]string{"WFOPS_CONFIG": "config.yaml", "PW": "hunter2"}[name]
	}
}

// types returns a golden file as it should be.
func (w *world) types(g golden) string {
	w.Helper()
	var b strings.Builder
	b.WriteString(g.place)
	for _, e := range g.typed {
		line := e.line
		if words, command, piped := strings.Cut(line, " | "); piped && strings.HasPrefix(words, eachOnALine) {
			line, w.in = command, strings.Join(split(words)[2:], "\n")+"\n"
		}
		r := w.run(split(line)[1:]...)
		if r.exit == int(cli.ExitDefect) {
			w.Errorf("%s: %+v", e.line, r) // also where the file is written anew
		}
		fmt.Fprintf(&b, "$ %s\n%s", e.line, r.out)
		if r.err != "" {
			fmt.Fprintf(&b, "--- stderr\n%s", r.err)
		}
		fmt.Fprintf(&b, "--- exit %d\n\n", r.exit)
		w.in = ""
	}
	return b.String()
}

// Each store has cursors of its own, and takes its time.
var (
	cursors = regexp.MustCompile(`(--cursor |"next": ")[\w-]{20,}`)
	waited  = regexp.MustCompile(`(time is up: .* after )[\d.]+m?s`)
)

// compare compares what was printed with a golden file.
func (w *world) compare(path, got string) {
	w.Helper()
	got = cursors.ReplaceAllString(got, "${1}CURSOR")
	got = waited.ReplaceAllString(got, "${1}TIME")
	if *update && w.kind == "sqlite" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			w.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		w.Errorf("%s differs: %v\n%s", path, err, difference(got, string(want)))
	}
}

// difference is the first line that differs, and what is before it.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("%s\ngot:  %s\nwant: %s", strings.Join(a[max(0, i-8):i], "\n"), strings.Join(a[i:min(i+1, len(a))], ""), strings.Join(b[i:min(i+1, len(b))], ""))
}
