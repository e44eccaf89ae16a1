package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// provider is a TracerProvider as a user may make it.
func provider(t *testing.T, opts ...sdktrace.TracerProviderOption) *sdktrace.TracerProvider {
	t.Helper()
	p := sdktrace.NewTracerProvider(opts...)
	t.Cleanup(func() { _ = p.Shutdown(t.Context()) })
	return p
}

func TestProvidersThatCannotBeUsed(t *testing.T) {
	ids := sdktrace.WithIDGenerator(telemetry.IDGenerator())
	for says, c := range map[string]struct {
		opts []sdktrace.TracerProviderOption
		root func(trace.TraceID) bool
	}{
		"WithIDGenerator":            {opts: nil},
		"does not follow":            {opts: []sdktrace.TracerProviderOption{ids, sdktrace.WithSampler(sdktrace.AlwaysSample())}},
		"WithSampler(telemetry.Samp": {opts: []sdktrace.TracerProviderOption{ids, sdktrace.WithSampler(sdktrace.TraceIDRatioBased(0.1))}},
		"Options.RootSampler needs": {
			opts: []sdktrace.TracerProviderOption{ids, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample()))},
			root: func(trace.TraceID) bool { return true },
		},
	} {
		_, err := telemetry.New(telemetry.Options{TracerProvider: provider(t, c.opts...), RootSampler: c.root})
		if !errors.Is(err, telemetry.ErrProvider) || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}

// Asking whether a provider can be used leaves nothing behind.
func TestProbingEmitsNothing(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	p := provider(t, sdktrace.WithSyncer(exporter), sdktrace.WithIDGenerator(telemetry.IDGenerator()))
	if _, err := telemetry.New(telemetry.Options{TracerProvider: p}); err != nil {
		t.Fatal(err)
	}
	if err := p.ForceFlush(t.Context()); err != nil || len(exporter.GetSpans()) > 0 {
		t.Errorf("emitted %v, %v", exporter.GetSpans(), err)
	}
}

func TestWithoutTracing(t *testing.T) {
	w := newWorld(t, config{})
	w.tel = must(telemetry.New(telemetry.Options{TracerProvider: noop.NewTracerProvider()}))
	w.start(worker.Options{})
	i := w.create("one", Family, "x")
	w.finish(i)
	w.stop()
	for _, s := range w.exporter.GetSpans() {
		if !strings.HasPrefix(s.Name, telemetry.SpanCreate) && s.Name != "outer" && s.Name != "inner" {
			t.Errorf("span %q without tracing", s.Name)
		}
	}
}

// A program may set its provider after it has made everything else.
func TestGlobalProviderThatComesLate(t *testing.T) {
	before := otel.GetTracerProvider()
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	w := newWorld(t, config{mute: true})
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	w.tel = must(telemetry.New(telemetry.Options{Logger: logger}))
	w.start(worker.Options{})
	w.finish(w.create("early", Simple, "ada"))

	otel.SetTracerProvider(w.provider)
	w.finish(w.create("late", Simple, "ada"))
	w.stop()
	spans := w.exporter.GetSpans()
	if len(spans) != 5 || strings.Contains(draw(spans), "early") {
		t.Errorf("want the spans of the second instance, got\n%s", draw(spans))
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}

// One that can't be used is said so, once, and workflows go on.
func TestGlobalProviderThatComesLateAndUnfit(t *testing.T) {
	before := otel.GetTracerProvider()
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	otel.SetTracerProvider(noop.NewTracerProvider())
	var log bytes.Buffer
	w := newWorld(t, config{mute: true})
	w.tel = must(telemetry.New(telemetry.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}))
	otel.SetTracerProvider(provider(t))
	w.start(worker.Options{})
	w.finish(w.create("one", Simple, "ada"))
	w.stop()
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "WithIDGenerator") {
		t.Errorf("logged %s", log.String())
	}
}

// Who has no telemetry leaves the decision to the worker, by the trace id.
func TestRootSampler(t *testing.T) {
	even := func(id trace.TraceID) bool { return id[15]&1 == 0 }
	w := newWorld(t, config{mute: true, sampler: telemetry.Sampler(sdktrace.NeverSample()), options: telemetry.Options{RootSampler: even}})
	w.start(worker.Options{})
	const instances = 30
	w.families(instances)
	w.stop()
	if n := w.whole(true, false); n == 0 || n == instances {
		t.Errorf("%d of %d traces", n, instances)
	}
	for _, s := range w.exporter.GetSpans() {
		if !even(s.SpanContext.TraceID()) {
			t.Fatalf("trace %s should not be sampled", s.SpanContext.TraceID())
		}
	}
}

func TestRootSamplerThatPanics(t *testing.T) {
	var log logbook
	w := newWorld(t, config{mute: true, options: telemetry.Options{
		RootSampler: func(trace.TraceID) bool { panic("no") }, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}})
	w.start(worker.Options{})
	w.finish(w.create("one", Simple, "ada"))
	w.stop()
	if n := len(w.exporter.GetSpans()); n > 0 {
		t.Errorf("%d spans", n)
	}
	if !strings.Contains(log.String(), "RootSampler panicked") {
		t.Errorf("logged %q", log.String())
	}
}

// The caller's span is the parent of the workflow's, sampled or not.
func TestCallerDecides(t *testing.T) {
	for _, sampled := range []bool{true, false} {
		w := newWorld(t, config{})
		w.start(worker.Options{})
		caller := trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.TraceFlags(0).WithSampled(sampled), Remote: true,
			TraceState: must(trace.ParseTraceState("vendor=1")),
		})
		i := must(w.client.CreateWorkflowInstance(trace.ContextWithSpanContext(t.Context(), caller), options("one"), Simple, "ada"))
		w.finish(i)
		w.stop()
		spans := w.exporter.GetSpans()
		if !sampled {
			if len(spans) > 0 {
				t.Errorf("a caller that is not sampled got\n%s", draw(spans))
			}
			continue
		}
		if len(spans) != 6 {
			t.Errorf("want the whole trace, got\n%s", draw(spans))
		}
		for _, s := range spans {
			if s.SpanContext.TraceID() != caller.TraceID() || s.SpanContext.TraceState().String() != "vendor=1" {
				t.Errorf("%q is in trace %s with state %q", s.Name, s.SpanContext.TraceID(), s.SpanContext.TraceState())
			}
		}
	}
}

// A trace of its own has nothing of the caller's but the decision.
func TestCallerOfExecutionsApart(t *testing.T) {
	w := newWorld(t, config{options: telemetry.Options{TracePerExecution: true}})
	w.start(worker.Options{})
	caller := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled | trace.FlagsRandom, Remote: true,
		TraceState: must(trace.ParseTraceState("vendor=1")),
	})
	i := must(w.client.CreateWorkflowInstance(trace.ContextWithSpanContext(t.Context(), caller), options("one"), Continued, 2))
	w.finish(i)
	w.stop()
	live := w.exporter.GetSpans()
	if len(live) != 10 {
		t.Errorf("got\n%s", draw(live))
	}
	w.rebuilds(live, i)
}

// curious is a processor that starts spans in the contexts that it is shown.
type curious struct {
	nowhere

	tracer func() trace.Tracer
	told   []trace.SpanID
}

func (c *curious) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	c.told = append(c.told, s.SpanContext().SpanID())
	if s.Name() != "mine" {
		c.tracer().Start(ctx, "mine")
	}
}

// Nobody gets at an id that is meant for another span.
func TestIDsAreGoodForOneSpan(t *testing.T) {
	c := &curious{}
	p := provider(t, sdktrace.WithSpanProcessor(c), sdktrace.WithIDGenerator(telemetry.IDGenerator()), sdktrace.WithSampler(telemetry.Sampler(sdktrace.AlwaysSample())))
	c.tracer = func() trace.Tracer { return p.Tracer("curious") }
	w := newWorld(t, config{})
	w.tel = must(telemetry.New(telemetry.Options{TracerProvider: p}))
	w.client = client.New(w.store, client.WithSettings(w.settings()))
	w.start(worker.Options{})
	w.finish(w.create("one", Simple, "ada"))
	w.stop()
	ids := map[trace.SpanID]bool{}
	for _, id := range c.told {
		ids[id] = true
	}
	if len(c.told) != 12 || len(ids) != 12 {
		t.Errorf("%d spans with %d ids, want 12", len(c.told), len(ids))
	}
}

// Who registers it a second time, by hand, is not told everything twice.
func TestObserverByHand(t *testing.T) {
	w := newWorld(t, config{})
	w.start(worker.Options{Observers: []worker.Observer{w.tel}})
	i := w.create("one", Simple, "ada")
	w.finish(i)
	w.stop()
	if drawn := draw(w.exporter.GetSpans()); strings.Contains(drawn, "TWICE") {
		t.Errorf("got\n%s", drawn)
	}
}

// What a client was refused is an error on its span.
func TestCallsThatFail(t *testing.T) {
	w := newWorld(t, config{})
	w.create("one", Waiting)
	if _, err := w.client.CreateWorkflowInstance(t.Context(), options("one"), Waiting); !errors.Is(err, engine.ErrInstanceAlreadyExists) {
		t.Fatal(err)
	}
	if err := w.client.SignalWorkflow(t.Context(), "nobody", "go", 1); !errors.Is(err, engine.ErrInstanceNotFound) {
		t.Fatal(err)
	}
	golden(t, "refused", w.exporter.GetSpans())
}

// SignalWithStart is a call to create with a signal in it.
func TestSignalWithStart(t *testing.T) {
	w := newWorld(t, config{})
	w.start(worker.Options{})
	i := must(w.client.SignalWithStart(t.Context(), options("one"), "go", "on", Waiting))
	w.finish(i)
	w.stop()
	golden(t, "signal-with-start", w.exporter.GetSpans())
}

func TestTaskSpans(t *testing.T) {
	w := newWorld(t, config{options: telemetry.Options{TaskSpans: true}})
	w.start(worker.Options{CacheBytes: -1})
	w.finish(w.create("one", Simple, "ada"))
	w.stop()
	golden(t, "tasks", w.exporter.GetSpans())
}
