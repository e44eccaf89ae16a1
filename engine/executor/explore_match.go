package executor

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// judge says what to make of an issued command that does not fit the recorded one.
func (e *Executor) judge(p issued, ev history.Event) Guess {
	x := e.explore
	switch {
	case !x.guessed:
		x.guessed = true
		return x.guess
	case e.ahead(p):
		return Removed
	case p.body.Kind() == ev.Kind():
		return Replaced
	default:
		return Added
	}
}

// ahead reports whether history has the issued command soon.
func (e *Executor) ahead(p issued) bool {
	const horizon = 200 // events; what comes later is another one of that name
	x := e.explore
	from := min(x.at+1, len(x.events))
	return slices.ContainsFunc(x.events[from:min(from+horizon, len(x.events))], func(ev history.Event) bool {
		return history.IsCommand(ev.Body) && e.equal(p, ev)
	})
}

// fits reports whether an issued command can stand for the recorded one, as Replay
// sees it.
func (e *Executor) fits(p issued, ev history.Event) bool {
	return e.sameAs(p, ev) && !(e.opts.Strict && len(e.differences(p.body, ev.Body)) > 0)
}

func (e *Executor) sameAs(p issued, ev history.Event) bool {
	if p.body.Kind() != ev.Kind() {
		return false
	}
	if history.ClassOf(ev.Body) == history.ClassCancel {
		return p.ref == e.explore.refOf(ev.Ref)
	}
	return e.target(p.ref, p.body) == e.target(ev.Ref, ev.Body)
}

// equal reports whether an issued command is the recorded one with all that belongs
// to it: a name alone says little in a loop.
func (e *Executor) equal(p issued, ev history.Event) bool {
	const most = 1_000_000 // two fans of thousands that have nothing in common would take minutes
	if e.explore.compared++; e.explore.compared > most {
		return false
	}
	return e.fits(p, ev) && len(e.differences(p.body, ev.Body)) == 0
}

// target is what two commands that are the same have in common. An instance id that
// was derived from the ordinal of the command is not part of it: the ordinals shift.
func (e *Executor) target(ref int64, b history.Body) string {
	c, ok := b.(history.ChildScheduled)
	if ok && c.Instance.InstanceID == e.opts.Instance.ExecutionID+"-"+strconv.FormatInt(ref, 10) {
		return c.Workflow
	}
	return strings.TrimSpace(history.Subject(b))
}

// outcomeOf is what an answer tells the code, whatever the command was.
func outcomeOf(b history.Body) (engine.Payload, *engine.Failure) {
	switch b := b.(type) { //nolint:gochecksumtype // the other answers have neither
	case history.ActivityCompleted:
		return b.Result, nil
	case history.ActivityFailed:
		return nil, b.Failure
	case history.ChildCompleted:
		return b.Result, nil
	case history.ChildFailed:
		return nil, b.Failure
	case history.SignalFailed:
		return nil, b.Failure
	}
	return nil, nil
}
