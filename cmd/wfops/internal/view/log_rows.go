package view

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
)

// Spot is an event of a log: line 0 of an entry is the event that begins it.
type Spot struct{ Entry, Line int }

// fold says which lines of an entry are shown.
type fold int8

const (
	foldAuto fold = iota // shown if there is trouble
	foldOpen
	foldClosed
)

// logRows says what row of the screen an entry is on.
type logRows struct {
	// begins are the first rows of each entry, and the count of all behind them.
	begins []int32
	dirty  bool
	// whole shows every event on a row of its own.
	whole bool
}

// Whole reports whether every event has a row of its own, and Unfold changes that.
func (l *Log) Whole() bool { return l.rows.whole }

// Unfold shows every event on a row of its own, or not.
func (l *Log) Unfold(whole bool) { l.rows.whole, l.rows.dirty = whole, true }

// Toggle folds the step of a place, or unfolds it.
func (l *Log) Toggle(at Spot) {
	if at.Entry >= l.entries.n {
		return
	}
	e := l.entries.at(at.Entry)
	if len(l.groups(e)) > 0 {
		e.fold = foldClosed
	} else {
		e.fold = foldOpen
	}
	l.rows.whole, l.rows.dirty = false, true
}

// group is a run of notes that share a row.
type group struct{ first, n int }

// groups returns the rows of an entry below its first.
func (l *Log) groups(e *entry) []group {
	open := e.fold == foldOpen || e.fold == foldAuto && e.troubled()
	if !open && !l.rows.whole {
		return nil
	}
	var all []group
	for i := range e.notes {
		n := &e.notes[i]
		if last := len(all) - 1; !l.rows.whole && last >= 0 && n.failure != "" && n.failure == e.notes[i-1].failure {
			all[last].n++
			continue
		}
		all = append(all, group{i, 1})
	}
	return all
}

// troubled steps show their attempts without being asked.
func (e *entry) troubled() bool {
	if len(e.notes) == 0 || e.notes[0].failure == "" {
		return false
	}
	return e.outcome() == diagnostics.OutcomePending || e.outcome() == diagnostics.OutcomeFailed
}

// Len is how many rows there are.
func (l *Log) Len() int {
	l.arrange()
	return int(l.rows.begins[l.entries.n])
}

// arrange finds out anew where each entry begins.
func (l *Log) arrange() {
	if !l.rows.dirty && len(l.rows.begins) == l.entries.n+1 {
		return
	}
	l.rows.dirty = false
	l.rows.begins = append(l.rows.begins[:0], 0)
	row := 0
	for i := range l.entries.n {
		e := l.entries.at(i)
		switch {
		case l.rows.whole:
			row += 1 + len(e.notes)
		case e.aside:
		case e.fold == foldAuto && !e.troubled():
			row++
		default:
			row += 1 + len(l.groups(e))
		}
		l.rows.begins = append(l.rows.begins, int32(row)) //nolint:gosec // histories have fewer events
	}
}

// At returns the place of a row; its line is the first of those that share the row.
func (l *Log) At(row int) Spot {
	l.arrange()
	i := sort.Search(l.entries.n, func(i int) bool { return int(l.rows.begins[i+1]) > row })
	if i == l.entries.n {
		return Spot{Entry: max(0, i-1)}
	}
	below := row - int(l.rows.begins[i]) - 1
	if groups := l.groups(l.entries.at(i)); below >= 0 && below < len(groups) {
		return Spot{i, groups[below].first + 1}
	}
	return Spot{Entry: i}
}

// Row returns the row of a place: that of its step where it has none itself.
func (l *Log) Row(at Spot) int {
	l.arrange()
	if at.Entry >= l.entries.n {
		return 0
	}
	row := int(l.rows.begins[at.Entry])
	for i, g := range l.groups(l.entries.at(at.Entry)) {
		if at.Line > g.first {
			row = int(l.rows.begins[at.Entry]) + i + 1
		}
	}
	return min(row, max(0, l.Len()-1))
}

// Seq returns the number of the event at a place, or 0.
func (l *Log) Seq(at Spot) int64 {
	if at.Entry >= l.entries.n {
		return 0
	}
	e := l.entries.at(at.Entry)
	if at.Line > 0 && at.Line <= len(e.notes) {
		return int64(e.notes[at.Line-1].seq)
	}
	return int64(e.seq)
}

// PlaceOf returns where an event is.
func (l *Log) PlaceOf(seq int64) (Spot, bool) { return l.holder(seq) }

// Show makes sure that a place is on a row of its own, or of its like.
func (l *Log) Show(at Spot) {
	if at.Entry >= l.entries.n || l.rows.whole {
		return
	}
	if e := l.entries.at(at.Entry); e.aside {
		l.Unfold(true)
	} else if at.Line > 0 && len(l.groups(e)) == 0 {
		e.fold, l.rows.dirty = foldOpen, true
	}
}

// LogColumns are those of Rows.
func LogColumns() []Column {
	return []Column{
		{Key: "event", Title: "EVENT", Right: true},
		{Key: "at", Title: "AT", Right: true, Rank: 2},
		{Key: "sign", Title: "S", Sign: true},
		{Key: "what", Title: "WHAT", Min: 30, Spill: true},
		{Key: "took", Title: "TOOK", Right: true, Rank: 1},
		{Key: "code", Title: "CODE", Min: 8, Max: 24, Rank: 3},
	}
}

// Rows returns some of the rows, from one to before another.
func (l *Log) Rows(from, to int, o Options) Table {
	t := Table{Columns: LogColumns()}
	for row := from; row < to; {
		at := l.At(row)
		if at.Entry >= l.entries.n {
			break
		}
		e, first := l.entries.at(at.Entry), int(l.rows.begins[at.Entry])
		groups := l.groups(e)
		if row == first {
			t.Rows = append(t.Rows, l.stepRow(e, o))
			row++
		}
		for ; row < to && row-first-1 < len(groups); row++ {
			i := row - first - 1
			t.Rows = append(t.Rows, l.noteRow(e, groups[i], i == len(groups)-1, o))
		}
	}
	return t
}

func (l *Log) stepRow(e *entry, o Options) []Cell {
	mark, style := e.sign()
	number, took := strconv.Itoa(int(e.seq)), Cell{e.took(o), Muted}
	if e.end > e.seq && !l.rows.whole {
		number += "-" + strconv.Itoa(int(e.end))
	}
	if failed := e.failedAttempts(); failed > 0 && e.outcome() == diagnostics.OutcomePending {
		mark, style = signRetrying, Waiting
		took = Cell{fmt.Sprintf("%d failed", failed), Waiting}
	}
	code, text := "", Plain
	if e.site != nil {
		code = e.site.File + ":" + strconv.Itoa(e.site.Line)
	}
	if e.aside {
		text = Muted
	}
	return []Cell{{number, Muted}, {o.Offset(l.Start, instant(e.began)), Muted}, o.cell(mark, style), {e.text, text}, took, {code, Muted}}
}

func (e *entry) sign() (sign, Style) {
	switch {
	case e.failed && e.kind() == diagnostics.StepDropped:
		return signAttention, Attention
	case e.failed:
		return signFailed, Bad
	case e.kind() == diagnostics.StepSignal:
		return signSignal, Running
	case e.kind() == diagnostics.StepCancel:
		return signCanceled, Stopped
	case e.kind() == diagnostics.StepTimer && e.outcome() == diagnostics.OutcomePending:
		return signTimer, Waiting
	case e.kind() == diagnostics.StepStart, e.kind() == diagnostics.StepVersion, e.kind() == diagnostics.StepEffect:
		return signNone, Plain
	}
	return outcomeSign(e.outcome())
}

func (e *entry) failedAttempts() (n int) {
	for i := range e.notes {
		if e.notes[i].failure != "" {
			n++
		}
	}
	return n
}

// took is how long a step took, or how long it has been under way.
func (e *entry) took(o Options) string {
	switch due := instant(e.due); {
	case e.outcome() == diagnostics.OutcomePending && e.due != 0 && due.After(o.Now):
		return Span(due.Sub(o.Now)) + " left"
	case e.outcome() == diagnostics.OutcomePending:
		return "for " + Span(max(0, o.Now.Sub(instant(e.began))))
	case e.ended > e.began:
		return took(time.Duration(e.ended - e.began))
	}
	return ""
}

func (l *Log) noteRow(e *entry, g group, last bool, o Options) []Cell {
	n, end := &e.notes[g.first], &e.notes[g.first+g.n-1]
	number, length := strconv.Itoa(int(n.seq)), ""
	if g.n > 1 {
		number += "-" + strconv.Itoa(int(end.seq))
	} else if n.started != 0 && n.at > n.started {
		length = took(time.Duration(n.at - n.started))
	}
	mark, style := outcomeSign(e.outcome())
	if end.seq != e.end {
		mark, style = signRetrying, Waiting
	}
	fork, twig, _ := o.twigs()
	if last {
		fork = twig
	}
	return []Cell{
		{number, Muted}, {o.Offset(l.Start, instant(n.at)), Muted}, {}, {"  " + fork + o.cell(mark, style).Text + " " + e.tell(g, o), style}, {length, Muted}, {},
	}
}

// tell says what a group of attempts came to, or how a step ended.
func (e *entry) tell(g group, o Options) string {
	n, end := &e.notes[g.first], &e.notes[g.first+g.n-1]
	if n.failure == "" {
		return strings.TrimSpace(n.what + " " + n.text)
	}
	if g.n == 1 {
		text := fmt.Sprintf("try %d  %s", n.attempt, n.failure)
		return text + n.backoff(o)
	}
	return fmt.Sprintf("try %d-%d  %s  %d times", n.attempt, end.attempt, n.failure, g.n) + end.backoff(o)
}

// backoff says when the attempt that follows may begin.
func (n *note) backoff(o Options) string {
	switch next := instant(n.next); {
	case n.next == 0:
		return ""
	case next.After(o.Now):
		return ", next in " + Span(next.Sub(o.Now))
	}
	return ", waited " + took(time.Duration(n.next-n.at))
}

// Offset shows a point in time as seen from the beginning of an execution, as exactly
// as the time that has passed suggests.
func (o Options) Offset(start, t time.Time) string {
	d := t.Sub(start)
	switch {
	case o.Times == Local:
		return clock(start.Local(), t.Local())
	case o.Times == UTC:
		return clock(start.UTC(), t.UTC()) + "Z"
	case d < 10*time.Second:
		return fmt.Sprintf("%+.3fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%+.2fs", d.Seconds())
	}
	return "+" + Span(d)
}

// clock shows the time of the day, with the day if that is not the one of start.
func clock(start, t time.Time) string {
	if t.YearDay() == start.YearDay() && t.Year() == start.Year() {
		return t.Format("15:04:05.000")
	}
	return t.Format("01-02T15:04:05")
}

// Line is what an event says, in a line.
func (l *Log) Line(at Spot, o Options) (text, short Cell, size int) {
	if at.Entry >= l.entries.n {
		return text, short, 0
	}
	e := l.entries.at(at.Entry)
	mark, style := e.sign()
	if at.Line == 0 || at.Line > len(e.notes) {
		if len(e.notes) > 0 { // they say how it went
			mark, style = signNone, Plain
		}
		return Cell{e.text, Plain}, o.cell(mark, style), int(e.size)
	}
	n := &e.notes[at.Line-1]
	if mark, style = outcomeSign(e.outcome()); n.seq != e.end {
		mark, style = signRetrying, Waiting
	}
	if n.failure == "" {
		return Cell{strings.TrimSpace(e.name + " result " + n.text), Plain}, o.cell(mark, style), int(n.size)
	}
	return Cell{strings.TrimSpace(e.name + " " + e.tell(group{at.Line - 1, 1}, o)), Plain}, o.cell(mark, style), int(n.size)
}
