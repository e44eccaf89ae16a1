package tui

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
)

var monkeySeed = flag.Uint64("monkey-seed", 0, "what the monkey does; 0 means something else each time")

// A monkey presses keys, moves the mouse and pulls at the window, while the store has
// all kinds of weather. Nothing of that may make the console panic, hang, lose its
// frame or its cursor, or leave something running; and where it may only read it asks
// for no write.
func TestMonkey(t *testing.T) {
	presses := 20_000
	if testing.Short() {
		presses = 2_000
	}
	for _, c := range []struct {
		name     string
		readOnly bool
		quarters int
	}{{"read-only", true, 3}, {"read-write", false, 1}} {
		t.Run(c.name, func(t *testing.T) {
			seed := *monkeySeed
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("seed %d", seed)
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() { // the first one, so that it comes last
				if err := goleak.Find(before); err != nil {
					t.Errorf("something still runs: %v", err)
				}
			})
			m := newMonkey(t, rand.New(rand.NewPCG(seed, 0)), c.readOnly)
			for m.pressed < presses*c.quarters/4 {
				m.session(presses * c.quarters / 4)
			}
			if n := m.store.writes.Load() - m.seeded; c.readOnly && n != 0 {
				t.Errorf("a connection that may only read has asked for %d writes", n)
			}
			m.pings()
			t.Logf("%d keys in %d sessions, on %v", m.pressed, m.sessions, slices.Sorted(maps.Keys(m.seen)))
		})
	}
}

type monkey struct {
	*testing.T

	rng      *rand.Rand
	clock    *opstest.Clock
	store    *exposed
	seeded   int64
	readOnly bool

	p        *player
	moves    [][]string
	seen     map[string]bool // kinds of screens
	covered  bool            // something is over the screen
	pressed  int
	sessions int
	answers  []time.Duration
}

func newMonkey(t *testing.T, rng *rand.Rand, readOnly bool) *monkey {
	t.Helper()
	m := &monkey{T: t, rng: rng, readOnly: readOnly, clock: opstest.NewClock(now)}
	b := memory.New(memory.WithClock(m.clock.Now))
	t.Cleanup(func() { _ = b.Close() })
	m.store = expose(b, rand.New(rand.NewPCG(rng.Uint64(), 1)))
	opstest.Shop(t, m.store, m.clock, now)
	m.seeded = m.store.writes.Load()
	m.moves, m.seen = monkeyMoves(), map[string]bool{}
	t.Chdir(t.TempDir()) // where it writes files under names that it made up
	return m
}

// monkeyMoves are all keys that mean something, and some that are typed.
func monkeyMoves() (all [][]string) {
	keys := []string{"1", "9", "0", "x", "Y", "Tab", "Enter", "Esc", "Esc", "Esc", "Ctrl-C", "Ctrl-W", "Ctrl-A", "日本", "e\u0301", "👩‍👩‍👧", "\u202e"}
	for key := range bind() {
		if !slices.Contains([]string{"q", "Ctrl-Z"}, key.Key) { // one ends it, one stops this process
			keys = append(keys, key.Key)
		}
	}
	for _, name := range named {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	for _, key := range keys {
		all = append(all, []string{key})
	}
	for _, text := range []string{"order", "kyc", "status:failed", "!type:K*", "/(((", "", "age:>1h is:open"} {
		all = append(all, []string{"/", text, "Enter"})
	}
	for _, c := range command.All() {
		all = append(all, []string{":", c.Name, "Enter"}, []string{":", c.Name + " order-8790 order-8788", "Enter"})
	}
	return all
}

// session plays until the monkey finds out how to quit, or has pressed enough.
func (m *monkey) session(enough int) {
	m.Helper()
	m.sessions++
	m.store.set(calm)
	home := m.TempDir()
	m.p = playOn(m.T, m.store, m.clock, 80, 24, func(o *Options) {
		o.Refresh = 300 * time.Millisecond // else it would never come to rest
		o.Connection.Codec = turned{}
		o.Connection.Store = ops.New(m.store, ops.Options{ReadOnly: m.readOnly, By: "monkey@tree", Clock: m.clock.Now})
		o.Getenv = func(name string) string {
			return map[string]string{"HOME": home, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home, "XDG_CACHE_HOME": home, "TERM": "xterm"}[name]
		}
	})
	for m.pressed < enough {
		if !m.burst() || !m.check() {
			return
		}
	}
	m.store.set(calm)
	m.p.settle()
}

// burst does some things without waiting in between, and reports whether the console
// is still there.
func (m *monkey) burst() bool {
	m.Helper()
	if m.covered && m.rng.IntN(3) == 0 && !m.send(tcell.NewEventKey(tcell.KeyEscape, 0, tcell.ModNone)) {
		return false
	}
	for range 1 + m.rng.IntN(8) {
		m.pressed++
		var evs []tcell.Event
		for _, key := range m.moves[m.rng.IntN(len(m.moves))] {
			evs = append(evs, events(key)...)
		}
		switch m.rng.IntN(100) {
		case 0, 1:
			w, h := 1+m.rng.IntN(120), 1+m.rng.IntN(40)
			if m.rng.IntN(10) == 0 {
				w, h = 1+m.rng.IntN(250), 1+m.rng.IntN(80)
			}
			m.p.terminal.SetSize(w, h)
			evs = []tcell.Event{tcell.NewEventResize(w, h)}
		case 2, 3, 4:
			button := []tcell.ButtonMask{tcell.Button1, tcell.Button2, tcell.WheelUp, tcell.WheelDown, tcell.ButtonNone}[m.rng.IntN(5)]
			evs = []tcell.Event{tcell.NewEventMouse(m.rng.IntN(130)-5, m.rng.IntN(50)-5, button, tcell.ModNone)}
		case 5:
			evs = []tcell.Event{tcell.NewEventPaste(m.rng.IntN(2) == 0)}
		case 6:
			m.store.set(weather(m.rng.IntN(int(weathers))))
		case 7:
			m.clock.Set(m.clock.Now().Add(time.Duration(m.rng.IntN(5000)) * time.Millisecond))
		}
		for _, ev := range evs {
			if !m.send(ev) {
				return false
			}
		}
	}
	return true
}

// hangs is when nobody waits any longer.
const hangs = 20 * time.Second

func (m *monkey) send(ev tcell.Event) bool {
	m.Helper()
	select {
	case m.p.app.events <- ev:
		return true
	case err := <-m.p.ended:
		return m.end(err)
	case <-time.After(hangs):
		m.Fatal("the loop takes no keys any more")
	}
	return false
}

// end looks at how a console ended.
func (m *monkey) end(err error) bool {
	m.Helper()
	m.p.ended <- err // for the cleanup
	if crash, ok := errors.AsType[*CrashError](err); ok {
		m.Fatalf("%v after %v\n%s", crash, crash.Actions, crash.Stack)
	}
	if err != nil {
		m.Fatalf("the console ended: %v", err)
	}
	return false
}

// check pings the loop, and looks at what it would draw.
func (m *monkey) check() bool {
	m.Helper()
	begun, answered, problem := time.Now(), make(chan time.Duration, 1), ""
	m.p.app.queue.post("", func() {
		took := time.Since(begun)
		problem = m.look()
		answered <- took
	})
	select {
	case took := <-answered:
		m.answers = append(m.answers, took)
	case err := <-m.p.ended:
		return m.end(err)
	case <-time.After(hangs):
		m.Fatal("the loop does not answer")
	}
	if problem != "" {
		m.Fatalf("after %d keys, the last of them %v: %s\n%s", m.pressed, m.p.app.done, problem, m.p.screen())
	}
	return true
}

// look returns what is wrong with what is shown.
func (m *monkey) look() string {
	a := m.p.app
	m.covered = a.over != nil
	w, h := m.p.terminal.Size()
	g := grid.New(w, h)
	a.paint(g)
	if problem := harm(g); problem != "" {
		return problem
	}
	if a.over == nil && w >= 60 && h >= 15 {
		if row(g, 0) == "" || row(g, 1) == "" {
			return "the head is empty"
		}
		if row(g, h-1) == "" {
			return "there is no hint at the foot"
		}
	}
	for _, s := range a.stack {
		m.seen[fmt.Sprintf("%T", s)] = true
		if problem := outOfSight(reflect.ValueOf(s)); problem != "" {
			return problem
		}
	}
	return ""
}

func row(g *grid.Grid, y int) (text string) {
	w, _ := g.Size()
	for x := range w {
		if c := g.At(x, y); c.Text != " " {
			text += c.Text
		}
	}
	return text
}

// outOfSight finds the tables of a screen whose cursor is on no row.
func outOfSight(v reflect.Value) string {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v = v.Elem(); !v.IsValid() {
			return ""
		}
	}
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[app]() {
		return ""
	}
	if v.Type() == reflect.TypeFor[table]() {
		cursor, count := v.FieldByName("cursor").Int(), v.FieldByName("count").Int()
		if cursor < 0 || cursor >= max(1, count) {
			return "the cursor of a table is out of its rows"
		}
		return ""
	}
	for _, field := range v.Fields() {
		if field.Kind() == reflect.Struct {
			if problem := outOfSight(field); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// pings fails unless the loop was always there for who asked. A machine with other
// things to do may be late a few times, a loop that waits for the store is late as
// often as the store is.
func (m *monkey) pings() {
	m.Helper()
	slices.Sort(m.answers)
	late := m.answers[len(m.answers)*99/100]
	m.Logf("%d pings, p50 %v, p99 %v, worst %v", len(m.answers), m.answers[len(m.answers)/2], late, m.answers[len(m.answers)-1])
	if limit := 100 * time.Millisecond * underRace; late > limit {
		m.Errorf("the loop answered in %v, and may take %v", late, limit)
	}
}
