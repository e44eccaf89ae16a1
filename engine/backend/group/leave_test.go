package group_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend/group"
)

// gaveUp fails the test unless the call has ended without an answer for any item.
func (c *call) gaveUp(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case <-c.done:
	default:
		t.Fatalf("call %v has not ended", c.ids)
	}
	if len(c.out) != len(c.ids) {
		t.Fatalf("call %v got %d answers", c.ids, len(c.out))
	}
	for i, r := range c.out {
		if !errors.Is(r.Err, context.Canceled) || !engine.OutcomeUnknown(r.Err) {
			t.Errorf("%s: got %v, want an unknown outcome that wraps context.Canceled", c.ids[i], r.Err)
		}
	}
}

func TestACallerLeavesWhileItWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		b := group.New(s)
		first := start(t.Context(), b, "first")
		a, x, c := start(t.Context(), b, "a"), start(t.Context(), b, "x1", "x2"), start(t.Context(), b, "c")
		x.cancel()
		x.gaveUp(t)
		close(s.gate)
		first.own(t)
		a.own(t)
		c.own(t)
		wantCalls(t, s, "first", "a c") // x was withdrawn
	})
}

func TestACallerLeavesAGroupThatIsBeingWritten(t *testing.T) {
	for _, who := range []int{0, 1} { // the leader, a follower
		synctest.Test(t, func(t *testing.T) {
			s := &store{gate: make(chan struct{})}
			b := group.New(s)
			first := start(t.Context(), b, "first")
			members := []*call{start(t.Context(), b, "a"), start(t.Context(), b, "b"), start(t.Context(), b, "c")}
			s.gate <- struct{}{}
			first.own(t)
			wantCalls(t, s, "first", "a b c")

			members[who].cancel()
			members[who].gaveUp(t)
			later := start(t.Context(), b, "later") // waits although a leader has left
			wantCalls(t, s, "first", "a b c")

			close(s.gate)
			for i, m := range members {
				if i != who {
					m.own(t)
				}
			}
			later.own(t)
			wantCalls(t, s, "first", "a b c", "later")
		})
	}
}

func TestACallIsCalledOffWhenAllItsCallersHaveLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		b := group.New(s)
		first := start(t.Context(), b, "first")
		a, c := start(t.Context(), b, "a"), start(t.Context(), b, "c")
		s.gate <- struct{}{}
		first.own(t)
		a.cancel()
		a.gaveUp(t)
		if err := s.ctxs[1].Err(); err != nil {
			t.Errorf("somebody waits for the call still, but its context ended: %v", err)
		}
		next := start(t.Context(), b, "next")
		c.cancel()
		c.gaveUp(t)
		if s.ctxs[1].Err() == nil {
			t.Error("nobody waits for the call any more, its context should have ended")
		}
		close(s.gate)
		next.own(t)
		wantCalls(t, s, "first", "a c", "next")
	})
}

func TestACallerOfSeveralGroupsLeavesWithTheAnswersItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		b := group.New(s, group.WithMax(2))
		c := start(t.Context(), b, "a", "b", "c", "d", "e")
		s.gate <- struct{}{} // "a b" is written
		synctest.Wait()
		c.cancel()
		synctest.Wait()
		<-c.done
		for i, r := range c.out {
			if known := i < 2; known != (r.Err == nil) {
				t.Errorf("%s: got %v", c.ids[i], r.Err)
			}
		}
		after := start(t.Context(), b, "after")
		close(s.gate)
		after.own(t)
	})
}
