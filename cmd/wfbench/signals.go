package main

import (
	"context"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

const tick = "tick"

// listener receives so many signals.
func listener(ctx workflow.Context, n int) (int, error) {
	c, sum := workflow.NewSignalChannel[int](ctx, tick), 0
	for range n {
		v, _ := c.Receive(ctx)
		sum += v
	}
	return sum, nil
}

// signals measures how many signals get through from a client to a workflow's
// code. Each instance gets its signals from one sender, one after another, so that
// the time of a signal is that of one durable write.
func signals(ctx context.Context, b *bench) error {
	if err := b.startWorker(ctx); err != nil {
		return err
	}
	if err := b.start(ctx, "signals", listener, b.steps); err != nil {
		return err
	}
	if err := b.awaitWaiting(ctx, "signals", engine.WaitSignal); err != nil {
		return err
	}
	err := b.timed(func() error {
		if err := b.each(ctx, b.instances, b.signal); err != nil {
			return err
		}
		return b.awaitEnd(ctx, "signals")
	})
	b.figures["signals_per_second"] = b.perSecond(float64(b.instances * b.steps))
	return err
}

func (b *bench) signal(ctx context.Context, i int) error {
	for n := range b.steps {
		start := time.Now()
		if err := b.client.SignalWorkflow(ctx, instanceID("signals", i), tick, n); err != nil {
			return err
		}
		b.took(time.Since(start))
	}
	return nil
}
