package diagnostics_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// world is what happens to a workflow from outside.
type world struct {
	name  string // of the workflow; "flow" by default
	build string
	args  []any
	// events come at a time of their own.
	events []delivery
	// results of activities and children by name, as JSON; others are 1.
	results map[string]string
	// failures of activities by name.
	failures map[string]*engine.Failure
	// retries is how many attempts of an activity fail before the last one.
	retries map[string]int
	// silent activities, children and timers are never answered.
	silent []string
	// steps is how many tasks to run at most; 0 means all.
	steps int
	// evenTimers fire after a second, however long they are.
	evenTimers bool
	// delays of answers by name; others take a second.
	delays map[string]time.Duration
}

// delivery is an event that comes from outside after a time.
type delivery struct {
	after time.Duration
	body  history.Body
	ref   int64
}

func signal(after time.Duration, name string, arg any) delivery {
	p, err := json.Marshal(arg)
	if err != nil {
		panic(err)
	}
	return delivery{after: after, body: history.SignalReceived{Name: name, Arg: p}}
}

func registryOf(tb testing.TB, name string, flow any) *registry.Registry {
	tb.Helper()
	reg := registry.New()
	if err := reg.RegisterWorkflow(flow, registry.WithName(cmp.Or(name, "flow"))); err != nil {
		tb.Fatal(err)
	}
	return reg
}

// record runs flow in a world, until it ends or nothing more happens.
func record(tb testing.TB, flow any, w world) diagnostics.Bundle {
	tb.Helper()
	w.name = cmp.Or(w.name, "flow")
	inst := engine.Instance{InstanceID: "order-1", ExecutionID: "0123456789abcdef0123456789abcdef"}
	reg := registryOf(tb, w.name, flow)
	x := executor.New(executor.Options{Instance: inst, Registry: reg, Command: settings.Settings{}.Command(reg)})
	defer x.Close()
	r := &recorder{tb: tb, w: w, x: x, now: epoch}
	r.deliver(history.WorkflowStarted{Workflow: w.name, Args: payloads(tb, w.args...), Queue: "q"}, 0, 0)
	for _, d := range w.events {
		r.deliver(d.body, d.ref, d.after)
	}
	r.run()
	enc, err := history.Encode(r.history...)
	if err != nil {
		tb.Fatal(err)
	}
	events, err := enc.Decode(1)
	if err != nil {
		tb.Fatal(err)
	}
	return diagnostics.NewBundle(inst, events)
}

func payloads(tb testing.TB, args ...any) []engine.Payload {
	tb.Helper()
	var ps []engine.Payload
	for _, a := range args {
		p, err := json.Marshal(a)
		if err != nil {
			tb.Fatal(err)
		}
		ps = append(ps, p)
	}
	return ps
}

type recorder struct {
	tb      testing.TB
	w       world
	x       *executor.Executor
	now     time.Time
	history []history.Event
	due     []history.Event // in the order of their times
}

func (r *recorder) deliver(b history.Body, ref int64, after time.Duration) {
	ev := history.Event{At: r.now.Add(after), Ref: ref, Body: b}
	i := slices.IndexFunc(r.due, func(o history.Event) bool { return o.At.After(ev.At) })
	if i < 0 {
		i = len(r.due)
	}
	r.due = slices.Insert(r.due, i, ev)
}

func (r *recorder) run() {
	for n := 0; len(r.due) > 0 && (r.w.steps == 0 || n < r.w.steps); n++ {
		ev := r.due[0]
		r.due = r.due[1:]
		r.now = ev.At
		step, err := r.x.Apply(executor.Input{
			Now: r.now.Add(time.Millisecond), Worker: "w-1", Build: cmp.Or(r.w.build, "build-1"), Events: []history.Event{ev},
		})
		if err != nil {
			r.tb.Fatal(err)
		}
		r.now = r.now.Add(time.Millisecond)
		r.history = append(r.history, step.Events...)
		if step.Status != engine.StatusRunning {
			return
		}
		r.answer(step)
	}
}

func (r *recorder) answer(step executor.Step) {
	for _, c := range step.StartActivities {
		if !slices.Contains(r.w.silent, c.Body.Name) {
			r.attempts(c)
		}
	}
	for _, c := range step.StartTimers {
		if !slices.Contains(r.w.silent, "timer") {
			d := c.Until.Sub(r.now)
			if r.w.evenTimers {
				d = time.Second
			}
			r.deliver(history.TimerFired{}, c.Ref, d)
		}
	}
	for _, c := range step.StartChildren {
		if !slices.Contains(r.w.silent, c.Body.Workflow) {
			r.deliver(history.ChildCompleted{Result: r.result(c.Body.Workflow)}, c.Event.Ref, r.delay(c.Body.Workflow))
		}
	}
	for _, c := range step.Signals {
		r.deliver(history.SignalDelivered{}, c.Event.Ref, 10*time.Millisecond)
	}
	for _, ref := range slices.Concat(step.DropActivities, step.DropTimers) {
		r.due = slices.DeleteFunc(r.due, func(e history.Event) bool { return e.Ref == ref })
	}
}

func (r *recorder) attempts(c executor.StartActivity) {
	const queued = 100 * time.Millisecond
	at, d := time.Duration(0), r.delay(c.Body.Name)
	for n := range r.w.retries[c.Body.Name] {
		run := history.Run{Attempt: n + 1, Scheduled: r.now.Add(at), Started: r.now.Add(at + queued), Worker: "w-1"}
		at += queued + d
		r.deliver(history.ActivityAttemptFailed{
			Failure: &engine.Failure{Type: "netError", Message: "not now"}, Run: run, Next: r.now.Add(at + time.Second),
		}, c.Event.Ref, at)
		at += time.Second
	}
	run := history.Run{Attempt: r.w.retries[c.Body.Name] + 1, Scheduled: r.now.Add(at), Started: r.now.Add(at + queued), Worker: "w-1"}
	var body history.Body = history.ActivityCompleted{Result: r.result(c.Body.Name), Run: run}
	if f := r.w.failures[c.Body.Name]; f != nil {
		body = history.ActivityFailed{Failure: f, Run: run}
	}
	r.deliver(body, c.Event.Ref, at+queued+d)
}

func (r *recorder) delay(name string) time.Duration {
	if d, ok := r.w.delays[name]; ok {
		return d
	}
	return time.Second
}

func (r *recorder) result(name string) engine.Payload {
	if v, ok := r.w.results[name]; ok {
		return engine.Payload(v)
	}
	return engine.Payload("1")
}
