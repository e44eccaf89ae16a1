package view

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
)

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
	if !l.has(at) {
		return
	}
	e := l.lines.edit(l.lines.at(at).head)
	if len(l.groups(e)) > 0 {
		e.fold = foldClosed
	} else {
		e.fold = foldOpen
	}
	l.rows.whole, l.rows.dirty = false, true
}

// notes yields the events of a step behind its head.
func (l *Log) notes(head *line) iter.Seq2[Spot, *line] {
	return func(yield func(Spot, *line) bool) {
		for at := head.next; at > 0; {
			e := l.lines.at(at)
			if !yield(at, e) {
				return
			}
			at = e.next
		}
	}
}

// group is a run of events of a step that share a row.
type group struct {
	first, last Spot
	n           int
}

// groups returns the rows of a step below its first.
func (l *Log) groups(head *line) []group {
	open := head.fold == foldOpen || head.fold == foldAuto && l.troubled(head)
	if !open && !l.rows.whole {
		return nil
	}
	var all []group
	for at, e := range l.notes(head) {
		if i := len(all) - 1; !l.rows.whole && i >= 0 && e.name > 0 && e.name == l.lines.at(all[i].last).name {
			all[i].last, all[i].n = at, all[i].n+1
			continue
		}
		all = append(all, group{at, at, 1})
	}
	return all
}

// troubled steps show their attempts without being asked.
func (l *Log) troubled(head *line) bool {
	if head.next == 0 || l.lines.at(head.next).name == 0 {
		return false
	}
	return head.outcome() == diagnostics.OutcomePending || head.outcome() == diagnostics.OutcomeFailed
}

// Len is how many rows there are.
func (l *Log) Len() int {
	l.arrange()
	return int(l.rows.begins[len(l.heads)])
}

// arrange finds out anew where each step begins.
func (l *Log) arrange() {
	if !l.rows.dirty && len(l.rows.begins) == len(l.heads)+1 {
		return
	}
	l.rows.dirty = false
	l.rows.begins = append(l.rows.begins[:0], 0)
	row := int32(0)
	for _, at := range l.heads {
		switch e := l.lines.at(at); {
		case l.rows.whole:
			row++
			for range l.notes(e) {
				row++
			}
		case e.aside:
		case e.fold == foldAuto && !l.troubled(e):
			row++
		default:
			row += 1 + int32(len(l.groups(e))) //nolint:gosec // histories have fewer events
		}
		l.rows.begins = append(l.rows.begins, row)
	}
}

// Head returns the event that begins the step of an event.
func (l *Log) Head(at Spot) Spot {
	if !l.has(at) {
		return 0
	}
	return l.lines.at(at).head
}

// At returns the place of a row: the first of those that share it.
func (l *Log) At(row int) Spot {
	l.arrange()
	n := len(l.heads)
	i := sort.Search(n, func(i int) bool { return int(l.rows.begins[i+1]) > row })
	if i == n {
		if n == 0 {
			return 0
		}
		return l.heads[n-1]
	}
	head := l.heads[i]
	below := row - int(l.rows.begins[i]) - 1
	if groups := l.groups(l.lines.at(head)); below >= 0 && below < len(groups) {
		return groups[below].first
	}
	return head
}

// Row returns the row of a place: that of its step where it has none itself.
func (l *Log) Row(at Spot) int {
	l.arrange()
	if !l.has(at) {
		return 0
	}
	head := l.lines.at(at).head
	i, _ := slices.BinarySearch(l.heads, head)
	row := int(l.rows.begins[i])
	if at != head {
		for _, g := range l.groups(l.lines.at(head)) {
			if at >= g.first {
				row++
			}
		}
	}
	return min(row, max(0, l.Len()-1))
}

// Show makes sure that a place is on a row of its own, or of its like.
func (l *Log) Show(at Spot) {
	if !l.has(at) || l.rows.whole {
		return
	}
	head := l.lines.at(at).head
	if e := l.lines.at(head); e.aside {
		l.Unfold(true)
	} else if at != head && len(l.groups(e)) == 0 {
		l.lines.edit(head).fold, l.rows.dirty = foldOpen, true
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
	for row := from; row < min(to, l.Len()); {
		head := l.lines.at(l.At(row)).head
		i, _ := slices.BinarySearch(l.heads, head)
		e, first := l.lines.at(head), int(l.rows.begins[i])
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

func (l *Log) stepRow(e *line, o Options) []Cell {
	mark, style := e.sign()
	number, took := strconv.Itoa(int(e.head)), Cell{l.took(e, o), Muted}
	if end := l.lines.end(e); end != nil && e.prev > e.head && !l.rows.whole {
		number += "-" + strconv.Itoa(int(e.prev))
	}
	if failed := l.failedAttempts(e); failed > 0 && e.outcome() == diagnostics.OutcomePending {
		mark, style = signRetrying, Waiting
		took = Cell{fmt.Sprintf("%d failed", failed), Waiting}
	}
	code, text := "", Plain
	if site := l.site(e); site != nil {
		code = site.text
	}
	if e.aside {
		text = Muted
	}
	return []Cell{{number, Muted}, {o.Offset(l.Start, instant(e.at)), Muted}, o.cell(mark, style), {l.textOf(e), text}, took, {code, Muted}}
}

// site is the line of code that began a step, or nil.
func (l *Log) site(e *line) *codeLine {
	if e.site == 0 {
		return nil
	}
	return &l.sites[e.site-1]
}

func (e *line) sign() (sign, Style) {
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

func (l *Log) failedAttempts(head *line) (n int) {
	for _, e := range l.notes(head) {
		if e.name > 0 {
			n++
		}
	}
	return n
}

// took is how long a step took, or how long it has been under way.
func (l *Log) took(e *line, o Options) string {
	end := l.lines.end(e)
	switch due := instant(e.until); {
	case end == nil && e.until != 0 && due.After(o.Now):
		return Span(due.Sub(o.Now)) + " left"
	case end == nil:
		return "for " + Span(max(0, o.Now.Sub(instant(e.at))))
	case end.at > e.at:
		return took(time.Duration(end.at - e.at))
	}
	return ""
}

func (l *Log) noteRow(e *line, g group, last bool, o Options) []Cell {
	n := l.lines.at(g.first)
	number, length := strconv.Itoa(int(g.first)), ""
	if g.n > 1 {
		number += "-" + strconv.Itoa(int(g.last))
	} else if n.started != 0 && n.at > n.started {
		length = took(time.Duration(n.at - n.started))
	}
	mark, style := l.noteSign(e, g.last)
	fork, twig, _ := o.twigs()
	if last {
		fork = twig
	}
	return []Cell{
		{number, Muted}, {o.Offset(l.Start, instant(n.at)), Muted}, {}, {"  " + fork + o.cell(mark, style).Text + " " + l.tell(g, o), style}, {length, Muted}, {},
	}
}

// noteSign is that of an event behind the head of a step.
func (l *Log) noteSign(e *line, at Spot) (sign, Style) {
	if l.lines.end(e) == nil || e.prev != at {
		return signRetrying, Waiting
	}
	return outcomeSign(e.outcome())
}

// tell says what a group of attempts came to, or how a step ended.
func (l *Log) tell(g group, o Options) string {
	n, end := l.lines.at(g.first), l.lines.at(g.last)
	switch {
	case n.name == 0:
		return strings.TrimSpace(string(l.words.kinds[n.what]) + " " + l.textOf(n))
	case g.n == 1:
		return fmt.Sprintf("try %d  %s", n.attempt, l.words.text(n.name)) + n.backoff(o)
	}
	return fmt.Sprintf("try %d-%d  %s  %d times", n.attempt, end.attempt, l.words.text(n.name), g.n) + end.backoff(o)
}

// backoff says when the attempt that follows may begin.
func (e *line) backoff(o Options) string {
	switch next := instant(e.until); {
	case e.until == 0:
		return ""
	case next.After(o.Now):
		return ", next in " + Span(next.Sub(o.Now))
	}
	return ", waited " + took(time.Duration(e.until-e.at))
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
	if !l.has(at) {
		return text, short, 0
	}
	n := l.lines.at(at)
	e := l.lines.at(n.head)
	mark, style := e.sign()
	if n == e {
		if e.next > 0 { // they say how it went
			mark, style = signNone, Plain
		}
		return Cell{l.textOf(e), Plain}, o.cell(mark, style), e.known()
	}
	what := "result " + l.textOf(n)
	if n.name > 0 {
		what = l.tell(group{at, at, 1}, o)
	}
	mark, style = l.noteSign(e, at)
	return Cell{strings.TrimSpace(l.words.text(e.name) + " " + what), Plain}, o.cell(mark, style), n.known()
}
