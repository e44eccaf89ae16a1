package view

import (
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
)

// Strip is what an execution did in time, as far as it is needed to draw it in one
// line. It is kept for as long as a comparison is, so it is small.
type Strip struct {
	from, to time.Time
	seqs     []int64 // of the steps, in order
	ends     []int32 // where in parts those of a step end
	parts    []stripPart
	idle     []diagnostics.Interval
}

// stripPart is a diagnostics.Part. Times are from the beginning of the strip.
type stripPart struct {
	from, to time.Duration
	worth    int8 // one more than its place in parts
}

// NewStrip returns the strip of the steps of an execution. now is the end of one that has
// not ended.
func NewStrip(steps []diagnostics.Step, now time.Time) Strip {
	if len(steps) == 0 {
		return Strip{}
	}
	s := Strip{from: steps[0].Began, to: now, seqs: make([]int64, len(steps)), ends: make([]int32, len(steps)), parts: make([]stripPart, 0, 2*len(steps))}
	if last := &steps[len(steps)-1]; last.Kind == diagnostics.StepEnd {
		s.to = last.Ended
	}
	if s.to.Before(s.from) {
		s.to = s.from
	}
	s.idle = diagnostics.Idle(s.from, s.to, func(yield func(*diagnostics.Span) bool) {
		var span diagnostics.Span // one for all: there are many
		for i := range steps {
			span = diagnostics.NewSpan(steps[i], s.to)
			s.add(i, &span)
			if !yield(&span) {
				return
			}
		}
	})
	return s
}

func (s *Strip) add(at int, span *diagnostics.Span) {
	for _, p := range span.Parts {
		worth := slices.IndexFunc(parts, func(k part) bool { return k.kind == p.Kind }) + 1
		s.parts = append(s.parts, stripPart{p.From.Sub(s.from), p.To.Sub(s.from), int8(worth)}) //nolint:gosec // there are few kinds
	}
	s.seqs[at], s.ends[at] = span.Seq, int32(len(s.parts)) //nolint:gosec // a history has no more events
}

// Took is how long it is.
func (s Strip) Took() time.Duration { return s.to.Sub(s.from) }

// of returns the parts of a step.
func (s Strip) of(step *diagnostics.Step) []stripPart {
	if step == nil {
		return nil
	}
	at, found := slices.BinarySearch(s.seqs, step.Seq)
	switch {
	case !found:
		return nil
	case at == 0:
		return s.parts[:s.ends[0]]
	}
	return s.parts[s.ends[at-1]:s.ends[at]]
}

// Strips draws two executions one below the other, on one scale that begins with each.
// Below them is the step of a row, on both sides.
type Strips struct {
	a, b  Strip
	o     Options
	scale drawing
	ends  diagnostics.Timeline
	whole [2]string
}

// stripLabel is the width of what stands before a strip.
const stripLabel = 8

// NewStrips prepares strips for a width.
func NewStrips(a, b Strip, o Options, width int) *Strips {
	bars := max(leastBars, width-stripLabel)
	s := &Strips{a: a, b: b, o: o, ends: diagnostics.Timeline{From: a.from, To: a.from.Add(max(a.Took(), b.Took()))}}
	window := diagnostics.Interval{From: s.ends.From, To: s.ends.To}
	idle := common(s.rests(a), s.rests(b))
	s.scale = drawing{o: o, width: bars, scale: diagnostics.NewScale(window, bars, idle)}
	s.whole = [2]string{s.bar(a.parts), s.bar(b.parts)}
	return s
}

// rests are the idle stretches of a side on the shared scale: what comes behind its
// end is one of them.
func (s *Strips) rests(of Strip) []diagnostics.Interval {
	shift := s.a.from.Sub(of.from)
	rests := make([]diagnostics.Interval, 0, len(of.idle)+1)
	for _, i := range of.idle {
		rests = append(rests, diagnostics.Interval{From: i.From.Add(shift), To: i.To.Add(shift)})
	}
	if end := of.to.Add(shift); end.Before(s.ends.To) {
		rests = append(rests, diagnostics.Interval{From: end, To: s.ends.To})
	}
	return rests
}

// common are the stretches that are in both of two lists, which are in order.
func common(a, b []diagnostics.Interval) []diagnostics.Interval {
	var both []diagnostics.Interval
	for len(a) > 0 && len(b) > 0 {
		i := diagnostics.Interval{From: a[0].From, To: a[0].To}
		if b[0].From.After(i.From) {
			i.From = b[0].From
		}
		if b[0].To.Before(i.To) {
			i.To = b[0].To
		}
		if i.To.After(i.From) {
			both = append(both, i)
		}
		if a[0].To.Before(b[0].To) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return both
}

// bar draws the parts of some steps in one line. Where several share a cell the most
// telling one is seen.
func (s *Strips) bar(all []stripPart) string {
	rank := make([]int8, s.scale.width)
	for _, p := range all {
		for at, end := s.scale.scale.Project(s.a.from.Add(p.from)), s.scale.scale.Project(s.a.from.Add(p.to)); at <= end; at++ {
			rank[at] = max(rank[at], p.worth)
		}
	}
	var b strings.Builder
	for _, worth := range rank {
		if worth == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteString(s.scale.glyph(parts[worth-1].glyph))
	}
	return strings.TrimRight(b.String(), " ")
}

// Lines are the axis, both executions, and both sides of a step.
func (s *Strips) Lines(row *diagnostics.DiffRow) Lines {
	label := func(text string) string { return Pad(text, stripLabel, false) }
	l := Lines{
		{{label(""), Muted}, {s.scale.axis(s.ends), Muted}},
		{{label("A"), OnlyA}, {s.whole[0], OnlyA}},
		{{label("B"), OnlyB}, {s.whole[1], OnlyB}},
	}
	if row == nil {
		return l
	}
	return append(l,
		[]Cell{{label("A step"), Muted}, {s.bar(s.a.of(row.A)), OnlyA}},
		[]Cell{{label("B step"), Muted}, {s.bar(s.b.of(row.B)), OnlyB}},
	)
}

// Legend says what the strips are made of.
func (s *Strips) Legend() string { return s.scale.legend() }
