package activity_test

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
)

// Import reports how far it has come, and goes on from there if it is tried
// again.
func Import(ctx context.Context, rows int) (int, error) {
	done, _, err := activity.LastHeartbeat[int](ctx)
	if err != nil {
		return 0, err
	}
	for ; done < rows; done++ {
		if err := activity.Heartbeat(ctx, done); err != nil {
			return done, err // canceled, timed out, lost its lease, or shutting down
		}
	}
	return done, nil
}

func ExampleHeartbeat() {
	heartbeats := 0
	ctx := activity.NewContext(context.Background(), &activity.State{
		Info:      activity.Task{Attempt: 2},
		Details:   engine.Payload("97"), // the first attempt came this far
		Heartbeat: func(context.Context, engine.Payload) error { heartbeats++; return nil },
	})
	fmt.Println(Import(ctx, 100))
	fmt.Println(heartbeats, "heartbeats in this attempt,", activity.Attempt(ctx), "attempt before")
	// Output:
	// 100 <nil>
	// 3 heartbeats in this attempt, 1 attempt before
}
