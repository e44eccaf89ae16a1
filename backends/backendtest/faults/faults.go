// Package faults makes the writes of any store fail on purpose, in the three ways
// in which a write can fail: it was not applied; it was applied and the answer
// was lost; it was applied after the lease had ended.
//
// What fails is planned beforehand by method and call number or by chance, or
// armed call by call with Fail. The same seed and the same calls give the same
// failures. Only tests import this package.
package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// ErrInjected is wrapped by every error that this package makes up. It wraps none
// of the engine's sentinels, so the outcome is unknown to the caller.
var ErrInjected = errors.New("injected fault")

// Mode is a way to fail.
type Mode int8

// The closed set of ways to fail.
const (
	// NotApplied: the write never reaches the store.
	NotApplied Mode = iota + 1
	// AnswerLost: the write is applied, and the caller gets an error.
	AnswerLost
	// Late: the write is held back by Plan.Delay, and its answer is the store's.
	Late
)

// Modes returns every way to fail.
func Modes() []Mode { return []Mode{NotApplied, AnswerLost, Late} }

// String names the mode for test output.
func (m Mode) String() string {
	switch m {
	case NotApplied:
		return "not applied"
	case AnswerLost:
		return "answer lost"
	case Late:
		return "late"
	}
	return fmt.Sprintf("mode %d", int8(m))
}

// Method names a write of the port.
type Method string

// The writes of the port.
const (
	Create           Method = "Create"
	Deliver          Method = "Deliver"
	Terminate        Method = "Terminate"
	Pause            Method = "Pause"
	Retry            Method = "Retry"
	Remove           Method = "Remove"
	ClaimWorkflows   Method = "ClaimWorkflows"
	CommitWorkflows  Method = "CommitWorkflows"
	ExtendWorkflows  Method = "ExtendWorkflows"
	ClaimActivities  Method = "ClaimActivities"
	CommitActivities Method = "CommitActivities"
	ExtendActivities Method = "ExtendActivities"
	Heartbeat        Method = "Heartbeat"
)

// Fault is a planned failure.
type Fault struct {
	// Method to fail; empty means any write.
	Method Method
	// Nth call of that method, from 1. If it is 0, each call fails with
	// Probability.
	Nth         int
	Probability float64
	Mode        Mode
}

// Plan says what fails.
type Plan struct {
	// Seed of the chances. Print it.
	Seed   uint64
	Faults []Fault
	// Delay holds a Late write back, for example until a clock has passed the
	// lease. It is called without locks held, and may use the store. Nil means that
	// late writes are on time.
	Delay func(ctx context.Context, m Method)
}

// Backend is a store whose writes fail as planned. Reads pass.
type Backend struct {
	backend.Backend

	plan Plan

	mu    sync.Mutex
	rng   *rand.Rand
	calls map[Method]int
	armed []Fault
}

var _ backend.Backend = (*Backend)(nil)

// New returns b with failures. Closing it closes b.
func New(b backend.Backend, p Plan) *Backend {
	return &Backend{Backend: b, plan: p, rng: rand.New(rand.NewPCG(p.Seed, 0)), calls: map[Method]int{}} //nolint:gosec // chances of a test
}

// Fail makes the next call of a method fail that is not armed already.
func (b *Backend) Fail(m Method, mode Mode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = append(b.armed, Fault{Method: m, Mode: mode})
}

// Heal ends all failures, planned and armed ones.
func (b *Backend) Heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.plan.Faults, b.armed = nil, nil
}

// next counts a call and returns how it fails, or 0.
func (b *Backend) next(m Method) Mode {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[m]++
	for i, f := range b.armed {
		if f.Method == m {
			b.armed = append(b.armed[:i], b.armed[i+1:]...)
			return f.Mode
		}
	}
	for _, f := range b.plan.Faults {
		if f.Method != "" && f.Method != m {
			continue
		}
		if f.Nth == b.calls[m] || f.Nth == 0 && b.rng.Float64() < f.Probability {
			return f.Mode
		}
	}
	return 0
}

// call makes one write, or not. failed turns an error into the answer.
func call[R any](ctx context.Context, b *Backend, m Method, failed func(error) R, apply func() R) R {
	mode := b.next(m)
	switch mode {
	case NotApplied:
	case AnswerLost:
		apply()
	case Late:
		if b.plan.Delay != nil {
			b.plan.Delay(ctx, m)
		}
		return apply()
	default:
		return apply()
	}
	return failed(fmt.Errorf("%s, %s: %w", m, mode, ErrInjected))
}

// batch is call for the methods that answer each item.
func batch[I, R any](ctx context.Context, b *Backend, m Method, items []I, refuse func(error) R, apply func(context.Context, []I) []R) []R {
	failed := func(err error) []R {
		out := make([]R, len(items))
		for i := range out {
			out[i] = refuse(err)
		}
		return out
	}
	return call(ctx, b, m, failed, func() []R { return apply(ctx, items) })
}

func itself(err error) error { return err }

func refuseCommit(err error) backend.WorkflowCommitted { return backend.WorkflowCommitted{Err: err} }

// Create implements backend.Control.
func (b *Backend) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	refuse := func(err error) backend.CreateResult { return backend.CreateResult{Err: err} }
	return batch(ctx, b, Create, cs, refuse, b.Backend.Create)
}

// Deliver implements backend.Control.
func (b *Backend) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	return batch(ctx, b, Deliver, ds, itself, b.Backend.Deliver)
}

// Terminate implements backend.Control.
func (b *Backend) Terminate(ctx context.Context, ts []backend.Termination) []error {
	return batch(ctx, b, Terminate, ts, itself, b.Backend.Terminate)
}

// Pause implements backend.Control.
func (b *Backend) Pause(ctx context.Context, ps []backend.PauseChange) []error {
	return batch(ctx, b, Pause, ps, itself, b.Backend.Pause)
}

// Retry implements backend.Control.
func (b *Backend) Retry(ctx context.Context, rs []backend.RetryRequest) []error {
	return batch(ctx, b, Retry, rs, itself, b.Backend.Retry)
}

// Remove implements backend.Control.
func (b *Backend) Remove(ctx context.Context, is []engine.Instance) []error {
	return batch(ctx, b, Remove, is, itself, b.Backend.Remove)
}

// CommitWorkflows implements backend.Work.
func (b *Backend) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	return batch(ctx, b, CommitWorkflows, cs, refuseCommit, b.Backend.CommitWorkflows)
}

// ExtendWorkflows implements backend.Work.
func (b *Backend) ExtendWorkflows(ctx context.Context, xs []backend.WorkflowExtension) []backend.WorkflowCommitted {
	return batch(ctx, b, ExtendWorkflows, xs, refuseCommit, b.Backend.ExtendWorkflows)
}

// CommitActivities implements backend.Work.
func (b *Backend) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	return batch(ctx, b, CommitActivities, cs, itself, b.Backend.CommitActivities)
}

// ExtendActivities implements backend.Work.
func (b *Backend) ExtendActivities(ctx context.Context, xs []backend.ActivityExtension) []error {
	return batch(ctx, b, ExtendActivities, xs, itself, b.Backend.ExtendActivities)
}

// answer is what a method with two results returns.
type answer[R any] struct {
	got R
	err error
}

func noAnswer[R any](err error) answer[R] { return answer[R]{err: err} }

// ClaimWorkflows implements backend.Work. Tasks of a claim whose answer was lost
// stay leased until their leases run out.
func (b *Backend) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	a := call(ctx, b, ClaimWorkflows, noAnswer[backend.WorkflowClaimed], func() answer[backend.WorkflowClaimed] {
		got, err := b.Backend.ClaimWorkflows(ctx, c)
		return answer[backend.WorkflowClaimed]{got, err}
	})
	return a.got, a.err
}

// ClaimActivities implements backend.Work.
func (b *Backend) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	a := call(ctx, b, ClaimActivities, noAnswer[backend.ActivityClaimed], func() answer[backend.ActivityClaimed] {
		got, err := b.Backend.ClaimActivities(ctx, c)
		return answer[backend.ActivityClaimed]{got, err}
	})
	return a.got, a.err
}

// Heartbeat implements backend.Work.
func (b *Backend) Heartbeat(ctx context.Context, w backend.Worker) error {
	return call(ctx, b, Heartbeat, itself, func() error { return b.Backend.Heartbeat(ctx, w) })
}
