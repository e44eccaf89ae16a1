package memory_test

import (
	"testing"

	"github.com/wfops/wfops/backends/backendtest/scenarios"
	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine/backend"
)

func TestBehaviors(t *testing.T) {
	scenarios.Run(t, scenarios.Harness{Open: func(*testing.T) backend.Backend { return memory.New() }})
}

func TestChaos(t *testing.T) {
	scenarios.Chaos(t, scenarios.Harness{Open: func(*testing.T) backend.Backend { return memory.New() }})
}

func TestRules(t *testing.T) {
	scenarios.Rules(t, scenarios.Harness{Open: func(*testing.T) backend.Backend { return memory.New() }})
}

func TestGroups(t *testing.T) {
	scenarios.Groups(t, scenarios.Harness{Open: func(*testing.T) backend.Backend { return memory.New() }})
}
