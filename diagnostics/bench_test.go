package diagnostics_test

import (
	"fmt"
	"testing"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// chain runs n activities one after another.
func chain(n int) any {
	return func(ctx workflow.Context, _ int) (int, error) {
		for i := range n {
			if _, err := workflow.ExecuteActivity[int](ctx, ao, "step", i).Get(ctx); err != nil {
				return 0, err
			}
		}
		return n, nil
	}
}

// One pass over a history as a store has it: decoding is part of the time.
func BenchmarkReplay(b *testing.B) {
	for _, events := range []int{50, 5_000, 100_000} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			flow := chain(events / 3)
			bundle := record(b, flow, world{args: []any{1}})
			enc, err := history.Encode(bundle.Events...)
			if err != nil {
				b.Fatal(err)
			}
			reg := registryOf(b, "flow", flow)
			o := diagnostics.Options{Passes: 1}
			b.ReportAllocs()
			for b.Loop() {
				one := bundle
				if one.Events, err = enc.Decode(1); err != nil {
					b.Fatal(err)
				}
				if r := diagnostics.Replay(one, reg, o); r.Verdict != diagnostics.VerdictOK {
					b.Fatal(r.Summary)
				}
			}
			b.ReportMetric(float64(len(bundle.Events))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// What a fleet gate does with each instance: it decodes a history and replays it in all
// passes, on all processors.
func BenchmarkFleet(b *testing.B) {
	flow := chain(50 / 3)
	bundle := record(b, flow, world{args: []any{1}})
	enc, err := history.Encode(bundle.Events...)
	if err != nil {
		b.Fatal(err)
	}
	reg := registryOf(b, "flow", flow)
	for _, passes := range []int{64, 96} {
		b.Run(fmt.Sprintf("passes=%d", passes), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					one := bundle
					var err error
					if one.Events, err = enc.Decode(1); err != nil {
						b.Error(err)
						return
					}
					if r := diagnostics.Replay(one, reg, diagnostics.Options{Passes: passes}); r.Verdict != diagnostics.VerdictOK {
						b.Error(r.Summary)
						return
					}
				}
			})
		})
	}
}

// A report with its explanation: six replays, two of them with stacks.
func BenchmarkReport(b *testing.B) {
	before := chain(5_000 / 3)
	bundle := record(b, before, world{args: []any{1}})
	reg := registryOf(b, "flow", chain(5_000/3-1))
	for b.Loop() {
		if r := diagnostics.Replay(bundle, reg, diagnostics.Options{Passes: 1}); r.Verdict != diagnostics.VerdictDiverged {
			b.Fatal(r.Summary)
		}
	}
}

// shapes are pairs of long runs.
var shapes = map[string]func(n int) (a, b []diagnostics.Step){
	"one more per turn": func(n int) (a, b []diagnostics.Step) {
		for i := range n / 6 {
			for k := range 6 {
				a = append(a, activity(fmt.Sprintf("step-%d", k), fmt.Sprintf(`{"turn":%d}`, i)))
				b = append(b, activity(fmt.Sprintf("step-%d", k), fmt.Sprintf(`{"turn":%d}`, i)))
			}
			b = append(b, activity("audit", "{}"))
		}
		return a, b[:len(a)]
	},
	"all keys equal": func(n int) (a, b []diagnostics.Step) {
		for range n {
			a = append(a, activity("poll", `{"n":1}`))
			b = append(b, activity("poll", `{"n":1}`))
		}
		return a, b
	},
	"20 % changed": func(n int) (a, b []diagnostics.Step) {
		for i := range n {
			a = append(a, activity("step", fmt.Sprintf(`{"turn":%d}`, i)))
			k := i
			if i%5 == 0 {
				k = -i
			}
			b = append(b, activity("step", fmt.Sprintf(`{"turn":%d}`, k)))
		}
		return a, b
	},
	"nothing in common": func(n int) (a, b []diagnostics.Step) {
		for i := range n {
			a = append(a, activity(fmt.Sprintf("a-%d", i%7), fmt.Sprintf(`{"a":%d}`, i)))
			b = append(b, activity(fmt.Sprintf("b-%d", i%7), fmt.Sprintf(`{"b":%d}`, i)))
		}
		return a, b
	},
	// Beyond what was asked for: inputs that all differ under one name, and repeated
	// keys in two orders.
	"same name": func(n int) (a, b []diagnostics.Step) {
		for i := range n {
			a = append(a, activity("step", fmt.Sprintf(`{"a":%d}`, i)))
			b = append(b, activity("step", fmt.Sprintf(`{"a":%d}`, -i-1)))
		}
		return a, b
	},
	"shuffled names": func(n int) (a, b []diagnostics.Step) {
		for i := range n {
			a = append(a, activity(fmt.Sprintf("s-%d", i*i%13), "{}"))
			b = append(b, activity(fmt.Sprintf("s-%d", i*i*i%11), "{}"))
		}
		return a, b
	},
}

func BenchmarkDiff(b *testing.B) {
	for name, shape := range shapes {
		b.Run(name, func(b *testing.B) {
			x, y := shape(50_000)
			x, y = numbered(x), numbered(y)
			b.ReportAllocs()
			for b.Loop() {
				if r := diagnostics.Diff(x, y, diagnostics.DefaultRules()); len(r.Rows) < 50_000 {
					b.Fatal("rows are missing")
				}
			}
		})
	}
}
