package view

import (
	"iter"
	"slices"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/history"
)

// steps are the lines of a log, and their words: what can be frozen with it.
type steps struct {
	lines lines
	words words
}

// span returns the step of a head in time.
func (l *steps) span(e *line, now time.Time) diagnostics.Span {
	s := diagnostics.Step{
		Kind: e.kind(), Name: l.words.text(e.name), Seq: int64(e.head), Outcome: e.outcome(), Attempts: int(e.attempt), Began: instant(e.at),
	}
	if end := l.lines.end(e); end != nil {
		s.End, s.Ended = int64(e.prev), instant(max(e.at, end.at))
	}
	for at := e.next; at > 0; {
		n := l.lines.at(at)
		if n.attempt > 0 {
			s.Runs = append(s.Runs, diagnostics.Run{
				Run: history.Run{Attempt: int(n.attempt), Started: instant(n.started)}, Ended: instant(n.at), Next: instant(n.until), Seq: int64(at),
			})
		}
		at = n.next
	}
	return diagnostics.NewSpan(s, now)
}

// idle returns the stretches of a time in which nothing was queued or run.
func (l *steps) idle(of diagnostics.Interval) []diagnostics.Interval {
	return diagnostics.Idle(of.From, of.To, func(yield func(*diagnostics.Span) bool) {
		for at := range Spot(l.lines.n) { //nolint:gosec // histories have fewer events
			if e := l.lines.at(at + 1); e.head == at+1 && e.kind() != "" {
				if s := l.span(e, of.To); !yield(&s) {
					return
				}
			}
		}
	})
}

// end returns the event that ended the step of a head, or nil.
func (l *lines) end(e *line) *line {
	if e.outcome() == diagnostics.OutcomePending {
		return nil
	}
	return l.at(e.prev)
}

// Trail is what a log was when it was asked for, to be read beside the loop.
type Trail struct {
	steps

	time diagnostics.Interval
	open bool
}

var _ diagnostics.Trail = (*Trail)(nil)

// Trail returns what there is by now.
func (l *Log) Trail(now time.Time) *Trail {
	return &Trail{steps: steps{l.lines.freeze(), words{all: l.words.all}}, time: l.Bounds(now), open: !l.Ended}
}

// Bounds are the beginning of the execution and its end, or now.
func (l *Log) Bounds(now time.Time) diagnostics.Interval {
	if l.Events == 0 {
		return diagnostics.Interval{From: now, To: now}
	}
	to := l.Last
	if !l.Ended && now.After(to) {
		to = now
	}
	if to.Before(l.Start) {
		to = l.Start
	}
	return diagnostics.Interval{From: l.Start, To: to}
}

// Idle returns the stretches in which nothing was queued or run.
func (t *Trail) Idle() []diagnostics.Interval { return t.idle(t.time) }

// Path is what the time of an execution went into.
type Path struct {
	Shares []diagnostics.Share
	steps  []int64
}

// Has reports whether the path goes through the step that an event begins.
func (p *Path) Has(seq int64) bool {
	_, ok := slices.BinarySearch(p.steps, seq)
	return ok
}

// Path finds the critical path. It takes its time.
func (t *Trail) Path() *Path {
	p := &Path{}
	p.Shares = diagnostics.SharesOf(t.through(&p.steps))
	slices.Sort(p.steps)
	p.steps = slices.Compact(p.steps)
	return p
}

// through yields the path, and notes the steps that it goes through.
func (t *Trail) through(steps *[]int64) iter.Seq[diagnostics.Stretch] {
	return func(yield func(diagnostics.Stretch) bool) {
		for s := range diagnostics.WalkPath(t, t.time.From, t.time.To, t.open) {
			if s.Kind != diagnostics.PartTask {
				*steps = append(*steps, s.Seq)
			}
			if !yield(s) {
				return
			}
		}
	}
}

// Len implements diagnostics.Trail.
func (t *Trail) Len() int64 { return int64(t.lines.n) }

// Event implements diagnostics.Trail.
func (t *Trail) Event(seq int64) (at time.Time, role diagnostics.Role) {
	e := t.lines.at(Spot(seq)) //nolint:gosec // there are not more
	return instant(e.at), e.role
}

// Answers implements diagnostics.Trail.
func (t *Trail) Answers(seq int64) int64 {
	at := Spot(seq) //nolint:gosec // there are not more
	head := t.lines.at(at).head
	if e := t.lines.at(head); head != at && e.prev == at && t.lines.end(e) != nil {
		return int64(head)
	}
	return 0
}

// Span implements diagnostics.Trail.
func (t *Trail) Span(seq int64) diagnostics.Span {
	return t.span(t.lines.at(Spot(seq)), t.time.To) //nolint:gosec // there are not more
}
