package telemetry_test

import (
	"context"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// Chain runs n activities, one after another.
func Chain(ctx workflow.Context, n int) error {
	for range n {
		if _, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Greet, "x").Get(ctx); err != nil {
			return err
		}
	}
	return nil
}

// nowhere is where spans end that nobody exports.
type nowhere struct{ sdktrace.SpanProcessor }

func (nowhere) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (nowhere) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (nowhere) Shutdown(context.Context) error                  { return nil }

// BenchmarkChain is what an activity costs in memory, without telemetry, not sampled, and
// with two spans that are not exported.
func BenchmarkChain(b *testing.B) {
	for _, c := range []struct {
		name    string
		sampler sdktrace.Sampler
	}{{"without", nil}, {"unsampled", sdktrace.NeverSample()}, {"sampled", sdktrace.AlwaysSample()}} {
		b.Run(c.name, func(b *testing.B) {
			var s settings.Settings
			if c.sampler != nil {
				p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(nowhere{}), sdktrace.WithIDGenerator(telemetry.IDGenerator()), sdktrace.WithSampler(telemetry.Sampler(c.sampler)))
				s.Telemetry = must(telemetry.New(telemetry.Options{TracerProvider: p, MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))}))
			}
			store := memory.New()
			w := worker.New(store, &worker.Options{Settings: s})
			for _, err := range []error{w.RegisterWorkflow(Chain), w.RegisterActivity(Greet), w.Start(b.Context())} {
				if err != nil {
					b.Fatal(err)
				}
			}
			cl := client.New(store, client.WithSettings(s))
			b.ReportAllocs()
			b.ResetTimer()
			i := must(cl.CreateWorkflowInstance(b.Context(), client.WorkflowInstanceOptions{}, Chain, b.N))
			if err := cl.WaitForWorkflowInstance(b.Context(), i, 0); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := w.Stop(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
}
