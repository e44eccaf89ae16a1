package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/codes"
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
		f.emit(f.story.taskSpan(&c))
	}
}

// emit starts and ends a span at once. Nobody else gets to see its context.
func (f *follower) emit(s *span) {
	c := &chosen{Context: context.Background(), trace: f.story.place.self.TraceID(), span: s.id}
	if s.parent.IsValid() {
		c.Context = trace.ContextWithRemoteSpanContext(c.Context, s.parent)
	}
	_, out := f.t.tracer().Start(c, s.name, trace.WithTimestamp(s.start), trace.WithSpanKind(s.kind))
	if out.IsRecording() { // options would copy attributes once more
		out.SetAttributes(s.attrs...)
		for _, l := range s.links {
			out.AddLink(l)
		}
		for _, e := range s.events {
			out.AddEvent(e.name, trace.WithTimestamp(e.at), trace.WithAttributes(e.attrs...))
		}
		if s.failed {
			out.SetStatus(codes.Error, s.message)
		}
	}
	out.End(trace.WithTimestamp(s.until()))
}

// taskSpan is the span of a step, from when the worker took it up to when it was
// durable.
func (x *story) taskSpan(c *worker.Committed) *span {
	first := c.Events[0]
	s := &span{
		name: SpanTask, kind: trace.SpanKindConsumer, id: spanID(x.instance.ExecutionID, idTask, first.Seq, 0),
		parent: x.place.self, start: c.Began, end: c.Ended, attrs: x.attrs(6),
	}
	s.attrs = append(s.attrs, AttrSeq.Int64(first.Seq), AttrEvents.Int(len(c.Events)), AttrReplayed.Int(c.Replayed),
		AttrWorker.String(x.task.Worker), AttrBuild.String(x.task.Build), AttrQueue.String(string(c.Queue)))
	return s
}
