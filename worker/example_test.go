package worker_test

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

func Greet(ctx workflow.Context, name string) (string, error) {
	return workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Hello, name).Get(ctx)
}

func Hello(_ context.Context, name string) (string, error) { return "Hello, " + name + "!", nil }

func Example() {
	ctx := context.Background()
	store := memory.New()

	w := worker.New(store, nil)
	must(w.RegisterWorkflow(Greet))
	must(w.RegisterActivity(Hello))
	must(w.Start(ctx))

	c := client.New(store)
	instance, err := c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: "greeting"}, Greet, "world")
	must(err)
	greeting, err := client.GetWorkflowResult[string](ctx, c, instance, 10*time.Second)
	must(err)
	fmt.Println(greeting)

	must(w.Stop(ctx))
	// Output: Hello, world!
}

func ExampleNewWorkflowOrchestrator() {
	ctx := context.Background()
	o := worker.NewWorkflowOrchestrator(memory.New(), nil)
	must(o.RegisterWorkflow(Greet))
	must(o.RegisterActivity(Hello))
	must(o.Start(ctx))

	instance, err := o.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{}, Greet, "orchestra")
	must(err)
	greeting, err := client.GetWorkflowResult[string](ctx, o.Client, instance, 10*time.Second)
	must(err)
	fmt.Println(greeting)

	// Activities get ten seconds to end; what is not done by then goes to another worker.
	deadline, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	must(o.Stop(deadline))
	// Output: Hello, orchestra!
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
