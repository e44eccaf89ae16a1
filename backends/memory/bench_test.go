package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// BenchmarkLife is one execution from its creation to its end in three calls,
// beside executions that have nothing to do: the figures must not differ.
func BenchmarkLife(b *testing.B) {
	for _, c := range []struct{ finished, sleeping int }{{0, 0}, {200_000, 0}, {0, 200_000}} {
		b.Run(fmt.Sprintf("finished=%d/sleeping=%d", c.finished, c.sleeping), func(b *testing.B) {
			store := memory.New()
			live(b, store, c.finished, completed)
			live(b, store, c.sleeping, asleep)
			b.ReportAllocs()
			b.ResetTimer()
			live(b, store, b.N, completed)
		})
	}
}

// BenchmarkStep is one commit of a holder that keeps its lease.
func BenchmarkStep(b *testing.B) {
	store := memory.New()
	create(b, store, 1)
	task := claim(b, store)[0]
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		c := step(task, n)
		c.Lease, c.Local = time.Minute, 1
		if r := store.CommitWorkflows(b.Context(), []backend.WorkflowCommit{c}); r[0].Err != nil {
			b.Fatal(r[0].Err)
		}
	}
}

var event = history.Encoded(`[{"kind":"TaskStarted","at":"2026-01-01T00:00:00Z"}]`)

const batch = 50

// live creates n executions and gives each one step, in batches.
func live(b *testing.B, store *memory.Backend, n int, change func(*backend.WorkflowCommit)) {
	b.Helper()
	for n > 0 {
		create(b, store, min(n, batch))
		tasks := claim(b, store)
		n -= len(tasks)
		cs := make([]backend.WorkflowCommit, len(tasks))
		for i, t := range tasks {
			cs[i] = step(t, 0)
			change(&cs[i])
		}
		for _, r := range store.CommitWorkflows(b.Context(), cs) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
}

func completed(c *backend.WorkflowCommit) { c.Status = engine.StatusCompleted }

func asleep(c *backend.WorkflowCommit) {
	c.AddTimers = []backend.Timer{{Ref: 1, After: 24 * time.Hour, Event: event}}
}

func create(b *testing.B, store *memory.Backend, n int) {
	b.Helper()
	cs := make([]backend.Creation, n)
	for i := range cs {
		id := engine.NewID()
		cs[i] = backend.Creation{
			Instance: engine.Instance{InstanceID: id, ExecutionID: id}, FirstExecution: id,
			Workflow: "wf", Queue: "q", Started: event,
		}
	}
	for _, r := range store.Create(b.Context(), cs) {
		if r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}

func claim(b *testing.B, store *memory.Backend) []backend.WorkflowTask {
	b.Helper()
	got, err := store.ClaimWorkflows(b.Context(), backend.WorkflowClaim{
		Worker: "w", Build: "b", Queues: []engine.Queue{"q"}, Workflows: []string{"wf"}, Max: batch, Lease: time.Minute,
	})
	if err != nil || len(got.Tasks) == 0 {
		b.Fatalf("claimed %d, %v", len(got.Tasks), err)
	}
	return got.Tasks
}

func step(t backend.WorkflowTask, n int) backend.WorkflowCommit {
	c := backend.WorkflowCommit{
		Instance: t.Instance, Token: t.Token, ExpectSeq: int64(n), StepID: engine.NewID(),
		Events: event, Count: 1, Status: engine.StatusRunning,
		Summary: backend.SummaryUpdate{Worker: "w", Build: "b"},
	}
	for _, r := range t.Inbox {
		c.Consume = append(c.Consume, r.ID)
	}
	return c
}
