package diagnostics

import (
	"iter"
	"slices"
	"time"

	"github.com/wfops/wfops/engine/history"
)

// Stepper finds the steps of a history that grows, as Steps finds those of a whole
// one. It remembers only the steps that wait for an answer. The zero value is ready.
type Stepper struct {
	open map[int64]*Step // by ref
	refs int64
}

// Add takes the next event of a well-formed history. It returns the step that the event
// begins, goes on with or ends, as it is then, and false for an event that is part of
// no step. Steps are known by their Seq.
func (p *Stepper) Add(ev *history.Event) (Step, bool) {
	switch history.ClassOf(ev.Body) {
	case history.ClassCommand:
		return p.command(ev), true
	case history.ClassAnswer, history.ClassCancel:
		return p.answer(ev)
	case history.ClassFinal:
		return finalStep(ev), true
	case history.ClassMarker, history.ClassExecution:
	}
	return eventStep(ev)
}

func (p *Stepper) command(ev *history.Event) Step {
	s := commandStep(ev)
	if ev.Ref == p.refs+1 { // as history.Check has it
		p.refs++
		if s.Outcome == OutcomePending {
			if p.open == nil {
				p.open = map[int64]*Step{}
			}
			p.open[ev.Ref] = &s
		}
	}
	return s
}

func (p *Stepper) answer(ev *history.Event) (Step, bool) {
	s := p.open[ev.Ref]
	if s == nil {
		return Step{}, false
	}
	runs := len(s.Runs)
	s.answer(ev)
	if s.Outcome != OutcomePending {
		delete(p.open, ev.Ref)
	}
	return *s, s.End == ev.Seq || len(s.Runs) > runs
}

// NewSpan returns a step in time. now is the end of one that has not ended.
func NewSpan(s Step, now time.Time) Span { return Span{Step: s, Parts: partsOf(&s, now)} }

// Idle returns the stretches between from and to in which nothing of these spans was
// queued or run, in order: a drawing may compress them.
func Idle(from, to time.Time, spans iter.Seq[*Span]) []Interval {
	var busy []Interval
	add := func(from, to time.Time) {
		if n := len(busy); n > 0 && !from.Before(busy[n-1].From) && !from.After(busy[n-1].To) {
			busy[n-1].To = latest(busy[n-1].To, to) // most spans are in order, and need no room
			return
		}
		busy = append(busy, Interval{from, to})
	}
	for s := range spans {
		for _, p := range s.Parts {
			switch p.Kind {
			case PartQueued, PartRunning, PartFailed, PartMoment, PartTask:
				add(p.From, p.To)
			case PartBackoff, PartTimer, PartChild, PartSend, PartSignal, PartIdle:
				add(p.From, p.From) // its edges are to be seen
				add(p.To, p.To)
			}
		}
	}
	slices.SortFunc(busy, func(a, b Interval) int { return a.From.Compare(b.From) })
	var idle []Interval
	at := from
	for _, b := range append(busy, Interval{to, to}) {
		if b.From.After(at) {
			idle = append(idle, Interval{at, b.From})
		}
		at = latest(at, b.To)
	}
	return idle
}
