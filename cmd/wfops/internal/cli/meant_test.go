package cli_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// configured writes configurations of the user and of the project.
func (w *world) configured(user, project string) {
	w.Helper()
	for path, text := range map[string]string{"config.yaml": user, ".wfops.yaml": project} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			w.Fatal(err)
		}
	}
	w.env.Getenv = func(name string) string { return map[string]string{"WFOPS_CONFIG": "config.yaml"}[name] }
}

// A first word that is none of ours may have been meant for a store, whatever is behind
// it: flags of the command, which nobody can know then, are not what is wrong.
func TestMisspelledNames(t *testing.T) {
	w := newWorld(t)
	w.configured("profiles:\n  production:\n    dsn: app.db\n", "")
	for line, want := range map[string]string{
		"prodution list -n 1":    `there is no command, store or profile "prodution"; did you mean production?`,
		"nowhere list -n 1":      `there is no command, store or profile "nowhere"; see: wfops --help`,
		"lits -n 1":              `there is no command, store or profile "lits"; did you mean list?`,
		"app.db lits -n 1":       `there is no command "lits"; did you mean list?`,
		"app.db prodution":       `there is no command "prodution"; see: wfops --help`,
		"-c prodution list -n 1": `there is no profile "prodution", and stores are called otherwise: files end in .db or .sqlite; did you mean production?`,
		"--nope":                 "unknown flag: --nope",
		"list --nope":            "unknown flag: --nope",
	} {
		if r := w.run(split(line)...); !strings.Contains(r.err, want) || r.exit != 2 {
			t.Errorf("%s: exit %d, %s\nwant %s", line, r.exit, r.err, want)
		}
	}
	if r := w.run("-c", "app:secret@far/x", "list"); strings.Contains(r.err, "secret") || r.exit != 2 {
		t.Errorf("%+v", r)
	}
}

func TestColorsIntoAPipe(t *testing.T) {
	w := newWorld(t)
	plain := w.run("app.db", "list", "--filter", "id:order-8790")
	r := w.run("app.db", "list", "--filter", "id:order-8790", "--color", "always")
	if !strings.Contains(r.out, "\tOrderFill\t\x1b[31mfailed\x1b[0m\t") || strings.Contains(plain.out, "\x1b") {
		t.Errorf("%q\n%q", plain.out, r.out)
	}
	w.env.Getenv = func(name string) string { return map[string]string{"CLICOLOR_FORCE": "1"}[name] }
	if forced := w.run("app.db", "list", "--filter", "id:order-8790"); forced.out != r.out {
		t.Errorf("%q", forced.out)
	}
}

// A terminal of another character set gets our signs in ASCII, on the command line as
// on screens. A pipe has no signs, and its reader no such trouble.
func TestSignsOfOtherCharacterSets(t *testing.T) {
	w := newWorld(t)
	w.tty(100)
	w.env.Getenv = func(name string) string { return map[string]string{"LC_ALL": "C"}[name] }
	r := w.run("app.db", "list", "--filter", "id:order-8790")
	if strings.Contains(r.out, "✗") || !strings.Contains(r.out, "\nx ") && !strings.Contains(r.out, "mx\x1b[0m order-8790") {
		t.Errorf("%s", r.out)
	}
	if r := w.run("app.db", "doctor"); !strings.Contains(r.out, "the character set of the terminal") {
		t.Errorf("%s", r.out)
	}
}

func TestCompletionOfNames(t *testing.T) {
	w := newWorld(t)
	w.configured("profiles:\n  production:\n    dsn: app.db\n", "profiles:\n  local:\n    dsn: app.db\n")
	for _, tc := range []struct {
		line         string
		want, misses string
	}{
		{"__complete p", "\nproduction\n", ""},
		{"__complete l", "\nlocal\n", ""},
		{"__complete -c p", "production\n", ""},
		{"__complete app.db p", "pause", "production"},
		{"__complete app.db signal d", "decision\n", "kyc"},
		{"__complete missing.db signal d", ":4", "decision"},
	} {
		r := w.run(split(tc.line)...)
		if !strings.Contains("\n"+r.out, tc.want) || tc.misses != "" && strings.Contains(r.out, tc.misses) {
			t.Errorf("%s: %s", tc.line, r.out)
		}
	}
}

// Doctor is asked when something is wrong, for example with the configuration.
func TestDoctorSeesABadConfiguration(t *testing.T) {
	w := newWorld(t)
	w.configured("profiles:\n  p:\n    dns: app.db\n", "")
	if r := w.run("doctor"); !strings.Contains(r.out, `config.yaml: line 3: there is no key "dns"`+"\tWFOPS_CONFIG") || r.exit != 0 {
		t.Errorf("%+v", r)
	}
	if r := w.run("ctx"); !strings.Contains(r.err, `config.yaml: line 3: there is no key "dns"`) || strings.Contains(r.err, "connect.Profile") || r.exit != 2 {
		t.Errorf("%+v", r)
	}
	w.env.Getenv = func(name string) string { return map[string]string{"WFOPS_CONFIG": "other.yaml"}[name] }
	if r := w.run("doctor"); !strings.Contains(r.out, "other.yaml, which is not there") {
		t.Errorf("%+v", r)
	}
}

// A cursor is of no use to who watches, and what is told beside the table is gone with
// the next one.
func TestWatchedTablesTellNoCursor(t *testing.T) {
	w := newWorld(t)
	w.tty(100)
	if r := w.run("app.db", "list", "-n", "1"); !strings.Contains(r.err, "--cursor") {
		t.Errorf("%+v", r)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := w.runTo(ctx, lines(func(string) { stop() }), "app.db", "list", "-n", "1", "--watch=1ms")
	if strings.Contains(r.err, "--cursor") || r.exit != int(cli.ExitInterrupted) {
		t.Errorf("%+v", r)
	}
}

// Which columns there are is no question of how healthy a store is.
func TestColumnsOfAnUnhealthyStore(t *testing.T) {
	w := newWorld(t)
	if r := w.run("app.db", "health"); r.exit != int(cli.ExitNo) {
		t.Fatalf("%+v", r)
	}
	if r := w.run("app.db", "health", "--columns", "help"); !strings.HasPrefix(r.out, "sign\nseverity\n") || r.exit != 0 {
		t.Errorf("%+v", r)
	}
}

// What a table has is told without an instance, a program or a store, and is what the
// table has.
func TestColumnsAreToldBeforeAnythingIsAsked(t *testing.T) {
	w := newWorld(t)
	args := map[string][]string{"list": nil, "queues": nil, "workers": nil, "diff": {"order-8790", "order-8788"}, "terminate": {"kyc-5520", "--reason", "x", "--dry-run"}}
	for _, name := range []string{"get", "history", "tree", "pending", "data", "trace"} {
		args[name] = []string{"order-8790"}
	}
	for name, args := range args {
		told := w.run(name, "--columns", "help")
		if told.exit != 0 || told.out == "" {
			t.Errorf("%s: %+v", name, told)
		}
		if r := w.run(append([]string{"app.db", name, "--columns", strings.ReplaceAll(strings.TrimSpace(told.out), "\n", ",")}, args...)...); strings.Contains(r.err, "there is no column") || r.exit > 1 {
			t.Errorf("%s: %+v", name, r)
		}
		if r := w.run(append([]string{"app.db", name, "--columns", "zz"}, args...)...); !strings.HasSuffix(strings.ReplaceAll(r.err, ", ", "\n"), "there are "+told.out) {
			t.Errorf("%s: %q, and %+v", name, told.out, r)
		}
	}
	for _, name := range []string{"health", "replay"} {
		if r := w.run(name, "--columns", "help"); r.exit != 0 || !strings.HasPrefix(r.out, "sign\n") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := w.run("app.db", "get", "--columns", "field"); r.exit != int(cli.ExitUsage) {
		t.Errorf("%+v", r)
	}
}

// A tree that leaves out children is not all there is to see.
func TestTreeWithoutRoomForAll(t *testing.T) {
	w := newWorld(t)
	b := crowded(t, w, 0)
	parent := &engine.Instance{InstanceID: "parent", ExecutionID: opstest.Execution("parent")}
	row := func(id string, of *engine.Instance) opstest.Row {
		return opstest.Row{Summary: backend.Summary{Instance: engine.Instance{InstanceID: id}, Parent: of, Workflow: "Part", Status: engine.StatusRunning, Created: ago(time.Minute), Updated: ago(time.Minute)}}
	}
	rows := []opstest.Row{row("parent", nil)}
	for i := range 2001 {
		rows = append(rows, row(fmt.Sprintf("child-%d", i), parent))
	}
	opstest.Seed(t, b, w.clock, rows)
	w.env.Open = func(context.Context, connect.Target) (backend.Backend, error) { return kept{b}, nil }
	r := w.run("app.db", "tree", "parent")
	if !strings.Contains(r.out, "└ more children") || !strings.Contains(r.err, "more children than a tree has room for, of parent") || !strings.Contains(r.err, "list --filter parent:parent shows") || r.exit != int(cli.ExitPartial) {
		t.Errorf("exit %d, %s", r.exit, r.err)
	}
}
