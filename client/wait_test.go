package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

var errNoMoney = errors.New("no money")

func TestResults(t *testing.T) {
	sentinels := engine.Sentinels{"shop.no_money": errNoMoney}
	failure := func(err error) *engine.Failure { return sentinels.Failure(err) }
	tests := []struct {
		name   string
		status engine.Status
		final  history.Body
		want   string
		is     []error
		says   string
	}{
		{"completed", engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`"Hello"`)}, "Hello", nil, ""},
		{"completed without a result", engine.StatusCompleted, history.WorkflowCompleted{}, "", nil, ""},
		{"completed with another type", engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`{}`)}, "", nil, "result of workflow instance"},
		{"failed", engine.StatusFailed, history.WorkflowFailed{Failure: failure(errors.Join(errors.New("first"), errNoMoney))}, "", []error{errNoMoney}, "first"},
		{"timed out", engine.StatusFailed, history.WorkflowFailed{Failure: failure(engine.ErrTimeout)}, "", []error{engine.ErrTimeout}, "timeout"},
		{"canceled", engine.StatusCanceled, history.WorkflowCanceled{}, "", []error{client.ErrWorkflowCanceled}, "id/"},
		{"canceled with an error", engine.StatusCanceled, history.WorkflowCanceled{Failure: failure(errNoMoney)}, "", []error{client.ErrWorkflowCanceled, errNoMoney}, "id/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newStore(t)
			c := client.New(b, client.WithSettings(settings.Settings{Errors: sentinels}))
			i := create(t, c, "id")
			end(t, b, tt.status, tt.final)
			got, err := client.GetWorkflowResult[string](t.Context(), c, i, time.Second)
			if got != tt.want {
				t.Errorf("got result %q, want %q", got, tt.want)
			}
			for _, want := range tt.is {
				wantIs(t, err, want)
			}
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got error %v, want one that says %q", err, tt.says)
			}
			if failed := new(workflow.Error); tt.status == engine.StatusFailed && !errors.As(err, &failed) {
				t.Errorf("%v should be a *workflow.Error", err)
			}
			if err := c.WaitForWorkflowInstance(t.Context(), i, time.Second); err != nil {
				t.Errorf("waiting for an instance that has ended: %v", err)
			}
		})
	}
}

func TestResultOfATerminatedInstance(t *testing.T) {
	c := client.New(newStore(t))
	i := create(t, c, "id")
	if err := c.TerminateWorkflowInstance(t.Context(), i, "enough"); err != nil {
		t.Fatal(err)
	}
	_, err := client.GetWorkflowResult[string](t.Context(), c, i, time.Second)
	wantIs(t, err, client.ErrWorkflowTerminated)
	if !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v should give the reason", err)
	}
}

func TestAResultIsThereAtOnceWithAHintAndSoonWithout(t *testing.T) {
	for _, hints := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newStore(t)
			var deaf backend.Backend = b
			if !hints {
				deaf = silent{b}
			}
			c := client.New(deaf)
			i := create(t, c, "id")
			go func() {
				pass(10 * time.Second)
				end(t, b, engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`"x"`)})
			}()
			start := time.Now()
			if got, err := client.GetWorkflowResult[string](t.Context(), c, i, -1); err != nil || got != "x" {
				t.Errorf("got %q, %v", got, err)
			}
			late := time.Since(start) - 10*time.Second
			if limit := map[bool]time.Duration{true: 0, false: 3 * time.Second}[hints]; late > limit {
				t.Errorf("with hints %v: the result came %v late", hints, late)
			}
		})
	}
}

// silent is a store of another process: it gives no hints.
type silent struct{ backend.Backend }

func (silent) Subscribe(topics ...backend.Topic) *backend.Subscription {
	return new(backend.Hub).Subscribe(topics...)
}

func TestWaitingFollowsContinueAsNew(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	first := create(t, c, "id")
	continueAsNew(t, b)
	last := continueAsNew(t, b)
	if s := must(c.GetWorkflowInstanceState(t.Context(), first)); s != engine.StatusContinuedAsNew {
		t.Errorf("the first execution is %s", s)
	}
	err := c.WaitForWorkflowInstance(t.Context(), first, 10*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), last.ExecutionID) {
		t.Errorf("got %v, want a timeout that names execution %s", err, last)
	}
	end(t, b, engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`"done"`)})
	if got, err := client.GetWorkflowResult[string](t.Context(), c, first, time.Second); err != nil || got != "done" {
		t.Errorf("got %q, %v", got, err)
	}

	// A later run of the same id is somebody else's: the way is in the history.
	create(t, c, "id")
	if got, err := client.GetWorkflowResult[string](t.Context(), c, first, time.Second); err != nil || got != "done" {
		t.Errorf("beside a later run: got %q, %v", got, err)
	}
	if err := c.RemoveWorkflowInstance(t.Context(), &last); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetWorkflowResult[string](t.Context(), c, first, time.Second)
	wantIs(t, err, engine.ErrInstanceNotFound)
	if !strings.Contains(err.Error(), last.ExecutionID) {
		t.Errorf("%v should name the execution that is missing", err)
	}
}

func TestATimeoutTellsWhatTheInstanceIsAt(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	i := create(t, c, "id")
	reason := must(json.Marshal(engine.BlockReason{Class: engine.BlockHang, Message: "stuck in Greet"}))
	commit(t, b, claim(t, b), func(s *backend.WorkflowCommit) {
		s.Status, s.Consume = engine.StatusBlocked, nil
		s.Block = &backend.Block{Reason: reason, Class: string(engine.BlockHang), Build: "b"}
	})
	if err := c.Pause(t.Context(), i, "disk full"); err != nil {
		t.Fatal(err)
	}
	err := c.WaitForWorkflowInstance(t.Context(), i, 10*time.Millisecond)
	wantIs(t, err, context.DeadlineExceeded)
	for _, says := range []string{i.String(), "blocked", "stuck in Greet", "paused"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%v should say %q", err, says)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = client.GetWorkflowResult[string](ctx, c, i, -1)
	wantIs(t, err, context.DeadlineExceeded)
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	wantIs(t, c.WaitForWorkflowInstance(ctx, i, 0), context.Canceled)
}

func TestWaitTimeoutOfZeroIsTheDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client.New(newStore(t))
		start := time.Now()
		wantIs(t, c.WaitForWorkflowInstance(t.Context(), create(t, c, "id"), 0), context.DeadlineExceeded)
		if d := time.Since(start); d != client.DefaultWaitTimeout {
			t.Errorf("waited %v, want %v", d, client.DefaultWaitTimeout)
		}
	})
}

func TestWaitingForNobody(t *testing.T) {
	c := client.New(newStore(t))
	wantIs(t, c.WaitForWorkflowInstance(t.Context(), &engine.Instance{InstanceID: "id"}, time.Second), engine.ErrInstanceNotFound)
	wantIs(t, c.WaitForWorkflowInstance(t.Context(), nil, time.Second), engine.ErrInvalidArgument)
	wantIs(t, c.WaitForWorkflowInstance(t.Context(), &engine.Instance{}, time.Second), engine.ErrInvalidArgument)
}
