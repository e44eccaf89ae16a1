package client_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
)

// starts are the calls that start an instance.
func starts(t *testing.T, c *client.Client) map[string]func(wf any, args ...any) error {
	return map[string]func(wf any, args ...any) error{
		"create": func(wf any, args ...any) error {
			_, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{}, wf, args...)
			return err
		},
		"signal with start": func(wf any, args ...any) error {
			_, err := c.SignalWithStart(t.Context(), client.WorkflowInstanceOptions{}, "go", 1, wf, args...)
			return err
		},
		"start": func(wf any, args ...any) error {
			_, err := client.Start[string](t.Context(), c, client.WorkflowInstanceOptions{}, wf, args...)
			return err
		},
	}
}

func knowing(t *testing.T, b backend.Backend, name string) *client.Client {
	r := registry.New()
	if err := r.RegisterWorkflow(Greet, registry.WithName(name)); err != nil {
		t.Fatal(err)
	}
	return client.New(b, client.WithRegistry(r))
}

// A program that only starts workflows knows a function, or just the name.
func TestWithoutARegistryEveryNameIsTaken(t *testing.T) {
	for name, c := range map[string]func(backend.Backend) *client.Client{
		"no registry":  func(b backend.Backend) *client.Client { return client.New(b) },
		"nil registry": func(b backend.Backend) *client.Client { return client.New(b, client.WithRegistry(nil)) },
	} {
		b := newStore(t)
		for call, start := range starts(t, c(b)) {
			if err := errors.Join(start(Greet, "Ada", 3), start("elsewhere", 1)); err != nil {
				t.Errorf("%s, %s: %v", name, call, err)
			}
		}
		if b.calls["workers"] != 0 {
			t.Errorf("%s: the store was asked for workers", name)
		}
	}
}

func TestUnknownWorkflowsAreRefused(t *testing.T) {
	b := newStore(t)
	for call, start := range starts(t, knowing(t, b, "Greed")) {
		for name, wf := range map[string]any{"function": Typed, "name": "Greet"} {
			args := map[string][]any{"function": {int64(1), []string(nil), nil}, "name": {"Ada", 3}}[name]
			err := start(wf, args...)
			wantIs(t, err, engine.ErrNotRegistered)
			wantIs(t, err, engine.ErrInvalidArgument)
			for _, says := range []string{map[string]string{"function": `"Typed"`, "name": `"Greet"; did you mean "Greed"?`}[name], "no live worker", "register it"} {
				if err != nil && !strings.Contains(err.Error(), says) {
					t.Errorf("%s by %s: error %q should say %s", call, name, err, says)
				}
			}
		}
		if err := start(Greet, "Ada", 3); err != nil {
			t.Errorf("%s of what is registered: %v", call, err)
		}
	}
	if n := b.calls["create"]; n != 3 {
		t.Errorf("%d instances were created, want those of the registered function", n)
	}
	if n := b.calls["workers"]; n != 6 {
		t.Errorf("the store was asked for workers %d times, want once for each unknown workflow", n)
	}
}

func TestAWorkerElsewhereMakesAWorkflowKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStore(t)
		start := starts(t, knowing(t, b, "mine"))["create"]
		if err := b.Heartbeat(t.Context(), backend.Worker{ID: "w", Workflows: []string{"yours"}}); err != nil {
			t.Fatal(err)
		}
		if err := start("yours"); err != nil {
			t.Errorf("while it is alive: %v", err)
		}
		wantIs(t, start("nobody's"), engine.ErrNotRegistered)
		pass(time.Minute)
		wantIs(t, start("yours"), engine.ErrNotRegistered)
	})
}

// A store that can't say who is there has not said that nobody is.
func TestUnknownWorkflowOfABrokenStore(t *testing.T) {
	b := newStore(t)
	broken := errors.New("connection refused")
	b.failWith(func(op string) (bool, error) {
		if op == "workers" {
			return false, broken
		}
		return true, nil
	})
	err := starts(t, knowing(t, b, "mine"))["create"]("yours")
	wantIs(t, err, broken)
	if errors.Is(err, engine.ErrNotRegistered) || !strings.Contains(err.Error(), `"yours"`) {
		t.Errorf("the error is %v", err)
	}
}
