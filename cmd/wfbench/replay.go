package main

import (
	"context"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

const goOn = "go on"

// recorded runs activities one after another until the history has as many events
// as are asked for, and then waits for the signal to end.
func recorded(ctx workflow.Context, events int) (int64, error) {
	for i := 0; workflow.InstanceExecutionDetails(ctx).HistoryLength < int64(events); i++ {
		if _, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, do.Number, i).Get(ctx); err != nil {
			return 0, err
		}
	}
	workflow.NewSignalChannel[int](ctx, goOn).Receive(ctx)
	return workflow.InstanceExecutionDetails(ctx).HistoryLength, nil
}

// replay measures what it costs a worker that has never seen an execution to take
// it over: reading its history from the store, decoding and replaying it. The time
// is from the signal to the result, with the new worker waiting.
func replay(ctx context.Context, b *bench) error {
	if err := b.startWorker(ctx); err != nil {
		return err
	}
	if err := b.start(ctx, "replay", recorded, b.steps); err != nil {
		return err
	}
	if err := b.awaitWaiting(ctx, "replay", engine.WaitSignal); err != nil {
		return err
	}
	events := int64(0)
	for i := range b.instances {
		if err := b.restartWorker(ctx); err != nil {
			return err
		}
		h := client.HandleOf[int64](b.client, engine.Instance{InstanceID: instanceID("replay", i)})
		err := b.timed(func() error {
			start := time.Now()
			if err := h.Signal(ctx, goOn, 0); err != nil {
				return err
			}
			n, err := h.Get(ctx)
			b.took(time.Since(start))
			events += n
			return err
		})
		if err != nil {
			return err
		}
	}
	b.figures["events"] = float64(events)
	b.figures["events_per_second"] = b.perSecond(float64(events))
	return nil
}
