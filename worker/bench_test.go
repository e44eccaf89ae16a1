package worker_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

func chain(ctx workflow.Context, n int) (int, error) {
	sum := 0
	for range n {
		v, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, one).Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

func fanout(ctx workflow.Context, n int) (int, error) {
	fs := make([]workflow.Future[int], n)
	for i := range fs {
		fs[i] = workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, one)
	}
	sum := 0
	for _, f := range fs {
		v, err := f.Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

func one(context.Context) (int, error) { return 1, nil }

// counter adds up n signals.
func counter(ctx workflow.Context, n int) (int, error) {
	c := workflow.NewSignalChannel[int](ctx, "add")
	sum := 0
	for range n {
		v, _ := c.Receive(ctx)
		sum += v
	}
	return sum, nil
}

// BenchmarkChain is the workload "chain": 100 instances in flight, each with five
// activities one after another. An operation is one activity.
func BenchmarkChain(b *testing.B) { benchmark(b, chain, 5, 100) }

// BenchmarkStep is one instance with activities one after another, so an operation
// is one step: activity, step and commit.
func BenchmarkStep(b *testing.B) { benchmark(b, chain, 2000, 1) }

// BenchmarkFanout is the workload "fanout": 20 instances, each with 500 activities
// at once. An operation is one activity.
func BenchmarkFanout(b *testing.B) { benchmark(b, fanout, 500, 20) }

func benchmark(b *testing.B, wf func(workflow.Context, int) (int, error), length, inFlight int) {
	c, stop := system(b, wf)
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	var all sync.WaitGroup
	instances := (b.N + length - 1) / length
	numbers := make(chan int)
	for range inFlight {
		all.Go(func() {
			for n := range numbers {
				end(b, c, create(b, c, strconv.Itoa(n), wf, length), length)
			}
		})
	}
	for n := range instances {
		numbers <- n
	}
	close(numbers)
	all.Wait()
	b.ReportMetric(float64(instances*length)/time.Since(start).Seconds(), "act/s")
	b.StopTimer()
	stop()
}

// BenchmarkSignal is a step of an instance that has given its lease back: delivery,
// claim, step and commit, with a warm executor. The signals of 100 instances are in
// flight at a time.
func BenchmarkSignal(b *testing.B) {
	c, stop := system(b, counter)
	const inFlight = 100
	rounds := (b.N + inFlight - 1) / inFlight
	instances := make([]*workflow.Instance, inFlight)
	for n := range instances {
		instances[n] = create(b, c, strconv.Itoa(n), counter, rounds)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for _, i := range instances {
		all.Go(func() {
			for range rounds {
				if err := c.SignalWorkflow(b.Context(), i.InstanceID, "add", 1); err != nil {
					b.Error(err)
				}
			}
			end(b, c, i, rounds)
		})
	}
	all.Wait()
	b.StopTimer()
	stop()
}

// system is a worker with a workflow, and a client.
func system(b *testing.B, wf workflow.Workflow) (c *client.Client, stop func()) {
	store := memory.New()
	w := worker.New(store, nil)
	must(w.RegisterWorkflow(wf))
	must(w.RegisterActivity(one))
	must(w.Start(b.Context()))
	return client.New(store), func() { must(w.Stop(context.Background())) }
}

func create(b *testing.B, c *client.Client, id string, wf workflow.Workflow, n int) *workflow.Instance {
	i, err := c.CreateWorkflowInstance(b.Context(), client.WorkflowInstanceOptions{InstanceID: id}, wf, n)
	if err != nil {
		b.Error(err)
		return &workflow.Instance{}
	}
	return i
}

// end waits for the result of an instance, which is n.
func end(b *testing.B, c *client.Client, i *workflow.Instance, n int) {
	if got, err := client.GetWorkflowResult[int](b.Context(), c, i, time.Minute); err != nil || got != n {
		b.Errorf("%s: got %d, %v, want %d", i, got, err, n)
	}
}
