package diagnostics

import (
	"time"

	"github.com/wfops/wfops/engine/history"
)

// Timeline is an execution in time.
type Timeline struct {
	// From is when it was started, To when it ended, or now.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Open tells that it has not ended.
	Open bool `json:"open,omitempty"`
	// Spans, one for each step, in the order in which they began.
	Spans []Span `json:"spans"`
	// Path is the critical path.
	Path Path `json:"path"`
}

// Span is a step in time. Its parts follow each other without gaps from its beginning
// to its end, or to now if it has not ended.
type Span struct {
	Step
	Parts []Part `json:"parts"`
}

// Part is what a step did for a while.
type Part struct {
	Kind PartKind  `json:"kind"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Attempt of an activity, from 1.
	Attempt int `json:"attempt,omitempty"`
}

// PartKind is what a step does, or waits for.
type PartKind string

// The closed set of kinds of parts. The last four are for the critical path, which
// also has what happens between steps.
const (
	PartQueued  PartKind = "queued"  // for a worker, or open at a worker: history does not tell
	PartRunning PartKind = "running" // the attempt that ended it
	PartFailed  PartKind = "failed"  // an attempt that was followed by another
	PartBackoff PartKind = "backoff" // between two attempts
	PartTimer   PartKind = "timer"
	PartChild   PartKind = "child"
	PartSend    PartKind = "send"
	PartMoment  PartKind = "moment" // what takes no time
	PartTask    PartKind = "task"   // from what woke the execution to the task that took it in
	PartSignal  PartKind = "signal wait"
	PartIdle    PartKind = "waiting" // for a request to cancel, or for what history does not tell
)

// NewTimeline lays out a history. now is the end of what has not ended; it should be
// by the clock of the store.
func NewTimeline(events []history.Event, now time.Time) Timeline {
	t := Timeline{Open: true}
	if len(events) == 0 {
		return t
	}
	t.From, t.To = startOf(events), now
	last := events[len(events)-1]
	if history.IsFinal(last.Body) {
		t.Open, t.To = false, last.At
	}
	t.To = latest(t.From, t.To)
	for _, s := range Steps(events) {
		t.Spans = append(t.Spans, NewSpan(s, t.To))
	}
	t.Path = pathOf(events, &t)
	return t
}

// startOf is when the execution came to be: a history begins with the task that took
// in the event of its start.
func startOf(events []history.Event) time.Time {
	for _, ev := range events[:min(2, len(events))] {
		if ev.Kind() == history.KindWorkflowStarted {
			return ev.At
		}
	}
	return events[0].At
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// partsOf divides a step. Times of attempts come from workers, so they are pressed
// into their order.
func partsOf(s *Step, now time.Time) []Part {
	end := s.Ended
	if s.Outcome == OutcomePending {
		end = latest(s.Began, now)
	}
	c := cutter{at: s.Began, end: end}
	switch s.Kind {
	case StepActivity:
		c.runs(s)
	case StepTimer:
		c.cut(PartTimer, end, 0)
	case StepChild:
		c.cut(PartChild, end, 0)
	case StepSend:
		c.cut(PartSend, end, 0)
	case StepStart, StepEffect, StepVersion, StepSignal, StepCancel, StepDropped, StepEnd:
	}
	if len(c.parts) == 0 {
		c.parts = []Part{{Kind: PartMoment, From: s.Began, To: s.Began}}
	}
	return c.parts
}

// cutter cuts time into parts that follow each other.
type cutter struct {
	at, end time.Time
	parts   []Part
}

func (c *cutter) cut(kind PartKind, to time.Time, attempt int) {
	if to.After(c.end) {
		to = c.end
	}
	if !to.After(c.at) {
		return
	}
	c.parts = append(c.parts, Part{Kind: kind, From: c.at, To: to, Attempt: attempt})
	c.at = to
}

func (c *cutter) runs(s *Step) {
	for i, r := range s.Runs {
		c.cut(PartQueued, r.Started, r.Attempt)
		if i == len(s.Runs)-1 && s.Outcome != OutcomePending && r.Seq == s.End {
			c.cut(PartRunning, c.end, r.Attempt)
			return
		}
		c.cut(PartFailed, r.Ended, r.Attempt)
		c.cut(PartBackoff, r.Next, r.Attempt)
	}
	c.cut(PartQueued, c.end, s.Attempts)
}

// Idle returns the stretches in which nothing was queued or run: a drawing may
// compress them.
func (t *Timeline) Idle() []Interval {
	return Idle(t.From, t.To, func(yield func(*Span) bool) {
		for i := range t.Spans {
			if !yield(&t.Spans[i]) {
				return
			}
		}
	})
}

// Interval is a stretch of time.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Length of the interval.
func (i Interval) Length() time.Duration { return i.To.Sub(i.From) }
