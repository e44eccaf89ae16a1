package workflow

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
)

// ActivityOptions say where, how often and for how long an activity is run.
type ActivityOptions struct {
	// Queue to run it on; empty means the queue of the workflow instance.
	Queue Queue
	// RetryOptions of the activity. The zero value does not retry; see
	// DefaultActivityOptions.
	RetryOptions RetryOptions

	// ID names the activity in the console; it need not be unique.
	ID string
	// ScheduleToStart bounds the time until an attempt starts, StartToClose the
	// time of one attempt, ScheduleToClose the time of all attempts together, and
	// Heartbeat the time between two heartbeats. 0 means no bound.
	ScheduleToStart time.Duration
	StartToClose    time.Duration
	ScheduleToClose time.Duration
	Heartbeat       time.Duration
}

// DefaultActivityOptions make three attempts, without a delay between them.
var DefaultActivityOptions = ActivityOptions{RetryOptions: DefaultRetryOptions}

// check returns an error that wraps ErrInvalidArgument if o can't be meant.
func (o ActivityOptions) check() error {
	if o.ID != "" {
		if err := engine.CheckName("ActivityOptions.ID", o.ID); err != nil {
			return err
		}
	}
	if o.Queue != "" {
		if err := engine.CheckName("ActivityOptions.Queue", string(o.Queue)); err != nil {
			return err
		}
	}
	if min(o.ScheduleToStart, o.StartToClose, o.ScheduleToClose, o.Heartbeat) < 0 {
		return fmt.Errorf("%w: ActivityOptions holds a negative timeout", ErrInvalidArgument)
	}
	return o.RetryOptions.Check()
}

// ExecuteActivity schedules an activity and returns its future result. activity is
// the function, a method of a registered struct, or a registered name. An activity
// runs at least once, unless ctx is canceled; its result is applied exactly once.
func ExecuteActivity[TResult any](ctx Context, options ActivityOptions, activity Activity, args ...any) Future[TResult] {
	x := ctx.exec()
	if err := x.admit(ctx, "execute an activity"); err != nil {
		return failed[TResult](err)
	}
	c, err := x.activityCommand(ctx, options, activity, args)
	if err != nil {
		return failed[TResult](err)
	}
	return &answer[TResult]{x: x, o: track(ctx, x.sink.ScheduleActivity(c)), what: &activityAnswer, name: c.Name}
}

func (x *execution) activityCommand(ctx Context, options ActivityOptions, activity Activity, args []any) (command.ScheduleActivity, error) {
	var c command.ScheduleActivity
	name, err := x.settings.ActivityName(activity, args)
	if err != nil {
		return c, err
	}
	if err := options.check(); err != nil {
		return c, fmt.Errorf("activity %q: %w", name, err)
	}
	payloads, err := x.encode(args)
	if err != nil {
		return c, fmt.Errorf("activity %q: %w", name, err)
	}
	headers, err := x.headers(ctx)
	if err != nil {
		return c, fmt.Errorf("activity %q: %w", name, err)
	}
	return command.ScheduleActivity{
		Name: name, ID: options.ID, Args: payloads, Queue: options.Queue, Retry: options.RetryOptions, Headers: headers,
		Timeouts: history.Timeouts{
			ScheduleToStart: options.ScheduleToStart,
			StartToClose:    options.StartToClose,
			ScheduleToClose: options.ScheduleToClose,
			Heartbeat:       options.Heartbeat,
		},
	}, nil
}
