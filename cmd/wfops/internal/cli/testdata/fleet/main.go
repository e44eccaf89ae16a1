// Command fleet has the code of workflows of which there are many instances.
package main

import (
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

func main() {
	reg := registry.New()
	for name, wf := range map[string]any{
		"Fine": long(0, parts), "Renamed": long(0, 5), "Swapped": swapped, "Child": long(0, parts), "Random": random, "Exits": exits, "Sleeps": sleeps,
	} {
		if err := reg.RegisterWorkflow(wf, registry.WithName(name)); err != nil {
			panic(err)
		}
	}
	replay.Serve(reg)
}

const parts = 16

// long runs activities; those from changed on have another name than they had.
func long(from, changed int) func(workflow.Context) (string, error) {
	return func(ctx workflow.Context) (string, error) {
		for n := from; n < parts; n++ {
			name := "Part" + strconv.Itoa(n)
			if n >= changed {
				name += "New"
			}
			if err := part(ctx, name); err != nil {
				return "", err
			}
		}
		workflow.NewSignalChannel[int](ctx, "end").Receive(ctx)
		return "", nil
	}
}

func part(ctx workflow.Context, name string) error {
	_, err := workflow.ExecuteActivity[string](ctx, workflow.ActivityOptions{}, name, 7).Get(ctx)
	return err
}

func swapped(ctx workflow.Context) (string, error) {
	if err := errors.Join(part(ctx, "Part0"), part(ctx, "Part2"), part(ctx, "Part1")); err != nil {
		return "", err
	}
	return long(3, parts)(ctx)
}

func random(ctx workflow.Context) (string, error) {
	if time.Now().UnixNano()/100%2 == 0 {
		return long(0, 5)(ctx)
	}
	return long(0, parts)(ctx)
}

func exits(workflow.Context) (string, error) {
	os.Exit(3)
	return "", nil
}

func sleeps(workflow.Context) (string, error) {
	time.Sleep(time.Hour) // a workflow that does not know workflow.Sleep
	return "", nil
}
