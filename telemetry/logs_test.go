package telemetry_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
)

// Logging logs in the workflow and in its activity.
func Logging(ctx workflow.Context) error {
	workflow.Logger(ctx).Info("in the workflow")
	_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, Log).Get(ctx)
	workflow.Logger(ctx).Info("in the workflow")
	return err
}

func Log(ctx context.Context) error {
	activity.Logger(ctx).Info("in the activity")
	return nil
}

type record struct {
	Message string `json:"msg"`
	Trace   string `json:"trace_id"`
	Span    string `json:"span_id"`
}

func records(t *testing.T, log string) []record {
	t.Helper()
	var all []record
	for line := range strings.Lines(log) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(r.Message, "in the ") {
			all = append(all, r)
		}
	}
	return all
}

// Log records lead to the span that they belong to, whether it is sampled or not.
func TestLogs(t *testing.T) {
	for _, on := range []bool{true, false} {
		root := sdktrace.AlwaysSample()
		if !on {
			root = sdktrace.NeverSample()
		}
		w := newWorld(t, config{sampler: telemetry.Sampler(root)})
		w.handler = slog.NewJSONHandler(&w.log, nil)
		w.start(cold) // each step is a replay
		i := w.create("one", Logging)
		w.finish(i)
		w.stop()
		got := records(t, w.log.String())
		if len(got) != 3 {
			t.Fatalf("logged %v", got)
		}
		names := map[string]string{}
		for _, s := range rebuilt(t, *i, w.history(*i)) {
			names[s.SpanContext.TraceID().String()+s.SpanContext.SpanID().String()] = s.Name
		}
		for _, r := range got {
			want := "workflow Logging"
			if r.Message == "in the activity" && on {
				want = "attempt"
			}
			if names[r.Trace+r.Span] != want {
				t.Errorf("sampled %v: %+v leads to %q, want %q", on, r, names[r.Trace+r.Span], want)
			}
		}
	}
}

func TestLogsWithoutTelemetry(t *testing.T) {
	w := newWorld(t, config{mute: true})
	w.tel = nil
	w.handler = slog.NewJSONHandler(&w.log, nil)
	w.start(cold)
	w.finish(w.create("one", Logging))
	w.stop()
	if log := w.log.String(); strings.Contains(log, "trace_id") || strings.Contains(log, "span_id") || len(records(t, log)) != 3 {
		t.Errorf("logged %s", log)
	}
}
