package postgres

import (
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/scenarios"
	"github.com/wfops/wfops/engine/backend"
)

func TestBehaviors(t *testing.T) {
	scenarios.Run(t, scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend { return openStore(t, newStore(t)) }})
}

// What follows runs in bubbles, whose time is not the server's, and stands still for
// as long as somebody listens to a network.

func TestChaos(t *testing.T) {
	scenarios.Chaos(t, scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend {
		return openStore(t, newStore(t), withClock(time.Now), WithoutNotifications())
	}})
}

func TestRules(t *testing.T) {
	scenarios.Rules(t, scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend {
		return openStore(t, newStore(t), withClock(time.Now), WithoutNotifications())
	}})
}

func TestGroups(t *testing.T) {
	scenarios.Groups(t, scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend {
		return openStore(t, newStore(t), withClock(time.Now), WithoutNotifications())
	}})
}
