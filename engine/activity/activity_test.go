package activity_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
)

func TestOutsideAnActivity(t *testing.T) {
	for name, ctx := range map[string]context.Context{"plain": t.Context(), "nil": nil} {
		t.Run(name, func(t *testing.T) {
			if activity.Attempt(ctx) != 0 || activity.Info(ctx) != (activity.Task{}) {
				t.Error("not zero")
			}
			activity.Logger(ctx).Error("nobody hears this")
			if err := activity.Heartbeat(ctx, 1); !errors.Is(err, activity.ErrNoActivity) {
				t.Errorf("Heartbeat: %v", err)
			}
			if v, ok, err := activity.LastHeartbeat[int](ctx); v != 0 || ok || !errors.Is(err, activity.ErrNoActivity) {
				t.Errorf("LastHeartbeat: %v, %v, %v", v, ok, err)
			}
		})
	}
}

func TestInfoAndAttempt(t *testing.T) {
	task := activity.Task{Instance: engine.Instance{InstanceID: "i", ExecutionID: "e"}, Workflow: "W", Activity: "A", ID: "id", Attempt: 3}
	var out bytes.Buffer
	ctx := activity.NewContext(t.Context(), &activity.State{Info: task, Logger: slog.New(slog.NewTextHandler(&out, nil))})
	if activity.Info(ctx) != task {
		t.Errorf("info %+v", activity.Info(ctx))
	}
	if n := activity.Attempt(ctx); n != 2 {
		t.Errorf("attempt %d, want 2: two were made before", n)
	}
	activity.Logger(ctx).Info("hello")
	for _, want := range []string{"msg=hello", "workflow=W", "instance_id=i", "execution_id=e", "activity=A", "activity_id=id", "attempt=3"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the line lacks %s: %s", want, out.String())
		}
	}
	if activity.Logger(activity.NewContext(t.Context(), &activity.State{})) == nil {
		t.Error("no logger by default")
	}
}

func TestHeartbeat(t *testing.T) {
	lost := errors.New("lost")
	for name, c := range map[string]struct {
		details []any
		answer  error
		want    string // what arrives
		wantErr error
	}{
		"none":      {nil, nil, "", nil},
		"one":       {[]any{"half"}, nil, `"half"`, nil},
		"two":       {[]any{1, 2}, nil, "-", engine.ErrInvalidArgument},
		"unencoded": {[]any{make(chan int)}, nil, "-", engine.ErrInvalidArgument},
		"refused":   {nil, lost, "", lost},
	} {
		t.Run(name, func(t *testing.T) {
			got := "-"
			ctx := activity.NewContext(t.Context(), &activity.State{Heartbeat: func(_ context.Context, p engine.Payload) error {
				got = string(p)
				return c.answer
			}})
			if err := activity.Heartbeat(ctx, c.details...); !errors.Is(err, c.wantErr) {
				t.Errorf("error %v, want %v", err, c.wantErr)
			}
			if got != c.want {
				t.Errorf("%q arrived, want %q", got, c.want)
			}
		})
	}
	if err := activity.Heartbeat(activity.NewContext(t.Context(), &activity.State{}), 1); err != nil {
		t.Errorf("without a store: %v", err)
	}
}

func TestHeartbeatReturnsWhyTheContextIsCanceled(t *testing.T) {
	for _, cause := range []error{activity.ErrCanceled, activity.ErrTimedOut, activity.ErrLeaseLost, activity.ErrShutdown} {
		ctx, cancel := context.WithCancelCause(t.Context())
		beats := 0
		actx := activity.NewContext(ctx, &activity.State{Heartbeat: func(context.Context, engine.Payload) error {
			beats++
			cancel(cause) // as a worker does that learns of it from the store's answer
			return nil
		}})
		for range 2 {
			if err := activity.Heartbeat(actx); !errors.Is(err, cause) {
				t.Errorf("error %v, want %v", err, cause)
			}
		}
		if beats != 1 {
			t.Errorf("%d heartbeats, want 1", beats)
		}
	}
	if !errors.Is(activity.ErrCanceled, engine.ErrCanceled) || !errors.Is(activity.ErrTimedOut, engine.ErrTimeout) || !errors.Is(activity.ErrLeaseLost, engine.ErrLeaseLost) {
		t.Error("the causes do not wrap the engine's sentinels")
	}
}

func TestLastHeartbeat(t *testing.T) {
	with := func(p engine.Payload) context.Context {
		return activity.NewContext(t.Context(), &activity.State{Info: activity.Task{Activity: "A"}, Details: p})
	}
	if v, ok, err := activity.LastHeartbeat[int](with(engine.Payload("7"))); v != 7 || !ok || err != nil {
		t.Errorf("got %v, %v, %v", v, ok, err)
	}
	if _, ok, err := activity.LastHeartbeat[int](with(nil)); ok || err != nil {
		t.Errorf("none: %v, %v", ok, err)
	}
	if _, ok, err := activity.LastHeartbeat[int](with(engine.Payload(`"x"`))); ok || err == nil || !strings.Contains(err.Error(), `activity "A"`) {
		t.Errorf("another type: %v, %v", ok, err)
	}
}
