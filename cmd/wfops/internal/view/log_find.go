package view

import (
	"strconv"
	"strings"

	"github.com/wfops/wfops/diagnostics"
)

// Wanted is what is searched for in a log. The zero value wants problems.
type Wanted struct {
	// Text is looked for in what rows show, whatever its case.
	Text string
	// Also are the numbers of events that hold it elsewhere.
	Also map[int64]bool
}

// Find returns the next event that is wanted behind a place, or before it, and goes on
// at the other end. wrapped tells that it did.
func (l *Log) Find(from Spot, back bool, w Wanted) (at Spot, wrapped, ok bool) {
	if l.entries.n == 0 { // nothing has been read yet
		return from, false, false
	}
	w.Text = strings.ToLower(w.Text)
	at = from
	for range l.Events + 1 {
		var around bool
		if at, around = l.beside(at, back); around {
			if wrapped {
				break
			}
			wrapped = true
		}
		if l.wants(at, w) {
			return at, wrapped, true
		}
		if at == from {
			break
		}
	}
	return from, false, false
}

// beside returns the event behind or before another, and whether it is at the other
// end.
func (l *Log) beside(at Spot, back bool) (Spot, bool) {
	if l.entries.n == 0 {
		return Spot{}, true
	}
	notes := func(entry int) int { return len(l.entries.at(entry).notes) }
	last := l.entries.n - 1
	at.Entry = min(at.Entry, last)
	switch {
	case !back && at.Line < notes(at.Entry):
		return Spot{at.Entry, at.Line + 1}, false
	case !back && at.Entry < last:
		return Spot{Entry: at.Entry + 1}, false
	case !back:
		return Spot{}, true
	case at.Line > 0:
		return Spot{at.Entry, at.Line - 1}, false
	case at.Entry > 0:
		return Spot{at.Entry - 1, notes(at.Entry - 1)}, false
	}
	return Spot{last, notes(last)}, true
}

// Wants reports whether any event of a row is wanted.
func (l *Log) Wants(row int, w Wanted) bool {
	at := l.At(row)
	if at.Entry >= l.entries.n {
		return false
	}
	w.Text = strings.ToLower(w.Text)
	e := l.entries.at(at.Entry)
	groups := l.groups(e)
	if at.Line == 0 {
		lines := 0
		if len(groups) == 0 { // the row stands for all of the step
			lines = len(e.notes)
		}
		for line := range lines + 1 {
			if l.wants(Spot{at.Entry, line}, w) {
				return true
			}
		}
		return false
	}
	for _, g := range groups {
		for i := g.first; i < g.first+g.n && at.Line == g.first+1; i++ {
			if l.wants(Spot{at.Entry, i + 1}, w) {
				return true
			}
		}
	}
	return false
}

func (l *Log) wants(at Spot, w Wanted) bool {
	e := l.entries.at(at.Entry)
	switch {
	case w.Text == "":
		return e.problem(at.Line)
	case w.Also[l.Seq(at)]:
		return true
	case at.Line > 0:
		n := &e.notes[at.Line-1]
		return holds(n.text, w.Text) || holds(n.failure, w.Text) || holds(n.what, w.Text)
	}
	if e.site != nil && (holds(e.site.File+":"+strconv.Itoa(e.site.Line), w.Text) || holds(e.site.Function, w.Text)) {
		return true
	}
	return holds(e.text, w.Text)
}

func (e *entry) problem(line int) bool {
	if line == 0 {
		return e.failed
	}
	n := &e.notes[line-1]
	return n.failure != "" || n.seq == e.end && e.outcome() == diagnostics.OutcomeFailed
}

// Problems is how many events tell of something that went wrong.
func (l *Log) Problems() (n int) {
	for i := range l.entries.n {
		for line := range len(l.entries.at(i).notes) + 1 {
			if l.entries.at(i).problem(line) {
				n++
			}
		}
	}
	return n
}

// holds reports whether text has wanted in it, which is in lower case.
func holds(text, wanted string) bool {
	if wanted == "" || len(text) < len(wanted) {
		return false
	}
	return strings.Contains(strings.ToLower(text), wanted)
}

// Has reports whether an event is wanted.
func (l *Log) Has(at Spot, w Wanted) bool {
	w.Text = strings.ToLower(w.Text)
	return at.Entry < l.entries.n && l.wants(at, w)
}
