package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
)

// Creating implements settings.Telemetry. Here it is decided whether the workflow is
// sampled, and all that comes of it.
func (t *Telemetry) Creating(ctx context.Context, i engine.Instance, workflow string) (context.Context, settings.Call) {
	return t.call(ctx, SpanCreate, workflow, i.InstanceID, AttrWorkflow)
}

// Signaling implements settings.Telemetry.
func (t *Telemetry) Signaling(ctx context.Context, instanceID, signal string) (context.Context, settings.Call) {
	return t.call(ctx, SpanSignal, signal, instanceID, AttrSignal)
}

// producer is made once: most calls of a program that samples few are not recorded.
var producer = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindProducer)}

func (t *Telemetry) call(ctx context.Context, what, name, instanceID string, key attribute.Key) (context.Context, settings.Call) {
	if !t.on() {
		return ctx, call{noSpan(ctx)}
	}
	ctx, span := t.tracer().Start(ctx, what+" "+name, producer...)
	if span.IsRecording() {
		span.SetAttributes(key.String(name), AttrInstance.String(instanceID))
	}
	return ctx, call{span}
}

// noSpan stands for the span around a call that has none: it passes on the parent.
func noSpan(ctx context.Context) trace.Span {
	return trace.SpanFromContext(trace.ContextWithRemoteSpanContext(ctx, trace.SpanContextFromContext(ctx)))
}

// call is the span of a call of the client.
type call struct{ span trace.Span }

// Trace implements settings.Call.
func (c call) Trace() history.Trace { return format(c.span.SpanContext()) }

// End implements settings.Call.
func (c call) End(i engine.Instance, err error) {
	if c.span.IsRecording() {
		if i.ExecutionID != "" {
			c.span.SetAttributes(AttrExecution.String(i.ExecutionID))
		}
		if err != nil {
			c.span.SetAttributes(attrErrorType.String(errorType(engine.Sentinels(nil).Failure(err))))
			c.span.SetStatus(codes.Error, cut(err.Error()))
		}
	}
	c.span.End()
}

// LogAttrs implements settings.Telemetry.
func (t *Telemetry) LogAttrs(ctx context.Context) []slog.Attr {
	c := trace.SpanContextFromContext(ctx)
	if !c.IsValid() {
		return nil
	}
	return []slog.Attr{slog.String(logTrace, c.TraceID().String()), slog.String(logSpan, c.SpanID().String())}
}
