package executor

import (
	"slices"

	"github.com/wfops/wfops/engine/history"
)

// issued is a command that workflow code asked for and that is not yet held
// against history, or not yet added to it.
type issued struct {
	ref  int64
	body history.Body
	seq  int64 // of the event that made the code run
	// stack of the code that asked and the name of its coroutine, for the report of
	// a mismatch, see withStacks.
	stack     []uintptr
	coroutine string
}

// queue holds issued commands, oldest first. Its memory is used again once it has
// been empty, unless it was made for many.
type queue struct {
	all  []issued
	head int
}

func (q *queue) add(i issued) { q.all = append(q.all, i) }

func (q *queue) first() (issued, bool) {
	if q.head == len(q.all) {
		return issued{}, false
	}
	return q.all[q.head], true
}

func (q *queue) take() (issued, bool) {
	i, ok := q.first()
	if !ok {
		return i, false
	}
	q.all[q.head] = issued{}
	if q.head++; q.head < len(q.all) {
		return i, true
	}
	const usual = 64
	q.all, q.head = q.all[:0], 0
	if cap(q.all) > usual {
		q.all = nil
	}
	return i, true
}

// remove takes out the i-th of the commands that are left.
func (q *queue) remove(i int) issued {
	if i == 0 {
		first, _ := q.take()
		return first
	}
	one := q.all[q.head+i]
	q.all = slices.Delete(q.all, q.head+i, q.head+i+1)
	return one
}

// rest are the commands that are left.
func (q *queue) rest() []issued { return q.all[q.head:] }

func (e *Executor) issue(ref int64, body history.Body) {
	i := issued{ref: ref, body: body, seq: e.seq}
	if e.stacks {
		i.stack = callers()
		if c := e.sched.Current(); c != nil {
			i.coroutine = c.Name
		}
	}
	if e.opts.Watch != nil && e.replaying {
		e.opts.Watch(i.shown())
	}
	e.issued.add(i)
}

// Issued is a command that workflow code asked for during a replay.
type Issued struct {
	// Seq is the event that made the code run.
	Seq int64
	// Ref is its ordinal among the commands of the code, which is not that of history
	// once they differ; a cancel has the Ref of what it cancels.
	Ref  int64
	Body history.Body
	// Site is the call site, and Coroutine the name of the coroutine that asked. Both
	// are kept by Explore only.
	Site      history.Site
	Coroutine string

	stack []uintptr
}

// Stack is where the coroutine stood, innermost call first, without the engine's own
// frames.
func (i Issued) Stack() []history.Site { return sitesIn(i.stack) }

func (i issued) shown() Issued {
	return Issued{Seq: i.seq, Ref: i.ref, Body: i.body, Site: siteIn(i.stack), Coroutine: i.coroutine, stack: i.stack}
}
