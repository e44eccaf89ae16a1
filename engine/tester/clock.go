package tester

import (
	"container/heap"
	"time"
)

// clock is the time of a world, and what is due in it. It is guarded by the lock of
// the world.
type clock struct {
	wall   bool
	now    time.Time // if not wall
	offset time.Duration
	agenda agenda
	added  int64
}

func newClock(o options) clock {
	c := clock{wall: o.mode == TM_WallClock, now: o.start.UTC()}
	if o.start.IsZero() {
		c.now = initialTime
	}
	if c.wall && !o.start.IsZero() {
		c.offset = time.Until(o.start)
	}
	return c
}

func (c *clock) time() time.Time {
	if c.wall {
		return time.Now().Add(c.offset).Round(0).UTC()
	}
	return c.now
}

// entry is something that is due at a time. run is called without the lock.
type entry struct {
	at  time.Time
	seq int64 // among those of one time
	run func()
	off bool
}

// cancel makes sure that e is not run any more; e may be nil.
func (e *entry) cancel() {
	if e != nil {
		e.off = true
	}
}

func (c *clock) at(t time.Time, run func()) *entry {
	c.added++
	e := &entry{at: t, seq: c.added, run: run}
	heap.Push(&c.agenda, e)
	return e
}

func (c *clock) after(d time.Duration, run func()) *entry { return c.at(c.time().Add(d), run) }

// next returns the entry that is due first, or nil.
func (c *clock) next() *entry {
	for len(c.agenda) > 0 && c.agenda[0].off {
		heap.Pop(&c.agenda)
	}
	if len(c.agenda) == 0 {
		return nil
	}
	return c.agenda[0]
}

// takeDue removes and returns the entry that is due first, or nil if none is due
// yet.
func (c *clock) takeDue() *entry {
	e := c.next()
	if e == nil || e.at.After(c.time()) {
		return nil
	}
	heap.Pop(&c.agenda)
	return e
}

// agenda is a heap of entries, in the order in which they are due.
type agenda []*entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].seq < a[j].seq
	}
	return a[i].at.Before(a[j].at)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any) {
	if e, ok := x.(*entry); ok {
		*a = append(*a, e)
	}
}
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return e
}
