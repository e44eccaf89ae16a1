package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// palette is where commands are typed. What could be meant stands above the line.
type palette struct {
	a    *app
	line line
	// meant are the lines that could be meant, and at the one that Tab has taken.
	meant []suggestion
	at    int
	// begun is the line as it was typed, which Tab completes again and again.
	begun string
	// ids are those that begin with asked.
	ids   []string
	asked string
	past  int // how far back in what was typed before
	rows  grid.Area
}

// suggestion is a line that could be meant.
type suggestion struct{ line, says string }

// mostMeant is how many suggestions are shown.
const mostMeant = 8

func newPalette(a *app, text string) *palette {
	p := &palette{a: a}
	a.past.load(a)
	p.put(text)
	return p
}

// put puts a text into the line, as if it had been typed.
func (p *palette) put(text string) {
	p.line = newLine(text)
	p.typed()
}

// typed looks for what could be meant by what was typed.
func (p *palette) typed() {
	p.begun, p.at = p.line.text(), -1
	p.suggest()
	p.askIDs()
}

func (p *palette) key(ev *tcell.EventKey) (done bool) {
	switch keyName(ev) {
	case "Esc":
		return true
	case "Enter":
		return p.enter()
	case "Tab", "Ctrl-N":
		p.take(1)
	case "Shift-Tab", "Ctrl-P":
		p.take(-1)
	case "Up":
		p.recall(1)
	case "Down":
		p.recall(-1)
	default:
		if p.line.edit(ev) {
			p.past = 0
			p.typed()
		}
	}
	return false
}

func (p *palette) paste(text string) {
	p.line.insert(text)
	p.typed()
}

// take completes the line to the next suggestion.
func (p *palette) take(by int) {
	if n := len(p.meant); n > 0 {
		if p.at < 0 && by < 0 {
			p.at = 0
		}
		p.at = (p.at + by + n) % n
		p.line = newLine(p.meant[p.at].line)
	}
}

// recall brings back what was typed before.
func (p *palette) recall(by int) {
	lines := p.a.past.lines
	to := p.past + by
	switch {
	case to == 0:
		p.put("")
	case 0 < to && to <= len(lines):
		p.put(lines[len(lines)-to])
	default:
		return
	}
	p.past = to
}

// enter does what was typed or, if that is no command, what it means most likely.
func (p *palette) enter() (done bool) {
	text := strings.TrimSpace(p.line.text())
	if text == "" {
		return true
	}
	if name, _, _ := strings.Cut(text, " "); !isName(name) && p.at < 0 && len(p.meant) > 0 {
		text = strings.TrimSpace(p.meant[0].line)
	}
	p.a.over = nil
	p.a.typed(text)
	return true
}

// isName reports whether something is called that.
func isName(name string) bool {
	_, short := shorts[name]
	_, isCommand := commandOf(name)
	return short || isCommand || slices.ContainsFunc(allMoves(), func(m command.Move) bool { return m.Name == name })
}

// shorts are other names of what there is.
var shorts = map[string]string{"q": "quit", "q!": "quit", "exit": "quit", "w": "save", "wf": "list", "h": "help", "e": "get"}

// typed does what was typed behind a colon.
func (a *app) typed(text string) {
	name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	name, rest = strings.TrimPrefix(name, ":"), strings.TrimSpace(rest)
	if long, ok := shorts[name]; ok {
		name = long
	}
	if name != "quit" { // which leaves no time to write it down
		a.past.keep(a, name, rest)
	}
	args, err := words(rest)
	switch {
	case name == "quit":
		a.exit()
	case strings.HasPrefix(name, "/"):
		a.toList(strings.TrimSpace(strings.TrimPrefix(text, "/")))
	case !isName(name):
		a.say(view.Bad, fmt.Sprintf("there is no command %q; ? shows what there is", name))
	case name == "list" || name == "filter":
		a.filterBy(rest, args)
	case err != nil:
		a.say(view.Bad, name+": "+err.Error())
	default:
		a.doWith(name, args)
	}
}

// filterBy shows what matches a filter, which has quotes of its own.
func (a *app) filterBy(text string, args []string) {
	if len(args) == 2 && args[0] == "--filter" {
		text = args[1]
	}
	if text == "" {
		a.do("list")
		return
	}
	a.doWith("list", []string{text})
}

// suggest fills in what could be meant.
func (p *palette) suggest() {
	text := strings.TrimLeft(p.begun, " ")
	name, rest, hasArgs := strings.Cut(text, " ")
	p.meant = nil
	if !hasArgs {
		p.names(name)
		for _, id := range p.ids {
			p.meant = append(p.meant, suggestion{"get " + inQuotes(id), "instance"})
		}
		return
	}
	at := strings.LastIndexByte(rest, ' ') + 1
	p.arguments(name, rest[:at], rest[at:])
}

// names suggests what can be done.
func (p *palette) names(begun string) {
	offers := p.a.offers()
	names := make([]string, len(offers))
	for i, o := range offers {
		names[i] = o.name
	}
	for _, i := range matching(begun, names) {
		if o := offers[i]; o.typed != "" && o.name != "palette" {
			says := o.title
			if o.key != "" {
				says += "  [" + o.key + "]"
			}
			p.meant = append(p.meant, suggestion{p.whole(o), says})
		}
	}
	slices.SortStableFunc(p.meant, func(x, y suggestion) int { // what it begins with comes first
		return btoi(strings.HasPrefix(y.line, begun)) - btoi(strings.HasPrefix(x.line, begun))
	})
}

func btoi(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// whole returns a command as far as it can be known.
func (*palette) whole(o offer) string {
	if c, ok := commandOf(o.name); ok && len(c.Args) > 0 && !c.Args[0].Optional && o.key == "" || o.name == "set" || o.name == "event" {
		return o.name + " "
	}
	return o.name
}

// arguments suggests the last word of a line.
func (p *palette) arguments(name, before, begun string) {
	var values []string
	switch name {
	case "set":
		values = setWords(before)
	case "list", "filter":
		values = filter.Complete(begun)
	case "order":
		for _, s := range ops.Sorts() {
			values = append(values, string(s))
		}
	case "ctx":
		values = p.a.profiles()
	default:
		for _, id := range p.ids {
			values = append(values, inQuotes(id))
		}
	}
	for _, value := range values {
		if strings.HasPrefix(value, begun) {
			p.meant = append(p.meant, suggestion{name + " " + before + value, ""})
		}
	}
}

// setWords are the names of settings and, behind one, its values.
func setWords(before string) (values []string) {
	for _, s := range settings {
		if before == "" {
			values = append(values, s.name)
		}
		if before == s.name+" " {
			values = append(values, s.words...)
		}
	}
	return values
}

// profiles are the stores that have names.
func (a *app) profiles() []string {
	if a.o.Profiles == nil {
		return nil
	}
	return a.o.Profiles()
}

// askIDs asks which instances begin with the last word.
func (p *palette) askIDs() {
	word := p.begun[strings.LastIndexByte(p.begun, ' ')+1:]
	name, _, hasArgs := strings.Cut(p.begun, " ")
	c, _ := commandOf(name)
	takes := slices.ContainsFunc(c.Args, func(arg command.Arg) bool {
		return arg.Kind == command.ArgInstance || arg.Kind == command.ArgHistory
	})
	if p.asked == word || p.a.conn == nil || len(word) < 2 || hasArgs && !takes {
		return
	}
	store := p.a.conn.Store
	ask(p.a, nil, "ids", func(ctx context.Context) ([]string, error) {
		if err := p.a.rested(ctx); err != nil {
			return nil, err
		}
		return store.Beginning(ctx, word)
	}, func(ids []string, err error) {
		if err != nil || p.a.over != p { // the log has it
			return
		}
		p.ids, p.asked = ids, word
		if p.at < 0 {
			p.suggest()
		}
	})
}

func (p *palette) draw(all, foot grid.Area, o view.Options) {
	foot.Fill(" ", view.Plain, 0)
	x := foot.Put(0, 0, grid.Strong, view.Cell{Text: ":", Style: view.Header})
	p.line.draw(foot.Sub(x, 0, foot.W-x, 1))
	foot.Line(1, 0, view.Cell{Text: "Enter does it  Tab completes  Up what was typed before  Esc back", Style: view.Muted})
	rest, _ := all.Bottom(foot.H)
	first := max(0, p.at-mostMeant+1)
	shown := p.meant[first:min(len(p.meant), first+mostMeant)]
	if len(shown) == 0 {
		return
	}
	_, at := rest.Bottom(min(len(shown)+1, rest.H))
	at.Fill(" ", view.Plain, 0)
	at.Rule(0, "", o.ASCII)
	t := view.Table{Columns: []view.Column{{Key: "line", Min: 12}, {Key: "says", Min: 20}}}
	for _, s := range shown {
		t.Rows = append(t.Rows, []view.Cell{{Text: s.line}, {Text: s.says, Style: view.Muted}})
	}
	_, p.rows = at.Top(1)
	for y, line := range view.Layout(t, at.W-gutter)[1:] {
		at.Sub(gutter, y+1, at.W-gutter, 1).Line(0, 0, spaced(line)...)
		if first+y == max(0, p.at) {
			at.Put(0, y+1, 0, view.Cell{Text: ">"})
			if p.at >= 0 {
				at.Sub(0, y+1, at.W, 1).Look(grid.Selected)
			}
		}
	}
}
