package main

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

// perTimer is how long it may take to set a timer: all of them have to stand when
// the first is due.
const perTimer = time.Millisecond

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
	first := time.Now().Add(time.Second + time.Duration(b.instances)*perTimer)
	if err := b.startAlarms(ctx, first); err != nil {
		return err
	}
	if err := b.awaitWaiting(ctx, "timer", engine.WaitTimer); err != nil {
		return err
	}
	if err := b.restartWorker(ctx); err != nil {
		return err
	}
	if left := time.Until(first); left < 0 {
		return fmt.Errorf("the timers were set %v after the first was due: the store takes more than %v for each", -left, perTimer)
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
