package telemetry

import (
	"fmt"
	"slices"

	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Option changes what FromHistory makes.
type Option func(*rebuild)

type rebuild struct {
	resource *resource.Resource
	payloads func(Payload) string
}

// WithResource says where the spans come from; without it they come from nowhere.
func WithResource(r *resource.Resource) Option { return func(b *rebuild) { b.resource = r } }

// WithPayloads shows payloads, as Options.Payloads does.
func WithPayloads(show func(what Payload) string) Option {
	return func(b *rebuild) { b.payloads = show }
}

// FromHistory makes the spans of an execution of its events: those of the workflow,
// its activities and their attempts, timers, children and signals. They have the ids
// that the live ones have, or would have had if the workflow was not sampled or its
// worker had no telemetry; so what a crash has lost can be added to the trace. What
// is not over yet has no span. An exporter takes them as they are.
//
// events are the whole history so far, from the first one on. The error wraps
// engine.ErrInvalidArgument if they don't begin with a WorkflowStarted.
func FromHistory(i engine.Instance, events []history.Event, opts ...Option) ([]sdktrace.ReadOnlySpan, error) {
	var b rebuild
	for _, o := range opts {
		o(&b)
	}
	started, err := startedOf(i, events)
	if err != nil {
		return nil, err
	}
	x := newStory(i, started.Workflow, placeInHistory(i, started))
	x.show = b.payloads
	var stubs tracetest.SpanStubs
	x.emit = func(s *tracetest.SpanStub) {
		kept := *s
		kept.Resource, kept.Attributes = b.resource, slices.Clone(s.Attributes)
		stubs = append(stubs, kept)
	}
	for _, ev := range events {
		x.take(ev)
	}
	return stubs.Snapshots(), nil
}

// ContextOf returns the W3C trace context of the span that FromHistory makes of the
// command ref of an execution, or of the execution itself if ref is 0. s is the event
// that began it. A child whose parent ran without telemetry carries none: put that of
// ref into its WorkflowStarted, and its spans are below those of the parent.
func ContextOf(i engine.Instance, s *history.WorkflowStarted, ref int64) history.Trace {
	self := placeInHistory(i, s).self
	if ref > 0 {
		self = self.WithSpanID(commandID(i.ExecutionID, ref))
	}
	return format(self)
}

// placeInHistory is the place of an execution as if it had been sampled.
func placeInHistory(i engine.Instance, s *history.WorkflowStarted) place {
	p := placeOf(i, s, func(trace.TraceID, *bool) bool { return true })
	p.self = p.self.WithTraceFlags(p.self.TraceFlags() | trace.FlagsSampled)
	return p
}

// startedOf returns the event that began the execution. A TaskStarted stands before.
func startedOf(i engine.Instance, events []history.Event) (*history.WorkflowStarted, error) {
	for _, ev := range events {
		if s, ok := ev.Body.(history.WorkflowStarted); ok {
			return &s, nil
		}
	}
	return nil, fmt.Errorf("%w: the %d events of %s hold no WorkflowStarted: pass the whole history", engine.ErrInvalidArgument, len(events), i)
}
