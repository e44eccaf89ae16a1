package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func TestArgumentsOfSignals(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile("arg.json", []byte(" {\"from\":\"file\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("huge.json", []byte(`"`+strings.Repeat("x", engine.MaxPayloadBytes)+`"`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.in = "{\"from\":\"input\"}\n"
	for _, tc := range []struct {
		input, arrives string
		exit           cli.Exit
	}{
		{"@arg.json", `{"from":"file"}`, cli.ExitOK},
		{"-", `{"from":"input"}`, cli.ExitOK},
		{"[1]", `[1]`, cli.ExitOK},
		{"", "", cli.ExitOK},
		{"@huge.json", "", cli.ExitUsage},
		{"@missing.json", "", cli.ExitUsage},
	} {
		r := w.run("app.db", "signal", "go", "kyc-5520", "--reason", "r", "--input", tc.input)
		if r.exit != int(tc.exit) {
			t.Errorf("%q: %+v", tc.input, r)
		}
		pending := w.run("app.db", "get", "kyc-5520", "--jq", ".pending.inbox[-1].event.body.arg | tojson")
		if want := tc.arrives; tc.exit == cli.ExitOK && strings.TrimSpace(pending.out) != want && !(want == "" && strings.TrimSpace(pending.out) == "null") {
			t.Errorf("%q arrives as %s, want %s", tc.input, pending.out, want)
		}
	}
}

func TestColors(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		name string
		tty  bool
		env  map[string]string
		args []string
		want bool
	}{
		{"a terminal", true, nil, nil, true},
		{"a pipe", false, nil, nil, false},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, nil, false},
		{"TERM=dumb", true, map[string]string{"TERM": "dumb"}, nil, false},
		{"NO_COLOR and --color=always", true, map[string]string{"NO_COLOR": "1"}, []string{"--color=always"}, true},
		{"--color=never", true, nil, []string{"--color=never"}, false},
		{"CLICOLOR_FORCE and TERM=dumb", true, map[string]string{"CLICOLOR_FORCE": "1", "TERM": "dumb"}, nil, true},
		{"CLICOLOR_FORCE=0", true, map[string]string{"CLICOLOR_FORCE": "0", "TERM": "dumb"}, nil, false},
		{"NO_COLOR and CLICOLOR_FORCE", true, map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, nil, false},
		{"JSON", true, nil, []string{"-o", "json"}, false},
	} {
		w.env.OutTTY, w.env.Width = tc.tty, 100
		w.env.Getenv = func(name string) string { return tc.env[name] }
		r := w.run(append([]string{"app.db", "list"}, tc.args...)...)
		if got := strings.Contains(r.out, "\x1b["); got != tc.want || r.exit != 0 {
			t.Errorf("%s: colors %v, exit %d", tc.name, got, r.exit)
		}
	}
}

// crowded is a store in memory with n instances.
func crowded(t *testing.T, w *world, n int) *memory.Backend {
	t.Helper()
	b := memory.New(memory.WithClock(w.clock.Now))
	var cs []backend.Creation
	for i := range n {
		id := fmt.Sprintf("i-%04d", i)
		cs = append(cs, backend.Creation{Instance: engine.Instance{InstanceID: id, ExecutionID: id}, FirstExecution: id, Workflow: "Order", Queue: "default", Started: []byte("[]")})
	}
	for _, r := range b.Create(t.Context(), cs) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	w.env.Open = func(context.Context, connect.Target) (backend.Backend, error) { return kept{b}, nil }
	return b
}

// kept outlives a command.
type kept struct{ backend.Backend }

func (kept) Close() error { return nil }

// Lists and changes of many instances take several pages of the store.
func TestManyInstances(t *testing.T) {
	w := newWorld(t)
	b := crowded(t, w, 2500)
	var list struct {
		Items []struct {
			InstanceID string `json:"instance_id"`
		} `json:"items"`
		Next string `json:"next"`
	}
	seen := map[string]bool{}
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		args := []string{"app.db", "list", "-o", "json", "-n", "1100"}
		if cursor != "" {
			args = append(args, "--cursor", cursor)
		}
		r := w.run(args...)
		if err := json.Unmarshal([]byte(r.out), &list); err != nil || r.exit != 0 {
			t.Fatalf("%v, exit %d: %s", err, r.exit, r.err)
		}
		for _, item := range list.Items {
			if seen[item.InstanceID] {
				t.Errorf("%s is on two pages", item.InstanceID)
			}
			seen[item.InstanceID] = true
		}
		cursor = list.Next
	}
	if len(seen) != 2500 {
		t.Errorf("%d instances were listed", len(seen))
	}
	for format, lines := range map[string]int{"jsonl": 2500, "name": 2500, "table": 100} {
		if r := w.run("app.db", "list", "-o", format); strings.Count(r.out, "\n") != lines {
			t.Errorf("%s: %d lines, want %d", format, strings.Count(r.out, "\n"), lines)
		}
	}
	if r := w.run("app.db", "list", "--all"); strings.Count(r.out, "\n") != 2500 {
		t.Errorf("--all: %d lines", strings.Count(r.out, "\n"))
	}
	if r := w.run("app.db", "pause", "--filter", "type:Order", "--limit", "1200", "--reason", "r", "--yes"); r.exit != 0 || strings.Count(r.out, "done") != 1200 {
		t.Errorf("exit %d, %s", r.exit, r.err)
	}
	yes := true
	if counts, err := b.Count(t.Context(), backend.Query{Paused: &yes}); err != nil || counts[engine.StatusRunning] != 1200 {
		t.Errorf("%v are paused, %v", counts, err)
	}
	if r := w.run("app.db", "terminate", "--filter", "i-2499", "--scan", "100", "--reason", "r", "--yes"); r.exit != int(cli.ExitPartial) || !strings.Contains(r.err, "nothing was done") {
		t.Errorf("a change that has not seen all: %+v", r)
	}
}

// away is a store that comes and goes.
type away struct {
	backend.Backend

	calls int
}

func (a *away) Queues(ctx context.Context) ([]backend.QueueStats, error) {
	if a.calls++; a.calls%2 == 1 {
		return nil, errors.New("connection refused")
	}
	return a.Backend.Queues(ctx)
}

func TestWatchOutlastsTheStore(t *testing.T) {
	w := newWorld(t)
	b := &away{Backend: kept{crowded(t, w, 1)}}
	w.env.Open = func(context.Context, connect.Target) (backend.Backend, error) { return b, nil }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := w.runTo(ctx, lines(func(string) { stop() }), "app.db", "queues", "--watch=1ms")
	if r.exit != int(cli.ExitInterrupted) || !strings.Contains(r.err, "connection refused; trying again") {
		t.Errorf("%+v", r)
	}
}
