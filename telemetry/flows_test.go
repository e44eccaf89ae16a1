package telemetry_test

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
)

// The workflows that are traced here.

func Simple(ctx workflow.Context, name string) (string, error) {
	if _, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Greet, name).Get(ctx); err != nil {
		return "", err
	}
	return workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Greet, name).Get(ctx)
}

func Greet(_ context.Context, name string) (string, error) { return "hello " + name, nil }

var errDeclined = errors.New("card declined")

func Retried(ctx workflow.Context) error {
	options := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 3, FirstRetryInterval: time.Millisecond}}
	if _, err := workflow.ExecuteActivity[any](ctx, options, Flaky, 2).Get(ctx); err != nil {
		return err
	}
	_, err := workflow.ExecuteActivity[any](ctx, options, Flaky, 9).Get(ctx)
	return err
}

// Flaky fails so many times.
func Flaky(ctx context.Context, failures int) error {
	if activity.Attempt(ctx) < failures {
		return errDeclined
	}
	return nil
}

func Parent(ctx workflow.Context) (string, error) {
	return workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{InstanceID: "child"}, Simple, "ada").Get(ctx)
}

func Orphaning(ctx workflow.Context) error {
	_, err := workflow.CreateSubWorkflowInstance[any](ctx, workflow.SubWorkflowOptions{InstanceID: "child"}, Failing).Get(ctx)
	return err
}

func Failing(workflow.Context) error { return workflow.NewPermanentError(errDeclined) }

func Waiting(ctx workflow.Context) (string, error) {
	v, _ := workflow.NewSignalChannel[string](ctx, "go").Receive(ctx)
	return v, nil
}

func Sending(ctx workflow.Context, to string) error {
	_, err := workflow.SignalWorkflow(ctx, to, "go", "on").Get(ctx)
	return err
}

func Timed(ctx workflow.Context) error {
	if _, err := workflow.ScheduleTimer(ctx, time.Millisecond, workflow.WithTimerName("short")).Get(ctx); err != nil {
		return err
	}
	inner, cancel := workflow.WithCancel(ctx)
	long := workflow.ScheduleTimer(inner, time.Hour)
	cancel()
	if _, err := long.Get(ctx); !errors.Is(err, workflow.Canceled) {
		return errors.New("the timer was not canceled")
	}
	workflow.ScheduleTimer(ctx, time.Hour, workflow.WithTimerName("left behind"))
	return nil
}

func Continued(ctx workflow.Context, rounds int) (int, error) {
	if _, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Greet, "again").Get(ctx); err != nil {
		return 0, err
	}
	if rounds > 0 {
		return 0, workflow.ContinueAsNew(ctx, rounds-1)
	}
	return 7, nil
}

func Canceling(ctx workflow.Context) error {
	_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, Hang).Get(ctx)
	return err
}

// Family has all that a trace is passed on to.
func Family(ctx workflow.Context, id string) error {
	child := workflow.CreateSubWorkflowInstance[any](ctx, workflow.SubWorkflowOptions{InstanceID: "child-" + id}, Tracing, 1)
	_, err := child.Get(ctx)
	return err
}

func Tracing(ctx workflow.Context, rounds int) error {
	_, span := telemetry.Tracer(ctx).Start(ctx, "mine")
	_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, "Traced").Get(ctx)
	span.End()
	if err == nil && rounds > 0 {
		return workflow.ContinueAsNew(ctx, rounds-1)
	}
	return err
}

// Lost has an activity that the first worker does not bring to an end.
func Lost(ctx workflow.Context) (string, error) {
	options := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 2, FirstRetryInterval: time.Millisecond}}
	return workflow.ExecuteActivity[string](ctx, options, Slow).Get(ctx)
}

// Slow hangs at the first attempt.
func Slow(ctx context.Context) (string, error) {
	if activity.Attempt(ctx) == 0 {
		return "", Hang(ctx)
	}
	return "done", nil
}

// Late has an activity that takes longer than a lease, the first time.
func Late(ctx workflow.Context) error {
	options := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 9, FirstRetryInterval: time.Millisecond}}
	_, err := workflow.ExecuteActivity[any](ctx, options, Long).Get(ctx)
	return err
}

func Long(ctx context.Context) error {
	if activity.Attempt(ctx) > 0 {
		return nil
	}
	select {
	case <-time.After(1500 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Twice is asked for two things, with a span of its own around each.
func Twice(ctx workflow.Context) (string, error) {
	all := ""
	for range 2 {
		inner, span := telemetry.Tracer(ctx).Start(ctx, "wait", trace.WithAttributes(attribute.String("for", "go")))
		v, _ := workflow.NewSignalChannel[string](inner, "go").Receive(inner)
		_, deep := telemetry.Tracer(inner).Start(inner, "greet")
		deep.AddEvent("greeting", trace.WithAttributes(attribute.String("name", v)))
		if _, err := workflow.ExecuteActivity[string](inner, workflow.DefaultActivityOptions, Greet, v).Get(inner); err != nil {
			return "", err
		}
		deep.SetError(errDeclined)
		deep.End()
		span.SetAttributes(attribute.String("got", v))
		span.End()
		all += v
	}
	return all, nil
}

// Hang waits to be canceled.
func Hang(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}
