package worker

import (
	"context"
	"testing"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/workflow"
)

// A worker takes what its process creates: no claim is needed, and none is made.
func TestAnEagerStartNeedsNoClaim(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{}, named{"wf", func(workflow.Context) (int, error) { return 1, nil }})
		before := hook(w.store, func(s *hooked) int { return s.tasks })
		for _, id := range []string{"a", "b"} {
			equal(w, "result", result[int](w, w.start(id, "wf")), 1)
		}
		equal(w, "tasks that were claimed", hook(w.store, func(s *hooked) int { return s.tasks }), before)
	})
}

// What a worker has no room for, can't run or is in no state to run is left to others.
func TestWhatIsTakenEagerly(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.worker(Options{WorkflowWorkerOptions: WorkflowWorkerOptions{MaxParallelWorkflowTasks: 4}},
			named{"wf", func(workflow.Context) (int, error) { return 1, nil }})
		e := eager{x}
		equal(w, "another workflow", e.Reserve("other"), false)
		equal(w, "with room", e.Reserve("wf"), true)
		equal(w, "one of four taken", e.Reserve("wf"), true)
		equal(w, "half of them taken", e.Reserve("wf"), false)
		e.Return()
		equal(w, "one returned", e.Reserve("wf"), true)
		x.workflows.short.Store(false)
		e.Return()
		equal(w, "with a queue", e.Reserve("wf"), false)
		x.workflows.short.Store(true)

		// Stop waits for what has been reserved.
		stopped := make(chan error)
		go func() { stopped <- x.Stop(context.Background()) }()
		w.pass(1)
		equal(w, "while stopping", e.Reserve("wf"), false)
		select {
		case err := <-stopped:
			t.Fatalf("stopped with an execution on its way: %v", err)
		default:
		}
		i := w.start("i", "wf")
		got, err := w.store.ClaimWorkflows(w.Context(), backend.WorkflowClaim{
			Worker: x.id, Queues: x.opts.workflowQueues, Workflows: []string{"wf"}, Max: 1, Lease: x.opts.lease,
		})
		if err != nil || len(got.Tasks) != 1 {
			t.Fatalf("claimed %v, %v", got.Tasks, err)
		}
		e.Take(got.Tasks[0])
		if err := <-stopped; err != nil {
			t.Fatal(err)
		}
		equal(w, "result", result[int](w, i), 1)
	})
}
