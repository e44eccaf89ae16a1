package executor_test

import (
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

func endless(ctx workflow.Context) error {
	for i := 0; ; i++ {
		if _, err := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "a", i).Get(ctx); err != nil {
			return err
		}
	}
}

// endlessFan keeps a thousand activities open and reads them in turn.
func endlessFan(ctx workflow.Context) error {
	var open []workflow.Future[int]
	for i := 0; ; i++ {
		open = append(open, workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "a", i))
		if len(open) < 1000 {
			continue
		}
		if _, err := open[0].Get(ctx); err != nil {
			return err
		}
		open = open[1:]
	}
}

// benchApply makes one step per iteration: a result comes, the next activity is
// asked for.
func benchApply(b *testing.B, flow any) {
	b.Helper()
	s := newSession(b, "flow", flow, options{maxEvents: 1 << 40})
	s.start()
	in := executor.Input{Now: s.now, Worker: "w", Build: "b", Events: []history.Event{{At: s.now}}}
	b.ReportAllocs()
	for ref := int64(1); b.Loop(); ref++ {
		in.Events[0].Ref = ref
		in.Events[0].Body = history.ActivityCompleted{Result: engine.Payload("1"), Run: history.Run{Attempt: 1}}
		step, err := s.x.Apply(in)
		if err != nil || len(step.StartActivities) != 1 {
			b.Fatal(err, step)
		}
	}
}

func BenchmarkApplyChain(b *testing.B)        { benchApply(b, endless) }
func BenchmarkApplyThousandOpen(b *testing.B) { benchApply(b, endlessFan) }

// benchReplay replays a history of about 10,000 events.
func benchReplay(b *testing.B, flow any) {
	b.Helper()
	s := newSession(b, "flow", flow, options{})
	s.start()
	for ref := int64(1); len(s.history) < 10_000; ref++ {
		s.mustApply(s.event(ref, history.ActivityCompleted{Result: engine.Payload("1"), Run: history.Run{Attempt: 1}}))
	}
	b.ReportAllocs()
	for b.Loop() {
		x, blocked := s.replay(flow, s.history)
		if blocked != nil {
			b.Fatal(blocked)
		}
		x.Close()
	}
	b.ReportMetric(float64(b.N*len(s.history))/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkReplayChain(b *testing.B)        { benchReplay(b, endless) }
func BenchmarkReplayThousandOpen(b *testing.B) { benchReplay(b, endlessFan) }

func drain(ctx workflow.Context) error {
	c := workflow.NewSignalChannel[int](ctx, "go")
	for {
		c.Receive(ctx)
	}
}

func BenchmarkReplaySignals(b *testing.B) {
	s := newSession(b, "flow", drain, options{})
	s.start()
	for range 10 {
		var events []history.Event
		for range 1000 {
			events = append(events, s.event(0, history.SignalReceived{Name: "go", Arg: engine.Payload("0")}))
		}
		s.mustApply(events...)
	}
	b.ReportAllocs()
	for b.Loop() {
		x, blocked := s.replay(drain, s.history)
		if blocked != nil {
			b.Fatal(blocked)
		}
		x.Close()
	}
	b.ReportMetric(float64(b.N*len(s.history))/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkIssue is the cost of one command that nobody waits for, its call site
// and its event included, from plain code and from deep inside other functions.
func BenchmarkIssue(b *testing.B) {
	for _, c := range []struct {
		name  string
		depth int
	}{{"shallow", 0}, {"deep", 20}} {
		b.Run(c.name, func(b *testing.B) {
			const each = 1000
			flow := func(ctx workflow.Context) error {
				for range each {
					nested(ctx, c.depth)
				}
				return forever(ctx)
			}
			s := newSession(b, "flow", flow, options{})
			in := executor.Input{Now: s.now, Events: []history.Event{s.started()}}
			b.ReportAllocs()
			for b.Loop() {
				x := s.executor(flow)
				if _, err := x.Apply(in); err != nil {
					b.Fatal(err)
				}
				x.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*each), "ns/command")
		})
	}
}

func nested(ctx workflow.Context, depth int) {
	if depth > 0 {
		nested(ctx, depth-1)
		return
	}
	workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "a")
}
