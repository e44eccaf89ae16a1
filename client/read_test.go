package client_test

import (
	"testing"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func TestReading(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	create(t, c, "done")
	end(t, b, engine.StatusCompleted, history.WorkflowCompleted{})
	open := create(t, c, "open")
	create(t, c, "ready")
	task := claim(t, b)
	commit(t, b, task, func(s *backend.WorkflowCommit) { s.Lease = 1e12 }, history.TaskStarted{Worker: "w"}, history.SignalReceived{Name: "a"})

	stats := must(c.GetStats(t.Context()))
	if stats.ActiveWorkflowInstances != 2 || stats.PendingWorkflowTasks[engine.QueueDefault] != 2 {
		t.Errorf("stats are %+v, want 2 open instances with 2 tasks", stats)
	}
	page := must(c.List(t.Context(), client.Filter{Statuses: []engine.Status{engine.StatusCompleted}}))
	if len(page.Items) != 1 || page.Items[0].Instance.InstanceID != "done" {
		t.Errorf("listed %+v", page.Items)
	}
	d := must(c.Describe(t.Context(), &engine.Instance{InstanceID: "open"}))
	if d.Instance != *open || d.Pending.Holder != "w" || d.HistoryLength != 2 {
		t.Errorf("described %+v", d)
	}
	events := must(c.History(t.Context(), open))
	if len(events) != 2 || events[0].Seq != 1 || events[1].Seq != 2 || events[1].Kind() != history.KindSignalReceived {
		t.Errorf("history is %+v", events)
	}
	if s := must(c.GetWorkflowInstanceState(t.Context(), &engine.Instance{InstanceID: "done"})); s != engine.StatusCompleted {
		t.Errorf("state is %s", s)
	}
}

func TestReadingNobody(t *testing.T) {
	c := client.New(newStore(t))
	nobody := &engine.Instance{InstanceID: "x", ExecutionID: "y"}
	_, err := c.GetWorkflowInstanceState(t.Context(), nobody)
	wantIs(t, err, engine.ErrInstanceNotFound)
	_, err = c.Describe(t.Context(), nobody)
	wantIs(t, err, engine.ErrInstanceNotFound)
	_, err = c.History(t.Context(), nobody)
	wantIs(t, err, engine.ErrInstanceNotFound)
	h := client.HandleOf[int](c, *nobody)
	_, err = h.Describe(t.Context())
	wantIs(t, err, engine.ErrInstanceNotFound)
	_, err = h.History(t.Context())
	wantIs(t, err, engine.ErrInstanceNotFound)
}

func TestAClosedStoreIsToldAsSuch(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	i := create(t, c, "id")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"stats":   func() error { _, err := c.GetStats(t.Context()); return err },
		"list":    func() error { _, err := c.List(t.Context(), client.Filter{}); return err },
		"state":   func() error { _, err := c.GetWorkflowInstanceState(t.Context(), i); return err },
		"signal":  func() error { return c.SignalWorkflow(t.Context(), "id", "go", 1) },
		"cancel":  func() error { return c.CancelWorkflowInstance(t.Context(), i) },
		"wait":    func() error { return c.WaitForWorkflowInstance(t.Context(), i, 1) },
		"removal": func() error { return c.RemoveWorkflowInstances(t.Context()) },
		"create": func() error {
			_, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{}, Greet, "Ada", 3)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantIs(t, call(), engine.ErrClosed) })
	}
}
