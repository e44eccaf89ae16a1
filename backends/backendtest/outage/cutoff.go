package outage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// A worker is cut off from the store for longer than its lease, and another one takes
// over. The first says so, cancels what it was running, and commits nothing when the
// store is back.
func workerCutOff(t *testing.T, h Harness) {
	for _, how := range []Mode{Refused, Hanging} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			cutOff(t, h, how)
		})
	}
}

// one is a workflow of one activity.
func one(act func(context.Context) (string, error)) (*registry.Registry, error) {
	r := registry.New()
	return r, errors.Join(
		r.RegisterWorkflow(func(ctx workflow.Context) (string, error) {
			return workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
		}, registry.WithName("one")),
		r.RegisterActivity(act, registry.WithName("act")))
}

func cutOff(t *testing.T, h Harness, how Mode) {
	const lease = 2 * time.Second
	address := h.New(t)
	b, way := far(t, h, address)
	direct := near(t, h, address)
	running, told, log := make(chan struct{}), make(chan error, 1), &logbook{}
	first, err := one(func(ctx context.Context) (string, error) {
		close(running)
		<-ctx.Done()
		told <- context.Cause(ctx)
		return "first", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	startWorker(t, b, log, worker.Options{LeaseDuration: lease, WorkerID: "first"}, first)
	handle, err := client.Start[string](t.Context(), newClient(direct), client.WorkflowInstanceOptions{InstanceID: "i"}, "one")
	if err != nil {
		t.Fatal(err)
	}
	<-running
	cut := time.Now()
	way.Set(how)
	second, err := one(func(context.Context) (string, error) { return "second", nil })
	if err != nil {
		t.Fatal(err)
	}
	startWorker(t, direct, &logbook{}, worker.Options{LeaseDuration: lease, WorkerID: "second"}, second)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if got, err := handle.Get(ctx); got != "second" || err != nil {
		t.Errorf("the result is %q, %v, want that of the worker that took over", got, err)
	}
	t.Logf("taken over and done %v after the cut, with a lease of %v", time.Since(cut).Round(time.Millisecond), lease)
	select {
	case cause := <-told:
		if !errors.Is(cause, engine.ErrLeaseLost) {
			t.Errorf("the activity was told: %v, want a lost lease", cause)
		}
	case <-ctx.Done():
		t.Error("the activity was not canceled")
	}
	if lines := log.lines("lease lost"); len(lines) != 1 || !strings.Contains(lines[0], handle.Instance().String()) {
		t.Errorf("the log of the first worker says %q, want the lost lease once", lines)
	}
	way.Set(Whole)
	if how == Refused {
		until(t, "the first worker has found the store", func() bool { return len(log.lines("the store is back")) == 1 })
	}
	pass(500 * time.Millisecond) // for what it might still want to commit
	unchanged(ctx, t, handle)
}

// unchanged checks that the second worker's is the only result.
func unchanged(ctx context.Context, t *testing.T, handle *client.Handle[string]) {
	t.Helper()
	events, err := handle.History(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var by []string
	for _, e := range events {
		if done, ok := e.Body.(history.ActivityCompleted); ok {
			by = append(by, done.Run.Worker)
		}
	}
	if fmt.Sprint(by) != "[second]" {
		t.Errorf("the history has results of %v, want one of the second worker", by)
	}
}

// Two workers have the same id, which is a mistake, but does no harm: leases go by
// tokens. One of them stops in the middle.
func twoWorkersOneID(t *testing.T, h Harness) {
	address := h.New(t)
	l := newLoad(t, 60)
	o := worker.Options{LeaseDuration: 10 * time.Second, WorkerID: "twin"}
	log := &logbook{}
	b := near(t, h, address)
	startWorker(t, b, log, o, l.registry())
	twin := startWorker(t, near(t, h, address), log, o, l.registry())
	l.start(b, 10*time.Millisecond)
	l.reached(l.orders / 3)
	stop(t, twin)
	if extra := l.finish(b); extra > 0 {
		t.Errorf("%d activities ran twice", extra)
	}
	if lines := log.lines("lease lost"); len(lines) > 0 {
		t.Errorf("leases were lost: %q", lines)
	}
}
