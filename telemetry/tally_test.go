package telemetry_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

func twoOf(first, second string) func(workflow.Context) error {
	return func(ctx workflow.Context) error {
		for range 10 {
			for _, activity := range []string{first, second} {
				if _, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, activity).Get(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// However many steps there are at once, and whoever collects meanwhile, each is counted
// once, in its own series.
func TestEveryStepIsCounted(t *testing.T) {
	const instances = 40
	m := measure(t, memory.New())
	defer m.close()
	nothing := func(context.Context) error { return nil }
	m.work(worker.Options{}, map[string]any{"even": twoOf("a", "b"), "odd": twoOf("b", "c")}, map[string]any{"a": nothing, "b": nothing, "c": nothing})
	over := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Millisecond):
				m.collect()
			}
		}
	})
	var all []*engine.Instance
	for n := range instances {
		all = append(all, m.create(fmt.Sprint(n), []string{"even", "odd"}[n%2]))
	}
	for _, i := range all {
		if err := m.client.WaitForWorkflowInstance(t.Context(), i, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	close(over)
	reading.Wait()
	m.stop()
	const each = instances / 2
	m.expect(map[string]int64{
		"instance.created queue=default workflow.name=even":                          each,
		"instance.created queue=default workflow.name=odd":                           each,
		"instance.finished status=completed workflow.name=even":                      each,
		"instance.finished status=completed workflow.name=odd":                       each,
		"instance.duration status=completed workflow.name=even":                      each,
		"instance.duration status=completed workflow.name=odd":                       each,
		"activity.attempts activity.name=a outcome=completed":                        10 * each,
		"activity.attempts activity.name=b outcome=completed":                        20 * each,
		"activity.attempts activity.name=c outcome=completed":                        10 * each,
		"activity.duration activity.name=a outcome=completed":                        10 * each,
		"activity.duration activity.name=b outcome=completed":                        20 * each,
		"activity.duration activity.name=c outcome=completed":                        10 * each,
		"task.schedule_to_start activity.name=a queue=default task.kind=activity":    10 * each,
		"task.schedule_to_start activity.name=b queue=default task.kind=activity":    20 * each,
		"task.schedule_to_start activity.name=c queue=default task.kind=activity":    10 * each,
		"task.schedule_to_start queue=default task.kind=workflow workflow.name=even": each,
		"task.schedule_to_start queue=default task.kind=workflow workflow.name=odd":  each,
	}, telemetry.MetricCreated, telemetry.MetricFinished, telemetry.MetricDuration, telemetry.MetricAttempts, telemetry.MetricActivityDuration, telemetry.MetricScheduleToStart)
}

// Every bucket that has values of sampled traces leads to one of them.
func TestExemplarOfEachBucket(t *testing.T) {
	x := tracetest.NewInMemoryExporter()
	m := measureAnd(t, memory.New(), tracing(x), telemetry.BackendOptions{})
	defer m.close()
	m.work(worker.Options{}, map[string]any{
		"pace": func(ctx workflow.Context, ms int) error {
			_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, "pause", ms).Get(ctx)
			return err
		},
	}, map[string]any{
		"pause": func(ctx context.Context, ms int) error {
			select {
			case <-time.After(time.Duration(ms) * time.Millisecond):
			case <-ctx.Done():
			}
			return nil
		},
	})
	for n := range 20 {
		m.run(fmt.Sprint(n), "pace", n%2*120)
	}
	m.stop()
	known := map[trace.TraceID]bool{}
	for _, s := range x.GetSpans() {
		known[s.SpanContext.TraceID()] = true
	}
	for _, metric := range m.collect() {
		h, ok := metric.Data.(metricdata.Histogram[float64])
		if !ok || metric.Name != telemetry.MetricActivityDuration {
			continue
		}
		p, buckets := h.DataPoints[0], 0
		for _, n := range p.BucketCounts {
			if n > 0 {
				buckets++
			}
		}
		for _, e := range p.Exemplars {
			if !known[trace.TraceID(e.TraceID)] {
				t.Errorf("an exemplar leads to trace %x, which is not there", e.TraceID)
			}
		}
		if len(p.Exemplars) != buckets || buckets < 2 {
			t.Errorf("%d exemplars in %d buckets", len(p.Exemplars), buckets)
		}
		return
	}
	t.Error("no histogram was found")
}
