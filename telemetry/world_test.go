package telemetry_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

var update = flag.Bool("update", false, "write the golden files")

// world is a store, a client and workers, whose spans end up in one place.
type world struct {
	*testing.T

	store    backend.Backend
	exporter *tracetest.InMemoryExporter
	provider *sdktrace.TracerProvider
	tel      *telemetry.Telemetry
	client   *client.Client
	workers  []*worker.Worker
	log      logbook
	handler  slog.Handler
}

// config is what the worlds of tests differ in.
type config struct {
	store   backend.Backend // nil means memory
	sampler sdktrace.Sampler
	options telemetry.Options
	// mute is a client without telemetry.
	mute bool
}

func newWorld(t *testing.T, c config) *world {
	t.Helper()
	w := &world{T: t, store: c.store, exporter: tracetest.NewInMemoryExporter()}
	if w.store == nil {
		w.store = memory.New()
	}
	if c.sampler == nil {
		c.sampler = telemetry.Sampler(sdktrace.AlwaysSample())
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithSyncer(w.exporter), sdktrace.WithSampler(c.sampler), sdktrace.WithIDGenerator(telemetry.IDGenerator()))
	w.provider = p
	c.options.TracerProvider = p
	w.tel = must(telemetry.New(c.options))
	s := w.settings()
	if c.mute {
		s.Telemetry = nil
	}
	w.client = client.New(w.store, client.WithSettings(s))
	t.Cleanup(func() {
		w.stop()
		_ = p.Shutdown(context.Background())
		if c.store == nil {
			_ = w.store.Close()
		}
	})
	return w
}

func (w *world) settings() settings.Settings {
	if w.handler == nil {
		w.handler = slog.NewTextHandler(&w.log, nil)
	}
	s := settings.Settings{Logger: slog.New(w.handler)}
	if w.tel != nil {
		s.Telemetry = w.tel
	}
	return s
}

// logbook is a log that may be read while it is written.
type logbook struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// start starts a worker that knows all workflows and activities of the tests.
func (w *world) start(o worker.Options) *worker.Worker { return w.startOn(w.store, o) }

func (w *world) startOn(b backend.Backend, o worker.Options) *worker.Worker {
	w.Helper()
	r := registry.New()
	for _, f := range []any{Simple, Retried, Parent, Orphaning, Failing, Waiting, Sending, Timed, Continued, Canceling, Lost, Twice, Family, Tracing, Wide, Listening, Naming, Random, Killed, Logging, Late} {
		if err := r.RegisterWorkflow(f); err != nil {
			w.Fatal(err)
		}
	}
	if err := r.RegisterActivity(w.traced, registry.WithName("Traced")); err != nil {
		w.Fatal(err)
	}
	for _, f := range []any{Greet, Flaky, Hang, Slow, Log, Long} {
		if err := r.RegisterActivity(f); err != nil {
			w.Fatal(err)
		}
	}
	o.Settings, o.Registry = w.settings(), r
	o.WorkerID, o.BuildID = cmp.Or(o.WorkerID, "worker-1"), "build-1"
	x := worker.New(b, &o)
	if err := x.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.workers = append(w.workers, x)
	return x
}

// traced is an activity that starts spans of its own.
func (w *world) traced(ctx context.Context) error {
	ctx, outer := w.provider.Tracer("test").Start(ctx, "outer")
	defer outer.End()
	_, inner := w.provider.Tracer("test").Start(ctx, "inner")
	inner.End()
	return nil
}

// stop stops the workers. All that they have committed is emitted then.
func (w *world) stop() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, x := range w.workers {
		if err := x.Stop(ctx); err != nil {
			w.Error(err)
		}
	}
	w.workers = nil
}

func (w *world) create(id string, wf any, args ...any) *engine.Instance {
	w.Helper()
	i, err := w.client.CreateWorkflowInstance(w.Context(), client.WorkflowInstanceOptions{InstanceID: id}, wf, args...)
	if err != nil {
		w.Fatal(err)
	}
	return i
}

// finish waits for the end of a run, however it ends.
func (w *world) finish(i *engine.Instance) {
	w.Helper()
	if err := w.client.WaitForWorkflowInstance(w.Context(), i, time.Minute); err != nil {
		w.Fatal(err)
	}
}

// history returns the events of an execution.
func (w *world) history(i engine.Instance) []history.Event {
	w.Helper()
	return must(w.client.History(w.Context(), &i))
}

// until waits for a condition.
func (w *world) until(what string, ok func() bool) {
	w.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			w.Fatalf("waited in vain for %s", what)
		}
	}
}

// waits waits until an execution has so many events.
func (w *world) waits(i *engine.Instance, events int) {
	w.Helper()
	w.until(fmt.Sprintf("%d events of %s", events, i), func() bool { return len(w.history(*i)) >= events })
}

func (w *world) signal(id, name, arg string) {
	w.Helper()
	if err := w.client.SignalWorkflow(w.Context(), id, name, arg); err != nil {
		w.Fatal(err)
	}
}

// executions returns every execution of instances that has ended, oldest first.
func (w *world) executions(instances ...*engine.Instance) []engine.Instance {
	w.Helper()
	var all []engine.Instance
	for _, i := range instances {
		for next := *i; next.ExecutionID != ""; {
			all = append(all, next)
			events := w.history(next)
			next.ExecutionID = ""
			if b, ok := events[len(events)-1].Body.(history.WorkflowContinuedAsNew); ok {
				next.ExecutionID = b.NewExecution
			}
		}
	}
	return all
}

// golden compares spans with a file.
func golden(t *testing.T, name string, spans tracetest.SpanStubs) {
	t.Helper()
	got := draw(spans)
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// draw draws spans as trees, without what differs from run to run.
func draw(spans tracetest.SpanStubs) string {
	p := picture{names: map[string]string{}, spans: map[trace.SpanID]tracetest.SpanStub{}, below: map[trace.SpanID][]tracetest.SpanStub{}}
	for _, s := range spans {
		if _, twice := p.spans[s.SpanContext.SpanID()]; twice {
			fmt.Fprintf(&p.out, "TWICE: %s\n", s.Name)
		}
		p.spans[s.SpanContext.SpanID()] = s
	}
	slices.SortStableFunc(spans, inOrder)
	for _, s := range spans {
		parent := s.Parent.SpanID()
		if _, known := p.spans[parent]; !known && parent.IsValid() {
			fmt.Fprintf(&p.out, "PARENT IS MISSING: %s\n", s.Name)
			parent = trace.SpanID{}
		}
		p.below[parent] = append(p.below[parent], s)
	}
	p.draw(trace.SpanID{}, "")
	return p.out.String()
}

func inOrder(a, b tracetest.SpanStub) int {
	return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(number(a, telemetry.AttrSeq), number(b, telemetry.AttrSeq)),
		cmp.Compare(number(a, telemetry.AttrAttempt), number(b, telemetry.AttrAttempt)), cmp.Compare(a.Name, b.Name))
}

func number(s tracetest.SpanStub, k attribute.Key) int64 {
	for _, a := range s.Attributes {
		if a.Key == k {
			return a.Value.AsInt64()
		}
	}
	return 0
}

type picture struct {
	out   strings.Builder
	names map[string]string
	spans map[trace.SpanID]tracetest.SpanStub
	below map[trace.SpanID][]tracetest.SpanStub
}

var executionID = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

func (p *picture) draw(of trace.SpanID, indent string) {
	for _, s := range p.below[of] {
		fmt.Fprintf(&p.out, "%s%s (%s)", indent, s.Name, s.SpanKind)
		if s.Parent.IsValid() && s.Parent.TraceID() != s.SpanContext.TraceID() {
			p.out.WriteString(" OTHER TRACE")
		}
		if s.Status.Code != codes.Unset {
			text := executionID.ReplaceAllStringFunc(s.Status.Description, func(id string) string { return p.named("execution", id) })
			fmt.Fprintf(&p.out, " %s %q", s.Status.Code, text)
		}
		p.out.WriteString("\n")
		fmt.Fprintf(&p.out, "%s    %s\n", indent, p.attributes(s.Attributes))
		for _, e := range s.Events {
			fmt.Fprintf(&p.out, "%s    event %s: %s\n", indent, e.Name, p.attributes(e.Attributes))
		}
		for _, l := range s.Links {
			target := p.spans[l.SpanContext.SpanID()].Name
			fmt.Fprintf(&p.out, "%s    link to %s: %s\n", indent, cmp.Or(target, "NOTHING"), p.attributes(l.Attributes))
		}
		p.draw(s.SpanContext.SpanID(), indent+"  ")
	}
}

func (p *picture) attributes(attrs []attribute.KeyValue) string {
	var all []string
	for _, a := range attrs {
		v := a.Value.String()
		switch key := string(a.Key); {
		case key == string(telemetry.AttrQueueWait), key == "code.line.number":
			v = "*"
		case strings.HasSuffix(key, "execution.id"):
			v = p.named("execution", v)
		case key == "code.function.name":
			v = v[strings.LastIndex(v, ".")+1:]
		}
		all = append(all, string(a.Key)+"="+v)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// named numbers values by their first appearance.
func (p *picture) named(kind, v string) string {
	if p.names[v] == "" {
		p.names[v] = fmt.Sprintf("<%s %d>", kind, len(p.names)+1)
	}
	return p.names[v]
}

// exact says all there is to say about spans but where they come from.
func exact(spans tracetest.SpanStubs) string {
	lines := make([]string, len(spans))
	for n, s := range spans {
		lines[n] = fmt.Sprintln(s.SpanContext.TraceID(), s.SpanContext.SpanID(), s.SpanContext.TraceFlags(), s.SpanContext.TraceState(), s.SpanContext.IsRemote(),
			s.Parent.TraceID(), s.Parent.SpanID(), s.Parent.IsRemote(), s.Name, s.SpanKind, s.StartTime.UTC(), s.EndTime.UTC(),
			s.Attributes, s.Events, s.Links, s.Status, s.DroppedAttributes, s.DroppedEvents, s.DroppedLinks, s.InstrumentationScope)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func options(id string) client.WorkflowInstanceOptions {
	return client.WorkflowInstanceOptions{InstanceID: id}
}

func rebuilt(t *testing.T, i engine.Instance, events []history.Event) tracetest.SpanStubs {
	t.Helper()
	spans, err := telemetry.FromHistory(i, events)
	if err != nil {
		t.Fatal(err)
	}
	return tracetest.SpanStubsFromReadOnlySpans(spans)
}

func resultOf[T any](w *world, i *engine.Instance) T {
	w.Helper()
	v, err := client.GetWorkflowResult[T](w.Context(), w.client, i, time.Minute)
	if err != nil {
		w.Fatal(err)
	}
	return v
}
