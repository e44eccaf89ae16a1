package workflow

import (
	"fmt"
)

// Semaphore bounds how much of something coroutines use at a time. Those who wait
// are served in the order in which they came.
type Semaphore interface {
	// Acquire blocks until n can be taken. It returns Canceled, and takes nothing,
	// if ctx is canceled before, and an error that wraps ErrInvalidArgument if n can
	// never be had.
	Acquire(ctx Context, n int64) error
	// TryAcquire takes n if that does not block and nobody waits, and reports whether
	// it did.
	TryAcquire(n int64) bool
	// Release gives n back. It panics if that is more than was taken.
	Release(n int64)
}

// NewSemaphore returns a Semaphore of which n can be taken in all.
func NewSemaphore(n int64) Semaphore { return newSemaphore(n, "semaphore") }

func newSemaphore(n int64, name string) *semaphore {
	return &semaphore{size: n, free: n, name: name}
}

type semaphore struct {
	size, free int64
	name       string
	waiting    queue[*claim]
}

type claim struct {
	n       int64
	granted bool
}

func (s *semaphore) TryAcquire(n int64) bool {
	if n < 0 || s.waiting.len() > 0 || s.free < n {
		return false
	}
	s.free -= n
	return true
}

func (s *semaphore) Acquire(ctx Context, n int64) error {
	if n < 0 || n > s.size {
		return fmt.Errorf("%w: %d can't be acquired from a semaphore of %d", ErrInvalidArgument, n, s.size)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.TryAcquire(n) {
		return nil
	}
	c := &claim{n: n}
	s.waiting.push(c)
	ctx.exec().wait(&until{s.name, func() bool { return c.granted || ctx.Err() != nil }})
	if c.granted {
		return nil
	}
	remove(&s.waiting, c)
	s.grant() // those behind may want less
	return ctx.Err()
}

func (s *semaphore) Release(n int64) {
	if n < 0 || s.free+n > s.size {
		panic(fmt.Sprintf("workflow: %d released to a %s of which %d of %d are free", n, s.name, s.free, s.size))
	}
	s.free += n
	s.grant()
}

func (s *semaphore) grant() {
	for s.waiting.len() > 0 {
		c := s.waiting.items[s.waiting.head]
		if c.n > s.free {
			return
		}
		s.waiting.pop()
		s.free -= c.n
		c.granted = true
	}
}

// Mutex lets one coroutine at a time go on between two points at which it waits.
// Those who wait are served in the order in which they came.
type Mutex interface {
	// Lock blocks until the mutex is free and takes it. It returns Canceled, and does
	// not take it, if ctx is canceled before.
	Lock(ctx Context) error
	// TryLock takes the mutex if it is free and nobody waits, and reports whether it
	// did.
	TryLock() bool
	// Unlock gives it back. It panics if the mutex is free.
	Unlock()
}

// NewMutex returns a Mutex that is free.
func NewMutex() Mutex { return &mutex{newSemaphore(1, "mutex")} }

type mutex struct{ s *semaphore }

func (m *mutex) Lock(ctx Context) error { return m.s.Acquire(ctx, 1) }
func (m *mutex) TryLock() bool          { return m.s.TryAcquire(1) }
func (m *mutex) Unlock()                { m.s.Release(1) }
