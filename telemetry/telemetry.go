package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/worker"
)

// Options say what is emitted, and where to. The zero value works.
type Options struct {
	// TracerProvider emits the spans; nil means that of otel.GetTracerProvider at the
	// time of use. It must have been made with IDGenerator and with a parent-based
	// sampler, or New returns an error. Setup makes one.
	TracerProvider trace.TracerProvider
	// MeterProvider is for the metrics; nil means that of otel.GetMeterProvider.
	MeterProvider metric.MeterProvider

	// RootSampler decides about workflows whose client did not: it knows no telemetry,
	// and the trace id is derived from the first execution. It must be a pure function
	// that is the same in all workers. The provider must have been made with Sampler
	// then. Nil means that the provider's sampler decides as for any trace that begins
	// here.
	RootSampler func(id trace.TraceID) bool
	// TracePerExecution begins a trace with each execution that continues another one
	// as new, with a link to that. Otherwise they share one trace.
	TracePerExecution bool
	// TaskSpans adds a span for each step of a workflow, from claim to commit.
	TaskSpans bool

	// Payloads, unless nil, returns what may be shown of an argument or a result, or ""
	// for nothing. Without it no payload leaves the program. It is called concurrently,
	// and must be quick; a payload is as it is stored, so sealed if there is a codec.
	Payloads func(what Payload) string

	// Logger is told when telemetry does not work; nil means slog.Default.
	Logger *slog.Logger
}

// Payload is a value that a span could show.
type Payload struct {
	// Span is the kind of the span: SpanWorkflow, SpanActivity, SpanChild or SpanSignal.
	Span string
	// Name of the workflow, activity or signal.
	Name string
	// Key is AttrArgs or AttrResult.
	Key  attribute.Key
	Data engine.Payload
}

// Telemetry makes OpenTelemetry spans, and metrics, of what client and worker do. It
// goes into the settings of both:
//
//	t, err := telemetry.New(telemetry.Options{})
//	s := settings.Settings{Telemetry: t}
//
// It is safe for concurrent use and may be shared by any number of them.
type Telemetry struct {
	o   Options
	log *slog.Logger
	// found is the tracer once it is known to work.
	found atomic.Pointer[trace.Tracer]
	// state is what the last probe of the provider found; obeys, that the provider has
	// our Sampler.
	state atomic.Int32
	obeys atomic.Bool

	meters *meters
	spans  *outbox // nil unless it comes from Setup
	// direct is set if the spans of workflows go to spans, past the TracerProvider,
	// which would do no more with them, at several times the cost: Setup has made it.
	direct bool
}

// Spans returns what became of the spans, if t comes from Setup, and zeros otherwise.
func (t *Telemetry) Spans() SpanCounts {
	if t.spans == nil {
		return SpanCounts{}
	}
	return t.spans.sum()
}

var (
	_ settings.Telemetry = (*Telemetry)(nil)
	_ worker.Follower    = (*Telemetry)(nil)
)

// What is known of a provider.
const (
	// unknown: there is none yet, or it is a no-op. It is asked again.
	unknown int32 = iota
	working
	unfit
)

// ErrProvider is wrapped by the error of New for a TracerProvider that can't be used.
var ErrProvider = errors.New("the TracerProvider can't be used")

// New returns a Telemetry. Its error wraps ErrProvider and says what the provider
// lacks, or is that of the metrics. A provider that emits nothing, or a global one
// that was not set yet, is no error.
func New(o Options) (*Telemetry, error) {
	t := &Telemetry{o: o, log: o.Logger}
	if t.log == nil {
		t.log = slog.Default()
	}
	if err := t.probe(); err != nil {
		return nil, err
	}
	var err error
	if t.meters, err = newMeters(o); err != nil {
		return nil, err
	}
	return t, nil
}

// tracer returns what starts our spans.
func (t *Telemetry) tracer() trace.Tracer {
	if found := t.found.Load(); found != nil {
		return *found
	}
	p := t.o.TracerProvider
	if p == nil {
		p = otel.GetTracerProvider()
	}
	return p.Tracer(Scope)
}

// probed is the parent of the span that asks what a provider does. It is not sampled,
// so the span is never exported; a sampler that goes by a ratio of trace ids and not
// by the parent would sample it.
var probed = trace.NewSpanContext(trace.SpanContextConfig{
	TraceID: trace.TraceID{0x77}, SpanID: trace.SpanID{0x77, 7: 1}, Remote: true,
})

// probe finds out whether the provider does what we need. The span is never ended.
func (t *Telemetry) probe() error {
	c := &chosen{Context: trace.ContextWithRemoteSpanContext(context.Background(), probed), span: trace.SpanID{0x77, 7: 2}}
	tracer := t.tracer()
	_, span := tracer.Start(c, "probe")
	got := span.SpanContext()
	switch {
	case !got.IsValid() || got.SpanID() == probed.SpanID():
		return nil // a no-op passes on the parent
	case got.SpanID() != c.span:
		return fmt.Errorf("telemetry: %w: it chooses the ids of spans itself; make it with sdktrace.WithIDGenerator(telemetry.IDGenerator())", ErrProvider)
	case got.IsSampled():
		return fmt.Errorf("telemetry: %w: its sampler does not follow the parent's decision; make it with sdktrace.WithSampler(telemetry.Sampler(…))", ErrProvider)
	case t.o.RootSampler != nil && !c.sampled:
		return fmt.Errorf("telemetry: %w: Options.RootSampler needs a provider that is made with sdktrace.WithSampler(telemetry.Sampler(…))", ErrProvider)
	}
	t.obeys.Store(c.sampled)
	t.found.Store(&tracer)
	t.state.Store(working)
	return nil
}

// on reports whether spans can be emitted.
func (t *Telemetry) on() bool {
	switch t.state.Load() {
	case working:
		return true
	case unfit:
		return false
	}
	if err := t.probe(); err != nil && t.state.CompareAndSwap(unknown, unfit) {
		t.log.Error("workflows are not traced", slog.Any("error", err))
	}
	return t.state.Load() == working
}

// decide says whether a trace is sampled that begins with an execution. before is
// what was decided for the execution that it continues, or nil.
func (t *Telemetry) decide(id trace.TraceID, before *bool) bool {
	if t.obeys.Load() {
		switch {
		case before != nil:
			return *before
		case t.o.RootSampler != nil:
			return t.rootSampler(id)
		}
	}
	c := &chosen{Context: context.Background(), trace: id, span: probed.SpanID(), ask: true}
	_, span := t.tracer().Start(c, "probe")
	return c.verdict || span.SpanContext().IsSampled()
}

// rootSampler asks the user's function, which may panic.
func (t *Telemetry) rootSampler(id trace.TraceID) (yes bool) {
	defer func() {
		if r := recover(); r != nil {
			t.log.Error("Options.RootSampler panicked; the workflow is not traced", slog.Any("panic", r))
		}
	}()
	return t.o.RootSampler(id)
}

// Trace implements settings.Telemetry.
func (t *Telemetry) Trace(i engine.Instance, s *history.WorkflowStarted, ref int64) history.Trace {
	if !t.on() {
		return format(incoming(s)) // as if we were not here
	}
	self := placeOf(i, s, t.decide).self
	if ref > 0 && self.IsSampled() {
		self = self.WithSpanID(commandID(i.ExecutionID, ref))
	}
	return format(self)
}

// Continued implements settings.Telemetry. An execution that was started by the span
// of the one that it continues has a trace of its own.
func (t *Telemetry) Continued(s *history.WorkflowStarted, own history.Trace) history.Trace {
	if t.o.TracePerExecution && own.Parent != "" {
		return own
	}
	return s.Trace
}

// Attempt implements settings.Telemetry. The span of the attempt is emitted when its
// outcome is durable; spans that the activity starts are its children.
func (t *Telemetry) Attempt(ctx context.Context, i engine.Instance, own history.Trace, ref int64, attempt int) context.Context {
	c := parse(own)
	if !c.IsValid() {
		return ctx
	}
	if c.IsSampled() && t.on() {
		c = c.WithSpanID(attemptID(i.ExecutionID, ref, attempt))
	}
	return trace.ContextWithRemoteSpanContext(ctx, c)
}

// Committed implements worker.Observer.
func (t *Telemetry) Committed(c worker.Committed) { t.meters.committed(&c) }

// Follow implements worker.Follower. Nothing is kept for an execution that is not
// sampled.
func (t *Telemetry) Follow(e worker.Execution, past []history.Event) worker.Observer {
	if !sampled(e.Trace) || !t.on() {
		return nil
	}
	always := func(trace.TraceID, *bool) bool { return true }
	f := &follower{t: t, story: newStory(e.Instance, e.Workflow, placeOf(e.Instance, e.Started, always))}
	f.story.show = t.o.Payloads
	for _, ev := range past {
		f.story.take(ev)
	}
	if f.story.emit = f.emit; t.direct {
		f.story.emit = t.spans.put
	}
	return f
}
