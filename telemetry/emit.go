package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/worker"
)

// follower emits the spans of one sampled execution.
type follower struct {
	t     *Telemetry
	story *story
}

// Committed implements worker.Observer.
func (f *follower) Committed(c worker.Committed) {
	for _, ev := range c.Events {
		f.story.take(ev)
	}
	for _, n := range c.Notes {
		if u, ok := n.(*userSpan); ok {
			f.emit(f.story.user(u))
		}
	}
	if f.t.o.TaskSpans {
		f.story.emit(f.story.taskSpan(&c))
	}
}

// emit starts and ends a span at once. Nobody else gets to see its context.
func (f *follower) emit(s *tracetest.SpanStub) {
	c := &chosen{Context: context.Background(), trace: s.SpanContext.TraceID(), span: s.SpanContext.SpanID()}
	if s.Parent.IsValid() {
		c.Context = trace.ContextWithRemoteSpanContext(c.Context, s.Parent)
	}
	_, out := f.t.tracer().Start(c, s.Name, trace.WithTimestamp(s.StartTime), trace.WithSpanKind(s.SpanKind))
	if out.IsRecording() { // options would copy attributes once more
		out.SetAttributes(s.Attributes...)
		for _, l := range s.Links {
			out.AddLink(trace.Link{SpanContext: l.SpanContext, Attributes: l.Attributes})
		}
		for _, e := range s.Events {
			out.AddEvent(e.Name, trace.WithTimestamp(e.Time), trace.WithAttributes(e.Attributes...))
		}
		if s.Status.Code == codes.Error {
			out.SetStatus(codes.Error, s.Status.Description)
		}
	}
	out.End(trace.WithTimestamp(s.EndTime))
}

// taskSpan is the span of a step, from when the worker took it up to when it was
// durable.
func (x *story) taskSpan(c *worker.Committed) *tracetest.SpanStub {
	first := c.Events[0]
	s := x.begin(SpanTask, trace.SpanKindConsumer, spanID(x.instance.ExecutionID, idTask, first.Seq, 0), c.Began, 6)
	s.Attributes = append(s.Attributes, AttrSeq.Int64(first.Seq), AttrEvents.Int(len(c.Events)), AttrReplayed.Int(c.Replayed),
		AttrWorker.String(x.task.Worker), AttrBuild.String(x.task.Build), AttrQueue.String(string(c.Queue)))
	end(s, c.Ended)
	return s
}
