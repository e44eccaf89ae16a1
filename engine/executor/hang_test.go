package executor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

const shortDeadline = 50 * time.Millisecond

// released gives the flows that hang a release of their own, and lets go of them
// when the test ends.
func released(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	release = done
	t.Cleanup(func() { close(done) })
}

func TestBehaviour10_BlockingIsCaughtWithItsStack(t *testing.T) {
	for _, c := range []struct {
		flow, coroutine, frame string
		after                  int // answers before it hangs
	}{
		{flow: "stuck", coroutine: `"main"`, frame: "executor_test.stuck", after: 1},
		{flow: "sleeps", coroutine: `"main"`, frame: "executor_test.sleeps"},
		{flow: "native-channel", coroutine: `"executor_test.nativeChannel.func1"`, frame: "executor_test.nativeChannel.func1"},
	} {
		t.Run(c.flow, func(t *testing.T) {
			released(t)
			s := newSession(t, c.flow, flows[c.flow], options{deadline: shortDeadline})
			event := s.started()
			if c.after > 0 {
				s.start()
				event = s.event(1, history.ActivityCompleted{Result: engine.Payload("1")})
			}
			_, b := s.apply(event)
			if b == nil {
				t.Fatal("not blocked")
			}
			if b.Reason.Class != engine.BlockHang || !b.Transient {
				t.Errorf("blocked as %s, transient %v", b.Reason.Class, b.Transient)
			}
			if !strings.Contains(b.Reason.Message, c.coroutine) {
				t.Errorf("the message does not name coroutine %s: %s", c.coroutine, b.Reason.Message)
			}
			if !strings.Contains(b.Reason.Stack, c.frame) || strings.Contains(b.Reason.Stack, "0x") {
				t.Errorf("the stack lacks %s:\n%s", c.frame, b.Reason.Stack)
			}
			if len(s.history) > 0 {
				rollBack(t, s, event)
			}
		})
	}
}

// rollBack proves that nothing of the step was lost: right code takes it up.
func rollBack(t *testing.T, s *session, event history.Event) {
	t.Helper()
	if blocked := s.switchTo(chain1); blocked != nil {
		t.Fatalf("replay of what was stored before: %v", blocked)
	}
	if step := s.mustApply(event); step.Status != engine.StatusCompleted {
		t.Errorf("the step ended as %s", step.Status)
	}
}

func TestBehaviour10_AlsoOnReplay(t *testing.T) {
	released(t)
	s := newSession(t, "stuck", chain1, options{deadline: shortDeadline})
	s.start()
	s.mustApply(s.event(1, history.ActivityCompleted{Result: engine.Payload("1")}))
	_, b := s.replay(stuck, s.history)
	if b == nil || b.Reason.Class != engine.BlockHang || b.Reason.Seq != 5 {
		t.Fatalf("replay: %+v", b)
	}
}

func TestBehaviour10_GoroutineIsCaught(t *testing.T) {
	trigger, meanwhile = make(chan struct{}), make(chan struct{})
	s := newSession(t, "goroutine", goroutine, options{})
	s.start()
	close(trigger)
	<-meanwhile
	_, b := s.apply(s.event(1, history.ActivityCompleted{Result: engine.Payload("1")}))
	if b == nil {
		t.Fatal("not blocked")
	}
	if b.Reason.Class != engine.BlockHang || !b.Transient || !strings.Contains(b.Reason.Message, "workflow.Go") {
		t.Errorf("blocked as %+v", b)
	}
	if !strings.Contains(b.Reason.Stack, "executor_test.goroutine.func1") {
		t.Errorf("the stack does not show the goroutine:\n%s", b.Reason.Stack)
	}
}
