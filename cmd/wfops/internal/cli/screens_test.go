package cli_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/tui"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
)

// terminal is a world with a terminal, and what its screens were asked to show.
type terminal struct {
	*world

	environment map[string]string
	shown       *tui.Options
}

// newTerminal calls show where the screens would be.
func newTerminal(t *testing.T, show func(context.Context, tui.Options) error) *terminal {
	t.Helper()
	w := &terminal{world: newWorld(t), environment: map[string]string{"TERM": "xterm", "WFOPS_CONFIG": "config.yaml"}}
	w.env.InTTY, w.env.OutTTY, w.env.ErrTTY, w.env.Width = true, true, true, 80
	w.env.Getenv = func(name string) string { return w.environment[name] }
	w.env.Screens = func(ctx context.Context, o tui.Options) error {
		w.shown = &o
		if show == nil {
			return nil
		}
		return show(ctx, o)
	}
	return w
}

func (w *terminal) run(args ...string) (code int, stderr string) {
	w.Helper()
	var out, err bytes.Buffer
	env := w.env
	env.Args, env.Out, env.Err, env.In = append([]string{}, args...), &out, &err, strings.NewReader("")
	w.shown = nil
	return cli.Run(w.Context(), &env), err.String()
}

func TestScreensNeedATerminal(t *testing.T) {
	for name, change := range map[string]func(*terminal){
		"no input":    func(w *terminal) { w.env.InTTY = false },
		"no output":   func(w *terminal) { w.env.OutTTY = false },
		"dumb":        func(w *terminal) { w.environment["TERM"] = "dumb" },
		"no screens":  func(w *terminal) { w.env.Screens = nil },
		"bad theme":   nil,
		"bad refresh": nil,
		"too fast":    nil,
		"bad times":   nil,
	} {
		w := newTerminal(t, nil)
		args := map[string][]string{"bad theme": {"--theme", "pink"}, "bad refresh": {"--refresh", "-1s"}, "too fast": {"--refresh", "1ms"}, "bad times": {"--times", "soon"}}[name]
		if change != nil {
			change(w)
		}
		code, stderr := w.run(append([]string{"app.db"}, args...)...)
		if code != int(cli.ExitUsage) || w.shown != nil {
			t.Errorf("%s: exit %d, shown %v", name, code, w.shown != nil)
		}
		if change != nil && (!strings.Contains(stderr, "a command is missing") || !strings.Contains(stderr, "Usage:")) {
			t.Errorf("%s: %s", name, stderr)
		}
	}
	w := newTerminal(t, func(context.Context, tui.Options) error { return tui.ErrTerminal })
	if code, stderr := w.run("app.db"); code != int(cli.ExitUsage) || !strings.Contains(stderr, "can't show screens") {
		t.Errorf("a terminal that is unknown: exit %d, %s", code, stderr)
	}
}

func TestScreenFlags(t *testing.T) {
	w := newTerminal(t, nil)
	if code, stderr := w.run("app.db"); code != 0 || w.shown.Theme != tui.ThemeTerminal || w.shown.ASCII || !w.shown.Mouse || w.shown.Refresh != 2*time.Second || w.shown.Patience != 30*time.Second || w.shown.Times != view.Relative {
		t.Errorf("exit %d, %s, %+v", code, stderr, w.shown)
	}
	if c := w.shown.Connection; c.Name != "app.db" || c.Kind != "store" || c.Place != "app.db" || c.Store.ReadOnly() || c.Protected != "" || c.Replayer != "" {
		t.Errorf("%+v", c)
	}
	if code, _ := w.run("app.db", "--theme", "safe", "--ascii", "--no-mouse", "--refresh", "0", "--times", "utc", "--with", "./worker", "--read-only"); code != 0 ||
		w.shown.Theme != tui.ThemeSafe || !w.shown.ASCII || w.shown.Mouse || w.shown.Refresh != 0 || w.shown.Times != view.UTC || w.shown.Connection.Replayer != "./worker" || !w.shown.Connection.Store.ReadOnly() {
		t.Errorf("exit %d, %+v", code, w.shown)
	}
	if c := w.shown.Connection; !strings.Contains(c.Protected, "--read-only") {
		t.Errorf("it could be opened for changes: %+v", c)
	}
	w.environment["NO_COLOR"] = "1"
	if w.run("app.db"); w.shown.Theme != tui.ThemeMono {
		t.Errorf("NO_COLOR: %s", w.shown.Theme)
	}
	for locale, ascii := range map[string]bool{"C": true, "POSIX": true, "de_DE.ISO8859-1": true, "de_DE.UTF-8": false, "C.utf8": false, "nb_NO": false, "": false, "de_DE.UTF-8@euro": false} {
		if w.environment["LC_ALL"] = locale; locale == "" {
			w.environment["LANG"] = "C.UTF-8"
		}
		if w.run("app.db"); w.shown.ASCII != ascii {
			t.Errorf("LC_ALL=%q: ascii %v", locale, w.shown.ASCII)
		}
	}
	w.environment["LC_ALL"], w.environment["RUNEWIDTH_EASTASIAN"] = "", "1"
	if w.run("app.db"); !w.shown.ASCII {
		t.Error("signs are wide here, and not only ASCII is used")
	}
}

// What can't be opened is told before there are screens.
func TestScreensOfAStoreThatCannotBeOpened(t *testing.T) {
	w := newTerminal(t, nil)
	for arg, want := range map[string]cli.Exit{"missing.db": cli.ExitStore, "missing.wfh": cli.ExitStore, "oracle://u:hunter2@db/x": cli.ExitUsage} {
		if code, stderr := w.run(arg); code != int(want) || w.shown != nil || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: exit %d, %s", arg, code, stderr)
		}
	}
	if code, _ := w.run("app.db", "-c", "other.db"); code != int(cli.ExitUsage) || w.shown != nil {
		t.Errorf("two stores: exit %d", code)
	}
}

func (w *terminal) profiles(text string) {
	w.Helper()
	if err := os.WriteFile("config.yaml", []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

func TestPlacesOfTheScreens(t *testing.T) {
	var w *terminal
	w = newTerminal(t, func(ctx context.Context, o tui.Options) error {
		if o.Connection != nil {
			t.Errorf("nothing was named, and %s is open", o.Connection.Name)
		}
		places, err := o.Places(ctx)
		if err != nil {
			return err
		}
		var all []string
		for _, p := range places {
			all = append(all, strings.Join([]string{p.Name, p.From, p.Kind, p.Target, p.Password, filepath.ToSlash(p.Replayer), p.Environment}, "|"))
		}
		want := strings.Join([]string{
			"near|profile|sqlite|second.db||bin/worker|production", "far|profile|mysql|mysql://app@127.0.0.1:1/wf|variable PW|/srv/worker|", "./app.db|this folder|sqlite|./app.db|||", "./second.db|this folder|sqlite|./second.db|||",
		}, "\n")
		if names := strings.Join(o.Profiles(), " "); names != "near far" {
			t.Errorf("the palette offers %s", names)
		}
		if got := filepath.ToSlash(strings.Join(all, "\n")); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		return w.tryPlaces(ctx, o)
	})
	if b, err := backends.Open(t.Context(), "second.db"); err != nil {
		t.Fatal(err)
	} else if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	w.profiles("profiles:\n  near: {dsn: second.db, mode: ro, replayer: ./bin/worker, environment: production}\n  far: {dsn: 'mysql://app@127.0.0.1:1/wf', password_env: PW, replayer: /srv/worker}\n")
	w.environment["PW"] = "hunter2"
	if code, stderr := w.run(); code != 0 {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// tryPlaces tries and opens what the configuration of TestPlacesOfTheScreens names.
func (w *terminal) tryPlaces(ctx context.Context, o tui.Options) error {
	if c := o.Check(ctx, "near"); c.Err != nil || c.Summary != "0 workers, 0 instances" || len(c.Checks) != 7 {
		w.Errorf("near: %+v", c)
	}
	if c := o.Check(ctx, "far"); c.Err == nil || strings.Contains(c.Err.Error(), "hunter2") {
		w.Errorf("far: %+v", c)
	}
	if c, err := o.Connect(ctx, "far", false); err == nil || c != nil {
		w.Errorf("far was opened: %+v", c)
	}
	for _, name := range []string{"nobody", ""} {
		if _, err := o.Connect(ctx, name, false); err == nil {
			w.Errorf("%q was opened", name)
		}
	}
	near, err := o.Connect(ctx, "near", true)
	if err != nil {
		return err
	}
	if near.Name != "near" || near.Environment != "production" || filepath.ToSlash(near.Replayer) != "bin/worker" || !near.Store.ReadOnly() || !strings.Contains(near.Protected, "mode: ro") {
		w.Errorf("%+v", near)
	}
	if _, err := near.Store.Info(ctx); err != nil {
		w.Error(err)
	}
	if err := errors.Join(near.Close(), near.Close()); err != nil {
		w.Errorf("closing it twice: %v", err)
	}
	// What is still open at the end is closed by who opened it: goleak looks.
	_, err = o.Connect(ctx, "./app.db", false)
	return err
}

// A connection string that was named first can be opened again, and is not shown.
func TestSecretsOfTheFirstStore(t *testing.T) {
	w := newTerminal(t, func(ctx context.Context, o tui.Options) error {
		c := o.Connection
		if text := c.Name + c.Place + c.Why + c.Protected; strings.Contains(text, "busy_timeout") {
			t.Errorf("settings of the connection string are shown: %s", text)
		}
		again, err := o.Connect(ctx, c.Place, false)
		if err == nil && again.Place != c.Place {
			t.Errorf("%s is called %s now", c.Place, again.Place)
		}
		return err
	})
	if code, stderr := w.run("./app.db?busy_timeout=1s"); code != 0 {
		t.Errorf("exit %d, %s", code, stderr)
	}
	w.environment["WFOPS_DSN"] = "./app.db?busy_timeout=1s"
	if code, stderr := w.run(); code != 0 || w.shown.Connection.Place != "WFOPS_DSN" {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

func TestFilesOnScreens(t *testing.T) {
	w := newTerminal(t, nil)
	if code, stderr := w.run("app.db", "export", "order-8790", "--file", "order.wfh.gz"); code != 0 {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	var order engine.Instance
	w.env.Screens = func(ctx context.Context, o tui.Options) error {
		c := o.Connection
		order = c.Instance
		d, err := c.Store.Detail(ctx, c.Instance)
		if err != nil || d.Status != engine.StatusFailed || !c.Store.ReadOnly() || c.Kind != "exported history" || c.Protected == "" {
			t.Errorf("%+v, %+v, %v", c, d, err)
		}
		return nil
	}
	if code, stderr := w.run("order.wfh.gz"); code != 0 || order.InstanceID != "order-8790" {
		t.Errorf("exit %d, %s, %s", code, stderr, order)
	}
}

func TestCrashOfTheScreens(t *testing.T) {
	w := newTerminal(t, func(context.Context, tui.Options) error { return &tui.CrashError{Value: "index out of range"} })
	if code, stderr := w.run("app.db"); code != int(cli.ExitDefect) || !strings.Contains(stderr, "index out of range") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// What is wrong with a project's file is no reason to keep somebody from a profile of
// his own: not on the command line, and not on the screens.
func TestOwnProfilesBesideABrokenProject(t *testing.T) {
	w := newTerminal(t, func(ctx context.Context, o tui.Options) error {
		c, err := o.Connect(ctx, "mine", false)
		if err != nil {
			return err
		}
		return c.Close()
	})
	w.profiles("profiles: {mine: {dsn: ./app.db, environment: test}}")
	if err := os.WriteFile(".wfops.yaml", []byte("profiles: {theirs: {dsn: ./app.db, mode: rw}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mine", "list"}, {"mine"}} {
		if code, stderr := w.run(args...); code != 0 {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
	if w.shown == nil || w.shown.Connection.Environment != "test" {
		t.Errorf("shown: %+v", w.shown)
	}
}
