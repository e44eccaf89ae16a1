package telemetry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// forger passes on a trace context that it has made up, as a client of another kind
// may do.
type forger struct {
	workflow.ContextPropagator

	parent, state string
}

func (f forger) Inject(_ context.Context, m *workflow.Metadata) error {
	m.Set("traceparent", f.parent)
	m.Set("tracestate", f.state)
	return nil
}

// A trace context that can't be read counts for nothing.
func TestGarbageFromOutside(t *testing.T) {
	for _, parent := range []string{"garbage", "00-00000000000000000000000000000000-0000000000000000-01", strings.Repeat("f", 1<<16), "00-\x00-\xff-01"} {
		w := newWorld(t, config{mute: true})
		w.client = client.New(w.store, client.WithSettings(settings.Settings{Propagators: []workflow.ContextPropagator{forger{parent: parent, state: "also\x00garbage"}}}))
		w.start(worker.Options{})
		i := w.create("one", Family, "x")
		w.finish(i)
		w.stop()
		if n := w.whole(true, false); n != 1 {
			t.Errorf("%.40q: %d traces", parent, n)
		}
	}
}

// One that can be read is good, whoever sent it.
func TestPropagatorOfTheClient(t *testing.T) {
	w := newWorld(t, config{mute: true})
	w.client = client.New(w.store, client.WithSettings(settings.Settings{Propagators: []workflow.ContextPropagator{
		forger{parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", state: "vendor=1"},
	}}))
	w.start(worker.Options{})
	w.finish(w.create("one", Family, "x"))
	w.stop()
	spans := w.exporter.GetSpans()
	if len(spans) != spansOfFamily {
		t.Fatalf("got\n%s", draw(spans))
	}
	for _, s := range spans {
		if s.SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%q is in trace %s", s.Name, s.SpanContext.TraceID())
		}
	}
}

// Wide runs many activities at once.
func Wide(ctx workflow.Context, n int) error {
	var all []workflow.Future[string]
	for range n {
		all = append(all, workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Greet, "x"))
	}
	for _, f := range all {
		if _, err := f.Get(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Listening receives so many signals.
func Listening(ctx workflow.Context, n int) error {
	c := workflow.NewSignalChannel[string](ctx, "go")
	for range n {
		c.Receive(ctx)
	}
	return nil
}

func TestTenThousandSpansInOneInstance(t *testing.T) {
	const activities = 5000
	w := newWorld(t, config{})
	w.start(worker.Options{})
	i := w.create("one", Wide, activities)
	w.finish(i)
	w.stop()
	live := w.exporter.GetSpans()
	if len(live) != 2+2*activities {
		t.Errorf("%d spans, want %d", len(live), 2+2*activities)
	}
	w.rebuilds(live, i)
}

// A span keeps the first events and links, and says how many it has no room for.
func TestMoreSignalsThanASpanHasRoomFor(t *testing.T) {
	const signals = 150
	w := newWorld(t, config{})
	w.start(worker.Options{})
	i := w.create("one", Listening, signals)
	for range signals {
		w.signal("one", "go", "x")
	}
	w.finish(i)
	w.stop()
	live := w.exporter.GetSpans()
	w.rebuilds(live, i)
	for _, s := range live {
		if s.Name != "workflow Listening" {
			continue
		}
		attrs := attribute.NewSet(s.Attributes...)
		events, _ := attrs.Value(telemetry.AttrLeftEvents)
		links, _ := attrs.Value(telemetry.AttrLeftLinks)
		if len(s.Events) != 128 || len(s.Links) != 128 || s.DroppedEvents+s.DroppedLinks > 0 ||
			events.AsInt64() != signals-128 || links.AsInt64() != signals-128 {
			t.Errorf("%d events and %d links, %v and %v left out", len(s.Events), len(s.Links), events.AsInt64(), links.AsInt64())
		}
		return
	}
	t.Error("the workflow has no span")
}

// rootless drops the spans of workflows, and nothing else.
type rootless struct{ sdktrace.Sampler }

func (r rootless) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if strings.HasPrefix(p.Name, telemetry.SpanWorkflow) {
		return sdktrace.SamplingResult{Decision: sdktrace.Drop}
	}
	return r.Sampler.ShouldSample(p)
}

// A sampler that drops the root but not what is below gets what it asks for.
func TestSamplerThatDropsTheRoot(t *testing.T) {
	w := newWorld(t, config{sampler: rootless{telemetry.Sampler(sdktrace.AlwaysSample())}})
	w.start(worker.Options{})
	w.finish(w.create("one", Simple, "ada"))
	w.stop()
	drawn := draw(w.exporter.GetSpans())
	if n := strings.Count(drawn, "PARENT IS MISSING"); n != 2 || strings.Count(drawn, "attempt (") != 2 || strings.Contains(drawn, "TWICE") {
		t.Errorf("got\n%s", drawn)
	}
}

// Terminated instances are not run any more, so that nobody emits their end; history
// has it.
func TestTerminated(t *testing.T) {
	w := newWorld(t, config{})
	w.start(worker.Options{})
	i := w.create("one", Canceling)
	w.waits(i, 3)
	if err := w.client.TerminateWorkflowInstance(t.Context(), i, "enough"); err != nil {
		t.Fatal(err)
	}
	w.stop()
	if n := len(w.exporter.GetSpans()); n != 1 {
		t.Errorf("%d spans, want that of the client", n)
	}
	golden(t, "terminated", rebuilt(t, *i, w.history(*i)))
}

func TestFromHistoryThatIsNone(t *testing.T) {
	if _, err := telemetry.FromHistory(engine.Instance{}, nil); err == nil || !strings.Contains(err.Error(), "whole history") {
		t.Errorf("error %v", err)
	}
}

// A family that ran without telemetry is one trace all the same.
func TestContextOf(t *testing.T) {
	w := newWorld(t, config{mute: true})
	w.tel = nil
	w.start(worker.Options{})
	i := w.create("parent", Parent)
	w.finish(i)
	w.stop()
	child := must(w.client.Describe(t.Context(), &engine.Instance{InstanceID: "child"})).Instance
	events, own := w.history(*i), history.Trace{}
	for _, ev := range events {
		switch b := ev.Body.(type) {
		case history.WorkflowStarted:
			own = telemetry.ContextOf(*i, &b, 1)
		case history.ChildScheduled:
			if ev.Ref != 1 {
				t.Fatalf("the child is command %d", ev.Ref)
			}
		}
	}
	below := w.history(child)
	for n, ev := range below {
		if b, ok := ev.Body.(history.WorkflowStarted); ok {
			b.Trace = own
			below[n].Body = b
		}
	}
	golden(t, "adopted", append(rebuilt(t, *i, events), rebuilt(t, child, below)...))
}

func TestTimesOfSpans(t *testing.T) {
	before := time.Now()
	w := newWorld(t, config{})
	w.start(worker.Options{})
	w.finish(w.create("one", Retried))
	w.stop()
	for _, s := range w.exporter.GetSpans() {
		if s.StartTime.Before(before) || s.EndTime.Before(s.StartTime) || s.EndTime.After(time.Now()) {
			t.Error(fmt.Sprint(s.Name, " lasts from ", s.StartTime, " to ", s.EndTime))
		}
	}
}
