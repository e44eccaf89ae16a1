package replay_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

func Order(ctx workflow.Context, number int) error {
	_, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "charge", number).Get(ctx)
	return err
}

func workflows() *registry.Registry {
	r := registry.New()
	if err := r.RegisterWorkflow(Order); err != nil {
		panic(err)
	}
	return r
}

// The main function of a worker's program.
func ExampleServe() {
	replay.Serve(workflows()) // returns at once, unless the program was started as a replayer

	fmt.Println("parse flags, open the store, start the worker")

	// Output:
	// parse flags, open the store, start the worker
}

// A file that is no replayer is refused, and not started.
func ExampleStart() {
	ctx := context.Background()
	r, err := replay.Start(ctx, "example_test.go", replay.Options{})
	if err != nil {
		fmt.Println("no replayer:", errors.Is(err, replay.ErrNotReplayer))
		return
	}
	defer r.Close()
	bundle, err := diagnostics.ReadFile("order-1042.wfh")
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := r.Replay(ctx, bundle)
	fmt.Println(result.Verdict, result.Summary, err)

	// Output:
	// no replayer: true
}
