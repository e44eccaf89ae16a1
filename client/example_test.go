package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// Collect waits for a number of signals and returns their sum.
func Collect(ctx workflow.Context, n int) (int, error) {
	sum := 0
	values := workflow.NewSignalChannel[int](ctx, "value")
	for range n {
		v, ok := values.Receive(ctx)
		if !ok {
			break
		}
		sum += v
	}
	return sum, nil
}

// Forever waits until it is canceled.
func Forever(ctx workflow.Context) error { return workflow.Sleep(ctx, 1000*time.Hour) }

// service starts a store and a worker, as a program would once.
func service(ctx context.Context) (*client.Client, func()) {
	b := memory.New()
	w := worker.New(b, nil)
	if err := errors.Join(w.RegisterWorkflow(Collect), w.RegisterWorkflow(Forever), w.Start(ctx)); err != nil {
		panic(err)
	}
	return client.New(b), func() {
		if err := errors.Join(w.Stop(ctx), b.Close()); err != nil {
			panic(err)
		}
	}
}

func Example() {
	ctx := context.Background()
	c, stop := service(ctx)
	defer stop()

	instance, err := c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: "sum"}, Collect, 3)
	if err != nil {
		panic(err)
	}
	for v := range 3 {
		if err := c.SignalWorkflow(ctx, "sum", "value", v); err != nil {
			panic(err)
		}
	}
	sum, err := client.GetWorkflowResult[int](ctx, c, instance, time.Minute)
	fmt.Println(sum, err)
	// Output: 3 <nil>
}

func ExampleStart() {
	ctx := context.Background()
	c, stop := service(ctx)
	defer stop()

	h, err := client.Start[int](ctx, c, client.WorkflowInstanceOptions{Tags: map[string]string{"team": "billing"}}, Collect, 2)
	if err != nil {
		panic(err)
	}
	for _, v := range []int{20, 22} {
		if err := h.Signal(ctx, "value", v); err != nil {
			panic(err)
		}
	}
	fmt.Println(h.Get(ctx))
	// Output: 42 <nil>
}

func ExampleClient_SignalWithStart() {
	ctx := context.Background()
	c, stop := service(ctx)
	defer stop()

	// Nobody needs to know who comes first.
	for _, v := range []int{1, 2, 3} {
		o := client.WorkflowInstanceOptions{InstanceID: "basket-7"}
		if _, err := c.SignalWithStart(ctx, o, "value", v, Collect, 3); err != nil {
			panic(err)
		}
	}
	fmt.Println(client.HandleOf[int](c, workflow.Instance{InstanceID: "basket-7"}).Get(ctx))
	// Output: 6 <nil>
}

func ExampleClient_CancelWorkflowInstance() {
	ctx := context.Background()
	c, stop := service(ctx)
	defer stop()

	instance, err := c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{}, Forever)
	if err != nil {
		panic(err)
	}
	if err := c.CancelWorkflowInstance(ctx, instance); err != nil {
		panic(err)
	}
	_, err = client.GetWorkflowResult[any](ctx, c, instance, time.Minute)
	fmt.Println(errors.Is(err, client.ErrWorkflowCanceled))
	// Output: true
}

func ExampleClient_RemoveWorkflowInstances() {
	ctx := context.Background()
	c, stop := service(ctx)
	defer stop()

	h, err := client.Start[int](ctx, c, client.WorkflowInstanceOptions{}, Collect, 0)
	if err != nil {
		panic(err)
	}
	if _, err := h.Get(ctx); err != nil {
		panic(err)
	}
	if err := c.RemoveWorkflowInstances(ctx, backend.RemoveFinishedBefore(time.Now().Add(time.Hour))); err != nil {
		panic(err)
	}
	page, err := c.List(ctx, client.Filter{})
	fmt.Println(len(page.Items), err)
	// Output: 0 <nil>
}
