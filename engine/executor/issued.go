package executor

import (
	"runtime"

	"github.com/wfops/wfops/engine/history"
)

// issued is a command that workflow code asked for and that is not yet held
// against history, or not yet added to it.
type issued struct {
	ref  int64
	body history.Body
	// stack of the code that asked and the name of its coroutine, kept on replay
	// only, for the report of a mismatch.
	stack     []uintptr
	coroutine string
}

// queue holds issued commands, oldest first. Its memory is used again once it has
// been empty.
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
	if q.head++; q.head == len(q.all) {
		q.all, q.head = q.all[:0], 0
	}
	return i, true
}

func (e *Executor) issue(ref int64, body history.Body) {
	i := issued{ref: ref, body: body}
	if e.replaying {
		i.stack = e.stack()
		if c := e.sched.Current(); c != nil {
			i.coroutine = c.Name
		}
	}
	e.issued.add(i)
}

// maxFrames bounds how much of a stack is kept.
const maxFrames = 32

// stack returns the stack of the calling coroutine, unresolved. Its memory goes
// back to spare once the command was found to match.
func (e *Executor) stack() []uintptr {
	var pcs []uintptr
	if n := len(e.spare); n > 0 {
		pcs, e.spare = e.spare[n-1], e.spare[:n-1]
	} else {
		pcs = make([]uintptr, maxFrames)
	}
	return pcs[:runtime.Callers(3, pcs[:maxFrames])]
}
