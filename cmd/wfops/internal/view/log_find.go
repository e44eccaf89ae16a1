package view

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wfops/wfops/diagnostics"
)

// Wanted is what is searched for in a log. The zero value wants problems.
type Wanted struct {
	// Text is looked for in what rows show, whatever its case.
	Text string
	// Also are events that hold it elsewhere.
	Also Found
}

// Found are the numbers of events, in order.
type Found []int64

// Has reports whether an event is one of them.
func (f Found) Has(seq int64) bool {
	_, ok := slices.BinarySearch(f, seq)
	return ok
}

// Find returns the next event that is wanted behind a place, or before it, and goes on
// at the other end. wrapped tells that it did.
func (l *Log) Find(from Spot, back bool, w Wanted) (at Spot, wrapped, ok bool) {
	if l.Events == 0 { // nothing has been read yet
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

// beside returns the event behind or before another, as rows are when all is unfolded,
// and whether it is at the other end.
func (l *Log) beside(at Spot, back bool) (Spot, bool) {
	if !l.has(at) {
		at = l.heads[0]
	}
	n, step := l.lines.at(at), Spot(1)
	switch {
	case !back && n.next > 0:
		return n.next, false
	case back && at != n.head:
		return n.prev, false
	case back:
		step = -1
	}
	head, wrapped := n.head+step, false
	if !l.has(head) {
		if head, wrapped = l.heads[0], true; back {
			head = l.heads[len(l.heads)-1]
		}
	}
	for l.has(head) && l.lines.at(head).head != head { // heads are not far from each other
		head += step
	}
	switch {
	case !l.has(head): // there is none behind the last
		return l.heads[0], true
	case back:
		return l.lines.at(head).prev, wrapped
	}
	return head, wrapped
}

// Wants reports whether any event of a row is wanted.
func (l *Log) Wants(row int, w Wanted) bool {
	at := l.At(row)
	if !l.has(at) {
		return false
	}
	w.Text = strings.ToLower(w.Text)
	head := l.lines.at(at).head
	e := l.lines.at(head)
	groups := l.groups(e)
	g := group{head, head, 1}
	if i := slices.IndexFunc(groups, func(g group) bool { return g.first == at }); i >= 0 {
		g = groups[i]
	} else if len(groups) == 0 { // the row stands for all of the step
		g.last = e.prev
	}
	for at = g.first; at > 0 && at <= g.last; at = l.lines.at(at).next {
		if l.wants(at, w) {
			return true
		}
	}
	return false
}

func (l *Log) wants(at Spot, w Wanted) bool {
	e := l.lines.at(at)
	switch {
	case w.Text == "":
		return l.problem(at)
	case w.Also.Has(int64(at)):
		return true
	case at != e.head:
		return holds(l.textOf(e), w.Text) || holds(l.words.text(e.name), w.Text) || holds(string(l.words.kinds[e.what]), w.Text)
	}
	if site := l.site(e); site != nil && (holds(site.text, w.Text) || holds(site.Function, w.Text)) {
		return true
	}
	return holds(l.textOf(e), w.Text)
}

func (l *Log) problem(at Spot) bool {
	n := l.lines.at(at)
	if at == n.head {
		return n.failed
	}
	e := l.lines.at(n.head)
	return n.name > 0 || e.prev == at && e.outcome() == diagnostics.OutcomeFailed
}

// Problems is how many events tell of something that went wrong.
func (l *Log) Problems() (n int) {
	for at := range l.Events {
		if l.problem(Spot(at + 1)) { //nolint:gosec // histories have fewer events
			n++
		}
	}
	return n
}

// holds reports whether text has wanted in it, which is in lower case. All texts of a
// long history are looked at between two keys, so that the usual ones are not copied.
func holds(text, wanted string) bool {
	if wanted == "" || len(text) < len(wanted) {
		return false
	}
	for i := range len(wanted) {
		if wanted[i] >= utf8.RuneSelf {
			return strings.Contains(strings.ToLower(text), wanted)
		}
	}
	first := wanted[:1]
	if other := strings.ToUpper(first); other != first {
		first += other
	}
	for len(text) >= len(wanted) {
		i := strings.IndexAny(text, first)
		if i < 0 || i+len(wanted) > len(text) {
			return false
		}
		if strings.EqualFold(text[i:i+len(wanted)], wanted) {
			return true
		}
		text = text[i+1:]
	}
	return false
}

// Has reports whether an event is wanted.
func (l *Log) Has(at Spot, w Wanted) bool {
	w.Text = strings.ToLower(w.Text)
	return l.has(at) && l.wants(at, w)
}
