package tui

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// harmless fails if a cell holds what a terminal would act upon.
func (p *player) harmless(what string, g *grid.Grid) {
	p.Helper()
	w, h := g.Size()
	for y := range h {
		for x := range w {
			for _, r := range g.At(x, y).Text {
				if r != '\u200d' && r != '\u200c' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)) {
					p.Fatalf("%s: cell %d,%d holds %U:\n%s", what, x, y, r, g.Text())
				}
			}
		}
	}
}

const hostile = "\x1b[31m[red]\u202e\u009b2J日本\r\n\x1b]8;;https://evil.example\x1b\\[:::https://evil.example]x\u0301\u0301"

// everywhere goes through all that an instance can show.
func (p *player) everywhere(look func(what string)) {
	p.Helper()
	for i, tab := range tabs {
		p.press(fmt.Sprint(i + 1))
		look(tab.title)
		for _, key := range []string{"g", "z", "Z", "l", "G", "x", "+", "n", "T", "Enter", "Z"} {
			p.press(key)
			look(tab.title + ", " + key)
		}
		p.inLoop(func() {
			for _, ok := p.app.top().(*detail); !ok; _, ok = p.app.top().(*detail) {
				p.app.back()
			}
		})
	}
}

func TestHostileInstanceIsHarmless(t *testing.T) {
	w := newWorkshop(t)
	w.does(
		history.Event{At: now, Ref: 1, Body: history.ActivityScheduled{Name: hostile, Args: []engine.Payload{engine.Payload(hostile), []byte{0xff, 0xfe, '\n'}}, Site: history.Site{Function: hostile, File: hostile, Line: 1}}},
		history.Event{At: now, Ref: 2, Body: history.TimerScheduled{Name: hostile, Duration: 1}},
		history.Event{At: now, Ref: 1, Body: history.ActivityAttemptFailed{Failure: &engine.Failure{Type: hostile, Message: hostile, StackTrace: hostile}, Run: history.Run{Attempt: 1, Worker: hostile, Build: hostile}}},
		history.Event{At: now, Ref: 1, Body: history.ActivityFailed{Failure: &engine.Failure{Type: hostile, Message: hostile}, Run: history.Run{Attempt: 2, Worker: hostile}}},
		history.Event{At: now, Body: history.SignalReceived{Name: hostile, Arg: engine.Payload(`{"` + "日本 [red]\u202e" + `":["\u001b[2J",{}]}`)}},
	)
	for _, size := range [][2]int{{60, 15}, {120, 40}} {
		p := w.play(size[0], size[1])
		p.everywhere(func(what string) { p.harmless(what, p.grid()) })
		p.press("2", "/", "[red]", "Enter")
		p.sees("/[red]", "[red]")
		p.harmless("search", p.grid())
	}
	p := open(t, 80, 24, "evil-\x1b[31m[red]\u202e", nil)
	p.everywhere(func(what string) { p.harmless(what, p.grid()) })
}

// Nothing panics on the smallest screens.
func TestDetailOfAnySize(t *testing.T) {
	for _, id := range []string{"order-8702", "order-8790", "order-8841"} {
		p := open(t, 80, 24, id, nil)
		p.everywhere(func(what string) {
			p.inLoop(func() {
				for _, size := range [][2]int{{0, 0}, {1, 1}, {1, 40}, {200, 1}, {3, 5}, {12, 7}, {20, 9}, {33, 12}, {101, 6}, {250, 80}} {
					g := grid.New(size[0], size[1])
					p.app.paint(g)
					if size[0] == 250 && strings.TrimSpace(g.Text()) == "" {
						t.Errorf("%s: nothing is shown", what)
					}
				}
			})
		})
	}
}

// A large payload is shown, and moved about in.
func TestLargePayload(t *testing.T) {
	w := newWorkshop(t)
	w.does(history.Event{At: now, Body: history.SignalReceived{Name: "large", Arg: engine.Payload(`["` + strings.Repeat("x", 1<<20) + `"` + strings.Repeat(`,{"a":1}`, 30_000) + "]")}})
	p := w.play(80, 24)
	p.press("5", "G", "Enter")
	p.sees("1,288,580 B", "(1,048,578 bytes) \"xxx", `1 member  {"a":1}`)
	p.press("G", "k", "/", `"a"`, "Enter", "n", "N", "l", "Esc", "g", "Z")
	p.sees("2 values")
}
