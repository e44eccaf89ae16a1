package coro

import (
	"math"
	"sync/atomic"
	"time"
)

const defaultTicks = 8

// watchdog ends turns that take too long. It ticks only while there are turns, and
// is armed at most once per tick, not per turn: a turn costs it one atomic load.
type watchdog struct {
	sched *Scheduler
	tick  time.Duration // 0: off
	ticks int
	timer *time.Timer
	armed atomic.Bool

	// Of the timer's function, which never runs twice at a time.
	seen  uint64 // the turn at the last tick
	count int    // full ticks that it has lasted
}

func (w *watchdog) init(s *Scheduler, o Options) {
	if o.Deadline < 0 {
		return
	}
	if o.Deadline == 0 {
		o.Deadline = DefaultDeadline
	}
	if o.Ticks <= 0 {
		o.Ticks = defaultTicks
	}
	w.sched, w.ticks = s, o.Ticks
	w.tick = max(o.Deadline/time.Duration(o.Ticks), 1)
}

// arm is called by the owner when a turn has begun.
func (w *watchdog) arm() {
	if w.tick == 0 || w.armed.Load() || !w.armed.CompareAndSwap(false, true) {
		return
	}
	if w.timer == nil { // set before its function can run, which uses it
		w.timer = time.AfterFunc(math.MaxInt64, w.look)
	}
	w.timer.Reset(w.tick)
}

// look runs at each tick. It disarms itself when no turn is on, and then looks
// once more: a turn that began just before saw the watchdog armed.
func (w *watchdog) look() {
	t := w.sched.turn.Load()
	if t&1 == 0 {
		w.armed.Store(false)
		if w.sched.turn.Load()&1 == 1 && w.armed.CompareAndSwap(false, true) {
			w.timer.Reset(w.tick)
		}
		return
	}
	if t != w.seen {
		w.seen, w.count = t, 0
	} else if w.count++; w.count >= w.ticks {
		w.bite(t)
		return
	}
	w.timer.Reset(w.tick)
}

// bite takes turn t from the coroutine that has it.
func (w *watchdog) bite(t uint64) {
	c := w.sched.current.Load()
	if !w.sched.turn.CompareAndSwap(t, t+1) {
		w.timer.Reset(w.tick)
		return
	}
	if c.fate.CompareAndSwap(alive, stuck) {
		abandoned.Add(1)
	}
	w.armed.Store(false)
	w.sched.yield <- isStuck
}

// close stops the ticks.
func (w *watchdog) close() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
