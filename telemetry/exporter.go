package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Values of OTEL_EXPORTER_OTLP_PROTOCOL.
const (
	protocolHTTP = "http/protobuf"
	protocolGRPC = "grpc"
)

// exporterFromEnv returns the protocol of a signal, "" if it is not exported.
func exporterFromEnv(signal string) (protocol string, err error) {
	variable := "OTEL_" + signal + "_EXPORTER"
	switch name := os.Getenv(variable); name {
	case "", "otlp":
	case "none":
		return "", nil
	default:
		return "", fmt.Errorf("%s is %q, want otlp or none; for others make a provider and use telemetry.New", variable, name)
	}
	const general = "OTEL_EXPORTER_OTLP_PROTOCOL"
	protocol = cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_PROTOCOL"), os.Getenv(general), protocolHTTP)
	if protocol != protocolHTTP && protocol != protocolGRPC {
		return "", fmt.Errorf("%s is %q, want %s or %s", general, protocol, protocolHTTP, protocolGRPC)
	}
	return protocol, nil
}

// spanExporter returns nil if there is to be none.
func spanExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	protocol, err := exporterFromEnv("TRACES")
	switch {
	case err != nil || protocol == "":
		return nil, err
	case protocol == protocolGRPC && local("TRACES"):
		return otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure())
	case protocol == protocolGRPC:
		return otlptracegrpc.New(ctx)
	case local("TRACES"):
		return otlptracehttp.New(ctx, otlptracehttp.WithInsecure())
	}
	return otlptracehttp.New(ctx)
}

// local reports whether no endpoint is named. The specification means a collector on
// this machine then, and without TLS, which the exporters take for granted.
func local(signal string) bool {
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == ""
}

// metricExporter returns nil if there is to be none.
func metricExporter(ctx context.Context) (sdkmetric.Exporter, error) {
	protocol, err := exporterFromEnv("METRICS")
	switch {
	case err != nil || protocol == "":
		return nil, err
	case protocol == protocolGRPC && local("METRICS"):
		return otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithInsecure())
	case protocol == protocolGRPC:
		return otlpmetricgrpc.New(ctx)
	case local("METRICS"):
		return otlpmetrichttp.New(ctx, otlpmetrichttp.WithInsecure())
	}
	return otlpmetrichttp.New(ctx)
}

// health says once that an exporter fails, and once that it works again.
type health struct{ failing atomic.Bool }

func (h *health) saw(ctx context.Context, log *slog.Logger, what string, err error) {
	switch {
	case err != nil && h.failing.CompareAndSwap(false, true):
		log.LogAttrs(ctx, slog.LevelWarn, "exporting "+what+" fails; workflows go on, and this is not said again until it works", slog.Any("error", err))
	case err == nil && h.failing.CompareAndSwap(true, false):
		log.LogAttrs(ctx, slog.LevelInfo, "exporting "+what+" works again")
	}
}

// loggedExporter keeps errors of the exporter from the SDK, which would print each.
type loggedExporter struct {
	sdktrace.SpanExporter

	log    *slog.Logger
	health health
	wanted context.Context // ends when nobody waits for spans any more

	exported, failed atomic.Int64
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	waits := context.AfterFunc(e.wanted, cancel)
	defer waits()
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		e.failed.Add(int64(len(spans)))
	} else {
		e.exported.Add(int64(len(spans)))
	}
	e.health.saw(ctx, e.log, "spans", err)
	return nil
}

// spanCount counts what goes into the queue before an exporter.
type spanCount struct {
	sdktrace.SpanProcessor

	out   *loggedExporter
	room  int64 // of the queue
	ended atomic.Int64
	// noRoom counts what the queue had no room for. The processor behind it would drop
	// that as well, and tell nobody.
	noRoom atomic.Int64
}

// OnEnd implements sdktrace.SpanProcessor.
func (c *spanCount) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		waiting := c.ended.Add(1) - c.noRoom.Load() - c.out.exported.Load() - c.out.failed.Load()
		if waiting > c.room {
			c.noRoom.Add(1)
			return
		}
	}
	c.SpanProcessor.OnEnd(s)
}

// sayLost logs how many spans came to nothing.
func (c *spanCount) sayLost() {
	n := c.counts()
	if lost := n.Ended - n.Exported; lost > 0 {
		c.out.log.Warn("spans were lost", slog.Int64("lost", lost), slog.Int64("of", n.Ended),
			slog.Int64("refused", n.Refused), slog.Int64("no_room", n.NoRoom))
	}
}

func (c *spanCount) counts() SpanCounts {
	return SpanCounts{Ended: c.ended.Load(), Exported: c.out.exported.Load(), Refused: c.out.failed.Load(), NoRoom: c.noRoom.Load()}
}

// SpanCounts say what became of the sampled spans of a process. The rest is waiting.
type SpanCounts struct {
	// Ended spans were to be exported. Exported ones were taken by the collector,
	// Refused ones were not, and for NoRoom of them the queue had no room.
	Ended, Exported, Refused, NoRoom int64
}

// Spans returns what became of the spans, if t comes from Setup, and zeros otherwise.
func (t *Telemetry) Spans() SpanCounts {
	if t.spans == nil {
		return SpanCounts{}
	}
	return t.spans.counts()
}

// loggedMetrics is loggedExporter for metrics.
type loggedMetrics struct {
	sdkmetric.Exporter

	log    *slog.Logger
	health health
}

// Export implements sdkmetric.Exporter.
func (e *loggedMetrics) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	err := e.Exporter.Export(ctx, m)
	e.health.saw(ctx, e.log, "metrics", err)
	return nil
}
