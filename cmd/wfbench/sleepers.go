package main

import (
	"context"
	"time"

	"github.com/wfops/wfops/engine/workflow"
)

// sleeper runs an activity that takes d.
func sleeper(ctx workflow.Context, d time.Duration) error {
	_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, do.Sleep, d).Get(ctx)
	return err
}

// sleepers measures what it costs to keep the leases of instances whose activities
// take long: from when all are asleep until shortly before the first wakes.
func sleepers(ctx context.Context, b *bench) error {
	b.activities.asleep = newQuorum(b.instances)
	if err := b.startWorker(ctx); err != nil {
		return err
	}
	end := time.Now().Add(b.period - b.period/10)
	if err := b.start(ctx, "sleeper", sleeper, b.period); err != nil {
		return err
	}
	if err := b.activities.asleep.await(ctx); err != nil {
		return err
	}
	b.ran = b.instances
	if err := b.watch(ctx, time.Until(end)); err != nil {
		return err
	}
	return b.awaitEnd(ctx, "sleeper")
}

// idle measures what a worker costs that has nothing to do. What it does once when
// it starts is over after a second.
func idle(ctx context.Context, b *bench) error {
	if err := b.startWorker(ctx); err != nil {
		return err
	}
	if err := pause(ctx, min(time.Second, b.period)); err != nil {
		return err
	}
	return b.watch(ctx, b.period)
}

// watch notes what the process and the store do during d.
func (b *bench) watch(ctx context.Context, d time.Duration) error {
	var calls counts
	var cpu time.Duration
	err := b.timed(func() error {
		calls0, cpu0 := b.counter.read(), cpuTime()
		err := pause(ctx, d)
		calls, cpu = b.counter.read().minus(calls0), cpuTime()-cpu0
		return err
	})
	b.figures["store_calls_per_second"] = b.perSecond(float64(calls.calls))
	b.figures["writes_per_second"] = b.perSecond(float64(calls.writes))
	b.figures["lease_rows_per_second"] = b.perSecond(float64(calls.leases))
	b.figures["cpu_percent"] = b.perSecond(100 * cpu.Seconds())
	return err
}
