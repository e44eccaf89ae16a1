package worker

import (
	"sync/atomic"
	"time"
)

// clock estimates the store's clock from its answers. Leases, timers and the time
// of events go by it, so that the clocks of workers need not agree.
//
// It counts on the monotonic clock of this machine: a step of the local wall
// clock moves nothing.
type clock struct {
	epoch time.Time
	// shift is the store's time in Unix nanoseconds when the epoch was.
	shift atomic.Int64
}

func newClock() *clock {
	c := &clock{epoch: time.Now()}
	c.shift.Store(c.epoch.UnixNano())
	return c
}

// mark is a moment on the local clock.
func (c *clock) mark() time.Duration { return time.Since(c.epoch) }

// now is the time of the store.
func (c *clock) now() time.Time {
	return time.Unix(0, c.shift.Load()+int64(c.mark())).UTC()
}

// until is how long it takes until the store's clock shows t.
func (c *clock) until(t time.Time) time.Duration { return t.Sub(c.now()) }

// learn takes in an answer that was asked for at sent and gives the store's time
// as now. The store read its clock at some moment in between. An estimate that
// fits in between stays: a slow answer says less than the quick one before it.
// Otherwise the new one is that the store read its clock halfway.
func (c *clock) learn(sent time.Duration, now time.Time) {
	if now.IsZero() {
		return
	}
	answered := c.mark()
	least, most := now.UnixNano()-int64(answered), now.UnixNano()-int64(sent)
	if s := c.shift.Load(); s < least || s > most {
		c.shift.Store(least + (most-least)/2)
	}
}
