package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/wfops/wfops/backends/backendtest/scenarios"
	"github.com/wfops/wfops/engine/backend"
)

func TestBehaviors(t *testing.T) {
	scenarios.Run(t, scenarios.Harness{Open: func(t *testing.T) backend.Backend {
		return open(t, filepath.Join(t.TempDir(), "store.db"))
	}})
}

func TestChaos(t *testing.T) {
	scenarios.Chaos(t, scenarios.Harness{Open: func(t *testing.T) backend.Backend {
		return open(t, filepath.Join(t.TempDir(), "store.db"), WithSynchronous(Normal))
	}})
}

func TestRules(t *testing.T) {
	scenarios.Rules(t, scenarios.Harness{Open: func(t *testing.T) backend.Backend {
		return open(t, filepath.Join(t.TempDir(), "store.db"), WithSynchronous(Normal))
	}})
}

func TestGroups(t *testing.T) {
	scenarios.Groups(t, scenarios.Harness{Open: func(t *testing.T) backend.Backend {
		return open(t, filepath.Join(t.TempDir(), "store.db"), WithSynchronous(Normal))
	}})
}
