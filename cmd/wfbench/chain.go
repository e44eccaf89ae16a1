package main

import (
	"context"
	"strings"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

// closed returns a workload that keeps a number of instances in flight until all
// have finished. activities says how many one of so many steps runs.
func closed(wf workflow.Workflow, activities func(steps int) int) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		if err := b.startWorker(ctx); err != nil {
			return err
		}
		return b.load(ctx, wf, b.instances*activities(b.steps))
	}
}

// chainSpans are those of the call and of the workflow, and two for each activity.
func chainSpans(steps int) int { return 2 + 2*steps }

func same(steps int) int   { return steps }
func leaves(depth int) int { return 2 << depth }

// load times instances from create to result, and all of them together.
func (b *bench) load(ctx context.Context, wf workflow.Workflow, activities int) error {
	b.ran += activities
	return b.timed(func() error {
		return b.each(ctx, b.instances, func(ctx context.Context, i int) error {
			start := time.Now()
			err := b.one(ctx, instanceID("closed", i), wf)
			b.took(time.Since(start))
			return err
		})
	})
}

// one runs an instance from create to result.
func (b *bench) one(ctx context.Context, id string, wf workflow.Workflow) error {
	h, err := client.Start[int](ctx, b.client, client.WorkflowInstanceOptions{InstanceID: id}, wf, b.steps)
	if err != nil {
		return err
	}
	_, err = h.Get(ctx)
	return err
}

// chain runs steps activities one after another.
func chain(ctx workflow.Context, steps int) (int, error) {
	return sum(ctx, steps, workflow.DefaultActivityOptions, do.Number)
}

// atOnce retries without a delay, and more often than chance makes an activity fail.
var atOnce = workflow.ActivityOptions{RetryOptions: engine.RetryPolicy{MaxAttempts: 1000}}

// stubborn is chain with an activity that fails now and then.
func stubborn(ctx workflow.Context, steps int) (int, error) { return sum(ctx, steps, atOnce, do.Flaky) }

func sum(ctx workflow.Context, steps int, o workflow.ActivityOptions, activity workflow.Activity) (int, error) {
	total := 0
	for i := range steps {
		n, err := workflow.ExecuteActivity[int](ctx, o, activity, i).Get(ctx)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// fanout runs width activities at once.
func fanout(ctx workflow.Context, width int) (int, error) {
	futures := make([]workflow.Future[int], width)
	for i := range futures {
		futures[i] = workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, do.Number, i)
	}
	return total(ctx, futures)
}

// tree starts two children, down to depth, and two activities in each leaf.
func tree(ctx workflow.Context, depth int) (int, error) {
	if depth == 0 {
		return leaf(ctx)
	}
	children := make([]workflow.Future[int], 2)
	for i := range children {
		children[i] = workflow.CreateSubWorkflowInstance[int](ctx, workflow.DefaultSubWorkflowOptions, tree, depth-1)
	}
	return total(ctx, children)
}

func total(ctx workflow.Context, futures []workflow.Future[int]) (int, error) {
	total := 0
	for _, f := range futures {
		n, err := f.Get(ctx)
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
		s, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, do.Text).Get(ctx)
		if err != nil {
			return 0, err
		}
		total += len(s)
	}
	return total, nil
}

// payload is how long the arguments and results of workload big are.
const payload = 100_000

// big counts arguments and results, as each is stored once.
func big(ctx context.Context, b *bench) error {
	if err := closed(heavy, same)(ctx, b); err != nil {
		return err
	}
	b.figures["mb_per_second"] = b.perSecond(float64(2*payload*b.ran) / 1e6)
	return nil
}

// heavy is a chain that carries much.
func heavy(ctx workflow.Context, steps int) (int, error) {
	text := strings.Repeat("x", payload)
	for range steps {
		var err error
		if text, err = workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, do.Echo, text).Get(ctx); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}
