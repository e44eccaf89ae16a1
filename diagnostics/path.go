package diagnostics

import (
	"cmp"
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

func pathOf(events []history.Event, t *Timeline) Path {
	w := walker{events: events, at: t.To, from: t.From, byRef: map[int64]*Span{}}
	for i := range t.Spans {
		if s := &t.Spans[i]; s.Ref > 0 {
			w.byRef[s.Ref] = s
		}
	}
	w.walk(t.Open)
	slices.Reverse(w.back)
	return Path{Stretches: w.back, Shares: shares(w.back)}
}

// walker goes back through a history.
type walker struct {
	events []history.Event
	byRef  map[int64]*Span
	from   time.Time // where the walk ends
	at     time.Time // how far it has come
	back   []Stretch // found, latest first
}

// cover takes the time since t for a stretch.
func (w *walker) cover(kind PartKind, t time.Time, name string, seq int64, attempt int) {
	t = latest(t, w.from)
	if !t.Before(w.at) {
		return
	}
	w.back = append(w.back, Stretch{Part: Part{Kind: kind, From: t, To: w.at, Attempt: attempt}, Name: name, Seq: seq})
	w.at = t
}

func (w *walker) walk(open bool) {
	i := len(w.events) - 1
	if open {
		i = w.pending(i)
	}
	for i >= 0 && w.at.After(w.from) {
		i = w.task(i)
	}
	w.cover(PartIdle, w.from, "", 0, 0)
}

// pending covers what an execution that has not ended waits for: the command that was
// asked for last, as all before it came to be dispensable, but a timer only if there
// is nothing else. It returns the event from which to walk on.
func (w *walker) pending(last int) int {
	var best *Span
	for _, s := range w.byRef {
		if s.Outcome == OutcomePending && (best == nil || later(s, best)) {
			best = s
		}
	}
	if best == nil {
		w.cover(PartSignal, w.events[last].At, "", 0, 0)
		return last
	}
	w.span(best)
	return int(best.Seq) - 1
}

func later(a, b *Span) bool {
	if (a.Kind == StepTimer) != (b.Kind == StepTimer) {
		return b.Kind == StepTimer
	}
	return a.Seq > b.Seq
}

// task walks from an event that code came to, at index i, to the task in which it did,
// to what woke the task, and returns the event that this goes back to; -1 at the
// beginning.
func (w *walker) task(i int) int {
	begin := i
	for begin >= 0 && w.events[begin].Kind() != history.KindTaskStarted {
		begin--
	}
	if begin < 0 {
		return -1
	}
	cause := begin
	for k := begin + 1; k < len(w.events) && k <= i; k++ {
		if !wakes(w.events[k]) {
			break
		}
		cause = k
	}
	ev := w.events[cause]
	if cause == begin || ev.Kind() == history.KindWorkflowStarted {
		w.cover(PartTask, ev.At, "", ev.Seq, 0)
		return begin - 1
	}
	w.cover(PartTask, ev.At, "", ev.Seq, 0)
	if s := w.byRef[ev.Ref]; s != nil && s.End == ev.Seq {
		w.span(s)
		return int(s.Seq) - 1
	}
	return w.outside(ev, begin)
}

// wakes tells events that come into an execution from those that its code brings
// about.
func wakes(ev history.Event) bool {
	switch history.ClassOf(ev.Body) {
	case history.ClassAnswer:
		return true
	case history.ClassExecution:
		return ev.Kind() != history.KindTaskStarted
	case history.ClassCommand, history.ClassCancel, history.ClassFinal, history.ClassMarker:
	}
	return false
}

// outside covers the wait for an event that nobody here has asked for: since the task
// before it.
func (w *walker) outside(ev history.Event, begin int) int {
	before := begin - 1
	for before >= 0 && silent(w.events[before]) {
		before--
	}
	if before < 0 {
		return -1
	}
	kind, name := PartIdle, ""
	if s, ok := ev.Body.(history.SignalReceived); ok {
		kind, name = PartSignal, s.Name
	}
	w.cover(kind, w.events[before].At, name, ev.Seq, 0)
	return before
}

// silent tells events that do not run workflow code.
func silent(ev history.Event) bool {
	return ev.Kind() == history.KindActivityAttemptFailed || ev.Kind() == history.KindTaskStarted
}

// span covers a step, part by part.
func (w *walker) span(s *Span) {
	for _, p := range slices.Backward(s.Parts) {
		w.cover(p.Kind, p.From, s.Name, s.Seq, p.Attempt)
	}
}

// shares sums up stretches. Percentages are rounded by largest remainder, so that
// they are 100 together.
func shares(stretches []Stretch) []Share {
	type what struct {
		kind PartKind
		name string
	}
	index := map[what]int{}
	var all []Share
	var total time.Duration
	for _, s := range stretches {
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
