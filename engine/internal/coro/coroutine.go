package coro

import (
	"runtime/debug"
	"sync/atomic"
)

// Coroutine is one cooperative thread of a Scheduler.
type Coroutine struct {
	// Name is for people; it need not be unique.
	Name string
	// Data belongs to the owner of the scheduler.
	Data any

	sched   *Scheduler
	fn      func()
	resume  chan struct{} // closed to make the coroutine exit; nil before its first turn
	on      Waiter        // nil before its first turn
	exiting bool          // by Exit
	ended   bool
	turn    atomic.Uint64 // its last turn
	id      atomic.Int64
	fate    atomic.Int32
}

// Fates of a coroutine. The watchdog moves it from alive to stuck, the goroutine
// itself from either to gone.
const (
	alive int32 = iota
	stuck
	gone
)

// abandoned counts the coroutines that are stuck.
var abandoned atomic.Int64

// Abandoned returns the number of coroutines of this process that were found
// stuck and have not ended yet. They may still use the CPU.
func Abandoned() int64 { return abandoned.Load() }

// ID returns the id of its goroutine, or 0 before its first turn.
func (c *Coroutine) ID() int64 { return c.id.Load() }

func (c *Coroutine) main() {
	c.id.Store(goroutineID())
	returned := false
	defer func() { c.finish(returned, recover()) }()
	c.fn()
	returned = true
}

// finish ends the last turn of c. If the turn was taken from it, because c was
// stuck or because a foreign goroutine waited in its place, nobody is listening.
func (c *Coroutine) finish(returned bool, panicked any) {
	s := c.sched
	var failed *PanicError
	if !returned && !c.exiting && !s.closed.Load() {
		if panicked == nil {
			panicked = ErrGoexit
		}
		failed = &PanicError{Name: c.Name, Value: panicked, Stack: CleanStack(string(debug.Stack()))}
	}
	if c.fate.Swap(gone) == stuck {
		abandoned.Add(-1)
	}
	if t := c.turn.Load(); !s.turn.CompareAndSwap(t, t+1) {
		return
	}
	c.ended, c.fn, c.on = true, nil, nil
	if failed != nil {
		s.err = failed
	}
	s.yield <- cameBack
}
