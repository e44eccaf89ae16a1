package telemetry

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// payloads adds what may be seen of arguments and a result.
func (x *story) payloads(s *tracetest.SpanStub, kind, name string, args []engine.Payload, result engine.Payload) {
	if x.show == nil {
		return
	}
	shown := make([]string, 0, len(args))
	for _, arg := range args {
		shown = append(shown, x.show(Payload{Span: kind, Name: name, Key: AttrArgs, Data: arg}))
	}
	if slices.ContainsFunc(shown, func(v string) bool { return v != "" }) {
		s.Attributes = append(s.Attributes, AttrArgs.StringSlice(shown))
	}
	if result == nil {
		return
	}
	if v := x.show(Payload{Span: kind, Name: name, Key: AttrResult, Data: result}); v != "" {
		s.Attributes = append(s.Attributes, AttrResult.String(v))
	}
}

// span begins the span of a command, with room for n attributes besides those of the
// site.
func (x *story) span(c *command, name string, kind trace.SpanKind, n int, site *history.Site) *tracetest.SpanStub {
	s := x.begin(name, kind, c.id, c.At, n+4)
	s.Attributes = append(s.Attributes, AttrSeq.Int64(c.Seq))
	if !site.IsZero() {
		s.Attributes = append(s.Attributes, attrFunction.String(site.Function), attrFile.String(site.File), attrLine.Int(site.Line))
	}
	return s
}

// begin begins a span below that of the workflow, in memory that the next one uses
// again. It has the common attributes, and room for n more.
func (x *story) begin(name string, kind trace.SpanKind, id trace.SpanID, at time.Time, n int) *tracetest.SpanStub {
	x.room = append(slices.Grow(x.room[:0], len(x.common)+n), x.common...)
	s := &x.made
	s.Name, s.SpanKind, s.StartTime = name, kind, at
	s.SpanContext, s.Parent = x.local.WithSpanID(id), x.place.self
	s.Attributes, s.Events, s.Links, s.Status = x.room, nil, nil, sdktrace.Status{}
	s.InstrumentationScope.Name = Scope
	return s
}

// over emits a span that is over.
func (x *story) over(s *tracetest.SpanStub, at time.Time, o outcome) {
	s.Attributes = append(s.Attributes, AttrStatus.String(o.status))
	if o.failure != nil {
		fail(s, o.failure)
	}
	end(s, at)
	x.emit(s)
}

// end ends s. Clocks of two machines may disagree; no span ends before it began.
// Jaeger takes one of no length for one that does, and warns.
func end(s *tracetest.SpanStub, at time.Time) {
	if !at.After(s.StartTime) {
		at = s.StartTime.Add(time.Nanosecond)
	}
	s.EndTime = at
}

func fail(s *tracetest.SpanStub, f *engine.Failure) {
	s.Status = sdktrace.Status{Code: codes.Error, Description: cut(f.Message)}
	s.Attributes = append(s.Attributes, attrErrorType.String(errorType(f)))
}

// errorType is what errors are grouped by: the code of a sentinel, or else the Go type.
func errorType(f *engine.Failure) string {
	for link := f; link != nil; {
		if link.Code != "" {
			return link.Code
		}
		if len(link.Causes) == 0 {
			break
		}
		link = link.Causes[0]
	}
	return cmp.Or(f.Type, "_OTHER")
}

// maxMessage is how much of an error message a status has.
const maxMessage = 1 << 10

func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	n := maxMessage
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
