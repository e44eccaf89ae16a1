package tui

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
)

var update = flag.Bool("update", false, "write golden files")

// binaries is a folder for programs that tests build.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wfops-tui")
	if err != nil {
		panic(err)
	}
	binaries = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

var now = time.Date(2026, 8, 22, 11, 42, 7, 0, time.UTC)

// player plays the console: the whole of it, but for a real terminal.
type player struct {
	*testing.T

	app      *app
	terminal tcell.SimulationScreen
	clock    *opstest.Clock
	backend  backend.Backend
	writes   *atomic.Int64 // calls that change the store
	ended    chan error
}

// play starts the console on a store, which is the shop if b is nil.
func play(t *testing.T, w, h int, change func(*Options)) *player {
	t.Helper()
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	opstest.Shop(t, b, clock, now)
	t.Cleanup(func() { _ = b.Close() })
	return playOn(t, b, clock, w, h, change)
}

func playOn(t *testing.T, b backend.Backend, clock *opstest.Clock, w, h int, change func(*Options)) *player {
	t.Helper()
	writes := &atomic.Int64{}
	watched := intercept.New(b, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		if !m.Reads() {
			writes.Add(1)
		}
		return next(ctx)
	})
	store := ops.New(watched, ops.Options{By: "ana@host-9", Clock: clock.Now})
	if _, err := store.Info(t.Context()); err != nil { // tells the store's time
		t.Fatal(err)
	}
	o := Options{
		Connection: &Connection{Name: "shop", Kind: "memory", Store: store, Why: "it is on this machine"},
		Theme:      ThemeTerminal, Clock: clock.Now, Getenv: func(string) string { return "" },
	}
	if change != nil {
		change(&o)
	}
	terminal := tcell.NewSimulationScreen("UTF-8")
	if err := terminal.Init(); err != nil {
		t.Fatal(err)
	}
	terminal.SetSize(w, h)
	ctx, cancel := context.WithCancel(t.Context())
	p := &player{T: t, backend: b, writes: writes, terminal: terminal, clock: clock, ended: make(chan error, 1), app: newApp(ctx, o, terminal)}
	go func() { p.ended <- p.app.run() }()
	t.Cleanup(func() {
		cancel()
		_ = p.end()
		terminal.Fini()
	})
	p.settle()
	return p
}

// press presses keys: "j", "Enter", "Ctrl-U", and "text…" letter by letter if it is no
// name of a key.
func (p *player) press(keys ...string) {
	p.Helper()
	for _, key := range keys {
		for _, ev := range events(key) {
			p.send(ev)
		}
		p.settle()
	}
}

// send hands an event to the loop.
func (p *player) send(ev tcell.Event) {
	p.Helper()
	select {
	case p.app.events <- ev:
	case <-time.After(hangs):
		p.Fatal("the loop takes no keys any more")
	}
}

// end waits until the console has ended, and returns why.
func (p *player) end() error {
	p.Helper()
	err := comes(p, "the end of the console", p.ended)
	p.ended <- err // for whoever asks next
	return err
}

// comes waits for what has to come.
func comes[T any](t testing.TB, what string, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(hangs):
		t.Fatalf("%s has not come", what)
	}
	return got
}

func events(key string) (all []tcell.Event) {
	for code, name := range named {
		if name == key {
			return []tcell.Event{tcell.NewEventKey(code, 0, tcell.ModNone)}
		}
	}
	if letter, ok := strings.CutPrefix(key, "Ctrl-"); ok {
		return []tcell.Event{tcell.NewEventKey(tcell.KeyCtrlA+tcell.Key(letter[0]-'A'), 0, tcell.ModCtrl)}
	}
	if key == "Space" {
		key = " "
	}
	for _, r := range key {
		all = append(all, tcell.NewEventKey(tcell.KeyRune, r, tcell.ModNone))
	}
	return all
}

// settle waits until the console has nothing to do.
func (p *player) settle() {
	p.Helper()
	for deadline := time.After(2 * time.Minute); ; { // large payloads take their time
		idle := make(chan bool, 1)
		p.app.queue.post("", func() { idle <- p.app.busy.Load() == 0 && len(p.app.events) == 0 && p.app.queue.empty() })
		select {
		case yes := <-idle:
			if yes {
				return
			}
			<-time.After(time.Millisecond / 2) // what is under way needs the processor, too
		case err := <-p.ended:
			p.ended <- err
			return
		case <-deadline:
			p.Fatal("the console does not come to rest")
		}
	}
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) == 0
}

// handled waits until all keys have been handled, whatever they have set going.
func (p *player) handled() {
	p.Helper()
	for len(p.app.events) > 0 {
		p.inLoop(func() {})
	}
	p.inLoop(func() {})
}

// inLoop runs f where nothing else touches the console.
func (p *player) inLoop(f func()) {
	p.Helper()
	done := make(chan struct{})
	p.app.queue.post("", func() { defer close(done); f() })
	select {
	case <-done:
	case err := <-p.ended:
		p.ended <- err
		p.Fatalf("the console has ended: %v", err)
	case <-time.After(hangs):
		p.Fatal("the loop does nothing any more")
	}
}

// grid is what is on the screen.
func (p *player) grid() (g *grid.Grid) {
	p.Helper()
	p.inLoop(func() {
		g = grid.New(p.terminal.Size())
		p.app.paint(g)
	})
	return g
}

func (p *player) screen() string { return p.grid().Text() }

// sees fails unless all of these are on the screen.
func (p *player) sees(texts ...string) {
	p.Helper()
	screen := p.screen()
	for _, text := range texts {
		if !strings.Contains(screen, text) {
			p.Errorf("the screen does not show %q:\n%s", text, screen)
		}
	}
}

// golden compares the screen with a file: what is shown, and what each cell means.
func (p *player) golden(name string) {
	p.Helper()
	p.goldenIn("testdata", name)
}

// goldenIn is golden for who has left the folder of the tests.
func (p *player) goldenIn(folder, name string) {
	p.Helper()
	p.sameIn(folder, name, p.picture())
}

// picture is the screen as golden files have it.
func (p *player) picture() string {
	p.Helper()
	g := p.grid()
	return framed(g.Text()) + "\n" + framed(g.Roles())
}

// same compares with a golden file.
func (p *player) same(name, got string) {
	p.Helper()
	p.sameIn("testdata", name, got)
}

func (p *player) sameIn(folder, name, got string) {
	p.Helper()
	path := filepath.Join(folder, name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			p.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path) //nolint:gosec // a golden file
	if err != nil {
		p.Fatal(err)
	}
	if got != string(want) {
		p.Errorf("%s differs; go test ./cmd/wfops/internal/tui -update writes it\n%s", path, differing(got, string(want)))
	}
}

// framed shows where lines begin, and that nothing stands behind them.
func framed(plane string) string {
	var b strings.Builder
	for line := range strings.Lines(plane) {
		b.WriteString("|" + line)
	}
	return b.String()
}

// differing shows the lines that differ, one below the other.
func differing(got, want string) string {
	var b strings.Builder
	has, wants := strings.Split(got, "\n"), strings.Split(want, "\n")
	line := func(lines []string, i int) string {
		if i < len(lines) {
			return lines[i]
		}
		return ""
	}
	for i := range max(len(has), len(wants)) {
		if g, w := line(has, i), line(wants, i); g != w {
			fmt.Fprintf(&b, "line %d\n got  %s\n want %s\n", i+1, g, w)
		}
	}
	return b.String()
}
