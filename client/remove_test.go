package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
)

// finished creates n instances that have ended.
func finished(t *testing.T, b *store, c *client.Client, n int) {
	t.Helper()
	for k := range n {
		create(t, c, fmt.Sprintf("finished-%d", k))
		end(t, b, engine.StatusCompleted, history.WorkflowCompleted{})
	}
}

func count(t *testing.T, b backend.Read) int {
	t.Helper()
	return len(must(b.List(t.Context(), backend.Query{Limit: backend.MaxLimit})).Items)
}

func TestRemoveOne(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	i := create(t, c, "id")
	wantIs(t, c.RemoveWorkflowInstance(t.Context(), i), engine.ErrInstanceNotFinished)
	end(t, b, engine.StatusCompleted, history.WorkflowCompleted{})
	if err := c.RemoveWorkflowInstance(t.Context(), &engine.Instance{InstanceID: "id"}); err != nil {
		t.Fatal(err)
	}
	wantIs(t, c.RemoveWorkflowInstance(t.Context(), i), engine.ErrInstanceNotFound)
}

func TestRemoveMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStore(t)
		c := client.New(b)
		finished(t, b, c, 25)
		pass(time.Hour)
		create(t, c, "later")
		end(t, b, engine.StatusFailed, history.WorkflowFailed{Failure: &engine.Failure{Message: "x"}})
		create(t, c, "open")

		if err := c.RemoveWorkflowInstances(t.Context(), backend.RemoveFinishedBefore(time.Now().Add(-time.Minute)), backend.RemoveBatchSize(10)); err != nil {
			t.Fatal(err)
		}
		if n := count(t, b); n != 2 || b.calls["remove"] != 3 {
			t.Errorf("%d instances are left after %d batches, want 2 after 3", n, b.calls["remove"])
		}
		if err := c.RemoveWorkflowInstances(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, b); n != 1 {
			t.Errorf("%d instances are left, want the open one", n)
		}
	})
}

func TestRemovalCanBeInterrupted(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	finished(t, b, c, 25)
	ctx, cancel := context.WithCancel(t.Context())
	b.fail = func(string) (bool, error) {
		if b.calls["remove"] == 2 {
			cancel()
		}
		return true, nil
	}
	err := c.RemoveWorkflowInstances(ctx, backend.RemoveBatchSize(5))
	wantIs(t, err, context.Canceled)
	if n := count(t, b); n != 20 && n != 15 {
		t.Errorf("%d instances are left of 25, want one batch or two to be gone", n)
	}
	b.fail = nil
	if err := c.RemoveWorkflowInstances(t.Context()); err != nil || count(t, b) != 0 {
		t.Errorf("the rest should go with the next call: %v", err)
	}
}

func TestRemovalGoesOnAfterAnItemThatIsRefused(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	finished(t, b, c, 6)
	b.fail = func(string) (bool, error) {
		if b.calls["remove"] == 1 {
			return false, engine.ErrInstanceNotFinished
		}
		return true, nil
	}
	err := c.RemoveWorkflowInstances(t.Context(), backend.RemoveBatchSize(2))
	wantIs(t, err, engine.ErrInstanceNotFinished)
	if n := count(t, b); n != 2 {
		t.Errorf("%d instances are left, want the two that were refused", n)
	}
}

func TestAutoExpiration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStore(t)
		var log strings.Builder
		c := client.New(b, client.WithSettings(settings.Settings{Logger: slog.New(slog.NewTextHandler(&log, nil))}))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := c.StartAutoExpiration(ctx, time.Hour); err != nil {
			t.Fatal(err)
		}
		finished(t, b, c, 3)
		create(t, c, "open")
		pass(59 * time.Minute)
		synctest.Wait()
		if n := count(t, b); n != 4 {
			t.Errorf("after 59 minutes %d instances are left, want all", n)
		}
		b.failWith(func(op string) (bool, error) { return op != "remove", errors.Join(engine.ErrBusy, errBroken) })
		pass(17 * time.Minute)
		synctest.Wait()
		if !strings.Contains(log.String(), errBroken.Error()) {
			t.Errorf("the log should tell of the trouble: %s", log.String())
		}
		b.failWith(nil)
		pass(15 * time.Minute)
		synctest.Wait()
		if n := count(t, b); n != 1 {
			t.Errorf("after an hour and a half %d instances are left, want the open one", n)
		}
		cancel()
		synctest.Wait() // the bubble fails if the goroutine stays
	})
}

func TestAutoExpirationNeedsAStoreThatCanBeWritten(t *testing.T) {
	c := client.New(memory.New().ReadOnly())
	wantIs(t, c.StartAutoExpiration(t.Context(), time.Hour), engine.ErrReadOnly)
}
