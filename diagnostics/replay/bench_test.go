package replay

import (
	"runtime"
	"sync"
	"testing"

	"github.com/wfops/wfops/diagnostics"
)

// BenchmarkFleet replays instances of 50 events in a program that is a child: none of
// them differs, or all do, in the middle or everywhere.
func BenchmarkFleet(b *testing.B) {
	for _, c := range []struct {
		workflow string
		arg      int
		verdict  diagnostics.Verdict
	}{{"steps", 100, diagnostics.VerdictOK}, {"late", 17, diagnostics.VerdictDiverged}, {"changed", 17, diagnostics.VerdictDiverged}} {
		b.Run(c.workflow, func(b *testing.B) { fleet(b, c.workflow, c.arg, c.verdict) })
	}
}

func fleet(b *testing.B, workflow string, arg int, verdict diagnostics.Verdict) {
	bundle := recordedSteps(b, workflow, arg, 17)
	if n := len(bundle.Events); n < 50 {
		b.Fatalf("the history has %d events", n)
	}
	r, err := Start(b.Context(), build(b, "worker"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	todo := make(chan struct{})
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for range todo {
				if res, err := r.Replay(b.Context(), bundle); err != nil || res.Verdict != verdict {
					b.Errorf("%s, %v", res.Summary, err)
				}
			}
		})
	}
	for range b.N {
		todo <- struct{}{}
	}
	close(todo)
	wg.Wait()
	b.ReportMetric(float64(b.N*len(bundle.Events))/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLong replays one history of 100,000 events.
func BenchmarkLong(b *testing.B) {
	bundle := recordedSteps(b, "steps", 40_000, 33_334)
	r, err := Start(b.Context(), build(b, "worker"), Options{Children: 1, Replay: diagnostics.Options{Passes: 1}})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for b.Loop() {
		if res, err := r.Replay(b.Context(), bundle); err != nil || res.Verdict != diagnostics.VerdictOK {
			b.Fatalf("%s, %v", res.Summary, err)
		}
	}
	b.ReportMetric(float64(b.N*len(bundle.Events))/b.Elapsed().Seconds(), "events/s")
}
