package telemetry

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/worker"
)

// sink is where spans end that nobody exports.
type sink struct{ sdktrace.SpanProcessor }

func (sink) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (sink) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (sink) Shutdown(context.Context) error                  { return nil }

func benchTelemetry(b *testing.B) *Telemetry {
	b.Helper()
	p := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(IDGenerator()), sdktrace.WithSpanProcessor(sink{}))
	t, err := New(Options{TracerProvider: p})
	if err != nil {
		b.Fatal(err)
	}
	return t
}

var benchInstance = engine.Instance{InstanceID: "instance", ExecutionID: "01a2071a34951838a0c8120dbba5f158"}

func benchExecution(flags string) worker.Execution {
	s := &history.WorkflowStarted{Workflow: "Chain", FirstExecution: benchInstance.ExecutionID, Trace: history.Trace{Parent: good[:53] + flags}}
	return worker.Execution{Instance: benchInstance, Workflow: "Chain", Started: s}
}

// BenchmarkStep is what one step of a chain costs that ends an activity and schedules
// the next: two spans, or none. By the SDK they are not exported, by the outbox of Setup
// they are, to nobody.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name, flags string
		direct      bool
	}{{"sdk", "01", false}, {"outbox", "01", true}, {"unsampled", "00", true}} {
		b.Run(c.name, func(b *testing.B) {
			t, flags := benchTelemetry(b), c.flags
			if c.direct {
				t.direct, t.spans = true, newOutbox(outboxOptions{
					client: &told{}, resource: resource.Empty(), log: t.log, room: queueSize, batch: batchSize, delay: time.Second, limit: time.Minute,
				})
				defer t.spans.Shutdown(context.Background()) //nolint:errcheck // it has nothing to stop
			}
			e := benchExecution(flags)
			e.Trace = t.Trace(e.Instance, e.Started, 0)
			o := t.Follow(e, nil)
			now := time.Now().UTC()
			scheduled := history.ActivityScheduled{Name: "Charge", Site: history.Site{Function: "main.Chain", File: "main.go", Line: 7}}
			if o != nil {
				o.Committed(worker.Committed{Execution: e, Events: []history.Event{{Seq: 1, At: now, Ref: 1, Body: scheduled}}})
			}
			open := func(int64) (history.Event, bool) { return history.Event{Body: scheduled}, true }
			b.ReportAllocs()
			ref := int64(1)
			for b.Loop() {
				ref++
				c := worker.Committed{Execution: e, Open: open, Events: []history.Event{
					{Seq: ref, At: now, Body: history.TaskStarted{Worker: "worker", Build: "build"}},
					{Seq: ref + 1, At: now, Ref: ref - 1, Body: history.ActivityCompleted{Run: history.Run{Attempt: 1, Scheduled: now, Started: now, Worker: "worker", Build: "build"}}},
					{Seq: ref + 2, At: now, Ref: ref, Body: scheduled},
				}}
				t.Committed(c)
				if o != nil {
					o.Committed(c)
				}
			}
		})
	}
}

// BenchmarkFollow is what an execution costs that comes into the hands of a worker.
func BenchmarkFollow(b *testing.B) {
	for _, flags := range []string{"01", "00"} {
		b.Run(fmt.Sprintf("flags=%s", flags), func(b *testing.B) {
			t := benchTelemetry(b)
			e := benchExecution(flags)
			b.ReportAllocs()
			for b.Loop() {
				e.Trace = t.Trace(e.Instance, e.Started, 0)
				t.Follow(e, nil)
			}
		})
	}
}

// BenchmarkAttempt is what the context of an attempt costs.
func BenchmarkAttempt(b *testing.B) {
	for _, flags := range []string{"01", "00"} {
		b.Run(fmt.Sprintf("flags=%s", flags), func(b *testing.B) {
			t := benchTelemetry(b)
			own := history.Trace{Parent: good[:53] + flags}
			b.ReportAllocs()
			for b.Loop() {
				t.Attempt(context.Background(), benchInstance, own, 7, 1)
			}
		})
	}
}
