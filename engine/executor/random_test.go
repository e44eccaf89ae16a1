package executor_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

var (
	seed = flag.Uint64("seed", 0, "run only this random program")
	many = flag.Int("programs", 150, "how many random programs to run")
)

// TestRandomPrograms runs random programs against random worlds. Every prefix of
// what they leave behind must replay, to the same state.
func TestRandomPrograms(t *testing.T) {
	if *seed != 0 {
		randomRun(t, *seed)
		return
	}
	first := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	statuses := map[engine.Status]int{}
	for i := range *many {
		s := first + uint64(i) //nolint:gosec // not negative
		if !t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) { statuses[randomRun(t, s)]++ }) {
			t.Fatalf("again with: go test -run TestRandomPrograms -seed=%d", s)
		}
	}
	t.Log(statuses)
}

func randomRun(t *testing.T, seed uint64) engine.Status {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable is what is wanted
	flow, seen := program(randomProgram(r, 3), r.IntN(12))
	s := newSession(t, "random", flow, options{})
	s.observe = seen
	w := &world{r: r, s: s}
	step := s.mustApply(append([]history.Event{s.started()}, w.events(r.IntN(3))...)...)
	for range 60 {
		w.note(step.Events)
		if step.Status != engine.StatusRunning {
			break
		}
		outside = r.IntN(3)
		// The clock of another worker may be behind.
		s.now = s.now.Add(time.Duration(r.IntN(5000)-500) * time.Millisecond)
		step = s.mustApply(w.events(1 + r.IntN(4))...)
	}
	s.verify()
	return step.Status
}

// world answers at random.
type world struct {
	r    *rand.Rand
	s    *session
	open []history.Event // commands, some of which may be answered
	n    int
}

func (w *world) note(events []history.Event) {
	for _, e := range events {
		if answerTo(e.Body) != nil {
			w.open = append(w.open, e)
		}
	}
}

func (w *world) events(n int) []history.Event {
	var events []history.Event
	for range n {
		events = append(events, w.event())
	}
	return events
}

func (w *world) event() history.Event {
	switch {
	case w.r.IntN(100) < 2:
		return w.s.event(0, history.CancelRequested{Reason: "at random"})
	case w.r.IntN(400) == 0:
		return w.s.event(0, history.WorkflowTimedOut{})
	case len(w.open) == 0 || w.r.IntN(4) == 0:
		w.n++
		return w.s.event(0, history.SignalReceived{
			Name: fmt.Sprint("s", w.r.IntN(2)), Arg: engine.Payload(fmt.Sprint(w.n)), Sender: &engine.Instance{InstanceID: "x"},
		})
	}
	i := w.r.IntN(len(w.open))
	e := w.open[i]
	body := w.answer(e.Body)
	if _, again := body.(history.ActivityAttemptFailed); !again && w.r.IntN(10) > 0 { // or else it comes twice
		w.open = append(w.open[:i], w.open[i+1:]...)
	}
	return w.s.event(e.Ref, body)
}

func (w *world) answer(b history.Body) history.Body {
	failure := &engine.Failure{Type: "errorString", Message: fmt.Sprint("failure ", w.n)}
	if w.r.IntN(3) > 0 {
		return answerTo(b)
	}
	switch b.Kind() {
	case history.KindActivityScheduled:
		if w.r.IntN(2) == 0 {
			return history.ActivityAttemptFailed{Failure: failure, Run: history.Run{Attempt: 1 + w.r.IntN(3)}}
		}
		return history.ActivityFailed{Failure: failure}
	case history.KindChildScheduled:
		return history.ChildFailed{Failure: failure, Status: engine.StatusFailed}
	case history.KindSignalSent:
		return history.SignalFailed{Failure: engine.Sentinels(nil).Failure(engine.ErrInstanceNotFound)}
	}
	return answerTo(b)
}
