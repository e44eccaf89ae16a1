package coro

import (
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"
)

// DefaultDeadline is how long a coroutine may run before it is taken for stuck.
const DefaultDeadline = 2 * time.Second

// Options of a Scheduler. The zero value works.
type Options struct {
	// Deadline of each turn: 0 means DefaultDeadline, less than 0 none.
	Deadline time.Duration
	// Ticks is the number of steps in which the deadline is counted, default 8.
	// A tick that comes late, because the process was suspended, counts as one.
	// A coroutine is stuck after Deadline at the earliest, and one tick later at
	// the latest.
	Ticks int
}

// Scheduler owns a set of coroutines. Exactly one of them, or the caller of Run,
// executes at any moment. Run, Close, Live and, between calls of Run, Go and
// GoFirst are for one goroutine, the owner; all else is for coroutines.
type Scheduler struct {
	live []*Coroutine // in the order of creation
	// first are to be put before all of live when the next pass begins.
	first []*Coroutine
	ended int  // coroutines in live that have ended
	stop  bool // Run returns after this turn
	err   error

	// turn is odd while a coroutine has its turn. It only grows.
	turn    atomic.Uint64
	current atomic.Pointer[Coroutine]
	yield   chan verdict
	closed  atomic.Bool
	foreign atomic.Pointer[ForeignError]
	watch   watchdog
}

type verdict bool

const (
	cameBack verdict = false
	isStuck  verdict = true
)

// New returns a scheduler without coroutines. It holds no resources until the
// first Run; Close frees them.
func New(o Options) *Scheduler {
	s := &Scheduler{yield: make(chan verdict)}
	s.watch.init(s, o)
	return s
}

// Go adds a coroutine. During a turn it first runs after the calling coroutine
// waits or ends, in the order of creation.
func (s *Scheduler) Go(name string, fn func()) *Coroutine {
	c := s.coroutine(name, fn)
	s.live = append(s.live, c)
	return c
}

// GoFirst adds a coroutine that runs before all others, whenever they were added.
// Of two the later one is the first.
func (s *Scheduler) GoFirst(name string, fn func()) *Coroutine {
	c := s.coroutine(name, fn)
	s.first = append(s.first, c)
	return c
}

func (s *Scheduler) coroutine(name string, fn func()) *Coroutine {
	return &Coroutine{Name: name, sched: s, fn: fn}
}

// Current returns the coroutine whose turn it is, or nil.
func (s *Scheduler) Current() *Coroutine { return s.current.Load() }

// Check ends the calling goroutine, running its deferred calls, unless a
// coroutine has its turn and may go on. It is meant to be the first statement of
// every call from the code of coroutines. It costs two atomic loads.
func (s *Scheduler) Check() { s.enter() }

// enter returns the coroutine whose turn it is, and the turn.
func (s *Scheduler) enter() (*Coroutine, uint64) {
	if s.closed.Load() {
		runtime.Goexit()
	}
	t := s.turn.Load()
	c := s.current.Load()
	if t&1 == 0 || c == nil {
		s.endForeign()
	}
	if c.exiting {
		runtime.Goexit()
	}
	return c, t
}

// Waiter is what a coroutine waits for.
type Waiter interface {
	// Ready reports whether the coroutine can go on. It is called by the coroutine,
	// and then by Run between turns; it must be cheap and must not call into the
	// scheduler. If it panics, the coroutine has panicked.
	Ready() bool
}

// Until is a Waiter that is a function.
type Until func() bool

// Ready implements Waiter.
func (u Until) Ready() bool { return u() }

// Wait blocks the calling coroutine until on is ready.
func (s *Scheduler) Wait(on Waiter) {
	c, t := s.enter()
	if on.Ready() {
		return
	}
	if !s.turn.CompareAndSwap(t, t+1) {
		s.endForeign()
	}
	c.on = on // Run waits for the verdict: c is ours until it is sent
	s.yield <- cameBack
	if _, ok := <-c.resume; !ok {
		runtime.Goexit()
	}
}

// Exit ends the calling coroutine. Its deferred calls run; a call into the
// scheduler in one of them ends that one too.
func (s *Scheduler) Exit() {
	c, _ := s.enter()
	c.exiting = true
	runtime.Goexit()
}

// Stop makes Run return as soon as the calling coroutine waits or ends.
func (s *Scheduler) Stop() {
	s.enter()
	s.stop = true
}

// endForeign ends a goroutine that is not the one whose turn it is: one that the
// code of a coroutine started, or a stuck coroutine that came back.
func (s *Scheduler) endForeign() {
	s.foreign.CompareAndSwap(nil, &ForeignError{Stack: CleanStack(string(debug.Stack()))})
	runtime.Goexit()
}

// Run runs coroutines, one at a time in the order of creation, until all are
// waiting or have ended. A coroutine that waits gets a turn only when it is ready.
// Run returns a *StuckError, *PanicError or *ForeignError at once when there is
// one, and from then on only that; the owner should Close.
func (s *Scheduler) Run() (err error) {
	var c *Coroutine
	defer func() {
		if v := recover(); v != nil { // in what c waits for
			s.err = &PanicError{Name: c.Name, Value: v, Stack: CleanStack(string(debug.Stack()))}
			err = s.err
		}
	}()
	s.stop = false
	s.noteForeign()
	for progress := true; progress && s.err == nil; {
		progress = false
		s.admit()
		for i := 0; i < len(s.live); i++ { // grows while it runs
			c = s.live[i]
			if c.ended || c.on != nil && !c.on.Ready() {
				continue
			}
			progress = true
			if s.take(c); s.err != nil || s.stop {
				return s.err
			}
		}
		s.sweep()
	}
	s.noteForeign()
	return s.err
}

// take gives c a turn.
func (s *Scheduler) take(c *Coroutine) {
	s.begin(c)
	if c.resume == nil {
		c.resume = make(chan struct{})
		go c.main()
	} else {
		c.on = nil
		c.resume <- struct{}{}
	}
	s.finish(c)
}

func (s *Scheduler) begin(c *Coroutine) {
	t := s.turn.Load() + 1
	c.turn.Store(t)
	s.current.Store(c)
	s.turn.Store(t)
	s.watch.arm()
}

// finish waits for the end of c's turn.
func (s *Scheduler) finish(c *Coroutine) {
	v := <-s.yield
	s.current.Store(nil)
	if v == isStuck {
		c.ended = true
		if !s.closed.Load() {
			s.err = &StuckError{Name: c.Name, Stack: stackOf(c.ID())}
		}
	}
	if c.ended {
		s.ended++
	}
	s.noteForeign()
}

func (s *Scheduler) noteForeign() {
	if f := s.foreign.Load(); f != nil && s.err == nil {
		s.err = f
	}
}

// admit puts the coroutines of GoFirst in their place.
func (s *Scheduler) admit() {
	if len(s.first) == 0 {
		return
	}
	live := make([]*Coroutine, 0, len(s.first)+len(s.live))
	for _, c := range slices.Backward(s.first) {
		live = append(live, c)
	}
	s.live = append(live, s.live...)
	s.first = nil
}

// sweep forgets the coroutines that have ended.
func (s *Scheduler) sweep() {
	if s.ended == 0 {
		return
	}
	kept := s.live[:0]
	for _, c := range s.live {
		if !c.ended {
			kept = append(kept, c)
		}
	}
	clear(s.live[len(kept):])
	s.live, s.ended = kept, 0
}

// Live returns the coroutines that have not ended, in the order they run. The
// slice is good until the next call; nobody changes it.
func (s *Scheduler) Live() []*Coroutine {
	s.admit()
	s.sweep()
	return s.live
}

// Close ends all coroutines, one after another in the order of creation: those
// that wait return from Wait by ending, so that their deferred calls run. One that
// takes longer than the deadline for it is abandoned. What they panic with is
// dropped. Run returns ErrClosed afterwards, unless it has another error. Closing
// twice is allowed, closing in a coroutine is not.
func (s *Scheduler) Close() {
	if s.closed.Swap(true) {
		return
	}
	if s.err == nil {
		s.err = ErrClosed
	}
	s.admit()
	for _, c := range s.live {
		s.end(c)
	}
	s.live, s.ended = nil, 0
	s.watch.close()
}

// end makes c exit and waits for it.
func (s *Scheduler) end(c *Coroutine) {
	if c.resume == nil {
		return // never ran
	}
	if c.ended || c.fate.Load() != alive {
		close(c.resume) // for a foreign goroutine that waits in its place
		return
	}
	s.begin(c)
	close(c.resume)
	s.finish(c)
}
