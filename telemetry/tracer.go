package telemetry

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// WorkflowTracer starts spans in workflow code.
type WorkflowTracer struct{ ctx workflow.Context }

// Tracer returns what workflow code starts spans of its own with:
//
//	ctx, span := telemetry.Tracer(ctx).Start(ctx, "price the cart")
//	defer span.End()
//
// Such a span is no part of history: it can be added and removed while workflows are
// running. It is emitted once, with the step in which it ends, and never again by a
// replay. Its times are those of workflow.Now, so a span that begins and ends in one
// step takes no time. Activities and timers are not its children: their parent is the
// span of the workflow, whatever spans the code adds. Without telemetry in the
// settings of the worker it costs next to nothing and goes nowhere.
func Tracer(ctx workflow.Context) *WorkflowTracer { return &WorkflowTracer{ctx} }

// Span is a span in workflow code. It is used by the code of its execution alone. Its
// methods do nothing once it has ended.
type Span interface {
	// End ends the span. A span that is not ended is never emitted.
	End()
	// SpanContext is invalid if the execution has no trace.
	SpanContext() trace.SpanContext
	// SetAttributes adds attributes.
	SetAttributes(attrs ...attribute.KeyValue)
	// AddEvent adds an event; of its options, the attributes count. Events over 128 are
	// counted only.
	AddEvent(name string, opts ...trace.EventOption)
	// SetError marks the span as failed. A nil err changes nothing.
	SetError(err error)
}

// userSpan is a Span, and what is left of it in the notes of the step that ends it.
type userSpan struct {
	ctx        workflow.Context
	id, parent trace.SpanID // the parent is zero for the workflow
	name       string
	kind       trace.SpanKind
	start, end time.Time
	attrs      []attribute.KeyValue
	links      []sdktrace.Link
	events     []sdktrace.Event
	left       int64
	failure    *engine.Failure
	over       bool
	// children counts the spans of each name that were started below.
	children map[string]int64
}

// keys in the context of a workflow, and of its locals.
type (
	spanKey  struct{}
	localKey struct{}
)

// Start begins a span, below the one that ctx holds, and returns a Context that holds
// it. Its id depends on the execution, the parent, the name, and on how many of that
// name the parent has had: it is the same on replay. Of opts, attributes, links and
// the kind count.
func (t *WorkflowTracer) Start(ctx workflow.Context, name string, opts ...trace.SpanStartOption) (workflow.Context, Span) {
	parent := current(ctx)
	if parent.children == nil {
		parent.children = map[string]int64{}
	}
	parent.children[name]++
	c := trace.NewSpanStartConfig(opts...)
	execution := workflow.WorkflowInstance(t.ctx).ExecutionID
	s := &userSpan{
		ctx:    ctx,
		id:     spanID(execution, idUser+"\x00"+string(parent.id[:])+name, parent.children[name], 0),
		parent: parent.id, name: name, kind: trace.ValidateSpanKind(c.SpanKind()), start: workflow.Now(ctx),
		attrs: c.Attributes(),
	}
	for _, l := range c.Links() {
		s.links = append(s.links, sdktrace.Link{SpanContext: l.SpanContext, Attributes: l.Attributes})
	}
	return workflow.WithValue(ctx, spanKey{}, s), s
}

// SpanFromContext returns the span that ctx holds, or one that stands for the workflow
// and can't be changed.
func SpanFromContext(ctx workflow.Context) Span { return current(ctx) }

// current returns the span that ctx holds, or else what counts the spans that are right
// below the workflow.
func current(ctx workflow.Context) *userSpan {
	if s, ok := ctx.Value(spanKey{}).(*userSpan); ok {
		return s
	}
	return workflow.Local(ctx, localKey{}, func() *userSpan { return &userSpan{ctx: ctx, over: true} })
}

// SpanContext implements Span.
func (s *userSpan) SpanContext() trace.SpanContext {
	parent, state := workflow.Trace(s.ctx)
	c := parse(history.Trace{Parent: parent, State: state})
	if c.IsValid() && s.id.IsValid() {
		c = c.WithSpanID(s.id)
	}
	return c
}

// SetAttributes implements Span.
func (s *userSpan) SetAttributes(attrs ...attribute.KeyValue) {
	if !s.over {
		s.attrs = append(s.attrs, attrs...)
	}
}

// AddEvent implements Span.
func (s *userSpan) AddEvent(name string, opts ...trace.EventOption) {
	switch {
	case s.over:
	case len(s.events) == limit:
		s.left++
	default:
		c := trace.NewEventConfig(opts...)
		s.events = append(s.events, sdktrace.Event{Name: name, Time: workflow.Now(s.ctx), Attributes: c.Attributes()})
	}
}

// SetError implements Span.
func (s *userSpan) SetError(err error) {
	if !s.over && err != nil {
		s.failure = engine.Sentinels(nil).Failure(err)
	}
}

// End implements Span.
func (s *userSpan) End() {
	if s.over {
		return
	}
	s.over = true
	if workflow.Replaying(s.ctx) {
		return
	}
	s.end = workflow.Now(s.ctx)
	workflow.Note(s.ctx, s)
}

// user is the span for what workflow code has left.
func (x *story) user(u *userSpan) *tracetest.SpanStub {
	s := x.begin(u.name, u.kind, u.id, u.start, len(u.attrs)+2)
	s.Attributes = append(s.Attributes, u.attrs...)
	s.Events, s.Links = u.events, u.links
	if u.parent.IsValid() {
		s.Parent = s.Parent.WithSpanID(u.parent)
	}
	if u.left > 0 {
		s.Attributes = append(s.Attributes, AttrLeftEvents.Int64(u.left))
	}
	if u.failure != nil {
		fail(s, u.failure)
	}
	end(s, u.end)
	return s
}
