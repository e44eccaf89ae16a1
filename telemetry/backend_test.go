package telemetry_test

import (
	"context"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

func tracing(x sdktrace.SpanExporter) *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(sdktrace.WithSyncer(x), sdktrace.WithIDGenerator(telemetry.IDGenerator()),
		sdktrace.WithSampler(telemetry.Sampler(sdktrace.AlwaysSample())))
}

// The values of a histogram lead to the traces that they come from.
func TestExemplars(t *testing.T) {
	x := tracetest.NewInMemoryExporter()
	m := measureAnd(t, memory.New(), tracing(x), telemetry.BackendOptions{})
	defer m.close()
	m.work(worker.Options{}, orders, payments)
	m.run("cheap", "order", 7)
	m.stop()
	want := x.GetSpans()[0].SpanContext.TraceID()
	for _, metric := range m.collect() {
		h, ok := metric.Data.(metricdata.Histogram[float64])
		if !ok || metric.Name != telemetry.MetricActivityDuration {
			continue
		}
		if ex := h.DataPoints[0].Exemplars; len(ex) != 1 || trace.TraceID(ex[0].TraceID) != want {
			t.Errorf("exemplars are %v, want one of trace %s", ex, want)
		}
		return
	}
	t.Error("no histogram was found")
}

func TestSpansOfCalls(t *testing.T) {
	x := tracetest.NewInMemoryExporter()
	p := tracing(x)
	f := &faulty{Backend: memory.New()}
	m := measureAnd(t, f, p, telemetry.BackendOptions{CallSpans: true})
	defer m.close()
	ctx, parent := p.Tracer("test").Start(t.Context(), "request")
	if _, err := m.store.Queues(ctx); err != nil {
		t.Fatal(err)
	}
	f.set("deliver", context.DeadlineExceeded)
	m.store.Deliver(ctx, make([]backend.Delivery, 2))
	f.set("deliver", engine.ErrInstanceNotFound)
	m.store.Deliver(ctx, make([]backend.Delivery, 2))
	spans := x.GetSpans()
	if len(spans) != 3 {
		t.Fatalf("%d spans, want 3", len(spans))
	}
	for i, want := range []struct {
		name   string
		err    string
		status codes.Code
	}{
		{"Queues", "", codes.Unset},
		{"Deliver", "timeout", codes.Error},
		{"Deliver", "", codes.Unset}, // refused item by item, which is an answer
	} {
		s := spans[i]
		attrs := []attribute.KeyValue{attribute.String("db.operation.name", want.name), attribute.String("db.system.name", "memory")}
		if want.err != "" {
			attrs = append(attrs, attribute.String("error.type", want.err))
		}
		if s.Name != want.name || s.SpanKind != trace.SpanKindClient || s.Status.Code != want.status || !slices.Equal(s.Attributes, attrs) {
			t.Errorf("span %d is %s, %s, %v, %v", i, s.Name, s.SpanKind, s.Status, s.Attributes)
		}
		if s.Parent.SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("%s is not a child of its caller", s.Name)
		}
	}
}

// versioned is a store that says what it is.
type versioned struct {
	backend.Backend

	info backend.Info
}

func (v versioned) Info(context.Context) (backend.Info, error) { return v.info, nil }

func TestSystemNames(t *testing.T) {
	for want, info := range map[string]backend.Info{
		"postgresql": {Kind: "postgres"},
		"mysql":      {Kind: "mysql", Version: "8.4.0"},
		"mariadb":    {Kind: "mysql", Version: "11.4.2-MariaDB"},
		"redis":      {Kind: "redis"},
	} {
		m := measure(t, versioned{memory.New(), info})
		m.store.Deliver(t.Context(), make([]backend.Delivery, 1))
		m.expect(map[string]int64{"commit.size db.operation.name=Deliver db.system.name=" + want: 1}, telemetry.MetricCommitSize)
		m.close()
	}
}
