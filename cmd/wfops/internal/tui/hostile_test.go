package tui

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Whatever strangers have written, and wherever, nothing of it acts on a terminal on
// any screen. The screens are found by pressing every key that the registry has.
func TestStrangersTextsAreHarmlessOnEveryScreen(t *testing.T) {
	texts := opstest.Hostile()
	first := newWalker(t, texts["CSI"])
	first.explore(nil)
	places := first.places
	t.Logf("%d places: %v", len(places), slices.Sorted(maps.Keys(places)))
	first.reached()
	for i, name := range slices.Sorted(maps.Keys(texts)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalker(t, texts[name])
			for n, place := range slices.Sorted(maps.Keys(places)) {
				if (i+n)%oneIn == 0 {
					w.visit(places[place], i+n)
				}
			}
			w.storm()
		})
	}
	t.Run("10 MB", func(t *testing.T) {
		w := newWalker(t, texts["CSI"])
		opstest.Seed(t, w.store, w.clock, []opstest.Row{tenMegabytes(texts["CSI"])})
		w.clock.Set(now)
		begun, visits := time.Now(), 0
		for n, place := range slices.Sorted(maps.Keys(places)) {
			if strings.Contains(place, "[") { // a screen
				w.visit(places[place], n)
				visits++
			}
		}
		t.Logf("%v for a screen", time.Since(begun)/time.Duration(visits))
	})
}

// tenMegabytes is an instance with payloads of 10 MB, which comes first in the list.
func tenMegabytes(text string) opstest.Row {
	payload := engine.Payload(`"` + strings.Repeat(strings.ReplaceAll(text, "\x1b", `\u001b`)+" ", 10<<20/(len(text)+1)) + `"`)
	r := opstest.Row{Args: []engine.Payload{payload, payload[1:]}}
	r.Instance.InstanceID, r.Workflow, r.Queue, r.Status = "large", "Large", "default", engine.StatusBlocked
	r.Created, r.Updated, r.LastError = now.Add(-time.Minute), now.Add(-time.Second), strings.Repeat(text, 100)
	r.BlockClass, r.Block = string(engine.BlockHang), []byte(`{"class":"HANG","message":"it hangs"}`)
	r.Events = []history.Event{
		{At: r.Created, Ref: 1, Body: history.ActivityScheduled{Name: "Scan", Queue: "default", Args: []engine.Payload{payload}}},
		{At: r.Updated, Ref: 1, Body: history.ActivityCompleted{Result: payload}},
	}
	return r
}

// oneIn is what part of the places that each text is looked at in: the race detector
// makes all of this slow, and finds no more for it.
const oneIn = 1 + 3*(underRace/10)

// walker goes to every screen.
type walker struct {
	*player

	text  string
	store *exposed
	// places are kinds of screens with the keys that lead there.
	places map[string][]string
	scopes map[command.Scope]bool
}

func newWalker(t *testing.T, text string) *walker {
	t.Helper()
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	t.Cleanup(func() { _ = b.Close() })
	opstest.Evil(t, b, clock, now, text)
	w := &walker{text: text, store: expose(b, rand.New(rand.NewPCG(1, 1))), places: map[string][]string{}, scopes: map[command.Scope]bool{}}
	home := t.TempDir()
	w.player = playOn(t, w.store, clock, 80, 24, func(o *Options) {
		o.Connection.Name, o.Connection.Kind, o.Connection.Why = text, text, text
		o.Getenv = func(name string) string {
			return map[string]string{"HOME": home, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home}[name]
		}
	})
	return w
}

// place is what is shown: the kind of the screen with its keys, and what is over it.
func (w *walker) place() (place string, scopes []command.Scope, covered bool) {
	w.Helper()
	w.inLoop(func() {
		scopes, covered = w.app.top().scopes(), w.app.over != nil
		place = fmt.Sprintf("%T %v", w.app.top(), scopes)
		if covered { // the same everywhere, but for what it says
			place = fmt.Sprintf("%T", w.app.over)
		}
	})
	return place, scopes, covered
}

// home begins anew.
func (w *walker) home() {
	w.Helper()
	w.inLoop(func() {
		for _, s := range w.app.stack {
			w.app.dropAll(s)
		}
		w.app.over, w.app.frame = nil, frame{}
		w.app.connected(w.app.conn)
	})
	w.settle()
}

// deepestPath is how many keys may lead to a screen.
const deepestPath = 7

// explore presses every key there is where path leads to, and goes on from there.
func (w *walker) explore(path []string) {
	w.Helper()
	w.home()
	w.press(path...)
	place, scopes, covered := w.place()
	if _, known := w.places[place]; known || len(path) > deepestPath {
		return
	}
	w.places[place] = path
	for _, scope := range scopes {
		w.scopes[scope] = true
	}
	w.harmless(path)
	for _, keys := range w.moves(scopes, covered) {
		if len(keys) > 1 { // they mean what they mean from where a screen begins
			w.home()
			w.press(path...)
		}
		w.press(keys...)
		w.harmless(append(slices.Clone(path), keys...))
		if now, _, _ := w.place(); now != place {
			w.explore(append(slices.Clone(path), keys...))
			w.home()
			w.press(path...)
		}
	}
}

// moves are what can be pressed.
func (*walker) moves(scopes []command.Scope, covered bool) (all [][]string) {
	if covered {
		return [][]string{{"Down"}, {"Tab"}, {"x"}, {"Enter"}}
	}
	for key, name := range bind() {
		if name != "quit" && name != "suspend" && name != "back" && (key.Scope == command.ScopeAll || slices.Contains(scopes, key.Scope)) {
			all = append(all, []string{key.Key})
		}
	}
	for _, c := range command.All() {
		if slices.Equal(scopes, []command.Scope{command.ScopeList}) || slices.Equal(scopes, []command.Scope{command.ScopeDetail}) { // elsewhere they do the same
			all = append(all, []string{":", c.Name, "Enter"})
		}
	}
	for _, first := range []string{"j", "G", "Tab", "Shift-Tab"} { // what is opened is not always what is under the cursor first
		all = append(all, []string{first, "Enter"})
	}
	if slices.Contains(scopes, command.ScopeList) {
		all = append(all, []string{"Space", "Space", "d"}, []string{"*", "r"}, []string{"Space", "Space", "a"})
	}
	slices.SortFunc(all, slices.Compare)
	return all
}

// reached fails unless every part of the registry that has keys is a screen.
func (w *walker) reached() {
	w.Helper()
	for key := range bind() {
		if key.Scope != command.ScopeAll && !w.scopes[key.Scope] {
			w.Errorf("no way was found to a screen on which the keys of %q work", key.Scope)
			w.scopes[key.Scope] = true
		}
	}
}

// visit looks at a place. For which instance of the list, and in which size, depends on
// a number.
func (w *walker) visit(path []string, number int) {
	w.Helper()
	size := sizes[number%len(sizes)]
	w.terminal.SetSize(size[0], size[1])
	w.app.events <- tcell.NewEventResize(size[0], size[1])
	w.home()
	w.press([]string{"g", "j"}[number/len(sizes)%2])
	w.press(path...)
	w.harmless(path)
	w.press("w")
	w.harmless(path)
}

// storm shows errors that hold the text, and has it typed.
func (w *walker) storm() {
	w.Helper()
	w.home()
	for _, err := range []error{errors.New(w.text), fmt.Errorf("%w: %s", engine.ErrInvalidArgument, w.text)} {
		w.store.err = err
		w.store.set(stormy)
		for range 6 {
			w.press("Ctrl-R", "Enter")
			w.harmless([]string{"Ctrl-R"})
		}
		w.store.set(calm)
		w.home()
	}
	for _, key := range []string{"/", ":"} {
		w.press(key)
		if text := typed(w.text); text != "" {
			w.press(text)
		}
		w.harmless([]string{key, w.text})
		w.press("Esc")
	}
}

// typed returns what can be typed of a text. Of long ones there is no need for all.
func typed(text string) string {
	text = strings.ToValidUTF8(text[:min(300, len(text))], "")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

func (w *walker) harmless(path []string) {
	w.Helper()
	if problem := harm(w.grid()); problem != "" {
		w.Fatalf("%s after %s: %s\n%q", w.text, strings.Join(path, " "), problem, w.screen())
	}
}

// harm returns a cell that a terminal would act upon.
func harm(g *grid.Grid) string {
	w, h := g.Size()
	for y := range h {
		for x := range w {
			text := g.At(x, y).Text
			if strings.ContainsFunc(text, isHarmful) || !utf8.ValidString(text) {
				return fmt.Sprintf("cell %d,%d holds %q", x, y, text)
			}
		}
	}
	return ""
}

// isHarmful is told apart here by other means than the console does: what is left over
// when all that may be seen is taken away, but for the two joiners.
func isHarmful(r rune) bool {
	return !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d'
}
