package telemetry_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// Random does what a seed says: activities that fail or don't, timers, children,
// signals, and things that it does not wait for.
func Random(ctx workflow.Context, seed uint64, depth int) error {
	r := rand.New(rand.NewPCG(seed, seed))
	options := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 1 + r.IntN(3), FirstRetryInterval: time.Millisecond}}
	var last error
	for range 1 + r.IntN(5) {
		inner, cancel := workflow.WithCancel(ctx)
		_, span := telemetry.Tracer(ctx).Start(ctx, fmt.Sprint("step ", r.IntN(2)))
		switch r.IntN(7) {
		case 0, 1:
			_, last = workflow.ExecuteActivity[any](ctx, options, Flaky, r.IntN(4)).Get(ctx)
		case 2:
			_, last = workflow.ScheduleTimer(ctx, time.Duration(r.IntN(3))*time.Millisecond, workflow.WithTimerName("t")).Get(ctx)
		case 3:
			hung := workflow.ExecuteActivity[any](inner, options, Hang)
			if r.IntN(2) == 0 {
				_ = workflow.Sleep(ctx, time.Millisecond)
			}
			cancel()
			_, last = hung.Get(ctx)
		case 4:
			if depth > 0 {
				_, last = workflow.CreateSubWorkflowInstance[any](ctx, workflow.SubWorkflowOptions{}, Random, r.Uint64(), depth-1).Get(ctx)
			}
		case 5:
			_, last = workflow.SignalWorkflow(ctx, "nobody", "go", 1).Get(ctx)
		case 6:
			workflow.ExecuteActivity[any](ctx, options, Hang)
			workflow.ScheduleTimer(ctx, time.Hour)
		}
		span.End()
	}
	switch r.IntN(4) {
	case 0:
		return last
	case 1:
		if depth > 0 {
			return workflow.ContinueAsNew(ctx, r.Uint64(), depth-1)
		}
	}
	return nil
}

// Whatever a workflow does, what is rebuilt from its history is what was emitted,
// every span once and below one that is there.
func TestLiveEqualsRebuilt(t *testing.T) {
	first, count := uint64(time.Now().UnixNano()), 30
	t.Logf("seed %d", first)
	for _, o := range []worker.Options{{}, {CacheBytes: -1}} {
		w := newWorld(t, config{})
		w.start(o)
		var all []*engine.Instance
		for n := range count {
			all = append(all, w.create(fmt.Sprint(n), Random, first+uint64(n), 3)) //nolint:gosec // small
		}
		for _, i := range all {
			w.finish(i)
		}
		w.stop()
		live := w.exporter.GetSpans()
		var ran []*engine.Instance
		for i := range executionsIn(live) {
			ran = append(ran, &i)
		}
		if len(ran) < count {
			t.Errorf("%d workflows were traced, want %d at least", len(ran), count)
		}
		w.rebuildsExactly(live, ran)
		if drawn := draw(live); strings.Contains(drawn, "MISSING") || strings.Contains(drawn, "TWICE") {
			t.Errorf("got\n%s", drawn)
		}
	}
}
