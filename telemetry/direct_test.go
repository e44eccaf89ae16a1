package telemetry_test

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/telemetry"
)

// What Setup exports past the SDK is what the SDK would have exported: by the same
// files, and as it is rebuilt. With limits that only the SDK knows it goes through it.
func TestGoldenOverOTLP(t *testing.T) {
	for _, limit := range []string{"", "127"} {
		for _, f := range flows {
			t.Run(f.name+limit, func(t *testing.T) {
				var r receiver
				c := newCollector(t, r.take)
				w := newWorld(t, config{})
				tel, shutdown := setUp(t, w, map[string]string{
					"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_METRICS_EXPORTER": "none", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": limit,
					"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "3",
				}, func(o *telemetry.Options) { *o = f.options })
				w.tel, w.provider = tel, otel.GetTracerProvider().(*sdktrace.TracerProvider)
				w.client = client.New(w.store, client.WithSettings(w.settings()))
				if !f.alone {
					w.start(f.worker)
				}
				is := f.run(w)
				w.stop()
				if err := shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
				golden(t, f.name, r.spans)
				w.rebuilds(r.spans, is...)
				if r.most != 3 {
					t.Errorf("%d spans came together, want 3", r.most)
				}
				if n := tel.Spans(); n.Exported != int64(len(r.spans)) || n.Ended != n.Exported {
					t.Errorf("%d spans came of %+v", len(r.spans), n)
				}
			})
		}
	}
}

// receiver takes spans over OTLP.
type receiver struct {
	mu    sync.Mutex
	spans tracetest.SpanStubs
	most  int // that came together
}

func (r *receiver) take(_ http.ResponseWriter, q *http.Request) {
	var m collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(must(io.ReadAll(q.Body)), &m); err != nil {
		panic(err) // the exporter gets no answer
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.spans)
	defer func() { r.most = max(r.most, len(r.spans)-before) }()
	for _, resource := range m.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, decoded(s, scope.GetScope()))
			}
		}
	}
}

func decoded(s *tracepb.Span, scope *commonpb.InstrumentationScope) tracetest.SpanStub {
	state := must(trace.ParseTraceState(s.GetTraceState()))
	context := func(id, span []byte, flags uint32, remote bool) trace.SpanContext {
		c := trace.SpanContextConfig{TraceFlags: trace.TraceFlags(flags), TraceState: state, Remote: remote} //nolint:gosec // the low byte
		copy(c.TraceID[:], id)
		copy(c.SpanID[:], span)
		return trace.NewSpanContext(c)
	}
	out := tracetest.SpanStub{
		Name: s.GetName(), SpanKind: trace.SpanKind(s.GetKind()), SpanContext: context(s.GetTraceId(), s.GetSpanId(), s.GetFlags(), false),
		StartTime: time.Unix(0, int64(s.GetStartTimeUnixNano())).UTC(), EndTime: time.Unix(0, int64(s.GetEndTimeUnixNano())).UTC(), //nolint:gosec // this century
		Attributes: attributes(s.GetAttributes()), Status: sdktrace.Status{Description: s.GetStatus().GetMessage()},
		InstrumentationScope: instrumentation.Scope{Name: scope.GetName(), Version: scope.GetVersion()},
	}
	if s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		out.Status.Code = codes.Error
	}
	if len(s.GetParentSpanId()) > 0 {
		remote := s.GetFlags()&uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK) != 0
		out.Parent = context(s.GetTraceId(), s.GetParentSpanId(), s.GetFlags(), remote)
	}
	for _, e := range s.GetEvents() {
		out.Events = append(out.Events, sdktrace.Event{Name: e.GetName(), Time: time.Unix(0, int64(e.GetTimeUnixNano())).UTC(), Attributes: attributes(e.GetAttributes())}) //nolint:gosec // this century
	}
	for _, l := range s.GetLinks() {
		remote := l.GetFlags()&uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK) != 0
		out.Links = append(out.Links, sdktrace.Link{SpanContext: context(l.GetTraceId(), l.GetSpanId(), l.GetFlags(), remote), Attributes: attributes(l.GetAttributes())})
	}
	return out
}

func attributes(all []*commonpb.KeyValue) []attribute.KeyValue {
	var out []attribute.KeyValue
	for _, a := range all {
		k := attribute.Key(a.GetKey())
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			out = append(out, k.String(v.StringValue))
		case *commonpb.AnyValue_IntValue:
			out = append(out, k.Int64(v.IntValue))
		case *commonpb.AnyValue_DoubleValue:
			out = append(out, k.Float64(v.DoubleValue))
		case *commonpb.AnyValue_BoolValue:
			out = append(out, k.Bool(v.BoolValue))
		default:
			panic(a)
		}
	}
	return out
}
