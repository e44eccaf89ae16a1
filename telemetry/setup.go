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
	"time"

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
// (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and so on):
//
//	OTEL_SDK_DISABLED               true turns everything off
//	OTEL_TRACES_EXPORTER            otlp or none
//	OTEL_METRICS_EXPORTER           otlp or none
//	OTEL_EXPORTER_OTLP_PROTOCOL     http/protobuf or grpc; also …_TRACES_… and …_METRICS_…
//	OTEL_TRACES_SAMPLER             as specified; what goes by a ratio goes by the parent first
//	OTEL_TRACES_SAMPLER_ARG         the ratio
//	OTEL_BSP_MAX_QUEUE_SIZE         how many spans wait at most; 32768
//	OTEL_BSP_MAX_EXPORT_BATCH_SIZE  how many are sent together; 2048
//	OTEL_BSP_SCHEDULE_DELAY         milliseconds after which fewer are sent; 5000
//	OTEL_BSP_EXPORT_TIMEOUT         milliseconds that sending may take; 30000
//
// edit changes the Options; providers that it names are used instead. An exporter
// that is out of reach is no error: it is logged once, spans wait in a queue of bounded
// length, and what does not fit is dropped.
//
// Spans of workflows go to the exporter without passing through the TracerProvider that
// is made here. Processors that are to see them need a provider that edit names.
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
		t.direct = sdktrace.NewSpanLimits() == usualLimits
		if err := t.meters.countLost(t.Spans); err != nil {
			return nil, nil, errors.Join(err, s.shutdown(ctx))
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
	spans    *outbox // nil if no spans are exported
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

// usualLimits are those of the SDK that our own spans keep to by themselves: with
// others, the SDK has to see to it.
var usualLimits = sdktrace.SpanLimits{
	AttributeValueLengthLimit: sdktrace.DefaultAttributeValueLengthLimit, AttributeValueDepthLimit: sdktrace.DefaultAttributeValueDepthLimit,
	AttributeCountLimit: sdktrace.DefaultAttributeCountLimit, EventCountLimit: sdktrace.DefaultEventCountLimit, LinkCountLimit: sdktrace.DefaultLinkCountLimit,
	AttributePerEventCountLimit: sdktrace.DefaultAttributePerEventCountLimit, AttributePerLinkCountLimit: sdktrace.DefaultAttributePerLinkCountLimit,
}

// queueSize is how many spans wait for the collector unless OTEL_BSP_MAX_QUEUE_SIZE
// says so: workflows come in bursts that the SDK's 2,048 have no room for. They take up
// 20 MB or so, and never more than maxBytes. batchSize is how many are sent together.
const queueSize, batchSize = 32 << 10, 2 << 10

func (s *pipeline) traces(ctx context.Context, o *Options) error {
	if o.TracerProvider != nil || s.off {
		return nil
	}
	sampler, err := samplerFromEnv()
	if err != nil {
		return err
	}
	client, err := spanClient(ctx)
	if err != nil || client == nil {
		return err
	}
	room := positive("OTEL_BSP_MAX_QUEUE_SIZE", queueSize)
	s.spans = newOutbox(outboxOptions{
		client: client, resource: s.resource, log: s.log,
		room: room, batch: min(room, positive("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batchSize)),
		delay: milliseconds("OTEL_BSP_SCHEDULE_DELAY", sdktrace.DefaultScheduleDelay),
		limit: milliseconds("OTEL_BSP_EXPORT_TIMEOUT", sdktrace.DefaultExportTimeout),
	})
	p := sdktrace.NewTracerProvider(sdktrace.WithResource(s.resource), sdktrace.WithIDGenerator(IDGenerator()),
		sdktrace.WithSampler(Sampler(sampler)), sdktrace.WithSpanProcessor(s.spans))
	o.TracerProvider = p
	s.ends = append(s.ends, func(ctx context.Context) error {
		err := p.Shutdown(ctx)
		s.spans.sayLost()
		return err
	})
	return nil
}

// positive returns the number in a variable; what is none counts as unset.
func positive(variable string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(variable))
	if err != nil || n <= 0 {
		return otherwise
	}
	return n
}

func milliseconds(variable string, otherwise int) time.Duration {
	return time.Duration(positive(variable, otherwise)) * time.Millisecond
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
