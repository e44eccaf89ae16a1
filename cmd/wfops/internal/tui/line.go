package tui

import (
	"strings"
	"unicode"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// line is a line of text that is typed.
type line struct {
	clusters []string // what a person takes for one character
	at       int      // the one that the cursor is on
}

func newLine(text string) line {
	l := line{}
	l.insert(text)
	return l
}

func (l *line) text() string { return strings.Join(l.clusters, "") }

// insert puts text where the cursor is. Control characters have no place in a line;
// what is between lines becomes a space.
func (l *line) insert(text string) {
	text = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	after := strings.Join(l.clusters[l.at:], "")
	before := strings.Join(l.clusters[:l.at], "") + text
	l.clusters = clusters(before + after) // what is new may join what was there
	l.at = min(len(clusters(before)), len(l.clusters))
}

func clusters(text string) (all []string) {
	for g := uniseg.NewGraphemes(text); g.Next(); {
		all = append(all, g.Str())
	}
	return all
}

func (l *line) cut(from, to int) {
	from, to = max(0, from), min(len(l.clusters), to)
	if from < to {
		l.clusters = append(l.clusters[:from:from], l.clusters[to:]...)
		l.at = from
	}
}

// wordBegin is where the word before the cursor begins.
func (l *line) wordBegin() int {
	i := l.at
	for i > 0 && l.clusters[i-1] == " " {
		i--
	}
	for i > 0 && l.clusters[i-1] != " " {
		i--
	}
	return i
}

// edit handles a key, as shells do, and reports whether it was one for lines.
func (l *line) edit(ev *tcell.EventKey) bool {
	switch keyName(ev) {
	case "Backspace", "Ctrl-H":
		l.cut(l.at-1, l.at)
	case "Delete":
		l.cut(l.at, l.at+1)
	case "Left", "Ctrl-B":
		l.at = max(0, l.at-1)
	case "Right", "Ctrl-F":
		l.at = min(len(l.clusters), l.at+1)
	case "Home", "Ctrl-A":
		l.at = 0
	case "End", "Ctrl-E":
		l.at = len(l.clusters)
	case "Ctrl-W":
		l.cut(l.wordBegin(), l.at)
	case "Ctrl-U":
		l.cut(0, l.at)
	case "Ctrl-K":
		l.cut(l.at, len(l.clusters))
	default:
		if ev.Key() != tcell.KeyRune || ev.Modifiers()&tcell.ModAlt != 0 {
			return false
		}
		l.insert(string(ev.Rune()))
	}
	return true
}

// draw draws the line with the cursor in sight. It returns at which byte of the text it
// begins.
func (l *line) draw(at grid.Area) (begin int) {
	first, width := l.at, 0
	for first > 0 {
		wide := view.Width(view.Escape(l.clusters[first-1]))
		if width+wide >= at.W {
			break
		}
		first, width = first-1, width+wide
	}
	last := min(len(l.clusters), first+at.W) // none is narrower than a cell but marks
	at.Put(0, 0, 0, view.Cell{Text: strings.Join(l.clusters[first:last], "")})
	at.Cursor(width, 0)
	return len(strings.Join(l.clusters[:first], ""))
}
