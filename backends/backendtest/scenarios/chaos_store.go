package scenarios

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/wfops/wfops/engine/backend"
)

// rough is a connection to a store on which answers take their time, and what was
// said once is said again later.
type rough struct {
	backend.Backend

	dice   *dice
	echoes float64
	// later counts what is still to be said again.
	later *sync.WaitGroup
	// calm ends the roughness.
	calm <-chan struct{}
}

// dice are random numbers for many goroutines.
type dice struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newDice(seed, stream uint64) *dice {
	return &dice{rnd: rand.New(rand.NewPCG(seed, stream))} //nolint:gosec // chances of a test
}

func (d *dice) float() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.Float64()
}

// upTo is a random duration, small ones being likely.
func (d *dice) upTo(most time.Duration) time.Duration {
	f := d.float()
	return time.Duration(f * f * f * f * float64(most))
}

// linger takes a while, unless it is calm.
func (r *rough) linger(most time.Duration) {
	t := time.NewTimer(r.dice.upTo(most))
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.calm:
	}
}

// slowly is how long a call takes at most on its way there, and back.
const slowly = 300 * time.Millisecond

// twice makes a write, and perhaps again later. The answers are those of the
// first time.
func twice[I, R any](ctx context.Context, r *rough, items []I, write func(context.Context, []I) []R) []R {
	r.linger(slowly)
	out := write(ctx, items)
	if r.dice.float() < r.echoes {
		r.later.Go(func() {
			r.linger(3 * time.Second)
			write(context.WithoutCancel(ctx), items)
		})
	}
	r.linger(slowly)
	return out
}

func (r *rough) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	return twice(ctx, r, cs, r.Backend.Create)
}

func (r *rough) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	return twice(ctx, r, ds, r.Backend.Deliver)
}

func (r *rough) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	return twice(ctx, r, cs, r.Backend.CommitWorkflows)
}

func (r *rough) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	return twice(ctx, r, cs, r.Backend.CommitActivities)
}

func (r *rough) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	defer r.linger(slowly)
	return r.Backend.ExtendWorkflows(ctx, es)
}

func (r *rough) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	defer r.linger(slowly)
	return r.Backend.ClaimWorkflows(ctx, c)
}

func (r *rough) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	defer r.linger(slowly)
	return r.Backend.ClaimActivities(ctx, c)
}
