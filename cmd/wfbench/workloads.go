package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// workload is what is run: its sizes unless flags say otherwise, the workflow and
// how many activities one instance of n steps runs.
type workload struct {
	instances, concurrency, steps int

	workflow   workflow.Workflow
	activities func(steps int) int
	// run, unless nil, takes the place of the loop that starts and awaits instances.
	run func(context.Context, *bench) error
}

var workloads = map[string]workload{
	"chain":   {instances: 1000, concurrency: 100, steps: 5, workflow: chain, activities: same},
	"latency": {instances: 300, concurrency: 1, steps: 1, workflow: chain, activities: same},
	"long":    {instances: 1, concurrency: 1, steps: 2000, workflow: chain, activities: same},
	"fanout":  {instances: 20, concurrency: 20, steps: 500, workflow: fanout, activities: same},
	"tree":    {instances: 100, concurrency: 100, steps: 3, workflow: tree, activities: leaves},
	"replay":  {instances: 1, concurrency: 1, steps: 10_000, workflow: recorded, activities: none, run: replay},
}

func names() []string { return slices.Sorted(maps.Keys(workloads)) }

func same(steps int) int   { return steps }
func none(int) int         { return 0 }
func leaves(depth int) int { return 2 << depth }

func register(r *registry.Registry) error {
	return errors.Join(
		r.RegisterWorkflow(chain), r.RegisterWorkflow(fanout), r.RegisterWorkflow(tree), r.RegisterWorkflow(recorded),
		r.RegisterActivity(number), r.RegisterActivity(text),
	)
}

func number(_ context.Context, n int) (int, error) { return n, nil }

// text returns 100 bytes, as a result of the tree workload is to have.
func text(context.Context) (string, error) { return strings.Repeat("x", 98), nil }

// chain runs steps activities one after another.
func chain(ctx workflow.Context, steps int) (int, error) {
	sum := 0
	for i := range steps {
		n, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, number, i).Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// fanout runs width activities at once.
func fanout(ctx workflow.Context, width int) (int, error) {
	futures := make([]workflow.Future[int], width)
	for i := range futures {
		futures[i] = workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, number, i)
	}
	sum := 0
	for _, f := range futures {
		n, err := f.Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// tree starts two children, down to depth, and two activities in each leaf.
func tree(ctx workflow.Context, depth int) (int, error) {
	if depth == 0 {
		return leaf(ctx)
	}
	var children [2]workflow.Future[int]
	for i := range children {
		children[i] = workflow.CreateSubWorkflowInstance[int](ctx, workflow.DefaultSubWorkflowOptions, tree, depth-1)
	}
	total := 0
	for _, c := range children {
		n, err := c.Get(ctx)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func leaf(ctx workflow.Context) (int, error) {
	total := 0
	for range 2 {
		s, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, text).Get(ctx)
		if err != nil {
			return 0, err
		}
		total += len(s)
	}
	return total, nil
}

// load keeps concurrency instances in flight until all have finished.
func load(ctx context.Context, b *bench) error {
	var wg sync.WaitGroup
	next := make(chan int)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for range b.cfg.concurrency {
		wg.Go(func() {
			for i := range next {
				if err := b.one(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range b.cfg.instances {
		next <- i
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// one runs an instance and notes how long it took from create to result.
func (b *bench) one(ctx context.Context, i int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	start := time.Now()
	id := fmt.Sprintf("%s-%d", b.cfg.workload, i)
	h, err := client.Start[int](ctx, b.client, client.WorkflowInstanceOptions{InstanceID: id}, b.workload.workflow, b.cfg.steps)
	if err != nil {
		return err
	}
	if _, err := h.Get(ctx); err != nil {
		return err
	}
	b.took(time.Since(start))
	return nil
}

const goOn = "go on"

// recorded runs activities one after another until the history has as many events
// as are asked for, and then waits for the signal to end.
func recorded(ctx workflow.Context, events int) (int64, error) {
	for i := 0; workflow.InstanceExecutionDetails(ctx).HistoryLength < int64(events); i++ {
		if _, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, number, i).Get(ctx); err != nil {
			return 0, err
		}
	}
	workflow.NewSignalChannel[int](ctx, goOn).Receive(ctx)
	return workflow.InstanceExecutionDetails(ctx).HistoryLength, nil
}

// replay measures what it costs a worker that has never seen an execution to take
// it over: reading its history from the store, decoding and replaying it. The time
// is from the signal to the result, with the new worker waiting.
func replay(ctx context.Context, b *bench) error {
	for i := range b.cfg.instances {
		id := fmt.Sprintf("replay-%d", i)
		h, err := client.Start[int64](ctx, b.client, client.WorkflowInstanceOptions{InstanceID: id}, recorded, b.cfg.steps)
		if err != nil {
			return err
		}
		if err := b.recorded(ctx, h); err != nil {
			return err
		}
		if err := b.restartWorker(ctx); err != nil {
			return err
		}
		b.begin()
		start := time.Now()
		if err := h.Signal(ctx, goOn, 0); err != nil {
			return err
		}
		events, err := h.Get(ctx)
		if err != nil {
			return err
		}
		b.took(time.Since(start))
		b.events += events
	}
	return nil
}

// recorded waits until the history is long enough.
func (b *bench) recorded(ctx context.Context, h *client.Handle[int64]) error {
	for {
		d, err := h.Describe(ctx)
		switch {
		case err != nil:
			return err
		case d.Status != engine.StatusRunning:
			return fmt.Errorf("%s is %s before it was signaled", d.Instance, d.Status)
		case d.HistoryLength >= int64(b.cfg.steps) && d.Waiting != nil && d.Waiting.Kind == engine.WaitSignal:
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
