package client_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
)

// In a process that replays histories a client gets nowhere, and says so at once.
func TestClientOfAReplayer(t *testing.T) {
	b := newStore(t)
	t.Setenv(engine.ReplayVariable, "nonce")
	c := client.New(b)
	i := &engine.Instance{InstanceID: "i"}
	begun := time.Now()
	for name, call := range map[string]func() error{
		"create": func() error {
			_, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{InstanceID: "i"}, greet, "a", 1)
			return err
		},
		"signal": func() error { return c.SignalWorkflow(t.Context(), "i", "s", 1) },
		"cancel": func() error { return c.CancelWorkflowInstance(t.Context(), i) },
		"remove": func() error { return c.RemoveWorkflowInstance(t.Context(), i) },
		"wait":   func() error { return c.WaitForWorkflowInstance(t.Context(), i, time.Minute) },
		"list": func() error {
			_, err := c.List(t.Context(), client.Filter{})
			return err
		},
	} {
		if err := call(); !errors.Is(err, engine.ErrReplaying) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
	if len(b.calls) > 0 {
		t.Errorf("the store was asked for %v", b.calls)
	}
}
