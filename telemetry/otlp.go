package telemetry

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/encoding/protowire"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Spans in the encoding of OTLP, written at once where a span ends. The exporter's own
// way makes some forty objects of each span and has them encoded by reflection; that
// took more of the CPU than the workflows did. What comes out is the same, but that
// text which is not UTF-8 is mended: a collector refuses all that came with it.
//
// Field numbers are those of opentelemetry/proto/{trace,common}/v1.

// message returns the spans of one instrumentation.
func (s *scoped) message() *tracepb.ScopeSpans {
	m := &tracepb.ScopeSpans{SchemaUrl: s.scope.SchemaURL}
	if s.scope != (instrumentation.Scope{}) {
		m.Scope = &commonpb.InstrumentationScope{Name: s.scope.Name, Version: s.scope.Version}
		m.Scope.ProtoReflect().SetUnknown(appendAttributes(nil, 3, s.scope.Attributes.ToSlice()))
	}
	m.ProtoReflect().SetUnknown(s.spans)
	return m
}

// appendSpan appends what is in a message Span.
func appendSpan(b []byte, s *tracetest.SpanStub) []byte {
	id, span := s.SpanContext.TraceID(), s.SpanContext.SpanID()
	b = appendBytes(b, 1, id[:])
	b = appendBytes(b, 2, span[:])
	b = appendText(b, 3, s.SpanContext.TraceState().String())
	if parent := s.Parent.SpanID(); parent.IsValid() {
		b = appendBytes(b, 4, parent[:])
	}
	b = appendText(b, 5, s.Name)
	b = appendNumber(b, 6, kindNumber(s.SpanKind))
	b = appendTime(b, 7, s.StartTime)
	b = appendTime(b, 8, s.EndTime)
	b = appendAttributes(b, 9, s.Attributes)
	b = appendCount(b, 10, s.DroppedAttributes)
	for i := range s.Events {
		b = appendEvent(b, 11, &s.Events[i])
	}
	b = appendCount(b, 12, s.DroppedEvents)
	for i := range s.Links {
		b = appendLink(b, 13, &s.Links[i])
	}
	b = appendCount(b, 14, s.DroppedLinks)
	b = appendStatus(b, 15, s.Status)
	return appendFlags(b, 16, s.SpanContext.TraceFlags(), s.Parent)
}

func appendEvent(b []byte, field protowire.Number, e *sdktrace.Event) []byte {
	b, at := open(b, field)
	b = appendTime(b, 1, e.Time)
	b = appendText(b, 2, e.Name)
	b = appendAttributes(b, 3, e.Attributes)
	b = appendCount(b, 4, e.DroppedAttributeCount)
	return closed(b, at)
}

func appendLink(b []byte, field protowire.Number, l *sdktrace.Link) []byte {
	b, at := open(b, field)
	id, span := l.SpanContext.TraceID(), l.SpanContext.SpanID()
	b = appendBytes(b, 1, id[:])
	b = appendBytes(b, 2, span[:])
	b = appendAttributes(b, 4, l.Attributes)
	b = appendCount(b, 5, l.DroppedAttributeCount)
	b = appendFlags(b, 6, l.SpanContext.TraceFlags(), l.SpanContext)
	return closed(b, at)
}

func appendStatus(b []byte, field protowire.Number, s sdktrace.Status) []byte {
	b, at := open(b, field)
	b = appendText(b, 2, s.Description)
	switch s.Code {
	case codes.Ok:
		b = appendNumber(b, 3, uint64(tracepb.Status_STATUS_CODE_OK))
	case codes.Error:
		b = appendNumber(b, 3, uint64(tracepb.Status_STATUS_CODE_ERROR))
	case codes.Unset:
	}
	return closed(b, at)
}

// appendFlags appends those of the trace, and whether the parent is of another process.
func appendFlags(b []byte, field protowire.Number, f trace.TraceFlags, parent trace.SpanContext) []byte {
	flags := uint32(f) | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	if parent.IsRemote() {
		flags |= uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
	}
	return protowire.AppendFixed32(protowire.AppendTag(b, field, protowire.Fixed32Type), flags)
}

func kindNumber(k trace.SpanKind) uint64 {
	switch k {
	case trace.SpanKindInternal:
		return uint64(tracepb.Span_SPAN_KIND_INTERNAL)
	case trace.SpanKindServer:
		return uint64(tracepb.Span_SPAN_KIND_SERVER)
	case trace.SpanKindClient:
		return uint64(tracepb.Span_SPAN_KIND_CLIENT)
	case trace.SpanKindProducer:
		return uint64(tracepb.Span_SPAN_KIND_PRODUCER)
	case trace.SpanKindConsumer:
		return uint64(tracepb.Span_SPAN_KIND_CONSUMER)
	case trace.SpanKindUnspecified:
	}
	return uint64(tracepb.Span_SPAN_KIND_UNSPECIFIED)
}

func appendAttributes(b []byte, field protowire.Number, attrs []attribute.KeyValue) []byte {
	for i := range attrs {
		var at int
		b, at = open(b, field)
		b = appendText(b, 1, string(attrs[i].Key))
		b = appendValue(b, 2, attrs[i].Value)
		b = closed(b, at)
	}
	return b
}

func appendValue(b []byte, field protowire.Number, v attribute.Value) []byte {
	b, at := open(b, field)
	return closed(appendOne(b, v), at)
}

// appendOne appends what is in a message AnyValue. It is one of several, so it is there
// even if it is zero.
func appendOne(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		return appendString(b, 1, v.AsString())
	case attribute.BOOL:
		return protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), protowire.EncodeBool(v.AsBool()))
	case attribute.INT64:
		return protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), uint64(v.AsInt64())) //nolint:gosec // two's complement
	case attribute.FLOAT64:
		return protowire.AppendFixed64(protowire.AppendTag(b, 4, protowire.Fixed64Type), math.Float64bits(v.AsFloat64()))
	case attribute.BYTESLICE:
		return protowire.AppendBytes(protowire.AppendTag(b, 7, protowire.BytesType), v.AsByteSlice())
	case attribute.MAP:
		b, at := open(b, 6)
		return closed(appendAttributes(b, 1, v.AsMap()), at)
	case attribute.BOOLSLICE:
		return appendArray(b, v.AsBoolSlice(), attribute.BoolValue)
	case attribute.INT64SLICE:
		return appendArray(b, v.AsInt64Slice(), attribute.Int64Value)
	case attribute.FLOAT64SLICE:
		return appendArray(b, v.AsFloat64Slice(), attribute.Float64Value)
	case attribute.STRINGSLICE:
		return appendArray(b, v.AsStringSlice(), attribute.StringValue)
	case attribute.SLICE:
		return appendArray(b, v.AsSlice(), func(v attribute.Value) attribute.Value { return v })
	case attribute.EMPTY:
		return b
	}
	return appendString(b, 1, v.String()) // of a kind that this version does not know
}

func appendArray[E any](b []byte, values []E, of func(E) attribute.Value) []byte {
	b, at := open(b, 5)
	for _, v := range values {
		b = appendValue(b, 1, of(v))
	}
	return closed(b, at)
}

// open begins a message, and closed puts its length before what was appended since: that
// is mostly one byte, for which there is room.
func open(b []byte, field protowire.Number) (_ []byte, at int) {
	b = append(protowire.AppendTag(b, field, protowire.BytesType), 0)
	return b, len(b)
}

func closed(b []byte, at int) []byte {
	n := len(b) - at
	if n < 1<<7 {
		b[at-1] = byte(n)
		return b
	}
	more := protowire.SizeVarint(uint64(n)) - 1
	b = slices.Grow(b, more)[:len(b)+more]
	copy(b[at+more:], b[at:at+n])
	protowire.AppendVarint(b[:at-1], uint64(n))
	return b
}

// appendText and those below append nothing for what is zero.
func appendText(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(b, field, s)
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendBytes(b []byte, field protowire.Number, p []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), p)
}

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func appendCount(b []byte, field protowire.Number, n int) []byte {
	return appendNumber(b, field, uint64(min(max(n, 0), math.MaxUint32)))
}

func appendTime(b []byte, field protowire.Number, t time.Time) []byte {
	n := max(t.UnixNano(), 0)
	if n == 0 {
		return b
	}
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), uint64(n))
}
