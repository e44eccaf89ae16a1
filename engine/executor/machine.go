package executor

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
)

// pending is a command on its way through
//
//	issued ─► recorded ─► resolved | canceled
//
// It is issued when code asks for it, recorded when its event is in history, and
// leaves the table of open commands when it is resolved or canceled.
type pending struct {
	ref     int64
	body    history.Body // the event that records the command; nil once it is answered
	at      time.Time    // when it was issued
	out     command.Outcome
	attempt int
	next    time.Time // when that attempt of an activity may begin, if another has failed

	older, newer *pending // in openCommands
}

func (p *pending) kind() history.Kind { return p.body.Kind() }

// moves holds what each answer does to the open command that it is for. The
// function reports whether workflow code has to run. An answer to a command of
// another kind than its history.Target is refused.
var moves = map[history.Kind]func(*Executor, *pending, history.Event) bool{
	history.KindActivityCompleted:     (*Executor).activityCompleted,
	history.KindActivityFailed:        (*Executor).activityFailed,
	history.KindActivityAttemptFailed: (*Executor).attemptFailed,
	history.KindTimerFired:            (*Executor).timerFired,
	history.KindChildCompleted:        (*Executor).childCompleted,
	history.KindChildFailed:           (*Executor).childFailed,
	history.KindSignalDelivered:       (*Executor).signalDelivered,
	history.KindSignalFailed:          (*Executor).signalFailed,
}

func (e *Executor) activityCompleted(p *pending, ev history.Event) bool {
	e.drop(&e.step.DropActivities, p.ref)
	return e.resolve(p, ev.Body.(history.ActivityCompleted).Result, nil)
}

func (e *Executor) activityFailed(p *pending, ev history.Event) bool {
	e.drop(&e.step.DropActivities, p.ref)
	return e.resolve(p, nil, ev.Body.(history.ActivityFailed).Failure)
}

// attemptFailed keeps the activity open: the failure is for the people who look
// at the history, and workflow code hears of the last one only.
func (e *Executor) attemptFailed(p *pending, ev history.Event) bool {
	b := ev.Body.(history.ActivityAttemptFailed)
	if b.Run.Attempt >= p.attempt {
		p.attempt, p.next = b.Run.Attempt+1, b.Next
	}
	e.retried[p.ref] = p
	e.noteError(b.Failure)
	return false
}

func (e *Executor) timerFired(p *pending, _ history.Event) bool {
	e.drop(&e.step.DropTimers, p.ref)
	return e.resolve(p, nil, nil)
}

func (e *Executor) childCompleted(p *pending, ev history.Event) bool {
	e.drop(&e.step.DropChildren, p.ref)
	return e.resolve(p, ev.Body.(history.ChildCompleted).Result, nil)
}

func (e *Executor) childFailed(p *pending, ev history.Event) bool {
	e.drop(&e.step.DropChildren, p.ref)
	return e.resolve(p, nil, ev.Body.(history.ChildFailed).Failure)
}

func (e *Executor) signalDelivered(p *pending, _ history.Event) bool { return e.resolve(p, nil, nil) }

func (e *Executor) signalFailed(p *pending, ev history.Event) bool {
	return e.resolve(p, nil, ev.Body.(history.SignalFailed).Failure)
}

// drop notes that a row, timer or child is to go. On replay it went long ago.
func (e *Executor) drop(from *[]int64, ref int64) {
	if !e.replaying {
		*from = append(*from, ref)
	}
}

// openCommands are the commands without an answer: by ref, and as a list in the
// order of issue, so that a step need not sort or look at all of them.
type openCommands struct {
	byRef          map[int64]*pending
	oldest, newest *pending
}

func (o *openCommands) add(p *pending) {
	o.byRef[p.ref] = p
	if p.older = o.newest; p.older == nil {
		o.oldest = p
	} else {
		p.older.newer = p
	}
	o.newest = p
}

// remove leaves p without neighbors and body: its outcome lives as long as its
// future, and must not keep them alive.
func (o *openCommands) remove(p *pending) {
	delete(o.byRef, p.ref)
	if p.older == nil {
		o.oldest = p.newer
	} else {
		p.older.newer = p.newer
	}
	if p.newer == nil {
		o.newest = p.older
	} else {
		p.newer.older = p.older
	}
	p.older, p.newer, p.body = nil, nil, nil
}

// add and remove keep the table of open commands.
func (e *Executor) add(p *pending) {
	e.open.add(p)
	if p.kind() == history.KindActivityScheduled {
		p.attempt = 1
		e.activities++
	}
}

func (e *Executor) remove(p *pending) {
	if p.kind() == history.KindActivityScheduled {
		e.activities--
	}
	e.open.remove(p)
	delete(e.retried, p.ref)
}

// attempt is the highest attempt of an open activity, 0 if there is none.
func (e *Executor) attempt() int {
	highest := min(e.activities, 1)
	for _, p := range e.retried {
		highest = max(highest, p.attempt)
	}
	return highest
}

func (e *Executor) resolve(p *pending, v engine.Payload, f *engine.Failure) bool {
	e.remove(p)
	if f != nil {
		_ = e.opts.Command.Sentinels.Bind(f)
		e.noteError(f)
	}
	p.out.Value, p.out.Failure, p.out.Ready = v, f, true
	return true
}

// noteError makes f the last error that lists show. A cancellation is none.
func (e *Executor) noteError(f *engine.Failure) {
	if f == nil || errors.Is(f, engine.ErrCanceled) {
		return
	}
	line := engine.FirstLine(f.Message)
	e.step.LastError = &line
}

// withdraw cancels an open command and reports whether there is a request to
// record.
func (e *Executor) withdraw(p *pending) (history.Body, bool) {
	switch p.kind() { //nolint:exhaustive // only these commands can be withdrawn
	case history.KindTimerScheduled:
		e.cancelNow(p)
		return history.TimerCanceled{Site: e.site()}, true
	case history.KindActivityScheduled:
		e.cancelNow(p)
		return history.ActivityCanceled{Site: e.site()}, true
	case history.KindChildScheduled:
		return history.ChildCancelRequested{Site: e.site()}, true
	}
	return nil, false
}

func (e *Executor) cancelNow(p *pending) {
	e.remove(p)
	p.out.Failure = engine.Sentinels(nil).Failure(engine.ErrCanceled)
	p.out.Canceled, p.out.Ready = true, true
}

// cancelOrder is the order in which a cancellation visits commands: timers,
// activities, children, each in the order of issue.
func cancelOrder(a, b *pending) int {
	return cmp.Or(cmp.Compare(cancelRank(a), cancelRank(b)), cmp.Compare(a.ref, b.ref))
}

func cancelRank(p *pending) int {
	return slices.Index([]history.Kind{history.KindTimerScheduled, history.KindActivityScheduled, history.KindChildScheduled}, p.kind())
}
