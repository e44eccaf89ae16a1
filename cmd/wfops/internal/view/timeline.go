package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wfops/wfops/diagnostics"
)

// Widths of a timeline, in cells.
const (
	timelineWidth = 100 // where there is no terminal
	leastBars     = 20
	longestName   = 32
)

// Timeline draws what an execution did in time, a line for each step. Long stretches
// in which nothing happened are drawn shorter than they were.
func Timeline(t diagnostics.Timeline, o Options, width int) Lines {
	if width <= 0 {
		width = timelineWidth
	}
	names, widest := make([]string, len(t.Spans)), 4
	for i := range t.Spans {
		names[i] = Clip(stepName(&t.Spans[i].Step), longestName)
		widest = max(widest, Width(names[i]))
	}
	widest = min(widest, max(4, width/3))
	const tail = 10 // sign and duration
	bars := max(leastBars, width-widest-tail)
	window := diagnostics.Interval{From: t.From, To: t.To}
	d := drawing{o: o, scale: diagnostics.NewScale(window, bars, t.Idle()), width: bars, window: window}
	var l Lines
	l = append(l, []Cell{{Pad("STEP", widest, false), Header}, {Pad(d.axis(t), bars, false), Muted}, {"TOOK", Header}})
	for i := range t.Spans {
		s := &t.Spans[i]
		mark, style := outcomeSign(s.Outcome)
		length := "open"
		if !s.Ended.IsZero() {
			length = took(s.Took())
		}
		l = append(l, []Cell{{Pad(Clip(names[i], widest), widest, false), Plain}, {Pad(d.bar(s), bars, false), style}, o.cell(mark, style), {length, Muted}})
	}
	l = append(l, nil, []Cell{{d.legend(), Muted}})
	return l
}

func stepName(s *diagnostics.Step) string {
	return strings.TrimSpace(string(s.Kind) + " " + s.Name)
}

func outcomeSign(outcome diagnostics.Outcome) (sign, Style) {
	switch outcome {
	case diagnostics.OutcomeCompleted:
		return signCompleted, Good
	case diagnostics.OutcomeFailed:
		return signFailed, Bad
	case diagnostics.OutcomeCanceled:
		return signCanceled, Stopped
	case diagnostics.OutcomeTerminated:
		return signTerminated, Stopped
	case diagnostics.OutcomeContinued:
		return signContinued, Plain
	case diagnostics.OutcomePending:
		return signRunning, Running
	case diagnostics.OutcomeUnknown:
	}
	return signNone, Plain
}

// part is how a part of a step is drawn.
type part struct {
	kind  diagnostics.PartKind
	word  string
	glyph sign
}

// parts are what bars are made of, the most telling last: where two share a cell it
// is the later one of these that is seen.
var parts = []part{
	{diagnostics.PartBackoff, "backoff", sign{"·", "."}},
	{diagnostics.PartTimer, "timer", sign{"─", "-"}},
	{diagnostics.PartQueued, "queued", sign{"░", ":"}},
	{diagnostics.PartChild, "child", sign{"═", "="}},
	{diagnostics.PartSend, "send", sign{"»", ">"}},
	{diagnostics.PartMoment, "moment", sign{"◇", "o"}},
	{diagnostics.PartRunning, "running", sign{"█", "#"}},
	{diagnostics.PartFailed, "failed attempt", sign{"▒", "x"}},
}

// drawing is a timeline that is drawn.
type drawing struct {
	o      Options
	scale  *diagnostics.Scale
	width  int
	window diagnostics.Interval
}

func (d *drawing) glyph(g sign) string { return d.o.cell(g, Plain).Text }

// kinds returns for each cell of a bar which of parts it shows, or -1.
func (d *drawing) kinds(s *diagnostics.Span) []int {
	cells := make([]int, d.width)
	for i := range cells {
		cells[i] = -1
	}
	for _, p := range s.Parts {
		if p.To.Before(d.window.From) || p.From.After(d.window.To) {
			continue
		}
		i := slices.IndexFunc(parts, func(known part) bool { return known.kind == p.Kind })
		for at := d.scale.Project(p.From); at <= d.scale.Project(p.To); at++ {
			cells[at] = max(cells[at], i)
		}
	}
	return cells
}

func (d *drawing) bar(s *diagnostics.Span) string {
	var b strings.Builder
	for _, kind := range d.kinds(s) {
		if kind < 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteString(d.glyph(parts[kind].glyph))
	}
	return strings.TrimRight(b.String(), " ")
}

// axis has the beginning, the end, and the stretches that were made shorter.
func (d *drawing) axis(t diagnostics.Timeline) string {
	cells := make([]string, d.width)
	for i := range cells {
		cells[i] = " "
	}
	write := func(at int, text string) {
		for i, r := range []rune(text) {
			if at+i < d.width {
				cells[at+i] = string(r)
			}
		}
	}
	write(0, "0s")
	end := took(t.To.Sub(t.From))
	write(max(0, d.width-len(end)), end)
	dots := d.glyph(signFolded)
	for _, g := range d.scale.Gaps() {
		text := dots + took(g.Length()) + dots
		if room := g.Last - g.First + 1; len([]rune(text)) > room {
			text = strings.Repeat(dots, room)
		}
		write(g.First, text)
	}
	return strings.Join(cells, "")
}

func (d *drawing) legend() string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = d.glyph(p.glyph) + " " + p.word
	}
	return strings.Join(words, "  ")
}

// mostShares is how many shares of the critical path are shown.
const mostShares = 20

// CriticalPath shows what the time of an execution went into.
func CriticalPath(p diagnostics.Path) Lines {
	var l Lines
	l.heading("what the time went into")
	for i, s := range p.Shares {
		if i == mostShares {
			l.add(Cell{fmt.Sprintf("  and %d more", len(p.Shares)-i), Muted})
			break
		}
		l.add(Cell{fmt.Sprintf("  %3d%%  %-7s %s", s.Percent, took(s.Took), strings.TrimSpace(string(s.Kind)+" "+s.Name)), Plain})
	}
	return l
}
