package main

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// batch is how many instances one call of the store writes.
const batch = 5000

// pregenerate writes finished instances into a new store as a worker would, but
// many in one call: created, claimed, committed. There are 20 workflows and 1,000
// customers; one in a hundred has failed.
func pregenerate(ctx context.Context, store backend.Backend, n int) error {
	for first := 0; first < n; first += batch {
		if err := finished(ctx, store, first, min(first+batch, n)); err != nil {
			return err
		}
	}
	if n > 0 {
		settle()
	}
	return nil
}

func pregeneratedID(i int) string { return fmt.Sprintf("order-%08d", i) }
func workflowName(i int) string   { return fmt.Sprintf("Workflow%d", i%20) }
func customer(i int) string       { return fmt.Sprintf("customer-%d", i%1000) }

// workflowNames are those that pregenerated instances have.
func workflowNames() []string {
	names := make([]string, 20)
	for i := range names {
		names[i] = workflowName(i)
	}
	return names
}

// finished writes the instances from first to before last.
func finished(ctx context.Context, store backend.Backend, first, last int) error {
	creations := make([]backend.Creation, 0, last-first)
	for i := first; i < last; i++ {
		c, err := creation(i)
		if err != nil {
			return err
		}
		creations = append(creations, c)
	}
	for _, r := range store.Create(ctx, creations) {
		if r.Err != nil {
			return r.Err
		}
	}
	claimed, err := store.ClaimWorkflows(ctx, backend.WorkflowClaim{
		Worker: "pregenerate", Queues: []engine.Queue{engine.QueueDefault}, Workflows: workflowNames(), Max: last - first, Lease: time.Minute,
	})
	if err != nil {
		return err
	}
	if len(claimed.Tasks) != last-first {
		return fmt.Errorf("claimed %d instances of %d", len(claimed.Tasks), last-first)
	}
	commits := make([]backend.WorkflowCommit, len(claimed.Tasks))
	for i := range claimed.Tasks {
		if commits[i], err = end(&claimed.Tasks[i], first+i); err != nil {
			return err
		}
	}
	for _, r := range store.CommitWorkflows(ctx, commits) {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}

func creation(i int) (backend.Creation, error) {
	c := backend.Creation{
		Instance: engine.Instance{InstanceID: pregeneratedID(i), ExecutionID: engine.NewID()},
		Workflow: workflowName(i), Queue: engine.QueueDefault, Tags: map[string]string{"customer": customer(i)},
	}
	c.FirstExecution = c.Instance.ExecutionID
	var err error
	c.Started, err = history.Encode(history.Event{At: time.Now(), Body: history.WorkflowStarted{
		Workflow: c.Workflow, Queue: c.Queue, FirstExecution: c.FirstExecution, Tags: c.Tags,
	}})
	return c, err
}

// end is the one step of an instance.
func end(t *backend.WorkflowTask, i int) (backend.WorkflowCommit, error) {
	c := backend.WorkflowCommit{
		Instance: t.Instance, Token: t.Token, ExpectSeq: t.LastSeq, StepID: engine.NewID(),
		Count: 2, Status: engine.StatusCompleted, Summary: backend.SummaryUpdate{Worker: "pregenerate", Build: "none"},
	}
	var body history.Body = history.WorkflowCompleted{}
	if i%100 == 0 {
		message := "the card was refused"
		c.Status, c.Summary.LastError, c.Summary.Attempt = engine.StatusFailed, &message, 3
		body = history.WorkflowFailed{Failure: &engine.Failure{Message: message}}
	}
	started, err := t.Inbox[0].Event.DecodeOne()
	if err != nil {
		return c, err
	}
	c.Consume = []int64{t.Inbox[0].ID}
	c.Events, err = history.Encode(started, history.Event{At: time.Now(), Body: body})
	return c, err
}
