package replay

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

// A file that does not serve is never started.
func TestOnlyReplayersAreStarted(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	script := "#!/bin/sh\ntouch " + filepath.Join(dir, "started") + "\n"
	for name, c := range map[string]struct {
		path string
		says string
		want error
	}{
		"a script":              {write("script", script, 0o700), "has to call replay.Serve", ErrNotReplayer},
		"a program":             {build(t, "console"), "has to call replay.Serve", ErrNotReplayer},
		"an empty file":         {write("empty", "", 0o700), "was not started", ErrNotReplayer},
		"no file":               {filepath.Join(dir, "missing"), "no such file", os.ErrNotExist},
		"a folder":              {dir, "is no file", ErrNotReplayer},
		"a file that can't run": {write("text", script+"# "+string(needle()), 0o600), "permission denied", os.ErrPermission},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Start(t.Context(), c.path, Options{})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, %v; want an error that says %q", r, err, c.says)
			}
		})
	}
	for _, trace := range []string{filepath.Join(dir, "started"), "started"} {
		if _, err := os.Stat(trace); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something was started: %v", err)
		}
	}
}

func TestMarkerAcrossReads(t *testing.T) {
	want := needle()
	if string(want) != marker {
		t.Fatalf("programs have %q, and %q is looked for", marker, want)
	}
	for _, before := range []int{0, 1, 1<<20 - len(want), 1<<20 - 1, 1 << 20, 3<<20 - 20} {
		text := strings.Repeat("x", before) + marker + "x"
		if found, err := contains(strings.NewReader(text), want); err != nil || !found {
			t.Errorf("after %d bytes it is not found: %v", before, err)
		}
		if found, err := contains(strings.NewReader(text[:before+len(marker)-1]), want); err != nil || found {
			t.Errorf("after %d bytes a part of it is found: %v", before, err)
		}
	}
}

// What a program does in place of serving is told, in time.
func TestProgramsThatDoNotServe(t *testing.T) {
	t.Parallel()
	for vice, says := range map[string][]string{
		"blocks":           {"does not serve after 1s"},
		"reads":            {"does not serve after 1s"},
		"exits":            {"ended without serving", "no configuration"},
		"panics":           {"ended without serving", "panic: no configuration"},
		"version":          {"version 99 of the replay protocol, this program version 1"},
		"another protocol": {"build both with the same release"},
		"garbled hello":    {"its first frame can't be read"},
		"endless hello":    {"its first frame can't be read", "the limit is"},
	} {
		t.Run(vice, func(t *testing.T) {
			t.Parallel()
			o := Options{Env: []string{"VICE=" + vice}, StartTimeout: 20 * time.Second}
			if vice == "blocks" || vice == "reads" {
				o.StartTimeout = time.Second
			}
			binary := build(t, "worker")
			within(t, 30*time.Second, func(ctx context.Context) {
				_, err := Start(ctx, binary, o)
				if err == nil {
					t.Fatal("it was started")
				}
				for _, s := range says {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("got %q, want it to say %q", err, s)
					}
				}
			})
		})
	}
}

func TestStartIsCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, build(t, "worker"), Options{StartTimeout: time.Hour, Env: []string{"VICE=blocks"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestOptionsThatCannotBeMeant(t *testing.T) {
	for name, o := range map[string]Options{
		"children": {Children: -1}, "timeout": {Timeout: -1}, "start": {StartTimeout: -1}, "memory": {MemoryBytes: 1 << 20},
	} {
		if _, err := Start(t.Context(), "missing", o); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a program prints before it serves is its output, however much it is.
func TestOutputBeforeServing(t *testing.T) {
	for vice, says := range map[string]string{"prints": "welcome to the worker\n", "floods": strings.Repeat("00", 1000) + "\n"} {
		var out logged
		r := startWorker(t, Options{Output: &out, Env: []string{"VICE=" + vice}})
		ok(t, r)
		r.Close()
		if got := out.String(); !strings.Contains(got, says) || strings.Contains(got, marker) {
			t.Errorf("%s: the output is %.200q", vice, got)
		}
	}
}

// Nothing of the console's environment gets through.
func TestScrubbedEnvironment(t *testing.T) {
	t.Setenv("DATABASE_URL", "mysql://secret")
	t.Setenv("TZ", "UTC")
	var out logged
	r := startWorker(t, Options{Output: &out, Env: []string{"VICE=shows its environment", "A=b"}})
	r.Close()
	var names []string
	for line := range strings.Lines(out.String()) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "VICE", "A", "TZ", "TMPDIR", "TMP", "TEMP", "GOMEMLIMIT", engine.ReplayVariable, "files: 0":
		case "LD_LIBRARY_PATH", "SYSTEMROOT":
		default:
			names = append(names, line)
		}
	}
	if len(names) > 0 || !strings.Contains(out.String(), "files: 0") {
		t.Errorf("children have %q in\n%s", names, out.String())
	}
}

// What a release build leaves out is not what replays need.
func TestStrippedProgram(t *testing.T) {
	t.Parallel()
	r, err := Start(t.Context(), build(t, "worker", "-ldflags=-s -w"), Options{Children: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ok(t, r)
	res := replayed(t, r, recorded(t, "changed", 1))
	if d := res.Divergence; d == nil || d.Code == nil || d.Code.File != "main.go" || d.Code.Line == 0 {
		t.Errorf("got %+v", d)
	}
}

func TestInfo(t *testing.T) {
	r := startWorker(t, Options{})
	i := r.Info()
	if len(i.Build) != 12 || !strings.HasPrefix(i.Go, "go1.") || len(i.Workflows) < 10 {
		t.Errorf("got %+v", i)
	}
}
