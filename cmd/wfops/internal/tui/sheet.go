package tui

import (
	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// sheet shows texts over a screen until they have been read.
type sheet struct {
	title string
	texts []string
	pager pager
}

func newSheet(title string, texts []string) *sheet { return &sheet{title: title, texts: texts} }

func (s *sheet) key(ev *tcell.EventKey) (done bool) {
	name, ok := bind().action(keyName(ev), nil)
	return !ok || !s.pager.move(name)
}

func (s *sheet) draw(all, _ grid.Area, o view.Options) {
	var lines view.Lines
	for _, text := range s.texts {
		for i, line := range wrapped(text, all.W-4) {
			if i > 0 {
				line = "  " + line
			}
			lines = append(lines, []view.Cell{{Text: " " + line}})
		}
	}
	_, at := all.Bottom(min(len(lines)+1, all.H-menuRoom))
	at.Fill(" ", view.Plain, 0)
	at.Rule(0, s.title, o.ASCII)
	at.Sub(1, 0, at.W-2, 1).Right(0, 0, view.Cell{Text: " Esc closes ", Style: view.Muted})
	s.pager.lines = lines
	s.pager.draw(at.Sub(0, 1, at.W, at.H-1))
}
