package tui

import (
	"github.com/gdamore/tcell/v2"

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
	problem func() []view.Cell
	before  string
}

func newPrompt(sign, text string, typed func(string, bool)) *prompt {
	return &prompt{sign: sign, line: newLine(text), typed: typed, before: text}
}

func (p *prompt) key(ev *tcell.EventKey) (done bool) {
	switch keyName(ev) {
	case "Enter":
		p.typed(p.line.text(), true)
		return true
	case "Esc":
		p.typed(p.before, false)
		return true
	}
	if p.line.edit(ev) {
		p.typed(p.line.text(), false)
	}
	return false
}

func (p *prompt) draw(_, foot grid.Area, _ view.Options) {
	foot.Fill(" ", view.Plain, 0)
	x := foot.Put(0, 0, grid.Strong, view.Cell{Text: p.sign, Style: view.Header})
	p.line.draw(foot.Sub(x, 0, foot.W-x, 1))
	if p.problem != nil {
		foot.Line(1, 0, p.problem()...)
	}
}
