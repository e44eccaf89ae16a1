package telemetry_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// flow starts instances and sees to it that they end.
type flow struct {
	name    string
	options telemetry.Options
	worker  worker.Options
	// alone is a flow that starts its workers itself.
	alone bool
	run   func(*world) []*engine.Instance
}

// one is the flow of a single instance that runs by itself.
func one(wf any, args ...any) func(*world) []*engine.Instance {
	return func(w *world) []*engine.Instance {
		i := w.create("one", wf, args...)
		w.finish(i)
		return []*engine.Instance{i}
	}
}

// cold keeps no executor: every step replays the whole history.
var cold = worker.Options{CacheBytes: -1}

var flows = []flow{
	{name: "simple", run: one(Simple, "ada")},
	{name: "retries", run: one(Retried)},
	{name: "timer", run: one(Timed)},
	{name: "continued", run: one(Continued, 2)},
	{name: "continued-apart", options: telemetry.Options{TracePerExecution: true}, run: one(Continued, 2)},
	{name: "child", run: func(w *world) []*engine.Instance { return withChild(w, Parent) }},
	{name: "child-fails", run: func(w *world) []*engine.Instance { return withChild(w, Orphaning) }},
	{name: "signal", run: signaled},
	{name: "cancel", run: canceled},
	{name: "user-spans", run: twice},
	{name: "replay", worker: cold, run: twice},
	{name: "takeover", alone: true, run: takenOver},
}

func withChild(w *world, wf any) []*engine.Instance {
	i := w.create("parent", wf)
	w.finish(i)
	child := must(w.client.Describe(w.Context(), &engine.Instance{InstanceID: "child"}))
	return []*engine.Instance{i, &child.Instance}
}

// signaled has one signal from a workflow and one from the client.
func signaled(w *world) []*engine.Instance {
	to := w.create("receiver", Waiting)
	w.waits(to, 2)
	from := w.create("sender", Sending, "receiver")
	w.finish(to)
	w.finish(from)
	second := w.create("second", Waiting)
	w.waits(second, 2)
	w.signal("second", "go", "on")
	w.finish(second)
	return []*engine.Instance{to, from, second}
}

func canceled(w *world) []*engine.Instance {
	i := w.create("one", Canceling)
	w.waits(i, 3)
	if err := w.client.CancelWorkflowInstance(w.Context(), i); err != nil {
		w.Fatal(err)
	}
	w.finish(i)
	return []*engine.Instance{i}
}

func twice(w *world) []*engine.Instance {
	i := w.create("one", Twice)
	for n, name := range []string{"ada", "bob"} {
		w.waits(i, 2+5*n)
		w.signal("one", "go", name)
	}
	w.finish(i)
	return []*engine.Instance{i}
}

// takenOver cuts off a worker in the midst of an activity.
func takenOver(w *world) []*engine.Instance {
	var cut atomic.Bool
	gone := errors.New("the network is gone")
	b := intercept.New(w.store, func(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
		if cut.Load() {
			return gone
		}
		return next(ctx)
	})
	w.startOn(b, worker.Options{LeaseDuration: time.Second})
	i := w.create("one", Lost)
	w.waits(i, 3)
	cut.Store(true)
	w.start(worker.Options{WorkerID: "worker-2"})
	w.finish(i)
	cut.Store(false)
	return []*engine.Instance{i}
}

func (f *flow) play(t *testing.T, c config) (*world, []*engine.Instance) {
	t.Helper()
	c.options = f.options
	w := newWorld(t, c)
	if !f.alone {
		w.start(f.worker)
	}
	is := f.run(w)
	w.stop()
	return w, is
}

// The spans of each flow are the same on every store; and rebuilt from the history,
// they are what was emitted.
func TestGolden(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			t.Cleanup(func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
			for _, f := range flows {
				t.Run(f.name, func(t *testing.T) {
					w, is := f.play(t, config{store: b})
					live := w.exporter.GetSpans()
					golden(t, f.name, live)
					w.rebuilds(live, is...)
				})
			}
		})
	}
}

// deciders are the ways in which it is decided what is sampled, besides that of
// TestGolden: by a client with telemetry, or by the worker for one without.
var deciders = map[string]config{
	"mute":      {mute: true},
	"none":      {sampler: telemetry.Sampler(sdktrace.NeverSample())},
	"none/mute": {sampler: telemetry.Sampler(sdktrace.NeverSample()), mute: true},
	"half":      {sampler: telemetry.Sampler(sdktrace.TraceIDRatioBased(0.5))},
	"half/mute": {sampler: telemetry.Sampler(sdktrace.TraceIDRatioBased(0.5)), mute: true},
}

// Whoever decides, the same flows lead to whole traces or to none, on every store.
func TestFlowsThatOthersDecideOn(t *testing.T) {
	for name, open := range stores {
		for who, c := range deciders {
			t.Run(name+"/"+who, func(t *testing.T) {
				t.Parallel()
				c.store = open(t)
				t.Cleanup(func() {
					if err := c.store.Close(); err != nil {
						t.Error(err)
					}
				})
				for _, f := range flows {
					t.Run(f.name, func(t *testing.T) {
						w, is := f.play(t, c)
						w.wholeOrNone(w.exporter.GetSpans(), is)
						if n := len(w.exporter.GetSpans()); c.sampler == nil && n == 0 || strings.HasPrefix(who, "none") && n > 0 {
							t.Errorf("%d spans", n)
						}
					})
				}
			})
		}
	}
}

// wholeOrNone checks that what is there of each execution is all that there is to be
// had, or nothing.
func (w *world) wholeOrNone(live tracetest.SpanStubs, is []*engine.Instance) {
	w.Helper()
	drawn := draw(live)
	if strings.Contains(drawn, "MISSING") || strings.Contains(drawn, "TWICE") {
		w.Errorf("got\n%s", drawn)
	}
	sampled := executionsIn(live)
	var there []*engine.Instance
	for _, i := range w.executions(is...) {
		if sampled[i] {
			there = append(there, &i)
		} else if len(rebuilt(w.T, i, w.history(i))) == 0 {
			w.Errorf("nothing can be made of the history of %s", i)
		}
	}
	w.rebuildsExactly(live, there)
}

// rebuilds compares live spans with those that are made of the histories.
func (w *world) rebuilds(live tracetest.SpanStubs, is ...*engine.Instance) {
	w.Helper()
	var all []*engine.Instance
	for _, i := range w.executions(is...) {
		all = append(all, &i)
	}
	w.rebuildsExactly(live, all)
}

func (w *world) rebuildsExactly(live tracetest.SpanStubs, executions []*engine.Instance) {
	w.Helper()
	var rebuilt tracetest.SpanStubs
	for _, i := range executions {
		spans, err := telemetry.FromHistory(*i, w.history(*i))
		if err != nil {
			w.Fatal(err)
		}
		rebuilt = append(rebuilt, tracetest.SpanStubsFromReadOnlySpans(spans)...)
	}
	known := map[string]bool{}
	for _, s := range rebuilt {
		known[s.SpanContext.SpanID().String()] = true
	}
	var same tracetest.SpanStubs
	for _, s := range live {
		if known[s.SpanContext.SpanID().String()] {
			same = append(same, s)
			continue
		}
		what, _, _ := strings.Cut(s.Name, " ")
		if slices.Contains([]string{telemetry.SpanWorkflow, telemetry.SpanActivity, telemetry.SpanAttempt, telemetry.SpanTimer, telemetry.SpanChild}, what) {
			w.Errorf("%q was emitted and not rebuilt", s.Name)
		}
	}
	if got, want := exact(rebuilt), exact(same); got != want {
		w.Errorf("rebuilt spans are\n%s\nand live ones\n%s", got, want)
	}
}
