package worker_test

import (
	"context"
	"strconv"
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

func one(context.Context) (int, error) { return 1, nil }

// BenchmarkChain is the workload "chain": 100 instances in flight, each with five
// activities one after another. An operation is one activity.
func BenchmarkChain(b *testing.B) { benchmarkChain(b, 5, 100) }

// BenchmarkLong is one instance with 2,000 activities one after another.
func BenchmarkLong(b *testing.B) { benchmarkChain(b, 2000, 1) }

func benchmarkChain(b *testing.B, length, inFlight int) {
	store := memory.New()
	w := worker.New(store, nil)
	must(w.RegisterWorkflow(chain))
	must(w.RegisterActivity(one))
	must(w.Start(b.Context()))
	c := client.New(store)
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	free := make(chan struct{}, inFlight)
	instances := (b.N + length - 1) / length
	for n := range instances {
		free <- struct{}{}
		go func() {
			defer func() { <-free }()
			run(b, c, "chain-"+strconv.Itoa(n), length)
		}()
	}
	for range inFlight {
		free <- struct{}{}
	}
	b.ReportMetric(float64(instances*length)/time.Since(start).Seconds(), "act/s")
	b.StopTimer()
	must(w.Stop(context.Background()))
}

func run(b *testing.B, c *client.Client, id string, length int) {
	i, err := c.CreateWorkflowInstance(b.Context(), client.WorkflowInstanceOptions{InstanceID: id}, chain, length)
	if err != nil {
		b.Error(err)
		return
	}
	if n, err := client.GetWorkflowResult[int](b.Context(), c, i, time.Minute); err != nil || n != length {
		b.Errorf("got %d, %v", n, err)
	}
}
