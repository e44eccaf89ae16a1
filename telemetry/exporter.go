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
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
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

// spanClient returns what sends spans, nil if they are not to be sent.
func spanClient(ctx context.Context) (otlptrace.Client, error) {
	protocol, err := exporterFromEnv("TRACES")
	if err != nil || protocol == "" {
		return nil, err
	}
	var c otlptrace.Client
	switch {
	case protocol == protocolGRPC && local("TRACES"):
		c = otlptracegrpc.NewClient(otlptracegrpc.WithInsecure())
	case protocol == protocolGRPC:
		c = otlptracegrpc.NewClient()
	case local("TRACES"):
		c = otlptracehttp.NewClient(otlptracehttp.WithInsecure())
	default:
		c = otlptracehttp.NewClient()
	}
	return c, c.Start(ctx)
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

// loggedMetrics keeps errors of the exporter from the SDK, which would print each.
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
