package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// get reads an instance from the store that is played on.
func (p *player) get(id string) backend.Summary {
	p.Helper()
	s, err := p.app.conn.Store.Get(p.Context(), engine.Instance{InstanceID: id, ExecutionID: opstest.Execution(id)})
	if err != nil {
		p.Fatal(err)
	}
	return s
}

// misses fails if any of these is on the screen.
func (p *player) misses(texts ...string) {
	p.Helper()
	screen := p.screen()
	for _, text := range texts {
		if strings.Contains(screen, text) {
			p.Errorf("the screen shows %q:\n%s", text, screen)
		}
	}
}

// to puts the cursor of the list on an instance.
func (p *player) to(id string) {
	p.Helper()
	p.press("g")
	for range 50 {
		var at string
		p.inLoop(func() { at = p.app.top().(*list).selected.InstanceID })
		if at == id {
			return
		}
		p.press("j")
	}
	p.Fatalf("there is no %s in the list:\n%s", id, p.screen())
}

// stateful gives the console a folder of its own.
func stateful(t *testing.T, more map[string]string) (dir string, change func(*Options)) {
	t.Helper()
	home := t.TempDir()
	return filepath.Join(home, "wfops"), func(o *Options) {
		o.Getenv = func(name string) string {
			if name == "XDG_STATE_HOME" {
				return home
			}
			return more[name]
		}
	}
}

// private fails unless only its owner can read a file, and returns what is in it.
func private(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s has mode %v", path, info.Mode())
	}
	raw, err := os.ReadFile(path) //nolint:gosec // a file of the test
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestHelpSaysWhatCanBeDoneAndDoesIt(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("?")
	p.golden("help_80")
	p.press("sort oth")
	p.sees("Sort the other way round")
	p.misses("Show the workers")
	p.press("Ctrl-U", "morecolumns", "Enter")
	p.misses("what can be done")
	p.inLoop(func() {
		if !p.app.top().(*list).wide {
			t.Error("help did not do what was chosen")
		}
	})
}

func TestHelpLooks(t *testing.T) {
	for _, size := range sizes {
		p := play(t, size[0], size[1], nil)
		p.press("?")
		p.golden(fmt.Sprintf("help_%d", size[0]))
	}
}

func TestHintsFit(t *testing.T) {
	p := play(t, 80, 24, nil)
	for _, key := range []string{"", "@"} {
		p.press(key)
		p.inLoop(func() {
			width := 0
			g := grid.New(80, 24)
			p.app.paint(g)
			lines := strings.Split(strings.TrimSpace(g.Text()), "\n")
			foot := lines[len(lines)-1]
			shown := p.app.hints(80)
			for _, o := range shown {
				width += o.hintWidth() + 2
			}
			if width-2 > 80 {
				t.Errorf("the hints take %d columns", width)
			}
			for _, o := range p.app.offers() {
				isShown := strings.Contains(foot, " "+o.hint)
				if o.hint != "" && o.turn() == 0 && !isShown {
					t.Errorf("there is no room for the hint %q", o.hint)
				}
			}
		})
	}
}

func TestPaste(t *testing.T) {
	p := play(t, 80, 24, nil)
	paste := func(text string) {
		p.app.events <- tcell.NewEventPaste(true)
		for _, r := range text {
			switch r {
			case '\n':
				p.app.events <- tcell.NewEventKey(tcell.KeyEnter, 0, tcell.ModNone)
			case '\x03':
				p.app.events <- tcell.NewEventKey(tcell.KeyCtrlC, 0, tcell.ModNone)
			default:
				p.app.events <- tcell.NewEventKey(tcell.KeyRune, r, tcell.ModNone)
			}
		}
		p.app.events <- tcell.NewEventPaste(false)
		p.settle()
	}
	paste("q\x03\x03:q\nc")
	p.sees("order-8702", "is not typed here")
	p.press("/")
	paste("status:failed\ntype:Order*")
	p.sees("/status:failed type:Order*", "order-8790")
	p.misses("kyc-5520")
	p.press("Esc", "s")
	p.sees("signal order-8702")
	paste("go\x03")
	p.sees("signal    go")
}

func TestTooSmall(t *testing.T) {
	p := play(t, 58, 12, nil)
	p.sees("terminal 58x12, need 60x15")
	for _, size := range [][2]int{{1, 1}, {0, 0}, {60, 15}, {2, 40}, {250, 80}, {1, 1}} {
		for _, keys := range []string{"?", ":", "/", "c", "a", "Y", "@"} {
			p.terminal.SetSize(size[0], size[1])
			p.press(keys, "x", "Tab", "Down", "Enter", "Esc", "Esc")
			p.screen()
		}
	}
}

func TestMouse(t *testing.T) {
	p := play(t, 80, 24, func(o *Options) { o.Mouse = true })
	at := func(x, y int, buttons tcell.ButtonMask) {
		p.app.events <- tcell.NewEventMouse(x, y, buttons, tcell.ModNone)
		p.app.events <- tcell.NewEventMouse(x, y, tcell.ButtonNone, tcell.ModNone)
		p.settle()
	}
	selected := func() (id string) {
		p.inLoop(func() { id = p.app.top().(*list).selected.InstanceID })
		return id
	}
	at(5, 5, tcell.Button1)
	if id := selected(); id != "order-8790" {
		t.Errorf("the click chose %s", id)
	}
	at(5, 5, tcell.WheelDown)
	if id := selected(); id != "import-311" {
		t.Errorf("the wheel went to %s", id)
	}
	age := func() int { return strings.Index(strings.Split(p.screen(), "\n")[2], "AGE") + 1 }
	at(age(), 2, tcell.Button1)
	p.sees("sort created", "AGE↑")
	at(age(), 2, tcell.Button1)
	p.sees("sort created ascending", "AGE↓")
	at(2, 2, tcell.Button1)
	p.sees("sort attention")
	at(5, 4, tcell.Button1)
	at(5, 4, tcell.Button1)
	p.sees("1·overview") // a double click opens it
	p.press("%")
	p.sees("the mouse is the terminal's")
}

// The head tells how old what is shown may be, and stands out only when it is old.
func TestHeadTellsTheAgeOfTheData(t *testing.T) {
	p := play(t, 80, 24, nil)
	every := 2 * time.Second
	shows := func(want string, style view.Style) {
		t.Helper()
		p.inLoop(func() {
			p.app.o.Refresh = every // but nothing is read for that
			defer func() { p.app.o.Refresh = 0 }()
			if got := p.app.liveness(); got.Text != want || got.Style != style {
				t.Errorf("%q in style %d, want %q in %d", got.Text, got.Style, want, style)
			}
		})
	}
	shows("live 2s", view.Muted)
	p.clock.Set(now.Add(14 * time.Second))
	shows("stale 14s", view.Attention)
	p.press("p")
	shows("paused 14s", view.Waiting)
	p.press("Ctrl-R")
	shows("paused 0.0s", view.Waiting)
	p.press("p")
	every = 0
	p.clock.Set(now.Add(30 * time.Second))
	shows("16s old", view.Muted)
}

// Of the name of a file the end is shown, and what needs attention has room in any case.
func TestNamesGiveWay(t *testing.T) {
	for name, want := range map[string]string{
		"/srv/very/long/name/of/a/folder/that/nobody/can/read/at/once/orders.sqlite": "…/orders.sqlite (memory) RW  ≠ 1 blocked",
		"mysql://app@a-server-with-a-long-name.example:3306/orders":                  "mysql://app@a-server-w… (memory) RW",
		"shop": "shop (memory) RW  ≠ 1 blocked",
	} {
		play(t, 80, 24, func(o *Options) { o.Connection.Name = name }).sees(want, "≠", "✗", "▷")
	}
}

func TestSettings(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press(":set theme safe", "Enter")
	p.press(":set signs ascii", "Enter")
	p.sees("signs is ascii", "> N order-8702")
	p.press(":set refresh 1ms", "Enter")
	p.sees("at least 500ms")
	p.press(":set refresh 5s", "Enter")
	p.sees("live 5s")
	p.press(":set refresh 0", "Enter")
	p.press(":set color red", "Enter")
	p.sees("set NAME VALUE")
	p.press(":set times local", "Enter")
	p.inLoop(func() {
		if p.app.o.Theme != ThemeSafe || p.app.o.Times != 2 || p.app.o.Refresh != 0 {
			t.Errorf("%+v", p.app.o)
		}
	})
}
