package workflow

import (
	"time"

	"github.com/wfops/wfops/engine/internal/command"
)

// AwaitCondition blocks until fn returns true. fn is called in the calling
// coroutine, first at once and then whenever an event arrived or another coroutine
// went on. It must not use the engine other than to read: if it requests or waits
// for something, AwaitCondition returns an error that wraps ErrInvalidArgument. It
// returns Canceled if ctx is canceled and fn still returns false.
func AwaitCondition(ctx Context, fn func() bool) error {
	for waited := false; ; waited = true {
		ok, err := ctx.exec().holds(fn)
		if err != nil {
			return err
		}
		if ok {
			if waited { // what follows may matter to other conditions
				ctx.exec().epoch++
			}
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		awaitChange(ctx)
	}
}

// AwaitConditionWithTimeout is AwaitCondition for at most timeout. ok reports
// whether fn returned true. No timer is started if it does at once.
func AwaitConditionWithTimeout(ctx Context, timeout time.Duration, fn func() bool) (ok bool, err error) {
	if ok, err = ctx.exec().holds(fn); ok || err != nil {
		return ok, err
	}
	tctx, cancel := WithCancel(ctx)
	defer cancel()
	timer, _ := ScheduleTimer(tctx, timeout, WithTimerName("condition")).(command.Waiter) // all our futures are
	err = AwaitCondition(ctx, func() bool {
		ok = fn()
		return ok || timer.Ready()
	})
	if !ok && err == nil {
		err = ctx.Err() // the timer was canceled, not over
	}
	return ok, err
}

// holds evaluates a condition.
func (x *execution) holds(fn func() bool) (ok bool, err error) {
	x.mustIssue("wait for a condition")
	err = x.within("a condition", func() { ok = fn() })
	return ok && err == nil, err
}

// awaitChange blocks until something may have changed that a condition depends on.
// It does not count as a change itself: two conditions that are both false would
// wake each other for ever.
func awaitChange(ctx Context) {
	x := ctx.exec()
	epoch, applied := x.epoch, x.sink.Applied()
	x.sink.Wait(&until{"condition", func() bool {
		return x.epoch != epoch || x.sink.Applied() != applied
	}})
}
