package tester

import (
	"context"
	"log/slog"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
)

// WithActivityTestState returns a context with which an activity can be called in
// a unit test of its own: as the first attempt of the activity with that ID of that
// instance. Heartbeats go nowhere. A nil logger means slog.Default.
func WithActivityTestState(ctx context.Context, activityID, instanceID string, logger *slog.Logger) context.Context {
	return activity.NewContext(ctx, &activity.State{
		Info:   activity.Task{ID: activityID, Instance: engine.Instance{InstanceID: instanceID}, Attempt: 1},
		Logger: logger,
	})
}
