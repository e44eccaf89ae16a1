package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func TestSignals(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	create(t, c, "id")
	for _, v := range []any{1, "two", map[string]int{"three": 3}} {
		if err := c.SignalWorkflow(t.Context(), "id", "go", v); err != nil {
			t.Fatal(err)
		}
	}
	bodies := inbox(t, claim(t, b))[1:]
	for i, want := range []string{"1", `"two"`, `{"three":3}`} {
		if s, ok := bodies[i].(history.SignalReceived); !ok || s.Name != "go" || string(s.Arg) != want {
			t.Errorf("signal %d is %+v, want %s", i, bodies[i], want)
		}
	}
	wantIs(t, c.SignalWorkflow(t.Context(), "other", "go", 1), engine.ErrInstanceNotFound)
}

func TestSignalsRefusedAtTheCall(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	create(t, c, "id")
	long := strings.Repeat("x", 256)
	for name, call := range map[string]func() error{
		"empty name":      func() error { return c.SignalWorkflow(t.Context(), "id", "", 1) },
		"long name":       func() error { return c.SignalWorkflow(t.Context(), "id", long, 1) },
		"empty id":        func() error { return c.SignalWorkflow(t.Context(), "", "go", 1) },
		"long id":         func() error { return c.SignalWorkflow(t.Context(), long, "go", 1) },
		"not encodable":   func() error { return c.SignalWorkflow(t.Context(), "id", "go", func() {}) },
		"too large":       func() error { return c.SignalWorkflow(t.Context(), "id", "go", strings.Repeat("x", 3<<20)) },
		"nil instance":    func() error { return c.CancelWorkflowInstance(t.Context(), nil) },
		"nil to remove":   func() error { return c.RemoveWorkflowInstance(t.Context(), nil) },
		"negative batch":  func() error { return c.RemoveWorkflowInstances(t.Context(), backend.RemoveBatchSize(-1)) },
		"retention of 0":  func() error { return c.StartAutoExpiration(t.Context(), 0) },
		"nil to describe": func() error { _, err := c.Describe(t.Context(), nil); return err },
		"nil history":     func() error { _, err := c.History(t.Context(), nil); return err },
		"nil state":       func() error { _, err := c.GetWorkflowInstanceState(t.Context(), nil); return err },
		"nil result": func() error {
			_, err := client.GetWorkflowResult[int](t.Context(), c, nil, time.Second)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantIs(t, call(), engine.ErrInvalidArgument) })
	}
	if b.calls["deliver"] != 0 {
		t.Error("a refused signal reached the store")
	}
}

// Operations on an instance reach the execution that its run is at, and never a
// later run of the same id.
func TestOperationsReachTheRunAndNoOther(t *testing.T) {
	operations := map[string]struct {
		call func(*testing.T, *client.Client, *engine.Instance) error
		hit  func(*testing.T, *store, engine.Instance) bool
	}{
		"cancel": {
			func(t *testing.T, c *client.Client, i *engine.Instance) error {
				return c.CancelWorkflowInstance(t.Context(), i)
			},
			func(t *testing.T, b *store, i engine.Instance) bool { return delivered(t, b, i) == 1 },
		},
		"terminate": {
			func(t *testing.T, c *client.Client, i *engine.Instance) error {
				return c.TerminateWorkflowInstance(t.Context(), i, "enough")
			},
			func(t *testing.T, b *store, i engine.Instance) bool {
				s := must(b.Get(t.Context(), i))
				return s.Status == engine.StatusTerminated && s.LastError == "enough"
			},
		},
		"pause": {
			func(t *testing.T, c *client.Client, i *engine.Instance) error {
				return c.Pause(t.Context(), i, "disk full")
			},
			func(t *testing.T, b *store, i engine.Instance) bool {
				s := must(b.Get(t.Context(), i))
				return s.Paused && s.Note.Reason == "disk full"
			},
		},
		"signal by handle": {
			func(t *testing.T, c *client.Client, i *engine.Instance) error {
				return client.HandleOf[string](c, *i).Signal(t.Context(), "go", 1)
			},
			func(t *testing.T, b *store, i engine.Instance) bool { return delivered(t, b, i) == 1 },
		},
	}
	for name, op := range operations {
		t.Run(name, func(t *testing.T) {
			b := newStore(t)
			c := client.New(b)
			first := create(t, c, "id")
			next := continueAsNew(t, b)
			if err := op.call(t, c, first); err != nil {
				t.Fatal(err)
			}
			if !op.hit(t, b, next) {
				t.Errorf("execution %s of the same run was not reached", next)
			}

			b = newStore(t)
			c = client.New(b)
			first = create(t, c, "id")
			end(t, b, engine.StatusCompleted, history.WorkflowCompleted{})
			later := create(t, c, "id")
			wantIs(t, op.call(t, c, first), engine.ErrInstanceNotFound)
			if op.hit(t, b, *later) {
				t.Error("a later run of the id was hit")
			}
			wantIs(t, op.call(t, c, &engine.Instance{InstanceID: "unknown"}), engine.ErrInstanceNotFound)
			if err := op.call(t, c, &engine.Instance{InstanceID: "id"}); err != nil || !op.hit(t, b, *later) {
				t.Errorf("by the id alone the current run should be reached: %v", err)
			}
		})
	}
}

func TestPauseAndResume(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	h := client.HandleOf[string](c, *create(t, c, "id"))
	for range 2 { // again is no error
		if err := h.Pause(t.Context(), "disk full"); err != nil {
			t.Fatal(err)
		}
	}
	got := must(b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{Queues: []engine.Queue{"default"}, Workflows: []string{greet}, Max: 1, Lease: time.Minute}))
	if len(got.Tasks) != 0 {
		t.Error("a paused instance was claimed")
	}
	if d := must(h.Describe(t.Context())); d.Note.Action != engine.NotePause || d.Note.Reason != "disk full" {
		t.Errorf("note %+v", d.Note)
	}
	if err := h.Pause(t.Context(), strings.Repeat("x", engine.MaxReasonBytes+1)); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("too long a reason: %v", err)
	}
	if err := h.Resume(t.Context(), "disk has room"); err != nil {
		t.Fatal(err)
	}
	if d := must(h.Describe(t.Context())); d.Note.Action != engine.NoteResume || d.Note.Reason != "disk has room" {
		t.Errorf("note %+v", d.Note)
	}
	claim(t, b)
}

func TestHandle(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	h, err := client.Start[string](t.Context(), c, client.WorkflowInstanceOptions{InstanceID: "id"}, Greet, "Ada", 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Signal(t.Context(), "go", 1); err != nil {
		t.Fatal(err)
	}
	if err := h.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := continueAsNew(t, b)
	if d := must(h.Describe(t.Context())); d.Instance != next {
		t.Errorf("described %s, want %s", d.Instance, next)
	}
	end(t, b, engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`"done"`)})
	if got, err := h.Get(t.Context()); err != nil || got != "done" {
		t.Errorf("got %q, %v", got, err)
	}
	if events := must(h.History(t.Context())); len(events) != 2 || events[1].Kind() != history.KindWorkflowCompleted {
		t.Errorf("history is %v", events)
	}
	wantIs(t, h.Terminate(t.Context(), "late"), engine.ErrInstanceNotFound)
	if *h.Instance() == next {
		t.Error("the handle should keep the instance that it was made for")
	}
	_, err = client.Start[string](t.Context(), c, client.WorkflowInstanceOptions{}, Greet)
	wantIs(t, err, engine.ErrInvalidArgument)
}
