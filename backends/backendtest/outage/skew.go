package outage

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// The clocks of the machines of workers and clients are five minutes off the store's:
// timers, timeouts, leases and the times of events go by the store's all the same.
func clockSkew(t *testing.T, h Harness) {
	for _, by := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		t.Run(fmt.Sprint("the store is ahead by ", by), func(t *testing.T) {
			t.Parallel()
			skewed(t, h, by)
		})
	}
}

// clocks sleeps, and returns the time that it saw before and after.
func clocks(ctx workflow.Context) ([]time.Time, error) {
	before := workflow.Now(ctx)
	err := workflow.Sleep(ctx, skewedTimer)
	return []time.Time{before, workflow.Now(ctx)}, err
}

// skewedTimer is too long for a worker to keep its instance meanwhile.
const skewedTimer = 1500 * time.Millisecond

func skewed(t *testing.T, h Harness, by time.Duration) {
	address := h.New(t)
	b, err := h.Ahead(t.Context(), address, by)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, b)
	l := newLoad(t, 10)
	r := l.registry()
	if err := errors.Join(r.RegisterWorkflow(clocks, registry.WithName("clocks")), r.RegisterWorkflow(forever, registry.WithName("forever"))); err != nil {
		t.Fatal(err)
	}
	log := &logbook{}
	// Far shorter than the skew, and long enough for a busy machine.
	o := worker.Options{LeaseDuration: 10 * time.Second}
	startWorker(t, b, log, o, r)
	startWorker(t, b, log, o, r)
	c := newClient(b)
	begun := time.Now()
	seen, err := resultOf[[]time.Time](t.Context(), c, client.WorkflowInstanceOptions{}, "clocks")
	if d := time.Since(begun); err != nil || d < skewedTimer || d > skewedTimer+10*time.Second {
		t.Errorf("a timer of %v took %v: %v", skewedTimer, d, err)
	}
	if err == nil {
		if off := seen[0].Sub(begun.Add(by)); off.Abs() > 10*time.Second {
			t.Errorf("the workflow's time is %v off the store's", off)
		}
		if d := seen[1].Sub(seen[0]); d < skewedTimer {
			t.Errorf("by the workflow's time the timer took %v", d)
		}
	}
	begun = time.Now()
	_, err = resultOf[int](t.Context(), c, client.WorkflowInstanceOptions{ExecutionTimeout: time.Second}, "forever")
	if d := time.Since(begun); !errors.Is(err, engine.ErrTimeout) || d > 10*time.Second {
		t.Errorf("an execution with a timeout of 1 s ended after %v with: %v", d, err)
	}
	runSkewed(t, b, l)
	if lines := log.lines("lease lost"); len(lines) > 0 {
		t.Errorf("leases were lost: %q", lines)
	}
}

func runSkewed(t *testing.T, b backend.Backend, l *load) {
	t.Helper()
	l.start(b, 10*time.Millisecond)
	l.wg.Wait()
	starts := readJournal(t, l.journal)
	if len(starts) != l.orders*(orderSteps+3) {
		t.Errorf("%d activities ran, want %d", len(starts), l.orders*(orderSteps+3))
	}
	for j, began := range starts {
		if len(began) != 1 {
			t.Errorf("activity %d of %s began %d times", j.ref, j.instance, len(began))
		}
	}
}

func forever(ctx workflow.Context) (int, error) { return 0, workflow.Sleep(ctx, time.Hour) }

// resultOf starts an instance and waits for its result.
func resultOf[T any](ctx context.Context, c *client.Client, o client.WorkflowInstanceOptions, wf string, args ...any) (T, error) {
	h, err := client.Start[T](ctx, c, o, wf, args...)
	if err != nil {
		return *new(T), err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return h.Get(ctx)
}
