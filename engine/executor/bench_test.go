package executor_test

import (
	"fmt"
	"runtime"
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

// crowd keeps a thousand coroutines waiting for an activity each.
func crowd(ctx workflow.Context) error {
	for range 1000 {
		workflow.Go(ctx, func(ctx workflow.Context) { _ = endless(ctx) })
	}
	return forever(ctx)
}

// fan asks for n activities at once and reads them in turn.
func fan(n int) any {
	return func(ctx workflow.Context) error {
		open := make([]workflow.Future[int], n)
		for i := range open {
			open[i] = workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "a", i)
		}
		for _, f := range open {
			if _, err := f.Get(ctx); err != nil {
				return err
			}
		}
		return forever(ctx)
	}
}

func drain(ctx workflow.Context) error {
	c := workflow.NewSignalChannel[int](ctx, "go")
	for {
		c.Receive(ctx)
	}
}

// bench is a warm execution that steps are made of.
type bench struct {
	*session
	in    executor.Input
	steps []history.Encoded // as stored; only if keep is set
	keep  bool
}

func newBench(b *testing.B, flow any) *bench {
	b.Helper()
	s := newSession(b, "flow", flow, options{maxEvents: 1 << 40, maxBytes: 1 << 40})
	return &bench{session: s, in: executor.Input{Now: s.now, Worker: "host-1234-a1b2", Build: "v1.4.2-0a1b2c3d", Events: []history.Event{{}}}}
}

// apply makes a step of one event.
func (e *bench) apply(ref int64, body history.Body) executor.Step {
	e.in.Events[0] = history.Event{At: e.now, Ref: ref, Body: body}
	step, err := e.x.Apply(e.in)
	if err != nil {
		e.tb.Fatal(err)
	}
	if e.keep {
		enc, err := history.Encode(step.Events...)
		if err != nil {
			e.tb.Fatal(err)
		}
		e.steps = append(e.steps, enc)
	}
	return step
}

func (e *bench) start() executor.Step { return e.apply(0, e.started().Body) }

// complete makes a step of the result of activity ref.
func (e *bench) complete(ref int64) executor.Step {
	run := history.Run{Attempt: 1, Scheduled: e.now, Started: e.now, Worker: e.in.Worker, Build: e.in.Build}
	return e.apply(ref, history.ActivityCompleted{Result: engine.Payload("1"), Run: run})
}

// BenchmarkApply is a warm step: a result comes, the next activity is asked for.
func BenchmarkApply(b *testing.B) {
	for _, c := range []struct {
		name string
		flow any
	}{{"chain", endless}, {"1000 open", endlessFan}, {"1000 coroutines", crowd}} {
		b.Run(c.name, func(b *testing.B) {
			e := newBench(b, c.flow)
			e.start()
			b.ReportAllocs()
			for ref := int64(1); b.Loop(); ref++ {
				if step := e.complete(ref); len(step.StartActivities) != 1 {
					b.Fatal(step)
				}
			}
		})
	}
}

// BenchmarkLong is an execution of many steps: what one costs must not grow with
// history. Of a fan, which begins with as many open activities as it has steps, it
// must not grow with those either.
func BenchmarkLong(b *testing.B) {
	for _, c := range []struct {
		name string
		flow func(n int) any
	}{{"chain", func(int) any { return endless }}, {"fan", fan}} {
		for _, n := range []int64{2_000, 20_000} {
			b.Run(fmt.Sprint(c.name, " ", n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					e := newBench(b, c.flow(int(n)))
					e.start()
					for ref := range n {
						e.complete(ref + 1)
					}
					e.x.Close()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(int64(b.N)*n), "ns/step")
			})
		}
	}
}

// BenchmarkReplay is the cold replay of 10,000 events in three shapes, of decoded
// events and of steps as a store returns them.
func BenchmarkReplay(b *testing.B) {
	const events = 10_000
	for _, c := range []struct {
		name string
		flow any
		next func(e *bench, n int64)
	}{
		{"chain", endless, func(e *bench, n int64) { e.complete(n) }},
		{"fan", fan(events / 3), func(e *bench, n int64) { e.complete(n) }},
		{"signals", drain, func(e *bench, _ int64) {
			e.apply(0, history.SignalReceived{Name: "go", Arg: engine.Payload("0")})
		}},
	} {
		e := newBench(b, c.flow)
		e.keep = true
		e.start()
		for n := int64(1); e.x.LastSeq() < events; n++ {
			c.next(e, n)
		}
		past := decoded(b, e.steps)
		b.Run(c.name+"/decoded", func(b *testing.B) { benchReplay(b, e, func() []history.Event { return past }) })
		b.Run(c.name+"/stored", func(b *testing.B) { benchReplay(b, e, func() []history.Event { return decoded(b, e.steps) }) })
	}
}

func decoded(b *testing.B, steps []history.Encoded) []history.Event {
	b.Helper()
	all := make([]history.Event, 0, 4*len(steps)) // a worker knows the number
	for _, s := range steps {
		events, err := s.Decode(int64(len(all)) + 1)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, events...)
	}
	return all
}

func benchReplay(b *testing.B, e *bench, read func() []history.Event) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		x, blocked := e.replay(e.flow, read())
		if blocked != nil {
			b.Fatal(blocked)
		}
		x.Close()
	}
	b.ReportMetric(float64(b.N)*float64(e.x.LastSeq())/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkWarm is the memory that an execution of 20 events takes while it waits.
func BenchmarkWarm(b *testing.B) {
	const instances, events = 10_000, 20
	reg := newRegistry(b, "flow", endless)
	var heap, stack float64
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		warm := make([]*executor.Executor, instances)
		for i := range warm {
			e := &bench{session: &session{tb: b, name: "flow", now: epoch}, in: executor.Input{Now: epoch, Events: []history.Event{{}}}}
			e.x = executor.New(executor.Options{
				Instance: engine.Instance{InstanceID: fmt.Sprint("inst", i), ExecutionID: fmt.Sprint("exec", i)},
				Registry: reg, Command: commandSettings(reg),
			})
			e.start()
			for ref := int64(1); e.x.LastSeq() < events; ref++ {
				e.complete(ref)
			}
			warm[i] = e.x
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		heap += float64(after.HeapAlloc) - float64(before.HeapAlloc)
		stack += float64(after.StackInuse) - float64(before.StackInuse)
		for _, x := range warm {
			x.Close()
		}
	}
	b.ReportMetric(heap/float64(b.N*instances), "heap-B/instance")
	b.ReportMetric(stack/float64(b.N*instances), "stack-B/instance")
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
