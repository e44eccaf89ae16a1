package view

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
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

	stepper diagnostics.Stepper
	entries entries
	words   map[string]string
	sites   map[history.Site]*history.Site
	values  []Spot
	refs    []int32 // events by the ref of the command that they are, less one
	rows    logRows
}

// entry is a step, or an event that belongs to none. Its first event is the entry
// itself, and each of the others one of its notes: no event is in two places.
type entry struct {
	seq, end int32
	attempts int32
	size     int32 // of its values, in bytes
	began    int64 // in nanoseconds since 1970, as all times here
	ended    int64
	due      int64 // of a timer
	name     string
	text     string
	k, o     uint8 // kind and outcome
	failed   bool  // the first event says so itself
	aside    bool  // belongs to no step, and to no reader either
	fold     fold
	site     *history.Site
	notes    []note
}

// note is an event that goes on with a step, or ends it.
type note struct {
	seq, attempt        int32
	size                int32
	at, started, next   int64
	failure, text, what string
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

func (e *entry) kind() diagnostics.StepKind   { return kinds[e.k] }
func (e *entry) outcome() diagnostics.Outcome { return outcomes[e.o] }

// entries is a list that grows without being copied: it is long, and two of it would
// be in memory for a while.
type entries struct {
	blocks [][]entry
	n      int
}

const blockSize = 1024

func (l *entries) add(e entry) {
	if l.n%blockSize == 0 {
		l.blocks = append(l.blocks, nil)
	}
	last := &l.blocks[len(l.blocks)-1]
	*last = append(*last, e)
	l.n++
}

func (l *entries) at(i int) *entry { return &l.blocks[i/blockSize][i%blockSize] }

// keptText is how much of a text is kept, in bytes.
const keptText = 160

// Add takes the next event.
func (l *Log) Add(ev *history.Event) {
	if l.Events == 0 || l.Events == 1 && ev.Kind() == history.KindWorkflowStarted {
		l.Start = ev.At // see diagnostics.NewTimeline
	}
	l.Events, l.Last = ev.Seq, ev.At
	l.Ended = history.IsFinal(ev.Body)
	s, ok := l.stepper.Add(ev)
	if history.IsCommand(ev.Body) && ev.Ref == int64(len(l.refs))+1 {
		l.refs = append(l.refs, int32(ev.Seq)) //nolint:gosec // histories have fewer events
	}
	at := Spot{Entry: l.entries.n}
	switch i := l.find(s.Seq); {
	case !ok:
		l.besides(ev)
	case s.Seq == ev.Seq:
		l.begin(ev, &s)
	case i >= 0:
		l.goOn(l.entries.at(i), ev, &s)
		at = Spot{i, len(l.entries.at(i).notes)}
	}
	if sizeOf(ev.Body) > 0 || failureOf(ev.Body) != nil {
		l.values = append(l.values, at)
	}
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
	seq, ok := l.Command(ref)
	if i := l.find(seq); ok && i >= 0 {
		return l.entries.at(i).name
	}
	return ""
}

// Valued are the events that hold something for the code, or from it, in their order.
func (l *Log) Valued() []Spot { return l.values }

// find returns the entry of the step that event seq begins, or -1.
func (l *Log) find(seq int64) int {
	i := sort.Search(l.entries.n, func(i int) bool { return int64(l.entries.at(i).seq) >= seq })
	if i == l.entries.n || int64(l.entries.at(i).seq) != seq {
		return -1
	}
	return i
}

// holder returns the entry that an event is part of, and its line in it.
func (l *Log) holder(seq int64) (at Spot, ok bool) {
	if i := l.find(seq); i >= 0 {
		return Spot{Entry: i}, true
	}
	for i := sort.Search(l.entries.n, func(i int) bool { return int64(l.entries.at(i).seq) >= seq }) - 1; i >= 0; i-- {
		for n := range l.entries.at(i).notes {
			if int64(l.entries.at(i).notes[n].seq) == seq {
				return Spot{i, n + 1}, true
			}
		}
	}
	return Spot{}, false
}

func (l *Log) begin(ev *history.Event, s *diagnostics.Step) {
	e := l.entry(ev)
	e.k, e.name, e.o, e.attempts = indexOf(kinds, s.Kind), l.word(s.Name), indexOf(outcomes, s.Outcome), int32(s.Attempts) //nolint:gosec // no policy allows so many
	e.end, e.ended = int32(s.End), nanos(s.Ended)                                                                          //nolint:gosec // histories have fewer events
	e.failed = s.Outcome == diagnostics.OutcomeFailed || s.Kind == diagnostics.StepDropped
	if timer, ok := ev.Body.(history.TimerScheduled); ok {
		e.due = nanos(timer.Until)
		if timer.Until.IsZero() { // what the store has to go by
			e.due = nanos(ev.At.Add(timer.Duration))
		}
	}
	l.entries.add(e)
}

// besides takes an event that is part of no step: the beginning of a task, a second
// answer. Two kinds of them are of interest.
func (l *Log) besides(ev *history.Event) {
	e := l.entry(ev)
	e.end, e.ended = e.seq, e.began
	e.failed = ev.Kind() == history.KindWorkflowTimedOut
	e.aside = !e.failed && ev.Kind() != history.KindChildCancelRequested
	if e.aside {
		l.Asides++
		e.text = l.word(e.text) // of the same workers, again and again
	}
	l.entries.add(e)
}

func (l *Log) entry(ev *history.Event) entry {
	_, _, what, site := describe(ev.Body)
	text := what
	if class := history.ClassOf(ev.Body); class != history.ClassCommand {
		text = strings.TrimSpace(string(ev.Kind()) + " " + what)
	} else if what == "" {
		text = string(ev.Kind())
	}
	e := entry{seq: int32(ev.Seq), began: nanos(ev.At), text: kept(text), size: sizeOf(ev.Body)} //nolint:gosec // histories have fewer events
	if !site.IsZero() {
		if l.sites == nil {
			l.sites = map[history.Site]*history.Site{}
		}
		if l.sites[site] == nil {
			l.sites[site] = &site
		}
		e.site = l.sites[site]
	}
	return e
}

func (l *Log) goOn(e *entry, ev *history.Event, s *diagnostics.Step) {
	_, _, what, _ := describe(ev.Body)
	n := note{seq: int32(ev.Seq), at: nanos(ev.At), size: sizeOf(ev.Body), text: kept(what), what: l.word(string(ev.Kind()))} //nolint:gosec // histories have fewer events
	if len(s.Runs) > 0 && s.Runs[len(s.Runs)-1].Seq == ev.Seq {
		r := s.Runs[len(s.Runs)-1]
		n.attempt, n.started, n.next = int32(r.Attempt), nanos(r.Started), nanos(r.Next) //nolint:gosec // no policy allows so many
		if r.Failure != nil {
			n.failure = l.word(kept(failure(r.Failure)))
		}
	}
	e.notes = append(e.notes, n)
	e.end, e.ended, e.o, e.attempts = int32(s.End), nanos(s.Ended), indexOf(outcomes, s.Outcome), int32(s.Attempts) //nolint:gosec // as above
}

// word returns a text that occurs again and again in the copy that is kept of it.
func (l *Log) word(text string) string {
	if l.words == nil {
		l.words = map[string]string{}
	}
	if w, ok := l.words[text]; ok {
		return w
	}
	w := strings.Clone(text)
	l.words[w] = w
	return w
}

// kept returns a copy of the beginning of a text: the text itself is part of a page of
// events, all of which it would keep.
func kept(text string) string {
	if len(text) > keptText {
		return strings.ToValidUTF8(text[:keptText], "") + ellipsis
	}
	return strings.Clone(text)
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

// sizeOf returns how many bytes the values of an event have.
func sizeOf(b history.Body) int32 {
	size := 0
	for _, v := range ValuesOf(b) {
		size += len(v.Payload)
	}
	return int32(min(size, 1<<31-1)) //nolint:gosec // bounded
}

// Value is something that an event holds for the code.
type Value struct {
	Name    string
	Payload engine.Payload
}

// ValuesOf returns what an event holds for the code, or from it.
func ValuesOf(b history.Body) []Value {
	switch b := b.(type) { //nolint:gochecksumtype // those that have any
	case history.WorkflowStarted:
		return arguments(b.Args)
	case history.WorkflowContinuedAsNew:
		return arguments(b.Args)
	case history.ActivityScheduled:
		return arguments(b.Args)
	case history.ChildScheduled:
		return arguments(b.Args)
	case history.SignalReceived:
		return arguments([]engine.Payload{b.Arg})
	case history.SignalSent:
		return arguments([]engine.Payload{b.Arg})
	case history.WorkflowCompleted:
		return []Value{{"result", b.Result}}
	case history.ActivityCompleted:
		return []Value{{"result", b.Result}}
	case history.ChildCompleted:
		return []Value{{"result", b.Result}}
	case history.SideEffectRecorded:
		return []Value{{"value", b.Value}}
	case history.MutableSideEffectRecorded:
		return []Value{{"value", b.Value}}
	}
	return nil
}

func arguments(args []engine.Payload) []Value {
	all := make([]Value, 0, len(args))
	for _, a := range args {
		if a != nil {
			all = append(all, Value{"argument", a})
		}
	}
	return all
}

// failureOf returns the failure that an event tells of, or nil.
func failureOf(b history.Body) *engine.Failure {
	switch b := b.(type) { //nolint:gochecksumtype // those that have one
	case history.WorkflowFailed:
		return b.Failure
	case history.WorkflowCanceled:
		return b.Failure
	case history.ActivityFailed:
		return b.Failure
	case history.ActivityAttemptFailed:
		return b.Failure
	case history.ChildFailed:
		return b.Failure
	case history.SignalFailed:
		return b.Failure
	case history.SideEffectRecorded:
		return b.Failure
	case history.MutableSideEffectRecorded:
		return b.Failure
	}
	return nil
}

// span returns the step of an entry in time.
func (e *entry) span(now time.Time) diagnostics.Span {
	s := diagnostics.Step{
		Kind: e.kind(), Name: e.name, Seq: int64(e.seq), End: int64(e.end), Outcome: e.outcome(), Attempts: int(e.attempts),
		Began: instant(e.began), Ended: instant(e.ended),
	}
	for i := range e.notes {
		if n := &e.notes[i]; n.attempt > 0 {
			s.Runs = append(s.Runs, diagnostics.Run{
				Run: history.Run{Attempt: int(n.attempt), Started: instant(n.started)}, Ended: instant(n.at), Next: instant(n.next), Seq: int64(n.seq),
			})
		}
	}
	return diagnostics.NewSpan(s, now)
}
