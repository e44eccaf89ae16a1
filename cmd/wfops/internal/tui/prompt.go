package tui

import (
	"errors"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// prompt is a line that is typed at the foot of the screen.
type prompt struct {
	sign string
	line line
	// typed is told of each change, and at the end what was typed.
	typed func(text string, final bool)
	// problem, unless nil, is asked what is wrong with what has been typed.
	problem func() error
	// complete, unless nil, tells what the line could become.
	complete func(string) []string
	before   string
	// begun is the line that Tab completes, and taken which of the offers it has.
	begun string
	taken int
}

func newPrompt(sign, text string, typed func(string, bool)) *prompt {
	return &prompt{sign: sign, line: newLine(text), typed: typed, before: text, begun: text, taken: -1}
}

func (p *prompt) key(ev *tcell.EventKey) (done bool) {
	switch keyName(ev) {
	case "Enter":
		p.typed(p.line.text(), true)
		return true
	case "Esc":
		p.typed(p.before, false)
		return true
	case "Tab":
		p.take(1)
		return false
	case "Shift-Tab":
		p.take(-1)
		return false
	}
	if p.line.edit(ev) {
		p.changed()
	}
	return false
}

func (p *prompt) paste(text string) {
	p.line.insert(text)
	p.changed()
}

func (p *prompt) changed() {
	p.begun, p.taken = p.line.text(), -1
	p.typed(p.begun, false)
}

// take completes the line to the next of what it could become.
func (p *prompt) take(by int) {
	offers := p.offers()
	if len(offers) == 0 {
		return
	}
	if p.taken < 0 && by < 0 {
		p.taken = 0
	}
	p.taken = (p.taken + by + len(offers)) % len(offers)
	p.line = newLine(offers[p.taken])
	if len(offers) == 1 { // what it has become may have completions of its own
		p.begun, p.taken = p.line.text(), -1
	}
	p.typed(p.line.text(), false)
}

func (p *prompt) offers() []string {
	if p.complete == nil {
		return nil
	}
	return p.complete(p.begun)
}

func (p *prompt) draw(_, foot grid.Area, _ view.Options) {
	foot.Fill(" ", view.Plain, 0)
	x := foot.Put(0, 0, grid.Strong, view.Cell{Text: p.sign, Style: view.Header})
	first := p.line.draw(foot.Sub(x, 0, foot.W-x, 1))
	var err error
	if p.problem != nil {
		err = p.problem()
	}
	switch wrong, ok := errors.AsType[*filter.Error](err); {
	case ok && p.line.text() == wrong.Input:
		p.drawCaret(foot, x, first, wrong)
	case err != nil:
		foot.Line(1, 0, view.Cell{Text: err.Error(), Style: view.Bad})
	case p.complete != nil:
		foot.Line(1, 0, p.drawOffers()...)
	}
}

// drawOffers shows what Tab would complete to.
func (p *prompt) drawOffers() (cells []view.Cell) {
	for i, offer := range p.offers() {
		style := view.Muted
		if i == p.taken {
			style = view.Header
		}
		cells = append(cells, view.Cell{Text: lastTerm(offer) + "  ", Style: style})
	}
	if len(cells) > 0 {
		cells = append([]view.Cell{{Text: "Tab: ", Style: view.Muted}}, cells...)
	}
	return cells
}

func lastTerm(text string) string {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == ' ' {
			return text[i+1:]
		}
	}
	return text
}

// drawCaret points at what is wrong, and says why beside it: at the right if there is
// room.
func (*prompt) drawCaret(foot grid.Area, x, first int, wrong *filter.Error) {
	at := x
	if wrong.Offset > first {
		at += view.Width(view.Escape(wrong.Input[first:wrong.Offset]))
	}
	at = min(at, foot.W-1)
	message := view.Escape(wrong.Message)
	if what, hint, found := strings.Cut(message, "; did you mean "); found { // it must not be cut off
		message = "did you mean " + hint + " " + what
	}
	width := view.Width(message)
	switch {
	case at+2+width <= foot.W || at < foot.W/2:
		foot.Put(at+2, 1, 0, view.Cell{Text: message, Style: view.Bad})
	default:
		foot.Sub(0, 1, at-1, 1).Right(0, 0, view.Cell{Text: view.Clip(message, at-1), Style: view.Bad})
	}
	foot.Put(at, 1, grid.Strong, view.Cell{Text: "^", Style: view.Bad})
}
