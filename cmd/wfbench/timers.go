package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

// perTimer is how long it may take to set a timer, and beforehand how long to get
// going: all of them have to stand when the first is due.
const (
	perTimer   = time.Millisecond
	beforehand = 4 * time.Second
)

// alarm waits until due, and tells how late it is.
func alarm(ctx workflow.Context, due time.Time) error {
	if err := workflow.Sleep(ctx, due.Sub(workflow.Now(ctx))); err != nil {
		return err
	}
	_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, do.Ring, due).Get(ctx)
	return err
}

// timers measures how late an activity begins that follows a timer, on a worker
// that knows none of the instances when they are due.
func timers(ctx context.Context, b *bench) error {
	b.activities.late = b.took
	if err := b.startWorker(ctx); err != nil {
		return err
	}
	first := time.Now().Add(beforehand + time.Duration(b.instances)*perTimer)
	// Once the first has fired they never all wait.
	setting, cancel := context.WithDeadline(ctx, first)
	defer cancel()
	err := b.startAlarms(setting, first)
	if err == nil {
		err = b.awaitWaiting(setting, "timer", engine.WaitTimer)
	}
	if err == nil {
		err = b.restartWorker(ctx)
	}
	if err != nil || time.Now().After(first) {
		return errors.Join(err, fmt.Errorf("not all timers were set when the first was due: the store takes more than %v for each", perTimer))
	}
	if err := pause(ctx, time.Until(first)); err != nil {
		return err
	}
	b.ran = b.instances
	return b.timed(func() error {
		return b.awaitEnd(ctx, "timer")
	})
}

// startAlarms spreads the timers evenly over the period, in no order.
func (b *bench) startAlarms(ctx context.Context, first time.Time) error {
	return b.each(ctx, b.instances, func(ctx context.Context, i int) error {
		at := first.Add(b.period / time.Duration(b.instances) * time.Duration(i*7919%b.instances))
		return b.create(ctx, instanceID("timer", i), alarm, at)
	})
}
