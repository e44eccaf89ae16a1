package tui

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/picture"
)

// capture is a screen for the documentation.
type capture struct {
	name, title string
	// about is what there is to say besides the capture.
	about string
	// press leads there from the list.
	press []string
	// scopes are those whose keys are listed.
	scopes []command.Scope
	// twins are command lines that show the same.
	twins []string
	// change, unless nil, changes how the console is started.
	change func(*Options)
}

var captures = []capture{
	{
		name: "list", title: "The list", scopes: []command.Scope{command.ScopeList},
		about: "What needs attention comes first. WAITING ON tells what an instance is waiting for,\nand since when, or what went wrong last; below is the instance under the cursor. The head\ncounts instances: blocked, failed within a day, running, and of those how many wait for\na signal (◇) or a timer (◷) or are paused (‖); and it tells how old all that may be.",
		press: []string{"j", "j", "j"}, twins: []string{"wfops ./shop.db list"},
	},
	{
		name: "filter", title: "A filter",
		about: "`/` filters while you type, in the language of [Filters](#filters). Esc takes it back.",
		press: []string{"/", "is:open waiting:signal"}, twins: []string{"wfops ./shop.db list --filter 'is:open waiting:signal'"},
	},
	{
		name: "instance", title: "An instance", scopes: []command.Scope{command.ScopeDetail},
		press: []string{"j", "j", "j", "Enter"}, twins: []string{"wfops ./shop.db get order-8841"},
	},
	{
		name: "history", title: "Its history", scopes: []command.Scope{command.ScopeHistory},
		about: "Events are grouped by the step that they belong to, with its attempts. `/` searches,\n`n` goes to the next match or problem, Enter shows one event whole.",
		press: []string{"j", "Enter", "2"}, twins: []string{"wfops ./shop.db history order-8791"},
	},
	{
		name: "timeline", title: "Its timeline", scopes: []command.Scope{command.ScopeTimeline},
		about: "Time in which nothing happened is drawn shorter. `x` says what the time went into.",
		press: []string{"j", "Enter", "3"}, twins: []string{"wfops ./shop.db timeline order-8791 --critical"},
	},
	{
		name: "data", title: "Its payloads", scopes: []command.Scope{command.ScopeData},
		press: []string{"j", "Enter", "5"}, twins: []string{"wfops ./shop.db data order-8791"},
	},
	{
		name: "diff", title: "Two executions compared", scopes: []command.Scope{command.ScopeDiff},
		about: "`d` with two marked instances, or with one and the other named. From 100 columns on\nthe two stand side by side.",
		press: []string{":diff order-8790 order-8788", "Enter"}, twins: []string{"wfops ./shop.db diff order-8790 order-8788"},
	},
	{
		name: "report", title: "Why an instance is blocked", scopes: []command.Scope{command.ScopeReport},
		about: "What the worker has found, without the code. `r` runs the code of a program against\nthe history (`--with`, or `replayer` of a profile), `A` against all open instances of\nthe workflow.",
		press: []string{":why order-8702", "Enter"}, twins: []string{"wfops ./shop.db why order-8702", "wfops ./shop.db replay order-8702 --with ./worker"},
	},
	{
		name: "service", title: "Queues, workers and health", scopes: []command.Scope{command.ScopeQueues},
		about: "`Q`, `W` and `H` lead here from everywhere. What is wrong comes first.\nEnter on a queue lists its instances, on a worker what is known of it, and once more\nthe open instances that it ran last; Esc comes back.",
		press: []string{"H"}, twins: []string{"wfops ./shop.db health", "wfops ./shop.db queues", "wfops ./shop.db workers"},
	},
	{
		name: "connections", title: "Connections", scopes: []command.Scope{command.ScopeConnections},
		about:  "Shown where no store is named, and by `P`. Stores on servers are tried when asked for.",
		twins:  []string{"wfops ctx list", "wfops ctx test prod"},
		change: func(o *Options) { o.Connection, o.Places, o.Check = nil, (&world{}).places, (&world{}).check },
	},
	{
		name: "actions", title: "What to do",
		about: "`a` lists what can be done to the marked instances, or to the one under the cursor.",
		press: []string{"j", "j", "j", "a"}, twins: []string{"wfops ./shop.db cancel order-8841 --reason \"ordered twice\""},
	},
	{
		name: "signal", title: "A signal",
		about: "What is waited for is proposed. Every change needs a reason.",
		press: []string{"/", "kyc-5520", "Enter", "s"}, twins: []string{"wfops ./shop.db signal decision kyc-5520 --input '\"approve\"' --reason \"ticket 12\""},
	},
	{
		name: "palette", title: "The palette",
		about: "`:` finds commands, settings and instances. Tab completes.",
		press: []string{":", "ti"},
	},
	{
		name: "help", title: "Help",
		about: "`?` lists what can be done here: its key, what to type behind a colon, and the command\nline that does the same. Enter does it.",
		press: []string{"?"}, twins: []string{"wfops help"},
	},
}

// docs is the folder of the documentation.
const docs = "../../../../docs"

// The captures of the documentation are what the console shows today.
func TestScreensOfTheDocumentation(t *testing.T) {
	if *update {
		if err := os.MkdirAll(filepath.Join(docs, "screens"), 0o755); err != nil { //nolint:gosec // of the project
			t.Fatal(err)
		}
	}
	known := map[string]bool{}
	for _, c := range captures {
		p := play(t, 80, 24, func(o *Options) {
			if o.Refresh = 2 * time.Second; c.change != nil {
				c.change(o)
			}
		})
		p.press(c.press...)
		g := p.grid()
		page(t, filepath.Join("screens", c.name+".txt"), []byte(g.Text()))
		var b bytes.Buffer
		if err := picture.Write(&b, g, dark[tcell.ColorDefault], func(c grid.Cell) picture.Look { return drawn(ThemeTerminal.style(c)) }); err != nil {
			t.Fatal(err)
		}
		page(t, filepath.Join("screens", c.name+".png"), b.Bytes())
		known[c.name] = true
	}
	files, err := filepath.Glob(filepath.Join(docs, "screens", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name, _, _ := strings.Cut(filepath.Base(file), "."); !known[name] {
			t.Errorf("%s is of no screen", file)
		}
	}
	guide(t)
}

// page compares a file of the documentation, or writes it.
func page(t *testing.T, name string, want []byte) {
	t.Helper()
	file := filepath.Join(docs, name)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil { //nolint:gosec // of the project
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file) //nolint:gosec // of the project
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	if strings.HasSuffix(name, ".png") {
		t.Errorf("docs/%s is not what the console shows; make screens draws it", name)
		return
	}
	t.Errorf("docs/%s is not what the console shows; make screens writes it\n%s", name, differing(string(want), string(got)))
}

// Between these lines docs/console.md is made from the captures and the registry.
const (
	guideBegin = "<!-- screens: make screens writes what follows -->\n"
	guideEnd   = "<!-- end of screens -->\n"
)

func guide(t *testing.T) {
	t.Helper()
	file := filepath.Join(docs, "console.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), guideBegin)
	_, after, ended := strings.Cut(rest, guideEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the screens", file)
	}
	var b strings.Builder
	b.WriteString(before + guideBegin)
	for _, c := range captures {
		shown, err := os.ReadFile(filepath.Join(docs, "screens", c.name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n### %s\n\n", c.title)
		if c.about != "" {
			fmt.Fprintf(&b, "%s\n\n", c.about)
		}
		fmt.Fprintf(&b, "```text\n%s```\n\n[as a picture](screens/%s.png)\n\n", shown, c.name)
		if len(c.twins) > 0 {
			fmt.Fprintf(&b, "```sh\n%s\n```\n\n", strings.Join(c.twins, "\n"))
		}
		for _, scope := range c.scopes {
			b.WriteString(keyTable(scope))
		}
	}
	b.WriteString("### Everywhere\n\n" + keyTable(command.ScopeAll) + guideEnd + after)
	page(t, "console.md", []byte(b.String()))
}

// keyTable lists the keys of a scope as the registry has them.
func keyTable(scope command.Scope) string {
	var rows []string
	row := func(all []command.Key, name, title string) {
		var names []string
		for _, k := range all {
			if k.Scope == scope {
				names = append(names, "`"+strings.ReplaceAll(k.Key, "|", `\|`)+"`") // else it would end the cell
			}
		}
		if len(names) > 0 {
			rows = append(rows, fmt.Sprintf("| %s | `:%s` | %s |\n", strings.Join(names, " "), name, title))
		}
	}
	for _, m := range command.Moves() {
		row(m.Keys, m.Name, m.Title)
	}
	for _, c := range command.All() {
		row(c.Keys, c.Name, c.Title)
	}
	if len(rows) == 0 {
		return ""
	}
	return "| keys | | |\n|---|---|---|\n" + strings.Join(rows, "") + "\n"
}

// Every capture can be told from the others, and says what its commands are.
func TestCapturesAreDistinct(t *testing.T) {
	var names []string
	for _, c := range captures {
		if slices.Contains(names, c.name) || c.title == "" {
			t.Errorf("%+v", c)
		}
		names = append(names, c.name)
	}
}

// dark are the colors of a terminal with a dark background.
var dark = map[tcell.Color]color.RGBA{
	tcell.ColorDefault: {0x1d, 0x1f, 0x21, 0xff}, tcell.ColorGray: {0x96, 0x98, 0x96, 0xff}, tcell.ColorTeal: {0x8a, 0xbe, 0xb7, 0xff},
	tcell.ColorOlive: {0xf0, 0xc6, 0x74, 0xff}, tcell.ColorGreen: {0xb5, 0xbd, 0x68, 0xff}, tcell.ColorMaroon: {0xe0, 0x6c, 0x6c, 0xff},
	tcell.ColorPurple: {0xb2, 0x94, 0xbb, 0xff}, tcell.ColorNavy: {0x81, 0xa2, 0xbe, 0xff},
}

// letters is the color of letters that have none.
var letters = color.RGBA{0xe0, 0xe0, 0xe0, 0xff}

func drawn(s tcell.Style) picture.Look {
	ink, _, attributes := s.Decompose()
	l := picture.Look{Ink: letters, Paper: dark[tcell.ColorDefault], Bold: attributes&tcell.AttrBold != 0, Underline: attributes&tcell.AttrUnderline != 0}
	if c, ok := dark[ink]; ok && ink != tcell.ColorDefault {
		l.Ink = c
	}
	if attributes&tcell.AttrDim != 0 {
		l.Ink = dark[tcell.ColorGray]
	}
	if attributes&tcell.AttrReverse != 0 {
		l.Ink, l.Paper = l.Paper, l.Ink
	}
	return l
}
