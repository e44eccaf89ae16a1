package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/history"
)

// Log is a history as a screen keeps it while it grows: events grouped by the steps
// that they belong to, each in little room. Values are kept as far as a line shows
// them; who wants more reads the event again. The zero value is empty.
type Log struct {
	// Start is when the execution was created, Last when its last event happened.
	Start, Last time.Time
	// Events is how many there are, Asides how many of them belong to no step.
	Events, Asides int64
	// Ended tells that nothing follows.
	Ended bool

	steps

	stepper diagnostics.Stepper
	heads   []Spot // of steps, and events that belong to none
	texts   texts
	sites   []codeLine
	values  []Spot
	refs    []Spot // commands, by their ref less one
	rows    logRows
}

// Spot is an event of a log, by its number. 0 is none.
type Spot int32

// line is an event. Those of a step are a list that goes on from its head, the event
// that begins it. Nothing in it points anywhere, so that the garbage collector has no
// work with a million of them.
type line struct {
	at      int64 // in nanoseconds since 1970, as all times here
	started int64 // of an attempt
	until   int64 // of a timer, or of the wait for the next attempt
	text    text
	size    int32 // of its values, in bytes, or sealedSize
	head    Spot
	next    Spot // of the step, or 0
	prev    Spot // of the step; of the head, the last one
	name    word // of the step; of another event than the head, its failure
	attempt int32
	site    int32 // less one, or 0
	length  uint8 // of text
	what    uint8 // its kind, among the words
	role    diagnostics.Role
	k, o    uint8 // of the step: its kind and outcome
	failed  bool  // the event says so itself
	aside   bool  // belongs to no step, and to no reader either
	fold    fold
}

// codeLine is a line of code, and what is said of it.
type codeLine struct {
	history.Site

	text string
}

// kinds and outcomes are numbered, which takes a tenth of the room.
var (
	kinds = []diagnostics.StepKind{
		"", diagnostics.StepStart, diagnostics.StepActivity, diagnostics.StepTimer, diagnostics.StepChild, diagnostics.StepSend, diagnostics.StepEffect,
		diagnostics.StepVersion, diagnostics.StepSignal, diagnostics.StepCancel, diagnostics.StepDropped, diagnostics.StepEnd,
	}
	outcomes = []diagnostics.Outcome{
		diagnostics.OutcomeUnknown, diagnostics.OutcomePending, diagnostics.OutcomeCompleted, diagnostics.OutcomeFailed, diagnostics.OutcomeCanceled,
		diagnostics.OutcomeContinued, diagnostics.OutcomeTerminated,
	}
)

func indexOf[T comparable](all []T, one T) uint8 {
	return uint8(max(0, slices.Index(all, one))) //nolint:gosec // both lists are short
}

func (e *line) kind() diagnostics.StepKind   { return kinds[e.k] }
func (e *line) outcome() diagnostics.Outcome { return outcomes[e.o] }

// Add takes the next event. One that does not follow the last is left out.
func (l *Log) Add(ev *history.Event) {
	if ev.Seq != l.Events+1 {
		return
	}
	if l.Events == 0 || l.Events == 1 && ev.Kind() == history.KindWorkflowStarted {
		l.Start = ev.At // see diagnostics.NewTimeline
	}
	l.Events, l.Last = ev.Seq, ev.At
	l.Ended = history.IsFinal(ev.Body)
	s, ok := l.stepper.Add(ev)
	at := Spot(ev.Seq) //nolint:gosec // histories have fewer events
	if history.IsCommand(ev.Body) && ev.Ref == int64(len(l.refs))+1 {
		l.refs = append(l.refs, at)
	}
	e := line{at: nanos(ev.At), size: sizeOf(ev.Body), role: diagnostics.RoleOf(ev.Body), head: at, prev: at}
	switch {
	case !ok:
		l.besides(&e, ev)
	case s.Seq == ev.Seq:
		l.begin(&e, ev, &s)
	default:
		l.goOn(&e, ev, &s)
	}
	if e.head == at {
		l.heads = append(l.heads, at)
	}
	if e.size != 0 || failureOf(ev.Body) != nil {
		l.values = append(l.values, at)
	}
	l.lines.add(e)
	l.rows.dirty = true
}

// Command returns the number of the event that issued the command of a ref.
func (l *Log) Command(ref int64) (seq int64, ok bool) {
	if ref < 1 || ref > int64(len(l.refs)) {
		return 0, false
	}
	return int64(l.refs[ref-1]), true
}

// Name returns the name of the step that the command of a ref began.
func (l *Log) Name(ref int64) string {
	if seq, ok := l.Command(ref); ok {
		return l.words.text(l.lines.at(Spot(seq)).name) //nolint:gosec // it was one
	}
	return ""
}

// Valued are the events that hold something for the code, or from it, in their order.
func (l *Log) Valued() []Spot { return l.values }

// has reports whether there is such an event.
func (l *Log) has(at Spot) bool { return at > 0 && int64(at) <= l.Events }

// PlaceOf returns where an event is.
func (l *Log) PlaceOf(seq int64) (Spot, bool) {
	if seq < 1 || seq > l.Events {
		return 0, false
	}
	return Spot(seq), true //nolint:gosec // there are not more
}

// Seq returns the number of the event at a place, or 0.
func (l *Log) Seq(at Spot) int64 {
	if !l.has(at) {
		return 0
	}
	return int64(at)
}

func (l *Log) begin(e *line, ev *history.Event, s *diagnostics.Step) {
	l.describe(e, ev)
	e.k, e.name, e.o, e.attempt = indexOf(kinds, s.Kind), l.words.word(s.Name), indexOf(outcomes, s.Outcome), int32(s.Attempts) //nolint:gosec // no policy allows so many
	e.failed = s.Outcome == diagnostics.OutcomeFailed || s.Kind == diagnostics.StepDropped
	if timer, ok := ev.Body.(history.TimerScheduled); ok {
		e.until = nanos(timer.Until)
		if timer.Until.IsZero() { // what the store has to go by
			e.until = nanos(ev.At.Add(timer.Duration))
		}
	}
}

// besides takes an event that is part of no step: the beginning of a task, a second
// answer. Two kinds of them are of interest.
func (l *Log) besides(e *line, ev *history.Event) {
	e.failed = ev.Kind() == history.KindWorkflowTimedOut
	e.aside = !e.failed && ev.Kind() != history.KindChildCancelRequested
	if e.aside {
		l.Asides++
	}
	l.describe(e, ev)
}

// describe writes what the row of a head says.
func (l *Log) describe(e *line, ev *history.Event) {
	_, _, what, site := describe(ev.Body)
	switch class := history.ClassOf(ev.Body); {
	case class != history.ClassCommand:
		what = strings.TrimSpace(string(ev.Kind()) + " " + what)
	case what == "":
		what = string(ev.Kind())
	}
	if e.aside { // of the same workers, again and again
		e.name = l.words.word(kept(what))
	} else {
		e.text, e.length = l.texts.add(kept(what))
	}
	if !site.IsZero() {
		i := slices.IndexFunc(l.sites, func(s codeLine) bool { return s.Site == site })
		if i < 0 {
			i, l.sites = len(l.sites), append(l.sites, codeLine{site, site.File + ":" + strconv.Itoa(site.Line)})
		}
		e.site = int32(i) + 1 //nolint:gosec // a program has fewer lines
	}
}

// goOn takes an event that goes on with a step, or ends it.
func (l *Log) goOn(e *line, ev *history.Event, s *diagnostics.Step) {
	_, _, what, _ := describe(ev.Body)
	e.text, e.length = l.texts.add(kept(what))
	e.what = l.words.kind(ev.Kind())
	if len(s.Runs) > 0 && s.Runs[len(s.Runs)-1].Seq == ev.Seq {
		r := s.Runs[len(s.Runs)-1]
		e.attempt, e.started, e.until = int32(r.Attempt), nanos(r.Started), nanos(r.Next) //nolint:gosec // no policy allows so many
		if r.Failure != nil {
			e.name = l.words.word(kept(failure(r.Failure)))
		}
	}
	last := e.head
	e.head = Spot(s.Seq) //nolint:gosec // there are not more
	head := l.lines.edit(e.head)
	e.prev, head.prev = head.prev, last
	head.o, head.attempt = indexOf(outcomes, s.Outcome), int32(s.Attempts) //nolint:gosec // as above
	l.lines.edit(e.prev).next = last
}

// textOf is what the row of an event says.
func (l *Log) textOf(e *line) string {
	if e.aside {
		return l.words.text(e.name)
	}
	return l.texts.text(e.text, e.length)
}

// kept returns the beginning of a text, as far as it is kept.
func kept(text string) string {
	if len(text) > keptText {
		return strings.ToValidUTF8(text[:keptText], "") + ellipsis
	}
	return text
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
