package tui

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// large is a store that takes a second to count, as its clock has it.
type large struct {
	backend.Backend

	clock  *opstest.Clock
	counts atomic.Int64
	fails  atomic.Bool
}

func (l *large) Count(ctx context.Context, q backend.Query) (map[engine.Status]int64, error) {
	if q.UpdatedAfter.IsZero() { // those of the whole store, for the list and the head
		return l.Backend.Count(ctx, q)
	}
	l.counts.Add(1)
	l.clock.Set(l.clock.Now().Add(time.Second))
	if l.fails.Load() {
		return nil, errors.New("it was killed for taking too long")
	}
	return l.Backend.Count(ctx, q)
}

// Counting takes a small part of the time of a store, and tells how old it is.
func TestHeadCountsSparingly(t *testing.T) {
	b, clock := unwell(t)
	l := &large{Backend: b, clock: clock}
	p := playOn(t, l, clock, 120, 40, nil)
	p.sees("≠ 1 blocked", "✗ 1 failed 24h", "▷ 2 running", "4 in all")
	expect := func(counts int64, texts ...string) {
		t.Helper()
		p.press("Ctrl-R")
		if got := l.counts.Load(); got != counts {
			t.Errorf("it was counted %d times, want %d", got, counts)
		}
		p.sees(texts...)
	}
	expect(1)
	if strings.Contains(p.screen(), "ago:") {
		t.Errorf("fresh counts tell their age:\n%s", p.screen())
	}
	clock.Set(clock.Now().Add((countShare - 1) * time.Second))
	expect(1, "6m39s ago:  ≠ 1 blocked")
	clock.Set(clock.Now().Add(time.Second))
	expect(2)
	l.fails.Store(true)
	clock.Set(clock.Now().Add((countShare + 10) * time.Second))
	expect(3, "ago:  ≠ 1 blocked", "order-8702") // what was counted stays, and nothing is lost
	expect(3)
}

// A store that does not answer is not asked to count as well.
func TestLostStoreIsNotCounted(t *testing.T) {
	b, clock := unwell(t)
	var f flaky
	l := &large{Backend: f.around(b), clock: clock}
	p := playOn(t, l, clock, 120, 40, nil)
	f.lost.Store(true)
	before := l.counts.Load()
	clock.Set(clock.Now().Add(time.Hour))
	p.press("Ctrl-R")
	if l.counts.Load() != before {
		t.Error("it was asked to count")
	}
}
