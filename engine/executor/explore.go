package executor

import (
	"errors"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Guess is what may have happened to the code where it first differs from history.
type Guess int8

// The closed set of guesses.
const (
	// Replaced: the recorded command is another one now.
	Replaced Guess = iota
	// Removed: the code no longer asks for the recorded command.
	Removed
	// Added: the code asks for one more.
	Added
)

// Pair is a recorded command and the issued one that stands for it.
type Pair struct {
	// Seq is the event at which they met, or, if history has none, at which the
	// surplus was found.
	Seq int64
	// Recorded is nil if history has no such command, Issued if the code did not ask
	// for it. A final event is paired with the way the code ended.
	Recorded *history.Event
	Issued   *Issued
	// Same tells that kind, name and target agree; Diffs names what does not.
	Same  bool
	Diffs []string
	// Moved tells that the code asked earlier or later than history has it.
	Moved bool
}

// Exploration is what Explore finds.
type Exploration struct {
	Pairs []*Pair
	// Versions are the change ids that the code asked for.
	Versions []string
	// Ended tells that the workflow function came to its end, Panicked that it did
	// so by a panic.
	Ended, Panicked bool
	// Waiting are the coroutines that are left if it did not end.
	Waiting []Coroutine
	// Blocked is why the code could not go on to the end of history, or nil.
	Blocked *BlockedError
}

// Explore replays a history and goes on where the code differs from it, so that a
// cause can be named: guess says what to take the first difference for. A command
// that history has elsewhere gets the answer recorded there, one that took the place
// of another gets its answer, and one that was added gets the zero value. What comes
// after the first difference is no more than a likely story. It is called instead of
// Replay; the Executor is of no further use than to Close it. Its error wraps
// engine.ErrNotRegistered.
func (e *Executor) Explore(events []history.Event, guess Guess) (Exploration, error) {
	x := &exploration{guess: guess, events: events, alias: map[int64]int64{}, held: map[int64][]history.Event{}}
	e.explore, e.stacks, e.replaying = x, true, true
	e.past.index(events)
	for _, ev := range events {
		if b, ok := ev.Body.(history.SideEffectRecorded); ok {
			x.sides = append(x.sides, b)
		}
	}
	var err error
	for i, ev := range events {
		x.at = i
		e.seq, e.last = ev.Seq, later(e.last, ev.At)
		if err = e.exploreEvent(ev); err != nil {
			break
		}
	}
	if err == nil {
		x.at = len(events)
		e.seq++
		err = e.exploreEnd()
	}
	return e.explored(err)
}

func (e *Executor) explored(err error) (Exploration, error) {
	x := e.explore
	found := Exploration{Pairs: x.pairs, Versions: slices.Sorted(slices.Values(x.versions)), Ended: e.done != nil}
	if e.done != nil {
		_, found.Panicked = errors.AsType[*engine.PanicError](e.done.Err)
	}
	if b, ok := err.(*BlockedError); ok { //nolint:errorlint // ours are not wrapped
		found.Blocked, err = b, nil
	}
	if e.done == nil && err == nil {
		found.Waiting = e.Coroutines()
	}
	return found, err
}

// exploration is the state of Explore.
type exploration struct {
	guess   Guess
	guessed bool // the first difference is behind us
	events  []history.Event
	at      int   // of the event being applied
	task    int64 // seq of the last TaskStarted
	// compared is how often two commands were compared in full.
	compared int
	// endedEarly tells that the code came to its end before the last task.
	endedEarly bool
	added      int

	pairs    []*Pair
	missing  []*Pair                   // of recorded commands that the code may yet ask for
	alias    map[int64]int64           // refs of the code by refs of history
	held     map[int64][]history.Event // answers to missing commands
	sides    []history.SideEffectRecorded
	versions []string
}

func (e *Executor) exploreEvent(ev history.Event) error {
	x := e.explore
	e.kind = ev.Kind()
	switch history.ClassOf(ev.Body) {
	case history.ClassCommand, history.ClassCancel:
		return e.exploreCommand(ev)
	case history.ClassAnswer:
		return e.exploreAnswer(ev)
	case history.ClassFinal:
		return e.exploreFinal(ev)
	case history.ClassExecution:
		if ev.Kind() != history.KindTaskStarted {
			return e.apply(ev)
		}
		if err := e.exploreSurplus(); err != nil {
			return err
		}
		x.task, x.endedEarly = ev.Seq, e.done != nil
		e.beginTask(ev, ev.Body.(history.TaskStarted)) //nolint:errcheck // by its kind
	case history.ClassMarker:
	}
	return nil
}

// reach is how far a recorded command is looked for among the issued ones.
const reach = 64

// exploreCommand finds the issued command that stands for a recorded one.
func (e *Executor) exploreCommand(ev history.Event) error {
	x := e.explore
	for {
		rest := e.issued.rest()
		rest = rest[:min(len(rest), reach)]
		if i := slices.IndexFunc(rest, func(p issued) bool { return e.fits(p, ev) }); i == 0 || i > 0 && x.guessed {
			return e.pair(ev, e.issued.remove(i), i > 0)
		}
		if len(rest) == 0 {
			x.lose(ev)
			return nil
		}
		first := rest[0]
		if m := e.lateFor(first); m != nil {
			e.issued.take()
			if err := e.late(m, first); err != nil {
				return err
			}
			continue
		}
		switch e.judge(first, ev) {
		case Removed:
			x.lose(ev)
			return nil
		case Replaced:
			e.issued.take()
			return e.pair(ev, first, false)
		case Added:
			e.issued.take()
			if err := e.surplus(first); err != nil {
				return err
			}
		}
	}
}

// pair lets an issued command stand for the recorded one.
func (e *Executor) pair(ev history.Event, p issued, moved bool) error {
	x := e.explore
	x.add(&Pair{Seq: ev.Seq, Recorded: &ev, Issued: new(p.shown()), Moved: moved || p.seq < x.task, Same: e.sameAs(p, ev), Diffs: e.differencesOf(p, ev)})
	if history.IsCommand(ev.Body) {
		x.alias[ev.Ref] = p.ref
		if open, ok := e.open.byRef[p.ref]; ok && open.kind() == ev.Kind() {
			open.body = ev.Body
		}
	}
	return nil
}

func (e *Executor) differencesOf(p issued, ev history.Event) []string {
	if p.body.Kind() != ev.Kind() {
		return nil
	}
	return e.differences(p.body, ev.Body)
}

// lateFor is the recorded command that an issued one was missed as.
func (e *Executor) lateFor(p issued) *Pair {
	for _, m := range e.explore.missing {
		if e.equal(p, *m.Recorded) {
			return m
		}
	}
	return nil
}

// late lets an issued command stand for one that was missed, and gives it the answer
// that history holds since.
func (e *Executor) late(m *Pair, p issued) error {
	x := e.explore
	m.Issued, m.Moved, m.Same = new(p.shown()), true, true
	x.missing = slices.DeleteFunc(x.missing, func(o *Pair) bool { return o == m })
	if !history.IsCommand(m.Recorded.Body) {
		return nil
	}
	ref := m.Recorded.Ref
	x.alias[ref] = p.ref
	answers := x.held[ref]
	delete(x.held, ref)
	for _, a := range answers {
		if err := e.exploreAnswer(a); err != nil {
			return err
		}
	}
	return nil
}

// surplus makes an issued command one that history does not have. It is answered so
// that the code goes on.
func (e *Executor) surplus(p issued) error {
	const most = 200 // a loop that waits for an answer of its liking would go on for ever
	x := e.explore
	x.add(&Pair{Seq: e.seq, Issued: new(p.shown())})
	open, ok := e.open.byRef[p.ref]
	if x.added++; !ok || x.added > most {
		return nil
	}
	e.resolve(open, nil, nil)
	return e.run()
}

// exploreSurplus looks at what the code has issued and history does not have by the
// end of a task.
func (e *Executor) exploreSurplus() error {
	x := e.explore
	for i := 0; i < len(e.issued.rest()); {
		p := e.issued.rest()[i]
		m := e.lateFor(p)
		first := m == nil && !x.guessed
		x.guessed = x.guessed || first
		switch {
		case m != nil:
			e.issued.remove(i)
			if err := e.late(m, p); err != nil {
				return err
			}
		case first && x.guess != Added || !first && e.ahead(p):
			i++ // it comes early
		default:
			e.issued.remove(i)
			if err := e.surplus(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Executor) exploreAnswer(ev history.Event) error {
	x := e.explore
	ref, known := x.alias[ev.Ref]
	if !known {
		x.held[ev.Ref] = append(x.held[ev.Ref], ev)
		return nil
	}
	p, ok := e.open.byRef[ref]
	if !ok || ev.Kind() == history.KindActivityAttemptFailed {
		return nil
	}
	value, failure := outcomeOf(ev.Body)
	e.resolve(p, value, failure)
	return e.run()
}

func (e *Executor) exploreFinal(ev history.Event) error {
	if err := e.exploreSurplus(); err != nil {
		return err
	}
	x := e.explore
	pair := &Pair{Seq: ev.Seq, Recorded: &ev}
	if e.done != nil {
		body := e.finalBody()
		pair.Issued, pair.Same = &Issued{Seq: e.seq, Body: body, Site: history.SiteOf(body)}, body.Kind() == ev.Kind()
		pair.Moved = x.endedEarly
	}
	if ev.Kind() == history.KindWorkflowTerminated {
		pair.Same = true // the code has no part in it
	}
	e.finished = true
	x.add(pair)
	return nil
}

// exploreEnd looks at what is left when history ends.
func (e *Executor) exploreEnd() error {
	x := e.explore
	for _, p := range slices.Clone(e.issued.rest()) {
		e.issued.take()
		if m := e.lateFor(p); m != nil {
			if err := e.late(m, p); err != nil {
				return err
			}
			continue
		}
		x.add(&Pair{Seq: e.seq, Issued: new(p.shown())})
	}
	if e.done != nil && !e.finished {
		body := e.finalBody()
		x.add(&Pair{Seq: e.seq, Issued: &Issued{Seq: e.seq, Body: body, Site: history.SiteOf(body)}})
	}
	return nil
}

func (x *exploration) add(p *Pair) { x.pairs = append(x.pairs, p) }

// lose notes that the code has not asked for a recorded command.
func (x *exploration) lose(ev history.Event) {
	x.guessed = true
	p := &Pair{Seq: ev.Seq, Recorded: &ev}
	x.add(p)
	x.missing = append(x.missing, p)
}

// refOf is the ordinal that the code has for a command of history.
func (x *exploration) refOf(recorded int64) int64 {
	if ref, ok := x.alias[recorded]; ok {
		return ref
	}
	return recorded
}

// sideEffect is the next recorded value; the zero value if there is none.
func (x *exploration) sideEffect() history.SideEffectRecorded {
	if len(x.sides) == 0 {
		return history.SideEffectRecorded{}
	}
	next := x.sides[0]
	x.sides = x.sides[1:]
	return next
}
