package worker

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/history"
)

// Whatever is put in and dropped, it holds what a map would, and not much more.
func TestOpenCommandsAreAMap(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any will do
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test
	var open openCommands
	want := map[int64]history.Event{}
	last := int64(0)
	for n := range 20_000 {
		switch ref := r.Int64N(last + 2); {
		case r.IntN(100) == 0: // out of order, or again
			ev := history.Event{Ref: ref, Seq: int64(n), Body: history.TimerScheduled{}}
			open.put(ev)
			want[ref] = ev
		case r.IntN(5) < 2:
			last++
			ev := history.Event{Ref: last, Seq: int64(n), Body: history.TimerScheduled{}}
			open.put(ev)
			want[last] = ev
		default:
			open.drop(ref)
			delete(want, ref)
		}
		ref := r.Int64N(last + 2)
		got, ok := open.get(ref)
		if w, known := want[ref]; ok != known || got.Seq != w.Seq {
			t.Fatalf("command %d is event %d, %v; want %d, %v", ref, got.Seq, ok, w.Seq, known)
		}
		if len(open.events) > 2*len(want)+1 {
			t.Fatalf("%d events are kept for %d commands", len(open.events), len(want))
		}
	}
}
