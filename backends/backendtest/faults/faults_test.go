package faults_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/backendtest/faults"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder counts the writes that reach it.
type recorder struct {
	backend.Backend

	n int
}

func (r *recorder) Deliver(_ context.Context, ds []backend.Delivery) []error {
	r.n++
	return make([]error, len(ds))
}

func (r *recorder) ClaimWorkflows(context.Context, backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	r.n++
	return backend.WorkflowClaimed{Tasks: make([]backend.WorkflowTask, 1)}, nil
}

func (r *recorder) Heartbeat(context.Context, backend.Worker) error {
	r.n++
	return nil
}

func TestModes(t *testing.T) {
	for _, c := range []struct {
		mode    faults.Mode
		applied int
		fails   bool
	}{
		{faults.NotApplied, 0, true},
		{faults.AnswerLost, 1, true},
		{faults.Late, 1, false},
	} {
		t.Run(c.mode.String(), func(t *testing.T) {
			r := &recorder{}
			delayed := 0
			b := faults.New(r, faults.Plan{Delay: func(context.Context, faults.Method) {
				if delayed++; r.n != 0 {
					t.Error("the write was applied before the delay")
				}
			}})
			b.Fail(faults.Deliver, c.mode)
			errs := b.Deliver(t.Context(), make([]backend.Delivery, 2))
			if len(errs) != 2 || errors.Is(errs[0], faults.ErrInjected) != c.fails || errors.Is(errs[1], faults.ErrInjected) != c.fails {
				t.Errorf("answers: %v", errs)
			}
			if errors.Is(errs[0], engine.ErrInstanceNotFound) || errors.Is(errs[0], engine.ErrLeaseLost) {
				t.Errorf("an unknown outcome reads like a known one: %v", errs[0])
			}
			if r.n != c.applied || delayed > 0 != (c.mode == faults.Late) {
				t.Errorf("applied %d times, delayed %d times", r.n, delayed)
			}
			if errs = b.Deliver(t.Context(), make([]backend.Delivery, 1)); errs[0] != nil {
				t.Errorf("the call after the armed one: %v", errs[0])
			}
		})
	}
}

func TestClaimLosesItsAnswer(t *testing.T) {
	r := &recorder{}
	b := faults.New(r, faults.Plan{Faults: []faults.Fault{{Method: faults.ClaimWorkflows, Nth: 2, Mode: faults.AnswerLost}}})
	for n := 1; n <= 3; n++ {
		got, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{})
		if lost := n == 2; errors.Is(err, faults.ErrInjected) != lost || len(got.Tasks) == 0 != lost {
			t.Errorf("claim %d: %d tasks, %v", n, len(got.Tasks), err)
		}
	}
	if r.n != 3 {
		t.Errorf("%d claims reached the store, want 3", r.n)
	}
}

func TestChancesFollowTheSeed(t *testing.T) {
	run := func(seed uint64) string {
		b := faults.New(&recorder{}, faults.Plan{Seed: seed, Faults: []faults.Fault{{Probability: 0.5, Mode: faults.NotApplied}}})
		out := ""
		for range 64 {
			out += fmt.Sprint(b.Heartbeat(t.Context(), backend.Worker{}) == nil, " ")
		}
		return out
	}
	first, again := run(1), run(1)
	if first != again {
		t.Error("one seed gave two schedules")
	}
	if first == run(2) {
		t.Error("two seeds gave one schedule")
	}
}

func TestHealEndsAllFailures(t *testing.T) {
	b := faults.New(&recorder{}, faults.Plan{Faults: []faults.Fault{{Probability: 1, Mode: faults.NotApplied}}})
	b.Fail(faults.Heartbeat, faults.AnswerLost)
	b.Heal()
	if err := b.Heartbeat(t.Context(), backend.Worker{}); err != nil {
		t.Errorf("a write after Heal: %v", err)
	}
}
