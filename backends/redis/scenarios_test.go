package redis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/scenarios"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func harness(t *testing.T, variable string) scenarios.Harness {
	t.Helper()
	addr := address(t, variable)
	return scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend {
		return patient{openAt(t, addr, newPrefix(t, addr))}
	}}
}

// patient looks again for an execution that it doesn't find: on a cluster a child
// exists a moment after the step that starts it.
type patient struct{ *Backend }

func (p patient) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	s, err := p.Backend.Get(ctx, i)
	if p.near || !errors.Is(err, engine.ErrInstanceNotFound) {
		return s, err
	}
	select {
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
	}
	return p.Backend.Get(ctx, i)
}

// inBubble is for systems that may be in a bubble of fake time. There the store goes by
// it, and leaves out what waits for the network all the time, where fake time would
// stand still.
func inBubble(t *testing.T, variable string) scenarios.Harness {
	t.Helper()
	addr := address(t, variable)
	plain := harness(t, variable)
	return scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend {
		if time.Now().Year() > 2000 { // when bubbles begin
			return plain.Open(t)
		}
		// The client of a cluster leaves a goroutine behind that sleeps for a while,
		// and nothing may outlive a bubble.
		t.Cleanup(func() { <-time.After(time.Minute) })
		return openAt(t, addr, newPrefix(t, addr), WithClock(time.Now), func(o *options) { o.deaf = true })
	}}
}

func TestBehaviors(t *testing.T)        { scenarios.Run(t, harness(t, serverVariable)) }
func TestBehaviorsCluster(t *testing.T) { scenarios.Run(t, harness(t, clusterVariable)) }
func TestChaos(t *testing.T)            { scenarios.Chaos(t, inBubble(t, serverVariable)) }
func TestRules(t *testing.T)            { scenarios.Rules(t, inBubble(t, serverVariable)) }
func TestRulesCluster(t *testing.T)     { scenarios.Rules(t, inBubble(t, clusterVariable)) }
func TestGroups(t *testing.T)           { scenarios.Groups(t, inBubble(t, serverVariable)) }
func TestGroupsCluster(t *testing.T)    { scenarios.Groups(t, inBubble(t, clusterVariable)) }

func TestChaosCluster(t *testing.T) {
	h := inBubble(t, clusterVariable)
	h.Schedules = 30
	scenarios.Chaos(t, h)
}
