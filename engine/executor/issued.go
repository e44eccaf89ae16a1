package executor

import "github.com/wfops/wfops/engine/history"

// issued is a command that workflow code asked for and that is not yet held
// against history, or not yet added to it.
type issued struct {
	ref  int64
	body history.Body
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

func (e *Executor) issue(ref int64, body history.Body) {
	i := issued{ref: ref, body: body}
	if e.stacks {
		i.stack = callers()
		if c := e.sched.Current(); c != nil {
			i.coroutine = c.Name
		}
	}
	e.issued.add(i)
}
