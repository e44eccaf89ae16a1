package filtertest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Crowd returns n instances that differ in everything that filters look at, as a
// store would show them, newest last. They were created in the five minutes before
// now, at whole seconds.
func Crowd(rng *rand.Rand, n int, now time.Time) []backend.Summary {
	all := make([]backend.Summary, n)
	for i := range all {
		created := now.Add(time.Duration(i*300/n-300) * time.Second)
		id := fmt.Sprintf("i-%d", i)
		all[i] = backend.Summary{
			Instance: engine.Instance{InstanceID: id, ExecutionID: "x" + id}, FirstExecution: "x" + id,
			Workflow: pick(rng, "Order", "OrderFulfil", "Bill", "Payout"), Queue: pick[engine.Queue](rng, "q1", "q2", engine.QueueDefault),
			Status: pick(rng, engine.Statuses()...), Attempt: rng.IntN(5),
			Created: created, Updated: created.Add(time.Duration(rng.IntN(int(now.Sub(created)/time.Second)+1)) * time.Second),
			LastError:  pick(rng, "", "", "Card declined", "card DECLINED twice", "too late"),
			StatusLine: pick(rng, "", "ordering", "Paying"),
			Build:      pick(rng, "b1", "b2", ""),
			Worker:     pick(rng, "w-1", "w-2"),
			Parent:     pick(rng, nil, nil, &engine.Instance{InstanceID: "p-1", ExecutionID: "xp-1"}, &engine.Instance{InstanceID: "p-2", ExecutionID: "xp-2"}),
			Tags:       pick(rng, nil, map[string]string{"env": "prod"}, map[string]string{"env": "test", "a:b": "p1"}),
		}
		populate(rng, &all[i])
	}
	return all
}

// populate adds what depends on the status.
func populate(rng *rand.Rand, s *backend.Summary) {
	switch {
	case s.Status.Final():
		s.Finished, s.Attempt = s.Updated, 0
		return
	case s.Status == engine.StatusBlocked:
		s.BlockClass = pick(rng, "HANG", "NONDETERMINISM")
	}
	s.Paused = rng.IntN(3) == 0
	if rng.IntN(4) == 0 {
		s.Note = &engine.Note{Action: engine.NoteRetry, Reason: pick(rng, "", "a reorder", "Pay off"), At: s.Updated}
	}
	if rng.IntN(3) > 0 {
		s.Waiting = &engine.Waiting{
			Kind: pick(rng, engine.WaitSignal, engine.WaitActivity, engine.WaitTimer), Name: pick(rng, "pay", "pay off", "Payment", "x"),
			Since: s.Updated,
		}
	}
}
