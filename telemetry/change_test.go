package telemetry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// changing is a workflow in two builds: one has spans that the other hasn't.
func changing(added bool) func(workflow.Context) error {
	return func(ctx workflow.Context) error {
		for range 2 {
			inner := ctx
			end := func() {}
			if added {
				var span telemetry.Span
				inner, span = telemetry.Tracer(ctx).Start(ctx, "added")
				end = span.End
			}
			_, kept := telemetry.Tracer(ctx).Start(ctx, "kept")
			if _, err := workflow.ExecuteActivity[string](inner, workflow.DefaultActivityOptions, Greet, "x").Get(inner); err != nil {
				return err
			}
			workflow.NewSignalChannel[string](inner, "go").Receive(inner)
			end()
			kept.End()
		}
		return nil
	}
}

// Spans of workflow code come and go between builds: running instances don't notice,
// and other spans keep their ids.
func TestUserSpansComeAndGo(t *testing.T) {
	for _, builds := range [][2]bool{{false, true}, {true, false}, {false, false}} {
		for _, cache := range []int64{0, -1} {
			t.Run(fmt.Sprint(builds, cache), func(t *testing.T) {
				w := newWorld(t, config{})
				run := func(n int) {
					r := registry.New()
					if err := r.RegisterWorkflow(changing(builds[n]), registry.WithName("Changing")); err != nil {
						t.Fatal(err)
					}
					if err := r.RegisterActivity(Greet); err != nil {
						t.Fatal(err)
					}
					x := worker.New(w.store, &worker.Options{Settings: w.settings(), Registry: r, BuildID: fmt.Sprint("build-", n), CacheBytes: cache})
					if err := x.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
					w.workers = append(w.workers, x)
				}
				run(0)
				i := w.create("one", "Changing")
				w.waits(i, 5)
				w.stop()
				run(1)
				for n := range 2 {
					w.waits(i, 5+5*n)
					w.signal("one", "go", "on")
				}
				w.finish(i)
				w.stop()
				if strings.Contains(w.log.String(), "blocked") || strings.Contains(w.log.String(), "WARN") {
					t.Errorf("logged %s", w.log.String())
				}
				var kept []trace.SpanID
				names := map[string]int{}
				for _, s := range w.exporter.GetSpans() {
					names[s.Name]++
					if s.Name == "kept" {
						kept = append(kept, s.SpanContext.SpanID())
					}
				}
				want := 0
				if builds[1] {
					want = 2
				}
				if names["kept"] != 2 || names["added"] != want || names["activity Greet"] != 2 {
					t.Errorf("got %v", names)
				}
				if len(kept) == 2 && kept[0] == kept[1] {
					t.Error("two spans have one id")
				}
				w.rebuilds(w.exporter.GetSpans(), i)
			})
		}
	}
}

// Naming emits spans below one another, and finds them again.
func Naming(ctx workflow.Context) ([]string, error) {
	var ids []string
	id := func(s telemetry.Span) { ids = append(ids, s.SpanContext().SpanID().String()) }
	id(telemetry.SpanFromContext(ctx))
	for range 2 {
		inner, outer := telemetry.Tracer(ctx).Start(ctx, "outer", trace.WithSpanKind(trace.SpanKindClient))
		id(outer)
		_, deep := telemetry.Tracer(inner).Start(inner, "outer") // of the same name
		id(deep)
		if telemetry.SpanFromContext(inner) != outer {
			return nil, errDeclined
		}
		deep.End()
		outer.End()
		outer.End() // again is nothing
		outer.AddEvent("late")
	}
	telemetry.SpanFromContext(ctx).End() // the workflow's own can't be ended
	if _, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Greet, "x").Get(ctx); err != nil {
		return nil, err
	}
	return ids, nil
}

// A span knows its ids in the code already, and no two spans have the same.
func TestIDsOfUserSpans(t *testing.T) {
	w := newWorld(t, config{})
	w.start(cold)
	i := w.create("one", Naming)
	w.finish(i)
	w.stop()
	var told []string
	for _, s := range w.exporter.GetSpans() {
		if s.Name == "outer" || strings.HasPrefix(s.Name, telemetry.SpanWorkflow) {
			told = append(told, s.SpanContext.SpanID().String())
		}
	}
	ids := resultOf[[]string](w, i)
	slices.Sort(ids)
	slices.Sort(told)
	if len(slices.Compact(slices.Clone(ids))) != 5 || !slices.Equal(ids, told) {
		t.Errorf("the code knows %v, emitted are %v", ids, told)
	}
}

// Without telemetry the code runs all the same.
func TestUserSpansWithoutTelemetry(t *testing.T) {
	w := newWorld(t, config{mute: true})
	w.tel = nil
	w.start(cold)
	i := w.create("one", Naming)
	w.finish(i)
	w.stop()
	for _, id := range resultOf[[]string](w, i) {
		if id != "0000000000000000" {
			t.Errorf("a span has the id %s", id)
		}
	}
}
