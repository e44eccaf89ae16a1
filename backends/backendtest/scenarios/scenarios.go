// Package scenarios runs whole systems, client and worker over a store, and holds
// them against the behaviors that authors of workflows rely on. Each behavior is
// a test with a subtest for each of its sentences.
//
// Every scenario runs twice: with executors kept warm between steps, and with
// every step replayed from the store. Only tests import this package.
package scenarios

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/worker"
)

// Harness tells the suite how to open a store.
type Harness struct {
	// Open returns an empty store that goes by the real clock. The suite closes it.
	Open func(t *testing.T) backend.Backend
	// Group is how many writes of clients and workers one call of the store holds at
	// most; 0 means what they use by themselves.
	Group int
	// Server tells that the store is on a server, where everything takes so much longer
	// that random schedules are fewer, and groups of one size.
	Server bool
	// Schedules is how many random schedules Chaos runs, unless a flag says otherwise;
	// 0 means 100, or 10 with -short or on a server.
	Schedules int
}

// behavior is one of the numbered promises to authors of workflows.
type behavior struct {
	name      string
	sentences []sentence
}

// sentence is one sentence of a behavior.
type sentence struct {
	name string
	run  func(*system)
}

func behaviors() []behavior {
	return []behavior{
		{"01_SignalOrder", signalOrder},
		{"02_SignalsAndContinueAsNew", signalsAndContinueAsNew},
		{"03_Undecodable", undecodable},
		{"04_ActivityResults", activityResults},
		{"05_Sentinels", sentinels},
		{"06_Now", now},
		{"07_Mismatch", mismatch},
		{"08_NoCommandSlot", noCommandSlot},
		{"09_BlockedNotFailed", blockedNotFailed},
		{"10_StepDeadline", stepDeadline},
		{"11_EarlyReturn", earlyReturn},
		{"12_Cancel", cancel},
		{"13_ResultFollowsContinueAsNew", resultFollows},
		{"14_Retries", retries},
		{"15_SubWorkflows", subWorkflows},
		{"16_Names", names},
		{"17_Limits", limits},
		{"18_Registration", registration},
		{"19_Removal", removal},
		{"20_Stop", stop},
		{"21_Errors", errorsCross},
		{"22_StoreErrors", storeErrors},
	}
}

// Run runs all scenarios on a store.
func Run(t *testing.T, h Harness) {
	for _, warm := range []bool{true, false} {
		t.Run(map[bool]string{true: "Warm", false: "Cold"}[warm], func(t *testing.T) {
			t.Parallel()
			for _, b := range behaviors() {
				t.Run(b.name, func(t *testing.T) {
					t.Parallel()
					for _, s := range b.sentences {
						t.Run(s.name, func(t *testing.T) {
							t.Parallel()
							s.run(open(t, h, warm))
						})
					}
				})
			}
		})
	}
}

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

// system is one store with clients and workers.
type system struct {
	*testing.T

	ctx  context.Context
	b    backend.Backend
	c    *client.Client
	warm bool
	log  *logbook

	group int // of the harness
}

// grouped is a connection that gathers writes in groups of the size to be tested.
func (s *system) grouped(b backend.Backend) backend.Backend {
	return group.New(b, group.WithMax(s.group))
}

func open(t *testing.T, h Harness, warm bool) *system {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	b := h.Open(t)
	t.Cleanup(func() {
		cancel()
		if err := b.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	s := &system{T: t, ctx: ctx, b: b, warm: warm, log: &logbook{}, group: h.Group}
	s.c = client.New(s.grouped(b), client.WithSettings(s.settings()))
	return s
}

func (s *system) settings() settings.Settings {
	return settings.Settings{Logger: slog.New(slog.NewTextHandler(s.log, nil))}
}

// options of a worker that the scenarios start.
type options func(*worker.Options)

// start runs a worker that has what reg registers, until the test ends. on is the
// store it works on.
func (s *system) start(reg func(*registry.Registry) error, opts ...options) *worker.Worker {
	s.Helper()
	return s.startOn(s.b, reg, opts...)
}

func (s *system) startOn(b backend.Backend, reg func(*registry.Registry) error, opts ...options) *worker.Worker {
	s.Helper()
	r := registry.New()
	if err := reg(r); err != nil {
		s.Fatalf("registering: %v", err)
	}
	o := worker.Options{Registry: r, Settings: s.settings()}
	if !s.warm {
		o.CacheBytes = -1
	}
	for _, opt := range opts {
		opt(&o)
	}
	w := worker.New(s.grouped(b), &o)
	if err := w.Start(s.ctx); err != nil {
		s.Fatalf("starting a worker: %v", err)
	}
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 10*time.Second)
		defer cancel()
		_ = w.Stop(ctx) // a second time it says again what it said to the scenario
	})
	return w
}

// halt stops a worker that has nothing to be cut off.
func (s *system) halt(w *worker.Worker) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 10*time.Second)
	defer cancel()
	if err := w.Stop(ctx); err != nil {
		s.Errorf("stopping a worker: %v", err)
	}
}

// build makes a worker run another build than the test's own.
func build(id string) options { return func(o *worker.Options) { o.BuildID = id } }

// lease makes a worker's leases short.
func lease(d time.Duration) options { return func(o *worker.Options) { o.LeaseDuration = d } }

// workflows registers functions by name, in pairs.
func functions(workflows, activities map[string]any) func(*registry.Registry) error {
	return func(r *registry.Registry) error {
		var errs []error
		for name, fn := range workflows {
			errs = append(errs, r.RegisterWorkflow(fn, registry.WithName(name)))
		}
		for name, fn := range activities {
			errs = append(errs, r.RegisterActivity(fn, registry.WithName(name)))
		}
		return errors.Join(errs...)
	}
}

// create starts an instance of the named workflow under the test's own id.
func (s *system) create(id, workflow string, args ...any) *engine.Instance {
	s.Helper()
	i, err := s.c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: id}, workflow, args...)
	if err != nil {
		s.Fatalf("creating %s: %v", id, err)
	}
	return i
}

func (s *system) signal(id, name string, arg any) {
	s.Helper()
	if err := s.c.SignalWorkflow(s.ctx, id, name, arg); err != nil {
		s.Fatalf("signaling %s: %v", id, err)
	}
}

// result waits for an instance and returns what it ended with.
func result[T any](s *system, i *engine.Instance) (T, error) {
	s.Helper()
	v, err := client.GetWorkflowResult[T](s.ctx, s.c, i, patience)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Fatalf("%s did not end: %v\n%s\n%s", i, err, s.story(*i), s.log)
	}
	return v, err
}

// want waits for an instance and compares what it ended with.
func want[T any](s *system, i *engine.Instance, v T) {
	s.Helper()
	got, err := result[T](s, i)
	if err != nil {
		s.Fatalf("%s: %v\n%s", i, err, s.story(*i))
	}
	if fmt.Sprint(got) != fmt.Sprint(v) {
		s.Errorf("%s ended with %v, want %v", i, got, v)
	}
}

// await waits until ok holds for the summary of an instance.
func (s *system) await(i engine.Instance, what string, ok func(backend.Summary) bool) backend.Summary {
	s.Helper()
	var last backend.Summary
	s.until(what, func() bool {
		sum, err := s.b.Get(s.ctx, i)
		if err != nil {
			s.Fatalf("reading %s: %v", i, err)
		}
		last = sum
		return ok(sum)
	}, func() string { return fmt.Sprintf("%+v\n%s\n%s", last, s.story(last.Instance), s.log) })
	return last
}

// until polls for a condition that nothing announces.
func (s *system) until(what string, ok func() bool, detail func() string) {
	s.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			s.Fatalf("waited in vain: %s\n%s", what, detail())
		}
		<-tick.C
	}
}

func status(want engine.Status) func(backend.Summary) bool {
	return func(sum backend.Summary) bool { return sum.Status == want }
}

// blocked waits until an instance is blocked for that class of reason.
func (s *system) blocked(i *engine.Instance, class engine.BlockClass) backend.Summary {
	s.Helper()
	return s.await(*i, "blocked as "+string(class), func(sum backend.Summary) bool {
		if sum.Status.Final() {
			s.Fatalf("%s is %s, want it blocked\n%s", i, sum.Status, s.story(*i))
		}
		return sum.Status == engine.StatusBlocked && sum.BlockClass == string(class)
	})
}

// waiting waits until an instance waits for something of that kind.
func (s *system) waiting(i *engine.Instance, kind engine.WaitKind) backend.Summary {
	s.Helper()
	return s.await(*i, "waiting for a "+string(kind), func(sum backend.Summary) bool {
		return sum.Waiting != nil && sum.Waiting.Kind == kind
	})
}

// history returns the events of an execution.
func (s *system) history(i engine.Instance) []history.Event {
	s.Helper()
	events, err := s.c.History(s.ctx, &i)
	if err != nil {
		s.Fatalf("history of %s: %v", i, err)
	}
	return events
}

// count returns how many events of a kind an execution has.
func (s *system) count(i engine.Instance, kind history.Kind) int {
	s.Helper()
	n := 0
	for _, ev := range s.history(i) {
		if ev.Kind() == kind {
			n++
		}
	}
	return n
}

// story is the history of an execution, a line an event.
func (s *system) story(i engine.Instance) string {
	events, err := s.c.History(context.WithoutCancel(s.ctx), &i)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, ev := range events {
		fmt.Fprintf(&b, "%4d ref %d %s %+v\n", ev.Seq, ev.Ref, ev.Kind(), ev.Body)
	}
	return b.String()
}

// logbook collects what the engine logs.
type logbook struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logbook) has(s string) bool { return strings.Contains(l.String(), s) }

// is fails unless err is the sentinel.
func (s *system) is(err, sentinel error, doing string) {
	s.Helper()
	if !errors.Is(err, sentinel) {
		s.Errorf("%s: %v, want an error that is %q", doing, err, sentinel)
	}
}
