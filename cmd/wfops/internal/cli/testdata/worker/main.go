// Command worker has the code of some workflows, as of after a change.
package main

import (
	"os"

	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

func main() {
	reg := registry.New()
	for name, wf := range map[string]any{"Good": good, "Renamed": renamed, "Exits": exits, "Talks": talks} {
		if err := reg.RegisterWorkflow(wf, registry.WithName(name)); err != nil {
			panic(err)
		}
	}
	replay.Serve(reg)
}

func good(ctx workflow.Context) (string, error) { return both(ctx, "Charge", "Ship") }

func renamed(ctx workflow.Context) (string, error) { return both(ctx, "ChargeCard", "Ship") }

func exits(workflow.Context) (string, error) {
	os.Exit(3)
	return "", nil
}

func both(ctx workflow.Context, first, second string) (string, error) {
	if _, err := workflow.ExecuteActivity[string](ctx, workflow.ActivityOptions{}, first, 7).Get(ctx); err != nil {
		return "", err
	}
	return workflow.ExecuteActivity[string](ctx, workflow.ActivityOptions{}, second).Get(ctx)
}

func talks(ctx workflow.Context) (string, error) {
	print("worker of the orders\n\x1b[31mcharging\nno end of line")
	return good(ctx)
}
