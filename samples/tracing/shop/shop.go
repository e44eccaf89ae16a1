// Package shop is an order and its shipment: two workflows that run in different
// processes. Nothing in here knows of telemetry but Charge, which adds a span of its
// own as any Go code does.
package shop

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/workflow"
)

// Warehouse is the queue of shipments, which only the warehouse's process serves.
const Warehouse engine.Queue = "warehouse"

// signalPacked is what a shipment tells its order.
const signalPacked = "packed"

var (
	soon      = workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 3, FirstRetryInterval: 10 * time.Millisecond}}
	elsewhere = workflow.SubWorkflowOptions{Queue: Warehouse}
)

// Order reserves and charges, has the goods shipped, and returns who carries them.
func Order(ctx workflow.Context, goods string) (string, error) {
	if _, err := workflow.ExecuteActivity[any](ctx, soon, Reserve, goods).Get(ctx); err != nil {
		return "", err
	}
	if _, err := workflow.ExecuteActivity[any](ctx, soon, Charge, goods).Get(ctx); err != nil {
		return "", err
	}
	shipment := workflow.CreateSubWorkflowInstance[string](ctx, elsewhere, Ship, workflow.WorkflowInstance(ctx).InstanceID, goods)
	workflow.NewSignalChannel[string](ctx, signalPacked).Receive(ctx)
	return shipment.Get(ctx)
}

// Ship packs the goods of an order and tells it so.
func Ship(ctx workflow.Context, order, goods string) (string, error) {
	carrier, err := workflow.ExecuteActivity[string](ctx, soon, Pack, goods).Get(ctx)
	if err != nil {
		return "", err
	}
	_, err = workflow.SignalWorkflow(ctx, order, signalPacked, goods).Get(ctx)
	return carrier, err
}

// Reserve puts goods aside.
func Reserve(context.Context, string) error { return nil }

var errBusy = errors.New("the bank is busy")

// Charge asks the bank, which is busy the first time.
func Charge(ctx context.Context, _ string) error {
	_, span := otel.Tracer("shop").Start(ctx, "call the bank")
	defer span.End()
	if activity.Attempt(ctx) == 0 {
		return errBusy
	}
	return nil
}

// Pack returns who carries the goods.
func Pack(context.Context, string) (string, error) { return "pigeon", nil }
