package diagnostics_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// A history that is read event by event has the steps that it has as a whole.
func TestStepperFindsTheSteps(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // printed below
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // chance, not secrets
	w := world{
		retries: map[string]int{"a": 2, "b": 1}, failures: map[string]*engine.Failure{"c": {Type: "E", Message: "no"}},
		silent: []string{"d"}, events: []delivery{signal(3*time.Second, "go", 1), signal(5*time.Second, "go", 2)},
	}
	w.args = []any{1}
	for range 300 {
		events := record(t, program(generate(rnd, 2, 6)), w).Events
		var p diagnostics.Stepper
		var got []diagnostics.Step
		at := map[int64]int{}
		for i := range events {
			s, ok := p.Add(&events[i])
			if !ok {
				continue
			}
			place, known := at[s.Seq]
			if known != (s.Seq != events[i].Seq) {
				t.Fatalf("event %d goes on with step %d, which is known: %t", events[i].Seq, s.Seq, known)
			}
			if !known {
				place, got = len(got), append(got, s)
				at[s.Seq] = place
			}
			got[place] = s
		}
		// Both hold the same values of the same events, so that addresses are alike.
		if got, want := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", diagnostics.Steps(events)); got != want {
			t.Fatalf("event by event\n%s\nas a whole\n%s", got, want)
		}
	}
}
