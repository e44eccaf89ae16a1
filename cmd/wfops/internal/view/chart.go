package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
)

// Chart draws a log in time, step by step, as far as it is looked at.
type Chart struct {
	log   *Log
	steps []Spot // events that begin a step
	upTo  int    // heads that were looked at
	// idle has been found of this many events, and until then.
	idle      []diagnostics.Interval
	idleOf    int64
	idleUntil time.Time
}

// NewChart returns a chart of a log.
func NewChart(l *Log) *Chart { return &Chart{log: l} }

// Len is how many lines the chart has.
func (c *Chart) Len() int {
	for ; c.upTo < len(c.log.heads); c.upTo++ {
		if at := c.log.heads[c.upTo]; c.log.lines.at(at).kind() != "" {
			c.steps = append(c.steps, at)
		}
	}
	return len(c.steps)
}

// Spot returns the event that begins a line, and Line the line of a place.
func (c *Chart) Spot(line int) Spot {
	if line >= c.Len() {
		return 0
	}
	return c.steps[line]
}

// Line returns the line of a place, or the one before it.
func (c *Chart) Line(at Spot) int {
	c.Len()
	if c.log.has(at) {
		at = c.log.lines.at(at).head
	}
	i, ok := slices.BinarySearch(c.steps, at)
	if !ok {
		i--
	}
	return max(0, i)
}

func (c *Chart) head(row int) *line { return c.log.lines.at(c.steps[row]) }

// Bounds are the beginning of the execution and its end, or now.
func (c *Chart) Bounds(now time.Time) diagnostics.Interval { return c.log.Bounds(now) }

// Span returns the step of a line in time.
func (c *Chart) Span(line int, now time.Time) diagnostics.Span {
	if line < 0 || line >= c.Len() {
		return diagnostics.Span{}
	}
	return c.log.span(c.head(line), c.Bounds(now).To)
}

// mostAtOnce is how many steps a chart looks at while it is drawn. What is idle between
// more of them is found beside the loop, and again when it is older than idleFor.
const mostAtOnce, idleFor = 5000, 30 * time.Second

// Idle returns the stretches in which nothing was queued or run, as far as is known.
func (c *Chart) Idle(now time.Time) []diagnostics.Interval {
	if c.Len() <= mostAtOnce && !c.settled() {
		c.idle, c.idleOf = c.log.idle(c.Bounds(now)), c.log.Events
	}
	return c.idle
}

// settled reports whether what is idle has been found, and stays so.
func (c *Chart) settled() bool { return c.log.Ended && c.idleOf == c.log.Events }

// Stale reports whether what is idle is to be found beside the loop: by Trail.Idle, for
// SetIdle.
func (c *Chart) Stale(now time.Time) bool {
	return c.Len() > mostAtOnce && !c.settled() && !now.Before(c.idleUntil)
}

// SetIdle takes what is idle in a log of so many events.
func (c *Chart) SetIdle(idle []diagnostics.Interval, events int64, now time.Time) {
	c.idle, c.idleOf, c.idleUntil = idle, events, now.Add(idleFor)
}

// Window is a part of a chart, in time and in cells.
type Window struct {
	diagnostics.Interval
	// Names and Bars are the widths of the two parts of a line.
	Names, Bars int
	Scale       *diagnostics.Scale
}

// chartTail is the room for the sign and how long a step took.
const chartTail = 10

// NewWindow returns a window of a width. Stretches of idle are drawn shorter than they
// were, if any are given.
func NewWindow(of diagnostics.Interval, names, width int, idle []diagnostics.Interval) Window {
	w := Window{Interval: of, Names: min(names, max(4, width/3))}
	w.Bars = max(1, width-w.Names-chartTail)
	if quiet(of, idle) {
		idle = nil
	}
	w.Scale = diagnostics.NewScale(of, w.Bars, idle)
	return w
}

// quiet reports whether there is next to nothing but idle time: drawn shorter, it would
// leave a line empty.
func quiet(of diagnostics.Interval, idle []diagnostics.Interval) bool {
	var sum time.Duration
	for _, i := range idle {
		if i.From.Before(of.To) && i.To.After(of.From) {
			sum += min(of.To.Sub(i.From), i.Length(), i.To.Sub(of.From))
		}
	}
	return of.Length()-sum <= of.Length()/1_000_000
}

// Names returns how wide the names of some lines are.
func (c *Chart) Names(from, to int) int {
	widest := 4
	for line := from; line < min(to, c.Len()); line++ {
		widest = max(widest, Width(Clip(c.log.title(c.head(line)), longestName)))
	}
	return widest
}

func (l *Log) title(e *line) string {
	s := diagnostics.Step{Kind: e.kind(), Name: l.words.text(e.name)}
	return stepName(&s)
}

// Row returns a line of the chart.
func (c *Chart) Row(line int, w Window, o Options) []Cell {
	e := c.head(line)
	s := c.log.span(e, c.Bounds(o.Now).To)
	d := drawing{o: o, scale: w.Scale, width: w.Bars, window: w.Interval}
	mark, style := e.sign()
	if e.outcome() == diagnostics.OutcomePending && c.log.failedAttempts(e) > 0 {
		mark, style = signRetrying, Waiting
	}
	cells := []Cell{{Pad(Clip(c.log.title(e), w.Names), w.Names, false) + " ", Plain}}
	cells = append(cells, d.cells(&s)...)
	length := "open"
	switch {
	case s.Took() > 0:
		length = took(s.Took())
	case !s.Ended.IsZero():
		length = ""
	}
	return append(cells, Cell{" ", Plain}, o.cell(mark, style), Cell{" " + length, Muted})
}

// Axis returns the line above the bars: points in time, and how long stretches are that
// were made shorter.
func (c *Chart) Axis(w Window, o Options) []Cell {
	d := drawing{o: o, scale: w.Scale, width: w.Bars, window: w.Interval}
	return []Cell{{Pad("STEP", w.Names, false) + " ", Header}, {d.ticks(c.log.Start), Muted}, {" TOOK", Header}}
}

// Critical is the mark of a step that the critical path goes through.
func (o Options) Critical() Cell { return o.cell(sign{"◆", "*"}, Attention) }

// Legend says what the signs in the bars of some lines mean, the most telling first.
func (c *Chart) Legend(from, to int, o Options) []Cell {
	used := map[diagnostics.PartKind]bool{}
	for line := from; line < min(to, c.Len()); line++ {
		s := c.Span(line, o.Now)
		for _, p := range s.Parts {
			used[p.Kind] = true
		}
	}
	var cells []Cell
	for _, p := range slices.Backward(parts) {
		if used[p.kind] {
			cells = append(cells, o.cell(p.glyph, partStyles[p.kind]), Cell{" " + p.word + "  ", Muted})
		}
	}
	return cells
}

// partStyles are what the parts of bars mean.
var partStyles = map[diagnostics.PartKind]Style{
	diagnostics.PartRunning: Running, diagnostics.PartFailed: Bad, diagnostics.PartBackoff: Waiting, diagnostics.PartTimer: Waiting,
	diagnostics.PartQueued: Muted, diagnostics.PartChild: Running, diagnostics.PartSend: Running, diagnostics.PartMoment: Plain,
}

// cells returns a bar with a style for each of its parts.
func (d *drawing) cells(s *diagnostics.Span) []Cell {
	kinds := d.kinds(s)
	var all []Cell
	for i := 0; i < len(kinds); {
		n := i
		for n < len(kinds) && kinds[n] == kinds[i] {
			n++
		}
		if kinds[i] < 0 {
			all = append(all, Cell{strings.Repeat(" ", n-i), Plain})
		} else {
			p := parts[kinds[i]]
			all = append(all, Cell{strings.Repeat(d.glyph(p.glyph), n-i), partStyles[p.kind]})
		}
		i = n
	}
	return all
}

// tickRoom is how many cells a point in time on an axis takes at least.
const tickRoom = 9

var tickSteps = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 7 * day, 30 * day, 90 * day, 365 * day, 3650 * day,
}

// ticks is an axis with round points in time, none of them in a stretch that was made
// shorter.
func (d *drawing) ticks(start time.Time) string {
	r := ruler{cells: []rune(strings.Repeat(" ", d.width)), taken: make([]bool, d.width)}
	active := d.window.Length()
	for _, g := range d.scale.Gaps() {
		r.gap(g, d.glyph(signFolded))
		active -= g.Length()
	}
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if int64(active/s)*tickRoom <= int64(d.width) {
			step = s
			break
		}
	}
	at := max(0, d.window.From.Sub(start)).Truncate(step)
	for range d.width {
		t := start.Add(at)
		if t.After(d.window.To) {
			break
		}
		next := at + step
		for _, g := range d.scale.Gaps() {
			if !t.Before(g.From) && t.Before(g.To) {
				next = max(next, g.To.Sub(start).Truncate(step))
			}
		}
		if !t.Before(d.window.From) {
			r.write(d.scale.Project(t), tickText(at))
		}
		at = next
	}
	return string(r.cells)
}

// ruler is an axis that is drawn.
type ruler struct {
	cells []rune
	taken []bool
}

// write writes a text unless it has no room, or would touch another.
func (r *ruler) write(at int, text string) {
	runes := []rune(text)
	if at < 0 || at+len(runes) > len(r.cells) || slices.Contains(r.taken[max(0, at-1):min(len(r.cells), at+len(runes)+1)], true) {
		return
	}
	for i, c := range runes {
		r.cells[at+i], r.taken[at+i] = c, true
	}
}

func (r *ruler) gap(g diagnostics.Gap, dots string) {
	last := min(g.Last, len(r.cells)-1)
	text := dots + took(g.Length()) + dots
	if len([]rune(text)) > last-g.First+1 {
		text = strings.Repeat(dots, last-g.First+1)
	}
	copy(r.cells[g.First:last+1], []rune(text))
	for i := g.First; i <= last; i++ {
		r.taken[i] = true
	}
}

// tickText shows round times shortly.
func tickText(d time.Duration) string {
	switch {
	case d >= day && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d >= time.Second && d < time.Minute && d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return took(d)
}
