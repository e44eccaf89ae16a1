package cli_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/cmd/wfops/internal/servertest"
	"github.com/wfops/wfops/engine/backend"
)

var now = time.Date(2026, 8, 22, 11, 42, 7, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// world is a machine on which time stands still, with stores of one kind.
type world struct {
	*testing.T

	kind   string
	clock  *opstest.Clock
	env    cli.Env
	in     string
	stores map[string]opener // by what they are called
}

type opener func(context.Context, connect.Target) (backend.Backend, error)

// newWorld has a shop in app.db, and a folder of its own, which becomes the current one.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, "sqlite")
}

func newWorldOn(t *testing.T, kind string) *world {
	t.Helper()
	t.Chdir(t.TempDir())
	w := &world{T: t, kind: kind, clock: opstest.NewClock(now), stores: map[string]opener{}}
	w.env = cli.Env{
		Getenv: func(string) string { return "" }, Open: w.open, Clock: w.clock.Now, By: "ana@host-9",
		Build: cli.Build{Version: "v1.2.3", Revision: "9c1e22d0", Go: "go1.26"},
	}
	w.add("app.db", func(b backend.Backend) { opstest.Shop(t, b, w.clock, now) })
	return w
}

// kinds are those of all stores that can be shared.
func kinds() []string { return append([]string{"sqlite"}, servertest.Kinds()...) }

// onStores runs a test in a world of each kind.
func onStores(t *testing.T, test func(*world)) {
	t.Helper()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) { test(newWorldOn(t, kind)) })
	}
}

// add makes a store.
func (w *world) add(name string, fill func(backend.Backend)) {
	w.Helper()
	open := w.file
	if w.kind != "sqlite" {
		open = w.server
	}
	w.stores[name] = open(name)
	target, err := connect.Parse("memory:", connect.Options{Write: true})
	if err != nil {
		w.Fatal(err)
	}
	b, err := w.stores[name](w.Context(), target)
	if err != nil {
		w.Fatal(err)
	}
	fill(b)
	w.clock.Set(now)
	if err := b.Close(); err != nil {
		w.Fatal(err)
	}
}

// open is the product's way but for the clock, and for what stores differ in.
func (w *world) open(ctx context.Context, target connect.Target) (backend.Backend, error) {
	open, ok := w.stores[target.String()]
	if !ok {
		return target.Open(ctx)
	}
	b, err := open(ctx, target)
	if err != nil {
		return nil, err
	}
	return anonymous{b}, nil
}

// anonymous is a store that does not say what it is.
type anonymous struct{ backend.Backend }

func (a anonymous) Info(ctx context.Context) (backend.Info, error) {
	info, err := a.Backend.Info(ctx)
	info.Kind, info.Version, info.Durability, info.Schema = "store", "1.0", "some", 1
	return info, err
}

// file makes an empty store in a file.
func (w *world) file(name string) opener {
	w.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		w.Fatal(err)
	}
	b, err := sqlite.Open(w.Context(), path, sqlite.WithClock(w.clock.Now))
	if err != nil {
		w.Fatal(err)
	}
	if err := b.Close(); err != nil {
		w.Fatal(err)
	}
	return func(ctx context.Context, target connect.Target) (backend.Backend, error) {
		opts := []sqlite.Option{sqlite.WithClock(w.clock.Now), sqlite.WithoutMigrations(), sqlite.WithSynchronous(sqlite.Normal)}
		if mode, _ := target.Mode(); mode == connect.ReadOnly {
			opts = append(opts, sqlite.ReadOnly())
		}
		return sqlite.Open(ctx, path, opts...)
	}
}

type result struct {
	out, err string
	exit     int
}

func (w *world) run(args ...string) result {
	w.Helper()
	return w.runTo(w.Context(), nil, args...)
}

// hangs is when nobody waits any longer for a command to end.
const hangs = 30 * time.Second

// runTo hands what is printed to somebody else, too. A command that goes on and on fails
// the test.
func (w *world) runTo(ctx context.Context, to io.Writer, args ...string) result {
	w.Helper()
	var out, stderr bytes.Buffer
	env := w.env
	env.Args, env.In, env.Out, env.Err = args, strings.NewReader(w.in), &out, &stderr
	if to != nil {
		env.Out = io.MultiWriter(&out, to)
	}
	short, cancel := context.WithTimeout(ctx, hangs)
	defer cancel()
	r := result{exit: cli.Run(short, &env)}
	if r.out, r.err = out.String(), stderr.String(); short.Err() != nil && ctx.Err() == nil {
		w.Fatalf("%q has not ended after %v. It has printed:\n%s--- stderr\n%s", args, hangs, r.out, r.err)
	}
	return r
}

// tty makes the output a terminal.
func (w *world) tty(width int) {
	w.env.InTTY, w.env.OutTTY, w.env.ErrTTY, w.env.Width = true, true, true, width
	before := w.env.Getenv
	w.env.Getenv = func(name string) string {
		if value, ok := map[string]string{"NO_COLOR": "1", "TERM": "xterm"}[name]; ok {
			return value
		}
		return before(name)
	}
}

// split takes a command line apart; pieces in single quotes stay together.
func split(line string) (args []string) {
	quoted, open := false, false
	for _, r := range line {
		switch {
		case r == '\'':
			quoted = !quoted
			if !open {
				args, open = append(args, ""), true
			}
		case r == ' ' && !quoted:
			open = false
		default:
			if !open {
				args, open = append(args, ""), true
			}
			args[len(args)-1] += string(r)
		}
	}
	return args
}
