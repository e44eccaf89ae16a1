package worker

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/workflow"
)

// watcher is an observer that counts steps.
type watcher struct{ steps int }

func (o *watcher) Committed(Committed) { o.steps++ }

// A hold that rests is anybody's: the goroutine that brought it to rest may still
// be closing executors that had to give way when another one runs the hold again,
// and must not touch what that one has in its hands.
func TestTheGoroutineThatRestsLetsGoOfTheExecutor(t *testing.T) {
	inWorld(t, func(w *world) {
		result1, goOn, commit := make(chan int), make(chan struct{}), make(chan struct{})
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			defer func() { <-goOn }()
			f := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act")
			v, _ := workflow.NewSignalChannel[int](ctx, "add").Receive(ctx)
			n, err := f.Get(ctx)
			return n + v, err
		}}
		o := &watcher{}
		w.worker(Options{CacheBytes: -1, Observers: []Observer{o}}, wf, act(func(context.Context) (int, error) { return <-result1, nil }))
		i := w.start("i", "wf")
		synctest.Wait() // the executor gives way at once, and hangs in a deferred call

		w.store.set(func(s *hooked) {
			s.before = func(*backend.WorkflowCommit) error {
				<-commit
				return nil
			}
		})
		w.signal("i", "add", 1)
		synctest.Wait() // another goroutine has made a step
		close(goOn)
		synctest.Wait() // the first one is done
		close(commit)
		result1 <- 6
		equal(w, "result", result[int](w, i), 7)
		equal(w, "steps that were observed", o.steps, 3)
		equal(w, "panics", len(w.log.matching("panicked")), 0)
	})
}
