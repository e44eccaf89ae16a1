package cli_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/engine/backend"
)

var update = flag.Bool("update", false, "write golden files")

// binaries is where programs for the tests are built.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wfops-cli-*")
	if err != nil {
		panic(err)
	}
	binaries = dir
	slog.SetDefault(slog.New(slog.DiscardHandler)) // stores tell of settings that are fine for tests
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// lines hands each write to a function.
type lines func(string)

func (l lines) Write(b []byte) (int, error) {
	l(string(b))
	return len(b), nil
}

// Who watches in a pipe gets a line for whatever becomes part of the list, changes, and
// leaves it.
func TestWatch(t *testing.T) {
	path, err := filepath.Abs("testdata/watch.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	then := map[int]string{7: "pause kyc-5531", 8: "terminate kyc-5520"} // seven are open
	onStores(t, func(w *world) {
		ctx, stop := context.WithCancel(w.Context())
		defer stop()
		var seen []string
		r := w.runTo(ctx, lines(func(line string) {
			seen = append(seen, line)
			switch command := then[len(seen)]; {
			case command != "":
				if r := w.run(split("app.db " + command + " --reason r --yes")...); r.exit != 0 {
					w.Errorf("%+v", r)
				}
			case len(seen) == 9:
				stop()
			}
		}), "app.db", "list", "--filter", "is:open", "--watch=1ms")
		if r.exit != int(cli.ExitInterrupted) || r.err != "" {
			w.Errorf("%+v", r)
		}
		w.compare(path, strings.Join(seen, ""))
	})
}

func TestWatchOnATerminal(t *testing.T) {
	w := newWorld(t)
	w.tty(100)
	for _, command := range []string{"list", "queues", "workers", "health", "get order-8841", "pending order-8841", "tree order-8841"} {
		ctx, stop := context.WithCancel(t.Context())
		frames := 0
		r := w.runTo(ctx, lines(func(text string) {
			if !strings.HasPrefix(text, "\x1b[H\x1b[J") {
				t.Errorf("%s: a frame begins with %.20q", command, text)
			}
			if frames++; frames == 2 {
				stop()
			}
		}), split("app.db "+command+" --watch=1ms")...)
		stop()
		if r.exit != int(cli.ExitInterrupted) || frames != 2 || r.err != "" {
			t.Errorf("%s: %d frames, %+v", command, frames, r)
		}
	}
	if r := w.run("app.db", "get", "nobody", "--watch"); r.exit != int(cli.ExitNotFound) {
		t.Errorf("%+v", r)
	}
}

// Every command that changes something is refused on a connection that only reads,
// and nothing has changed afterwards.
func TestReadOnlyRefusesEveryChange(t *testing.T) {
	w := newWorld(t)
	before := w.run("app.db", "list", "-o", "json")
	var lines []string
	for _, c := range changes() {
		lines = append(lines, "app.db "+c+" --read-only", "app.db?mode=ro "+c+" --write")
	}
	for _, line := range lines {
		r := w.run(split(line)...)
		if r.exit != int(cli.ExitRefused) || !strings.Contains(r.err, "read-only") || r.out != "" {
			t.Errorf("%s: %+v", line, r)
		}
	}
	if after := w.run("app.db", "list", "-o", "json"); after.out != before.out {
		t.Errorf("something has changed:\n%s\n%s", before.out, after.out)
	}
}

func TestConfirmation(t *testing.T) {
	for _, tc := range []struct {
		answer string
		args   []string
		exit   cli.Exit
	}{
		{"yes\n", []string{"terminate", "kyc-5520"}, cli.ExitOK},
		{"y\n", []string{"terminate", "kyc-5520"}, cli.ExitRefused},
		{"", []string{"terminate", "kyc-5520"}, cli.ExitRefused},
		{"2\n", []string{"pause", "kyc-5520", "trial-1207"}, cli.ExitOK},
		{"yes\n", []string{"pause", "kyc-5520", "trial-1207"}, cli.ExitRefused},
		{"", []string{"pause", "kyc-5520"}, cli.ExitOK},
		{"yes\n", []string{"terminate", "kyc-5520", "-o", "json"}, cli.ExitRefused},
	} {
		w := newWorld(t)
		w.tty(80)
		w.in = tc.answer
		if r := w.run(append([]string{"app.db", "--reason", "r"}, tc.args...)...); r.exit != int(tc.exit) {
			t.Errorf("%q to %v: %+v", tc.answer, tc.args, r)
		}
	}
}

func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cli.ErrTerminated)
	if r := w.runTo(ctx, nil, "app.db", "wait", "kyc-5520"); r.exit != int(cli.ExitTerminated) || r.err != "" {
		t.Errorf("%+v", r)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if r := w.runTo(ctx, nil, "app.db", "list"); r.exit != int(cli.ExitInterrupted) || r.err != "" {
		t.Errorf("%+v", r)
	}
}

func TestNobodyReads(t *testing.T) {
	w := newWorld(t)
	for _, format := range []string{"table", "json", "jsonl", "name", "yaml"} {
		r, p := io.Pipe()
		_ = r.Close()
		if got := w.runTo(t.Context(), p, "app.db", "list", "-o", format); got.exit != 0 || got.err != "" {
			t.Errorf("%s: %+v", format, got)
		}
	}
	if got := w.runTo(t.Context(), full{}, "app.db", "list"); got.exit == 0 || !strings.Contains(got.err, "disk full") {
		t.Errorf("%+v", got)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestPanicsAreReported(t *testing.T) {
	w := newWorld(t)
	w.env.Open = func(context.Context, connect.Target) (backend.Backend, error) { panic("boom") }
	if r := w.run("app.db", "list"); r.exit != int(cli.ExitDefect) || !strings.Contains(r.err, "boom") {
		t.Errorf("%+v", r)
	}
}

func TestStoreFromTheEnvironment(t *testing.T) {
	w := newWorld(t)
	w.env.Getenv = func(name string) string { return map[string]string{"WFOPS_DSN": "app.db"}[name] }
	for _, args := range [][]string{{"list", "-o", "name"}, {"-c", "app.db", "list", "-o", "name"}, {"list", "-o", "name", "--connect=app.db"}} {
		if r := w.run(args...); r.exit != 0 || !strings.Contains(r.out, "kyc-5520") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

func TestProfiles(t *testing.T) {
	w := newWorld(t)
	w.settleIn()
	env := map[string]string{"WFOPS_CONFIG": "config.yaml", "PW": "hunter2"}
	w.env.Getenv = func(name string) string { return env[name] }
	if r := w.run("far", "list"); r.exit != int(cli.ExitStore) || strings.Contains(r.err, "hunter2") || !strings.Contains(r.err, "mysql://app:••••@127.0.0.1:1/wf") {
		t.Errorf("%+v", r)
	}
	env["PW"] = ""
	if r := w.run("far", "list"); r.exit != int(cli.ExitUsage) || !strings.Contains(r.err, "PW is not set") {
		t.Errorf("%+v", r)
	}
	env["WFOPS_DSN"] = "shop"
	if r := w.run("list", "-o", "name", "-n", "1"); r.exit != 0 || r.out == "" {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile("config.yaml", []byte("profiles: {p: {dns: x}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.run("shop", "list"); r.exit != int(cli.ExitUsage) || !strings.Contains(r.err, "config.yaml") {
		t.Errorf("%+v", r)
	}
	if r := w.run("app.db", "list", "-o", "name"); r.exit != 0 {
		t.Errorf("a store that is named in full: %+v", r)
	}
}

func TestCompletion(t *testing.T) {
	w := newWorld(t)
	if r := w.run("__complete", "app.db", "get", "order-87"); !strings.Contains(r.out, "order-8702\norder-8790") && !strings.Contains(r.out, "order-8790\norder-8788\norder-8702") {
		t.Errorf("%+v", r)
	}
	if r := w.run("__complete", "missing.db", "get", "x"); strings.Contains(r.out, "missing") || r.exit != 0 {
		t.Errorf("%+v", r)
	}
	for line, want := range map[string]string{
		"__complete app.db list --filter sta": "status:\n", "__complete app.db list --filter 'x !is:op'": "x !is:open\n", "__complete app.db list --filter tag": "tag.\n",
		"__complete app.db list --columns sta": "status\n:", "__complete app.db list --columns age,status,i": "age,status,instance\nage,status,idle\n:",
		"__complete app.db pending --columns re": "ref\n:", "__complete app.db list --columns h": "help\n:", "__complete app.db list --columns age,h": ":6",
		"__complete app.db list --output j": "\njsonl\n", "__complete app.db list --sort att": "attention\n", "__complete app.db wait --for ca": "canceled\n",
	} {
		if r := w.run(split(line)...); !strings.Contains(r.out, want) {
			t.Errorf("%s: %+v", line, r)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if r := w.run("completion", shell); r.exit != 0 || !strings.Contains(r.out, "wfops") {
			t.Errorf("%s: exit %d, %s", shell, r.exit, r.err)
		}
	}
}
