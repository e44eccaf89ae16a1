package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

var errConnection = errors.New("the connection broke")

// weather is a connection that loses calls and answers, and is down now and then.
type weather struct {
	mu   sync.Mutex
	r    *rand.Rand
	down bool
	calm bool
}

func (w *weather) on(b backend.Backend) backend.Backend { return intercept.New(b, w.around) }

func (w *weather) around(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
	w.mu.Lock()
	luck, down := w.r.IntN(10), w.down
	if w.calm {
		luck, down = 9, false
	}
	w.mu.Unlock()
	switch {
	case down || luck == 0 && !m.Reads():
		return errConnection
	case luck == 1 && !m.Reads():
		_ = next(ctx)
		return errConnection // the answer got lost
	}
	return next(ctx)
}

func (w *weather) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// Through all that happens to connections and leases, no span is emitted twice, and each
// that is emitted is one that history knows, exactly as it is rebuilt.
func TestNothingTwiceInBadWeather(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any will do
	t.Logf("seed %d", seed)
	w := newWorld(t, config{})
	var skies []*weather
	for n := range 3 {
		sky := &weather{r: rand.New(rand.NewPCG(seed, uint64(n))), calm: true} //nolint:gosec // small
		skies = append(skies, sky)
		w.startOn(sky.on(w.store), worker.Options{WorkerID: fmt.Sprint("worker-", n), LeaseDuration: time.Second, CacheBytes: int64(n-1) << 20})
	}
	for _, sky := range skies {
		sky.set(func() { sky.calm = false })
	}
	var all []*engine.Instance
	for n := range 30 {
		all = append(all, w.create(fmt.Sprint(n), Random, seed+uint64(n), 2)) //nolint:gosec // small
	}
	lost := w.create("lost", Late)
	w.waits(lost, 3)
	holder := must(w.client.Describe(t.Context(), lost)).Pending.Holder
	for n, sky := range skies { // whoever runs the activity now loses its lease before it ends
		sky.set(func() { sky.down = holder == fmt.Sprint("worker-", n) })
	}
	w.finish(lost)
	for _, sky := range skies {
		sky.set(func() { sky.calm = true })
	}
	for _, i := range append(all, lost) {
		w.finish(i)
	}
	w.stop()
	live := w.exporter.GetSpans()
	if drawn := draw(live); strings.Contains(drawn, "TWICE") {
		t.Errorf("got\n%s", drawn)
	}
	w.partOfHistory(live)
}

// partOfHistory checks that live spans are among those that are rebuilt.
func (w *world) partOfHistory(live tracetest.SpanStubs) {
	w.Helper()
	known := map[string]bool{}
	for i := range executionsIn(live) {
		for _, s := range rebuilt(w.T, i, w.history(i)) {
			known[exact(tracetest.SpanStubs{s})] = true
		}
	}
	made := []string{telemetry.SpanWorkflow, telemetry.SpanActivity, telemetry.SpanAttempt, telemetry.SpanTimer, telemetry.SpanChild}
	checked := 0
	for _, s := range live {
		what, _, _ := strings.Cut(s.Name, " ")
		if !slices.Contains(made, what) {
			continue
		}
		checked++
		if !known[exact(tracetest.SpanStubs{s})] {
			w.Errorf("history has no\n%s", exact(tracetest.SpanStubs{s}))
		}
	}
	w.Logf("%d spans", checked)
}

// executionsIn returns the executions that spans are of.
func executionsIn(spans tracetest.SpanStubs) map[engine.Instance]bool {
	all := map[engine.Instance]bool{}
	for _, s := range spans {
		var i engine.Instance
		for _, a := range s.Attributes {
			switch a.Key {
			case telemetry.AttrInstance:
				i.InstanceID = a.Value.AsString()
			case telemetry.AttrExecution:
				i.ExecutionID = a.Value.AsString()
			}
		}
		if i.ExecutionID != "" {
			all[i] = true
		}
	}
	return all
}
