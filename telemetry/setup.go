package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Setup does all that a program needs to be traced and measured, as the standard
// OTEL_* variables say:
//
//	t, shutdown, err := telemetry.Setup(ctx)
//	if err != nil { … }
//	defer shutdown(context.Background())
//	s := settings.Settings{Telemetry: t}
//
// It makes a TracerProvider and a MeterProvider that export by OTLP, and makes them
// the global ones, with the W3C propagators, so that other instrumentation joins the
// same traces. These are heeded, besides what the exporters and the SDK know
// (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*
// and so on):
//
//	OTEL_SDK_DISABLED            true turns everything off
//	OTEL_TRACES_EXPORTER         otlp or none
//	OTEL_METRICS_EXPORTER        otlp or none
//	OTEL_EXPORTER_OTLP_PROTOCOL  http/protobuf or grpc; also …_TRACES_… and …_METRICS_…
//	OTEL_TRACES_SAMPLER          as specified; what goes by a ratio goes by the parent first
//	OTEL_TRACES_SAMPLER_ARG      the ratio
//
// edit changes the Options; providers that it names are used instead. An exporter
// that is out of reach is no error: it is logged once, spans wait in a queue of bounded
// length, and what does not fit is dropped.
//
// shutdown exports what is waiting, and gives up when its ctx ends. Stop workers
// before.
func Setup(ctx context.Context, edit ...func(*Options)) (t *Telemetry, shutdown func(context.Context) error, err error) {
	var o Options
	for _, f := range edit {
		f(&o)
	}
	s := &pipeline{log: o.Logger, off: strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true")}
	if s.log == nil {
		s.log = slog.Default()
	}
	if t, err = s.build(ctx, &o); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("setting up telemetry: %w", err), s.shutdown(ctx))
	}
	if t.spans = s.spans; t.spans != nil {
		if err := t.meters.countLost(t.Spans); err != nil {
			return nil, nil, err
		}
	}
	s.publish(o)
	return t, s.shutdown, nil
}

// pipeline is what Setup has made, and has to end.
type pipeline struct {
	log      *slog.Logger
	off      bool
	resource *resource.Resource
	spans    *spanCount // nil if no spans are exported
	metered  bool
	ends     []func(context.Context) error
}

func (s *pipeline) build(ctx context.Context, o *Options) (*Telemetry, error) {
	var err error
	if s.resource, err = resource.Merge(resource.Default(), processResource(ctx)); err != nil {
		return nil, err
	}
	if err := s.traces(ctx, o); err != nil {
		return nil, err
	}
	if err := s.metrics(ctx, o); err != nil {
		return nil, err
	}
	return New(*o)
}

// publish makes what was made the global thing.
func (s *pipeline) publish(o Options) {
	if s.spans != nil {
		otel.SetTracerProvider(o.TracerProvider)
	}
	if s.metered {
		otel.SetMeterProvider(o.MeterProvider)
	}
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
}

// processResource tells which process spans come from. What can't be found out is
// left out.
func processResource(ctx context.Context) *resource.Resource {
	r, _ := resource.New(ctx, resource.WithHost(), resource.WithProcessPID(), resource.WithProcessExecutableName())
	if r == nil {
		return resource.Empty()
	}
	return resource.NewSchemaless(r.Attributes()...)
}

func (s *pipeline) shutdown(ctx context.Context) error {
	var errs []error
	for _, end := range s.ends {
		errs = append(errs, end(ctx))
	}
	s.ends = nil
	return errors.Join(errs...)
}

// queueSize is how many spans wait for the exporter unless OTEL_BSP_MAX_QUEUE_SIZE
// says so: workflows come in bursts that the SDK's 2,048 have no room for. At about
// 2 KB each, that is 64 MB at worst.
const queueSize, batchSize = 32 << 10, 2 << 10

func (s *pipeline) traces(ctx context.Context, o *Options) error {
	if o.TracerProvider != nil || s.off {
		return nil
	}
	sampler, err := samplerFromEnv()
	if err != nil {
		return err
	}
	exporter, err := spanExporter(ctx)
	if err != nil || exporter == nil {
		return err
	}
	wanted, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	out := &loggedExporter{SpanExporter: exporter, log: s.log, wanted: wanted}
	var batch []sdktrace.BatchSpanProcessorOption
	room := queueRoom()
	batch = append(batch, sdktrace.WithMaxQueueSize(room))
	if os.Getenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") == "" {
		batch = append(batch, sdktrace.WithMaxExportBatchSize(batchSize))
	}
	s.spans = &spanCount{SpanProcessor: sdktrace.NewBatchSpanProcessor(out, batch...), out: out, room: int64(room)}
	p := sdktrace.NewTracerProvider(sdktrace.WithResource(s.resource), sdktrace.WithIDGenerator(IDGenerator()),
		sdktrace.WithSampler(Sampler(sampler)), sdktrace.WithSpanProcessor(s.spans))
	o.TracerProvider = p
	s.ends = append(s.ends, func(ctx context.Context) error {
		waits := context.AfterFunc(ctx, giveUp) // a queue that nobody takes would hold us up for minutes
		defer waits()
		err := p.Shutdown(ctx)
		s.spans.sayLost()
		return err
	})
	return nil
}

// queueRoom is how many spans may wait.
func queueRoom() int {
	n, err := strconv.Atoi(os.Getenv("OTEL_BSP_MAX_QUEUE_SIZE"))
	if err != nil || n <= 0 {
		return queueSize
	}
	return n
}

func (s *pipeline) metrics(ctx context.Context, o *Options) error {
	if o.MeterProvider != nil || s.off {
		return nil
	}
	exporter, err := metricExporter(ctx)
	if err != nil || exporter == nil {
		return err
	}
	out := &loggedMetrics{Exporter: exporter, log: s.log}
	p := sdkmetric.NewMeterProvider(sdkmetric.WithResource(s.resource), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(out)))
	o.MeterProvider, s.metered = p, true
	s.ends = append(s.ends, p.Shutdown)
	return nil
}

// samplerFromEnv returns the sampler for traces that begin here. Whether a trace that
// began elsewhere is sampled was decided there, whatever the variable says: guessing
// again would break traces.
func samplerFromEnv() (sdktrace.Sampler, error) {
	const variable = "OTEL_TRACES_SAMPLER"
	switch name := strings.ToLower(strings.TrimSpace(os.Getenv(variable))); name {
	case "", "always_on", "parentbased_always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off", "parentbased_always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio", "parentbased_traceidratio":
		arg := strings.TrimSpace(os.Getenv(variable + "_ARG"))
		ratio, err := strconv.ParseFloat(cmp.Or(arg, "1"), 64)
		if err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, fmt.Errorf("%s_ARG is %q, want a number from 0 to 1", variable, arg)
		}
		return sdktrace.TraceIDRatioBased(ratio), nil
	default:
		return nil, fmt.Errorf("%s is %q, want always_on, always_off or traceidratio, each also after parentbased_", variable, name)
	}
}
