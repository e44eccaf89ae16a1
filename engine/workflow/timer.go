package workflow

import (
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/internal/command"
)

// timerOption is an option of ScheduleTimer.
type timerOption func(*command.StartTimer)

// WithTimerName names a timer for the console and for traces.
func WithTimerName(name string) timerOption { //nolint:revive // the documented signature
	return func(c *command.StartTimer) { c.Name = name }
}

// ScheduleTimer returns a future that is resolved after delay. Cancel ctx to
// cancel the timer; the future is then resolved with Canceled. A delay of zero or
// less is recorded too, and over at once: whether there is a command must not
// depend on a duration.
func ScheduleTimer(ctx Context, delay time.Duration, opts ...timerOption) Future[any] {
	x := ctx.exec()
	if err := x.admit(ctx, "start a timer"); err != nil {
		return failed[any](err)
	}
	c := command.StartTimer{After: max(delay, 0)}
	for _, o := range opts {
		o(&c)
	}
	if c.Name != "" {
		if err := engine.CheckName("timer name", c.Name); err != nil {
			return failed[any](err)
		}
	}
	return &answer[any]{x: x, o: track(ctx, x.sink.StartTimer(c)), what: &timerAnswer, name: c.Name}
}

// Sleep blocks the calling coroutine for d. It returns Canceled if ctx is canceled
// before.
func Sleep(ctx Context, d time.Duration) error {
	_, err := ScheduleTimer(ctx, d).Get(ctx)
	return err
}

// Now returns the current time of the workflow, in UTC: the time at which the step
// that the code is in was begun. It is the same on replay, and does not move while
// code runs.
func Now(ctx Context) time.Time { return ctx.exec().sink.Now() }
