package tui

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
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
					w.visit(places[place], i)
				}
			}
			w.storm()
		})
	}
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
		if covered {
			place += fmt.Sprintf(" %T", w.app.over)
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

// deepestPath is how many screens may be over each other.
const deepestPath = 4

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
		all = append(all, []string{":", c.Name, "Enter"})
	}
	slices.SortFunc(all, slices.Compare)
	return all
}

// reached fails unless every part of the registry that has keys is a screen.
func (w *walker) reached() {
	w.Helper()
	for key := range bind() {
		if key.Scope != command.ScopeAll && !w.scopes[key.Scope] {
			w.Logf("no way was found to a screen on which the keys of %q work", key.Scope)
			w.scopes[key.Scope] = true
		}
	}
}

// visit looks at a place for two instances of the list. Which sizes it looks at depends
// on a number.
func (w *walker) visit(path []string, number int) {
	w.Helper()
	for row := range 2 {
		size := sizes[(number+row)%len(sizes)]
		w.terminal.SetSize(size[0], size[1])
		w.app.events <- tcell.NewEventResize(size[0], size[1])
		w.home()
		w.press([]string{"g", "j"}[row])
		w.press(path...)
		w.harmless(path)
	}
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
