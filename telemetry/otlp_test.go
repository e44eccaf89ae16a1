package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// told is a client that keeps what it is to upload.
type told struct{ spans []*tracepb.ResourceSpans }

func (*told) Start(context.Context) error { return nil }
func (*told) Stop(context.Context) error  { return nil }
func (c *told) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	c.spans = spans
	return nil
}

// dice make spans of all kinds.
type dice struct{ *rand.Rand }

func (d dice) text() string {
	return string([]rune(strings.Repeat("aä€😀", 80))[:d.IntN(4)*d.IntN(80)])
}

func (d dice) value(depth int) attribute.Value {
	n := d.IntN(11)
	if depth == 0 {
		n = d.IntN(9)
	}
	switch n {
	case 0:
		return attribute.StringValue(d.text())
	case 1:
		return attribute.BoolValue(d.IntN(2) == 0)
	case 2:
		return attribute.Int64Value(d.Int64() >> d.IntN(64) * int64(1-2*d.IntN(2)))
	case 3:
		return attribute.Float64Value([]float64{0, -1.5, math.Inf(1), d.Float64()}[d.IntN(4)])
	case 4:
		return attribute.BoolSliceValue(make([]bool, d.IntN(3)))
	case 5:
		return attribute.Int64SliceValue([]int64{0, math.MinInt64, math.MaxInt64}[:d.IntN(4)])
	case 6:
		return attribute.Float64SliceValue([]float64{0, 1.5}[:d.IntN(3)])
	case 7:
		return attribute.StringSliceValue([]string{"", d.text(), "x"}[:d.IntN(4)])
	case 8:
		return attribute.ByteSliceValue([]byte(d.text()))
	case 9:
		return attribute.SliceValue(d.value(depth-1), d.value(depth-1))
	default:
		return attribute.MapValue(d.attributes(2, depth-1)...)
	}
}

func (d dice) attributes(most, depth int) []attribute.KeyValue {
	var all []attribute.KeyValue
	for n := range d.IntN(most + 1) {
		all = append(all, attribute.KeyValue{Key: attribute.Key(fmt.Sprint("key", n, d.text())), Value: d.value(depth)})
	}
	return all
}

func (d dice) context() trace.SpanContext {
	var c trace.SpanContextConfig
	for n := range c.TraceID {
		c.TraceID[n] = byte(d.Uint32())
	}
	for n := range c.SpanID {
		c.SpanID[n] = byte(d.Uint32())
	}
	c.TraceFlags, c.Remote = trace.TraceFlags(d.IntN(4)), d.IntN(2) == 0 //nolint:gosec // small
	if d.IntN(2) == 0 {
		c.TraceState, _ = trace.ParseTraceState("a=1,b=2")
	}
	return trace.NewSpanContext(c)
}

func (d dice) time() time.Time {
	return []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 0), time.Unix(0, d.Int64())}[d.IntN(4)]
}

func (d dice) span(r *resource.Resource) tracetest.SpanStub {
	s := tracetest.SpanStub{
		Name: d.text(), SpanContext: d.context(), SpanKind: trace.SpanKind(d.IntN(7)), StartTime: d.time(), EndTime: d.time(),
		Attributes: d.attributes(12, 2), Status: sdktrace.Status{Code: codes.Code(d.IntN(3)), Description: d.text()}, //nolint:gosec // small
		DroppedAttributes: d.IntN(3) - 1, DroppedEvents: d.IntN(300), DroppedLinks: math.MaxInt * d.IntN(2), Resource: r,
		InstrumentationScope: []instrumentation.Scope{
			{Name: Scope}, {Name: "other", Version: "v1", SchemaURL: "https://schema", Attributes: attribute.NewSet(attribute.Bool("a", true))}, {Name: "other"},
		}[d.IntN(3)],
	}
	if d.IntN(2) == 0 {
		s.Parent = d.context()
	}
	for range d.IntN(4) {
		s.Events = append(s.Events, sdktrace.Event{Name: d.text(), Time: d.time(), Attributes: d.attributes(3, 1), DroppedAttributeCount: d.IntN(2)})
		s.Links = append(s.Links, sdktrace.Link{SpanContext: d.context(), Attributes: d.attributes(3, 1), DroppedAttributeCount: d.IntN(2)})
	}
	return s
}

// What is encoded by hand is what the exporter of OpenTelemetry makes of the same spans.
func TestEncodingIsThatOfTheExporter(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any will do
	t.Logf("seed %d", seed)
	d := dice{rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // a test
	r := resource.NewWithAttributes("https://schema", attribute.String("service.name", "test"), attribute.Int("process.pid", 7))
	var b batch
	for range 30 {
		var stubs tracetest.SpanStubs
		for range 20 {
			s := d.span(r)
			stubs = append(stubs, s)
			b.add(&s.InstrumentationScope, appendSpan(nil, &s))
		}
		var exporter told
		if err := must(otlptrace.New(t.Context(), &exporter)).ExportSpans(t.Context(), stubs.Snapshots()); err != nil {
			t.Fatal(err)
		}
		var got tracepb.ResourceSpans
		if err := proto.Unmarshal(must(proto.Marshal(b.message(r))), &got); err != nil {
			t.Fatal(err)
		}
		b.reset() // and is used again
		want := exporter.spans[0]
		slices.SortFunc(got.GetScopeSpans(), byScope)
		slices.SortFunc(want.GetScopeSpans(), byScope)
		for n, scope := range want.GetScopeSpans() {
			for k, s := range scope.GetSpans() {
				if other := got.GetScopeSpans()[n].GetSpans()[k]; !proto.Equal(s, other) {
					t.Fatalf("got\n%s\nwant\n%s", prototext.Format(other), prototext.Format(s))
				}
			}
		}
		if !proto.Equal(&got, want) {
			t.Fatalf("got\n%s\nwant\n%s", prototext.Format(&got), prototext.Format(want))
		}
	}
}

func byScope(a, b *tracepb.ScopeSpans) int {
	return cmp.Or(cmp.Compare(a.GetScope().GetName(), b.GetScope().GetName()), cmp.Compare(a.GetScope().GetVersion(), b.GetScope().GetVersion()))
}

// Text that is no text would have all spans of a request refused.
func TestEncodingMendsText(t *testing.T) {
	bad := "a\xffb"
	s := tracetest.SpanStub{
		Name: bad, Attributes: []attribute.KeyValue{attribute.String(bad, bad), attribute.StringSlice("all", []string{bad})},
		Events: []sdktrace.Event{{Name: bad}}, Status: sdktrace.Status{Code: codes.Error, Description: bad},
	}
	var got tracepb.Span
	if err := proto.Unmarshal(appendSpan(nil, &s), &got); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(prototext.Format(&got), "a\uFFFDb"); n != 6 {
		t.Errorf("%d of 6 texts are mended: %s", n, prototext.Format(&got))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
