package telemetry_test

import (
	"context"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// Priced has a span of its own.
func Priced(ctx workflow.Context, item string) (string, error) {
	ctx, span := telemetry.Tracer(ctx).Start(ctx, "price "+item)
	defer span.End()
	return workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Greet, item).Get(ctx)
}

// run runs an instance of Priced with settings, and returns its events.
func run(ctx context.Context, s settings.Settings) (engine.Instance, *client.Client) {
	store := memory.New()
	w := worker.New(store, &worker.Options{Settings: s})
	check(w.RegisterWorkflow(Priced))
	check(w.RegisterActivity(Greet))
	check(w.Start(ctx))
	c := client.New(store, client.WithSettings(s))
	i := must(c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: "cart"}, Priced, "tea"))
	check(c.WaitForWorkflowInstance(ctx, i, 0))
	check(w.Stop(ctx)) // what it has committed is emitted then
	return *i, c
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// One setting, of client and worker, is enough.
func ExampleNew() {
	ctx := context.Background()
	exporter := tracetest.NewInMemoryExporter() // yours is otlptracegrpc's, say
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(exporter),
		sdktrace.WithIDGenerator(telemetry.IDGenerator()),
		sdktrace.WithSampler(telemetry.Sampler(sdktrace.AlwaysSample())),
	)
	t, err := telemetry.New(telemetry.Options{TracerProvider: provider})
	check(err)
	run(ctx, settings.Settings{Telemetry: t})

	var names []string
	for _, s := range exporter.GetSpans() {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Println(name)
	}
	// Output:
	// activity Greet
	// attempt
	// create Priced
	// price tea
	// workflow Priced
}

// Setup does the same with exporters that the environment names.
func ExampleSetup() {
	ctx := context.Background()
	t, shutdown, err := telemetry.Setup(ctx, func(o *telemetry.Options) {
		// Leave these out, and spans and metrics go where OTEL_* says.
		o.TracerProvider, o.MeterProvider = tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider()
	})
	check(err)
	i, _ := run(ctx, settings.Settings{Telemetry: t})
	check(shutdown(ctx))
	fmt.Println(i.InstanceID, "is done")
	// Output: cart is done
}

// Workflow code starts spans with a tracer of ours.
func ExampleTracer() {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithIDGenerator(telemetry.IDGenerator()))
	t, err := telemetry.New(telemetry.Options{TracerProvider: provider})
	check(err)
	run(context.Background(), settings.Settings{Telemetry: t}) // Priced begins: ctx, span := telemetry.Tracer(ctx).Start(ctx, "price "+item)

	names := map[trace.SpanID]string{}
	for _, s := range exporter.GetSpans() {
		names[s.SpanContext.SpanID()] = s.Name
	}
	for _, s := range exporter.GetSpans() {
		if s.Name == "price tea" {
			fmt.Println(s.Name, "is below", names[s.Parent.SpanID()])
		}
	}
	// Output: price tea is below workflow Priced
}

// A trace that was never emitted is made from what is stored.
func ExampleFromHistory() {
	ctx := context.Background()
	i, c := run(ctx, settings.Settings{})
	events, err := c.History(ctx, &i)
	check(err)
	spans, err := telemetry.FromHistory(i, events)
	check(err)
	for _, s := range spans {
		fmt.Println(s.Name())
	}
	// Output:
	// attempt
	// activity Greet
	// workflow Priced
}
