package telemetry

import (
	"encoding/hex"

	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// The W3C trace context, as it is kept in events.
const (
	headerParent = "traceparent"
	headerState  = "tracestate"

	// traceparent is version-traceid-spanid-flags, in hexadecimal digits.
	parentLen = 2 + 1 + 32 + 1 + 16 + 1 + 2
	traceAt   = 3
	spanAt    = traceAt + 32 + 1
	flagsAt   = spanAt + 16 + 1

	known = trace.FlagsSampled | trace.FlagsRandom
)

// parse returns the span context that t stands for, an invalid one if t is none. A
// tracestate that can't be read is dropped, as the recommendation demands.
func parse(t history.Trace) trace.SpanContext {
	p := t.Parent
	if len(p) < parentLen || p[2] != '-' || p[spanAt-1] != '-' || p[flagsAt-1] != '-' {
		return trace.SpanContext{}
	}
	version := p[:2]
	if version == "ff" || version == "00" && len(p) > parentLen || len(p) > parentLen && p[parentLen] != '-' {
		return trace.SpanContext{}
	}
	var (
		c             trace.SpanContextConfig
		flags, unused [1]byte
	)
	if !digits(unused[:], version) || !digits(flags[:], p[flagsAt:parentLen]) ||
		!digits(c.TraceID[:], p[traceAt:spanAt-1]) || !digits(c.SpanID[:], p[spanAt:flagsAt-1]) ||
		!c.TraceID.IsValid() || !c.SpanID.IsValid() || version == "00" && flags[0] > byte(known) {
		return trace.SpanContext{}
	}
	c.TraceFlags = trace.TraceFlags(flags[0]) & known
	if t.State != "" {
		c.TraceState, _ = trace.ParseTraceState(t.State)
	}
	c.Remote = true
	return trace.NewSpanContext(c)
}

// digits reads lower-case hexadecimal digits, the only ones that are allowed, two for
// each byte.
func digits(to []byte, from string) bool {
	for i := range to {
		high, low := digit(from[2*i]), digit(from[2*i+1])
		if high|low > 0xf {
			return false
		}
		to[i] = high<<4 | low
	}
	return true
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// format is the opposite of parse.
func format(c trace.SpanContext) history.Trace {
	if !c.IsValid() {
		return history.Trace{}
	}
	id, span := c.TraceID(), c.SpanID()
	var room [parentLen]byte
	b := append(room[:0], "00-"...)
	b = hex.AppendEncode(b, id[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, span[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, []byte{byte(c.TraceFlags())})
	return history.Trace{Parent: string(b), State: c.TraceState().String()}
}

// sampled reports what parse(t).IsSampled() would, without the work.
func sampled(t history.Trace) bool {
	if len(t.Parent) < parentLen {
		return false
	}
	switch t.Parent[parentLen-1] {
	case '1', '3', '5', '7', '9', 'b', 'd', 'f':
		return true
	}
	return false
}

// place is where the spans of an execution are.
type place struct {
	// self is the span of the workflow.
	self trace.SpanContext
	// parent of it; invalid if the trace begins with it.
	parent trace.SpanContext
	// previous is the span of the execution that was continued; invalid if there is
	// none.
	previous trace.SpanContext
}

// placeOf finds the place of an execution. decide says whether a trace is sampled
// that begins with the execution; it is asked only where nobody has decided before.
func placeOf(i engine.Instance, s *history.WorkflowStarted, decide func(id trace.TraceID, before *bool) bool) place {
	in := incoming(s)
	self := trace.SpanContextConfig{SpanID: workflowID(i.ExecutionID), Remote: true}
	var p place
	switch {
	case in.IsValid() && s.ContinuedFrom != "" && in.SpanID() == workflowID(s.ContinuedFrom):
		before := in.IsSampled()
		p.previous = in
		self.TraceID = traceID(i.ExecutionID) // the state is that of the other trace
		self.TraceFlags = trace.TraceFlags(0).WithSampled(decide(self.TraceID, &before))
	case in.IsValid():
		p.parent = in
		self.TraceID, self.TraceFlags, self.TraceState = in.TraceID(), in.TraceFlags(), in.TraceState()
	default:
		first := s.FirstExecution
		if first == "" {
			first = i.ExecutionID
		}
		self.TraceID = traceID(first)
		self.TraceFlags = trace.TraceFlags(0).WithSampled(decide(self.TraceID, nil))
	}
	p.self = trace.NewSpanContext(self)
	if s.ContinuedFrom != "" && !p.previous.IsValid() {
		p.previous = p.self.WithSpanID(workflowID(s.ContinuedFrom))
	}
	return p
}

// incoming is the trace context that an execution was started with. A client without
// telemetry may have a propagator that puts it among the headers.
func incoming(s *history.WorkflowStarted) trace.SpanContext {
	if c := parse(s.Trace); c.IsValid() {
		return c
	}
	if s.Headers[headerParent] == "" {
		return trace.SpanContext{}
	}
	return parse(history.Trace{Parent: s.Headers[headerParent], State: s.Headers[headerState]})
}
