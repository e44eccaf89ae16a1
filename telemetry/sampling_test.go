package telemetry_test

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// spansOfFamily is how many spans come of one Family, without that of the client: two
// workflows and the one that the child continues as, the child, and twice an activity
// with its attempt, the two spans that it makes, and one of the workflow's own.
const spansOfFamily = 3 + 1 + 2*(2+2+1)

// Every trace is there whole or not at all, whoever decided.
func TestSampling(t *testing.T) {
	const instances = 30
	samplers := map[string]func(sdktrace.Sampler) sdktrace.Sampler{
		"ours":   telemetry.Sampler,
		"theirs": func(s sdktrace.Sampler) sdktrace.Sampler { return sdktrace.ParentBased(s) },
	}
	for kind, sampler := range samplers {
		for _, ratio := range []float64{0, 0.5, 1} {
			for _, mute := range []bool{false, true} {
				for _, split := range []bool{false, true} {
					for _, apart := range []bool{false, true} {
						t.Run(fmt.Sprintf("sampler=%s/ratio=%v/mute=%v/split=%v/apart=%v", kind, ratio, mute, split, apart), func(t *testing.T) {
							t.Parallel()
							w := newWorld(t, config{
								sampler: sampler(sdktrace.TraceIDRatioBased(ratio)), mute: mute, options: telemetry.Options{TracePerExecution: apart},
							})
							w.startSplit(split)
							w.families(instances)
							w.stop()
							n := w.whole(mute, apart)
							if ratio == 0 && n > 0 || ratio == 1 && n < instances || ratio == 0.5 && (n == 0 || n == instances && !apart) {
								t.Errorf("%d traces of %d instances at ratio %v", n, instances, ratio)
							}
						})
					}
				}
			}
		}
	}
}

// startSplit starts a worker, or one for workflows and one for activities.
func (w *world) startSplit(split bool) {
	w.Helper()
	if !split {
		w.start(worker.Options{})
		return
	}
	w.start(worker.Options{Roles: worker.WorkflowsOnly})
	w.start(worker.Options{Roles: worker.ActivitiesOnly, WorkerID: "worker-2"})
}

func (w *world) families(n int) {
	w.Helper()
	var all []*engine.Instance
	for k := range n {
		id := fmt.Sprint(k)
		all = append(all, w.create(id, Family, id))
	}
	for _, i := range all {
		w.finish(i)
	}
}

// whole returns the number of traces, after checking that each has all of its spans
// once, and one root.
func (w *world) whole(mute, apart bool) int {
	w.Helper()
	traces := map[trace.TraceID]tracetest.SpanStubs{}
	for _, s := range w.exporter.GetSpans() {
		traces[s.SpanContext.TraceID()] = append(traces[s.SpanContext.TraceID()], s)
	}
	total := 0
	for id, spans := range traces {
		known := map[trace.SpanID]bool{}
		for _, s := range spans {
			if known[s.SpanContext.SpanID()] {
				w.Errorf("span %q is there twice", s.Name)
			}
			known[s.SpanContext.SpanID()] = true
		}
		roots := 0
		for _, s := range spans {
			if !s.Parent.IsValid() {
				roots++
			} else if !known[s.Parent.SpanID()] {
				w.Errorf("the parent of span %q is missing", s.Name)
			}
		}
		want := spansOfFamily
		if !mute {
			want++
		}
		if apart { // the continued execution is a trace of its own: workflow, activity, attempt, the activity's two and mine
			want -= 6
		}
		if roots != 1 || len(spans) != want && (!apart || len(spans) != 6) {
			w.Errorf("trace %s has %d roots and %d spans:\n%s", id, roots, len(spans), draw(spans))
		}
		total++
	}
	return total
}
