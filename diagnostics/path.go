package diagnostics

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/wfops/wfops/engine/history"
)

// Path is the critical path: what the time of an execution went into. It is found by
// walking causes backwards, from the end to the task that came to it, the event that
// woke that task, what that event answers, and so on.
type Path struct {
	// Stretches follow each other without gaps from the start to the end of the
	// timeline, so that their times add up.
	Stretches []Stretch `json:"stretches"`
	// Shares are the stretches summed up by kind and name, longest first.
	Shares []Share `json:"shares"`
}

// Stretch is a part of the critical path.
type Stretch struct {
	Part
	// Name of what it belongs to, and Seq of the event that began that.
	Name string `json:"name,omitempty"`
	Seq  int64  `json:"seq,omitempty"`
}

// Share is how much of the time went into something.
type Share struct {
	Kind PartKind      `json:"kind"`
	Name string        `json:"name,omitempty"`
	Took time.Duration `json:"took"`
	// Percent of all; the percentages of all shares are 100 together.
	Percent int `json:"percent"`
}

// Role is what an event is to the critical path.
type Role uint8

// The closed set of roles.
const (
	RoleNone    Role = iota // brought about by code, and waited for by nobody
	RoleCommand             // asked for by code
	RoleTask                // a worker begins to run code
	RoleStart               // the execution came to be
	RoleSignal              // came in from outside
	RoleAttempt             // an attempt of an activity failed: no code is run for it
	RoleNews                // anything else that comes in, such as an answer
)

// RoleOf returns the role of an event with this body.
func RoleOf(b history.Body) Role {
	switch b.(type) { //nolint:gochecksumtype // the others are known by their class
	case history.TaskStarted:
		return RoleTask
	case history.WorkflowStarted:
		return RoleStart
	case history.SignalReceived:
		return RoleSignal
	case history.ActivityAttemptFailed:
		return RoleAttempt
	}
	switch history.ClassOf(b) {
	case history.ClassCommand:
		return RoleCommand
	case history.ClassAnswer, history.ClassExecution:
		return RoleNews
	case history.ClassCancel, history.ClassFinal, history.ClassMarker:
	}
	return RoleNone
}

// comesIn tells events that come into an execution from those that its code brings
// about.
func (r Role) comesIn() bool { return r >= RoleStart }

// silent tells events that do not run workflow code.
func (r Role) silent() bool { return r == RoleAttempt || r == RoleTask }

// Trail is a well-formed history as far as its critical path depends on it. Events are
// numbered from 1.
type Trail interface {
	// Len is how many events there are.
	Len() int64
	Event(seq int64) (at time.Time, role Role)
	// Answers returns the event that began the step that event seq ends, or 0.
	Answers(seq int64) int64
	// Span returns the step that event seq begins, which has to be a command or a
	// signal.
	Span(seq int64) Span
}

// WalkPath yields the critical path of an execution from its end, or from to if it is
// open, back to from: the latest stretch comes first.
func WalkPath(t Trail, from, to time.Time, open bool) iter.Seq[Stretch] {
	return func(yield func(Stretch) bool) {
		w := walker{Trail: t, at: to, from: from, yield: yield}
		w.walk(open)
	}
}

func pathOf(events []history.Event, t *Timeline) Path {
	all := slices.Collect(WalkPath(newEventTrail(events, t.Spans), t.From, t.To, t.Open))
	slices.Reverse(all)
	return Path{Stretches: all, Shares: SharesOf(slices.Values(all))}
}

// eventTrail is the trail of a history that is in memory whole.
type eventTrail struct {
	events []history.Event
	spans  []Span
	byRef  map[int64]*Span
}

func newEventTrail(events []history.Event, spans []Span) *eventTrail {
	t := &eventTrail{events, spans, map[int64]*Span{}}
	for i := range spans {
		if s := &spans[i]; s.Ref > 0 {
			t.byRef[s.Ref] = s
		}
	}
	return t
}

func (t *eventTrail) Len() int64 { return int64(len(t.events)) }

func (t *eventTrail) Event(seq int64) (at time.Time, role Role) {
	ev := &t.events[seq-1]
	return ev.At, RoleOf(ev.Body)
}

func (t *eventTrail) Answers(seq int64) int64 {
	if s := t.byRef[t.events[seq-1].Ref]; s != nil && s.End == seq && s.Seq != seq {
		return s.Seq
	}
	return 0
}

func (t *eventTrail) Span(seq int64) Span {
	i, ok := slices.BinarySearchFunc(t.spans, seq, func(s Span, seq int64) int { return cmp.Compare(s.Seq, seq) })
	if !ok {
		return Span{}
	}
	return t.spans[i]
}

// walker goes back through a history.
type walker struct {
	Trail

	from  time.Time // where the walk ends
	at    time.Time // how far it has come
	yield func(Stretch) bool
}

// cover takes the time since t for a stretch.
func (w *walker) cover(kind PartKind, t time.Time, name string, seq int64, attempt int) {
	t = latest(t, w.from)
	if !t.Before(w.at) {
		return
	}
	s := Stretch{Part: Part{Kind: kind, From: t, To: w.at, Attempt: attempt}, Name: name, Seq: seq}
	if w.at = t; !w.yield(s) {
		w.at, w.yield = w.from, nil // there is no time left to cover
	}
}

func (w *walker) walk(open bool) {
	seq := w.Len()
	if open {
		seq = w.pending(seq)
	}
	for seq > 0 && w.at.After(w.from) {
		seq = w.task(seq)
	}
	w.cover(PartIdle, w.from, "", 0, 0)
}

// pending covers what an execution that has not ended waits for: the command that was
// asked for last, as all before it came to be dispensable, but a timer only if there
// is nothing else. It returns the event from which to walk on.
func (w *walker) pending(last int64) int64 {
	var timer Span
	for seq := last; seq > 0; seq-- {
		if _, role := w.Event(seq); role != RoleCommand {
			continue
		}
		switch s := w.Span(seq); {
		case s.Outcome != OutcomePending:
		case s.Kind != StepTimer:
			w.span(s)
			return s.Seq
		case timer.Seq == 0:
			timer = s
		}
	}
	if timer.Seq > 0 {
		w.span(timer)
		return timer.Seq
	}
	at, _ := w.Event(last)
	w.cover(PartSignal, at, "", 0, 0)
	return last
}

// task walks from an event that code came to to the task in which it did, to what woke
// the task, and returns the event that this goes back to; 0 at the beginning.
func (w *walker) task(seq int64) int64 {
	begin := seq
	for ; begin > 0; begin-- {
		if _, role := w.Event(begin); role == RoleTask {
			break
		}
	}
	if begin == 0 {
		return 0
	}
	cause := begin
	for cause < seq {
		if _, role := w.Event(cause + 1); !role.comesIn() {
			break
		}
		cause++
	}
	at, role := w.Event(cause)
	w.cover(PartTask, at, "", cause, 0)
	if cause == begin || role == RoleStart {
		return begin - 1
	}
	if s := w.Answers(cause); s > 0 {
		w.span(w.Span(s))
		return s
	}
	return w.outside(cause, role, begin)
}

// outside covers the wait for an event that nobody here has asked for: since the task
// before it.
func (w *walker) outside(seq int64, role Role, begin int64) int64 {
	for before := begin - 1; before > 0; before-- {
		at, what := w.Event(before)
		if what.silent() {
			continue
		}
		kind, name := PartIdle, ""
		if role == RoleSignal {
			kind, name = PartSignal, w.Span(seq).Name
		}
		w.cover(kind, at, name, seq, 0)
		return before
	}
	return 0
}

// span covers a step, part by part.
func (w *walker) span(s Span) {
	for _, p := range slices.Backward(s.Parts) {
		w.cover(p.Kind, p.From, s.Name, s.Seq, p.Attempt)
	}
}

// SharesOf sums up stretches by kind and name, longest first. Percentages are rounded
// by largest remainder, so that they are 100 together.
func SharesOf(stretches iter.Seq[Stretch]) []Share {
	type what struct {
		kind PartKind
		name string
	}
	index := map[what]int{}
	var all []Share
	var total time.Duration
	for s := range stretches {
		took := s.To.Sub(s.From)
		total += took
		k := what{s.Kind, s.Name}
		i, ok := index[k]
		if !ok {
			i = len(all)
			index[k] = i
			all = append(all, Share{Kind: s.Kind, Name: s.Name})
		}
		all[i].Took += took
	}
	slices.SortStableFunc(all, func(a, b Share) int { return cmp.Compare(b.Took, a.Took) })
	took := make([]time.Duration, len(all))
	for i := range all {
		took[i] = all[i].Took
	}
	for i, p := range percentages(took, total) {
		all[i].Percent = p
	}
	return all
}

// percentages of total, which is the sum of parts.
func percentages(parts []time.Duration, total time.Duration) []int {
	ps := make([]int, len(parts))
	if total <= 0 {
		return ps
	}
	order := make([]int, len(parts))
	rest := make([]float64, len(parts))
	left := 100
	for i, p := range parts {
		exact := 100 * (float64(p) / float64(total))
		ps[i] = int(exact)
		rest[i] = exact - float64(ps[i])
		left -= ps[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for n := range left {
		ps[order[n%len(order)]]++
	}
	return ps
}
