package mysql

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// journal is a log that a test reads while others write.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// startWorker starts a worker that answers the activity "act" with a function.
func startWorker(t *testing.T, b backend.Backend, log *journal, act func(context.Context) (string, error)) {
	t.Helper()
	r := registry.New()
	if err := r.RegisterWorkflow(func(ctx workflow.Context) (string, error) {
		return workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
	}, registry.WithName("w")); err != nil {
		t.Fatal(err)
	}
	if err := r.RegisterActivity(act, registry.WithName("act")); err != nil {
		t.Fatal(err)
	}
	w := worker.New(b, &worker.Options{
		Registry: r, LeaseDuration: 2 * time.Second,
		Settings: settings.Settings{Logger: slog.New(slog.NewTextHandler(log, nil))},
	})
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A worker is cut off from the server for longer than its lease, and another one
// takes over. The first cancels what it was running, commits nothing when the server
// is back, and says why to the activity.
func TestCutOffWorker(t *testing.T) {
	dsn := newStore(t)
	far, p := through(t, dsn)
	first, second := openStore(t, far), openStore(t, dsn)
	t.Cleanup(func() {
		closeStore(t, first)
		closeStore(t, second)
	})
	running, told := make(chan struct{}), make(chan error, 1)
	firstLog, secondLog := &journal{}, &journal{}
	startWorker(t, first, firstLog, func(ctx context.Context) (string, error) {
		close(running)
		<-ctx.Done()
		told <- context.Cause(ctx)
		return "first", nil
	})
	c := client.New(second)
	h, err := client.Start[string](t.Context(), c, client.WorkflowInstanceOptions{InstanceID: "i"}, "w")
	if err != nil {
		t.Fatal(err)
	}
	<-running
	p.leave(true)
	startWorker(t, second, secondLog, func(context.Context) (string, error) { return "second", nil })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if got, err := h.Get(ctx); got != "second" || err != nil {
		t.Errorf("the result is %q, %v, want that of the worker that took over", got, err)
	}
	select {
	case cause := <-told:
		if !errors.Is(cause, engine.ErrLeaseLost) {
			t.Errorf("the activity was told: %v, want a lost lease", cause)
		}
	case <-ctx.Done():
		t.Error("the activity was not canceled")
	}
	p.leave(false)
	pause(time.Second) // for what the first worker might still want to commit
	events, err := h.History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, e := range events {
		if e.Kind() == history.KindActivityCompleted {
			done++
		}
	}
	if done != 1 {
		t.Errorf("%d results of the activity in the history, want 1", done)
	}
}
