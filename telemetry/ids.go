package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Every span that comes out of a history has an id that depends on the execution
// and on what the span stands for, so that whoever comes by it knows the id: the
// process that runs an activity under a span which another one will emit, and a
// rebuilt trace.

// spanID derives the id of the n-th span of a kind, with a second number for
// attempts.
func spanID(execution, kind string, n, m int64) trace.SpanID {
	sum := digest(execution, kind, n, m)
	id := trace.SpanID(sum[:8])
	if !id.IsValid() {
		id[7] = 1
	}
	return id
}

// traceID derives the id of the trace that begins with an execution.
func traceID(execution string) trace.TraceID {
	sum := digest(execution, "trace", 0, 0)
	id := trace.TraceID(sum[:16])
	if !id.IsValid() {
		id[15] = 1
	}
	return id
}

func digest(execution, kind string, n, m int64) [sha256.Size]byte {
	var room [128]byte
	b := append(room[:0], "wfops\x00"...)
	b = append(append(b, execution...), 0)
	b = append(append(b, kind...), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // any bits will do
	b = binary.BigEndian.AppendUint64(b, uint64(m)) //nolint:gosec // any bits will do
	return sha256.Sum256(b)
}

// The kinds of derived span ids. They are part of what two versions of this package
// must agree on.
const (
	idWorkflow = "workflow"
	idTask     = "task"
	idCommand  = "command"
	idAttempt  = "attempt"
	idUser     = "user"
)

func workflowID(execution string) trace.SpanID { return spanID(execution, idWorkflow, 0, 0) }

func commandID(execution string, ref int64) trace.SpanID { return spanID(execution, idCommand, ref, 0) }

func attemptID(execution string, ref int64, attempt int) trace.SpanID {
	return spanID(execution, idAttempt, ref, int64(attempt))
}

// chosen is a context that tells our generator which ids the span to be started has.
// It is thrown away at once, and its ids are good for one span only: a processor is
// shown the context, and may start spans in it.
type chosen struct {
	context.Context

	trace trace.TraceID
	span  trace.SpanID
	used  bool
	// ask is set to hear what the sampler would decide, without a span.
	ask bool
	// sampled tells that our sampler was asked; verdict is its answer.
	sampled, verdict bool
}

type chosenKey struct{}

// Value implements context.Context.
func (c *chosen) Value(key any) any {
	if key == (chosenKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func chosenFrom(ctx context.Context) *chosen {
	c, _ := ctx.Value(chosenKey{}).(*chosen)
	return c
}

// take reports whether the ids are still to be had.
func (c *chosen) take() bool {
	if c == nil || c.used {
		return false
	}
	c.used = true
	return true
}

// IDGenerator returns what a TracerProvider needs to emit spans with the ids that
// this package derives; other spans get random ones:
//
//	sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(telemetry.IDGenerator()), …)
func IDGenerator() sdktrace.IDGenerator { return generator{} }

type generator struct{}

// NewIDs implements sdktrace.IDGenerator.
func (generator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if c := chosenFrom(ctx); c.take() {
		return c.trace, c.span
	}
	var t trace.TraceID
	for !t.IsValid() {
		binary.NativeEndian.PutUint64(t[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(t[8:], rand.Uint64())
	}
	return t, randomSpan()
}

// NewSpanID implements sdktrace.IDGenerator.
func (generator) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if c := chosenFrom(ctx); c.take() {
		return c.span
	}
	return randomSpan()
}

func randomSpan() trace.SpanID {
	var s trace.SpanID
	for !s.IsValid() {
		binary.NativeEndian.PutUint64(s[:], rand.Uint64())
	}
	return s
}

// Sampler returns a parent-based sampler that asks root about traces that begin
// here, except those of workflows, which were decided on before:
//
//	sdktrace.WithSampler(telemetry.Sampler(sdktrace.TraceIDRatioBased(0.1)))
//
// A provider that has sdktrace.ParentBased instead works as well, but then
// Options.RootSampler can't be used.
func Sampler(root sdktrace.Sampler) sdktrace.Sampler {
	return sampler{Sampler: sdktrace.ParentBased(root), root: root}
}

type sampler struct {
	sdktrace.Sampler

	root sdktrace.Sampler
}

// ShouldSample implements sdktrace.Sampler.
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	c := chosenFrom(p.ParentContext)
	if c == nil || c.sampled { // or another span that is started in its context
		return s.Sampler.ShouldSample(p)
	}
	c.sampled = true
	if c.ask {
		c.verdict = s.root.ShouldSample(p).Decision == sdktrace.RecordAndSample
		return sdktrace.SamplingResult{Decision: sdktrace.Drop}
	}
	if trace.SpanContextFromContext(p.ParentContext).IsValid() {
		return s.Sampler.ShouldSample(p)
	}
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}
