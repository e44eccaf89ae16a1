package executor_test

import (
	"encoding/json"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/registry"
)

// outside stands for the world that side effects look at.
var outside int

func newRegistry(tb testing.TB, name string, flow any) *registry.Registry {
	tb.Helper()
	reg := registry.New()
	if err := reg.RegisterWorkflow(flow, registry.WithName(name)); err != nil {
		tb.Fatal(err)
	}
	return reg
}

func commandSettings(reg *registry.Registry) command.Settings {
	return command.Settings{WorkflowName: reg.ResolveWorkflow, ActivityName: reg.ResolveActivity}
}

func payloads(args []any) []engine.Payload {
	var ps []engine.Payload
	for _, a := range args {
		p, err := json.Marshal(a)
		if err != nil {
			panic(err)
		}
		ps = append(ps, p)
	}
	return ps
}
