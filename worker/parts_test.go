package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

// Every pair of a phase and a move is either in the table or refused with both
// names.
func TestMoves(t *testing.T) {
	legal := 0
	for p := idle; p <= gone; p++ {
		for m := workArrived; m <= lost; m++ {
			to, err := p.next(m)
			if err == nil {
				legal++
				continue
			}
			if to != p || !strings.Contains(err.Error(), p.String()) || !strings.Contains(err.Error(), m.String()) {
				t.Errorf("%v, %v: leads to %v, %v", p, m, to, err)
			}
		}
	}
	if legal != 10 {
		t.Errorf("%d legal moves", legal)
	}
	for m := workArrived; m <= lost; m++ {
		if _, err := gone.next(m); err == nil {
			t.Errorf("%v leads away from gone", m)
		}
	}
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(3)
		var order []int
		if n := s.reserve(5); n != 3 || s.try() {
			t.Fatalf("reserved %d of 3", n)
		}
		for n := range 3 {
			if s.enter(func() { order = append(order, n) }) {
				t.Error("entered a full house")
			}
		}
		for range 3 {
			s.leave(1)
			synctest.Wait()
		}
		if fmt.Sprint(order) != "[0 1 2]" || s.count() != 3 {
			t.Errorf("order %v, %d in use", order, s.count())
		}
		s.leave(3)
		<-s.freed
		<-s.gone()
		if !s.enter(nil) || s.count() != 1 {
			t.Errorf("%d in use", s.count())
		}
	})
}

// entry returns an executor whose size is that of one without coroutines.
func entry(t *testing.T, r *registry.Registry) *warm {
	t.Helper()
	return &warm{x: executor.New(executor.Options{Registry: r, Command: settings.Settings{}.Command(r)})}
}

func TestCacheIsBounded(t *testing.T) {
	r := registry.New()
	size := entry(t, r).x.Size()
	id := func(n int) engine.Instance { return engine.Instance{InstanceID: fmt.Sprint(n)} }
	for _, c := range []struct {
		name  string
		bytes int64
		count int
		kept  []int // of 0 to 4, after 0 was used again
	}{
		{"by number", 1 << 30, 3, []int{0, 3, 4}},
		{"by bytes", 3 * size, 100, []int{0, 3, 4}},
		{"to nothing", -1, 100, nil},
	} {
		c0 := newCache(c.bytes, c.count)
		for n := range 3 {
			closeAll(c0.put(id(n), entry(t, r)))
		}
		if b := c0.take(id(0)); b != nil {
			closeAll(c0.put(id(0), b))
		}
		for n := 3; n < 5; n++ {
			closeAll(c0.put(id(n), entry(t, r)))
		}
		var kept []int
		for n := range 5 {
			if c0.take(id(n)) != nil {
				kept = append(kept, n)
			}
		}
		if fmt.Sprint(kept) != fmt.Sprint(c.kept) || c0.bytes != 0 || c0.count() != 0 {
			t.Errorf("%s: kept %v, want %v; %d bytes left", c.name, kept, c.kept, c0.bytes)
		}
	}
}

// A hold that a stopped worker could not wait for puts its executor away later; it
// must not be kept then, because nobody would end its coroutines.
func TestCacheRefusesAfterClose(t *testing.T) {
	r := registry.New()
	c := newCache(1<<30, 3)
	id := engine.Instance{InstanceID: "late"}
	c.close()
	w := entry(t, r)
	if out := c.put(id, w); len(out) != 1 || out[0] != w || c.count() != 0 {
		t.Errorf("put after close kept %d executors", c.count())
	}
	w.x.Close()
}

// A hold whose executor had to give way while it was idle replays its history.
func TestEvictedWhileHeld(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.worker(Options{}, once1, sleeping(time.Minute))
		i := w.start("i", once1)
		synctest.Wait()
		equal(w, "warm", x.cache.count(), 1)
		x.cache.clear()
		equal(w, "result", result[int](w, i), 1)
		equal(w, "replays", w.store.histories, 1)
	})
}

// Executors that nothing happens to are closed after a while.
func TestCacheTTL(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.worker(Options{WorkflowWorkerOptions: WorkflowWorkerOptions{WorkflowExecutorCacheTTL: time.Minute}}, takeSignals)
		w.start("i", takeSignals, 1)
		w.pass(50 * time.Second)
		equal(w, "warm", x.cache.count(), 1)
		w.pass(20 * time.Second)
		equal(w, "warm", x.cache.count(), 0)
	})
}

// A claimer that gets all it asked for asks again at once; an idle one looks once per
// polling interval, and at the time that the store told it.
func TestClaimerPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		full := 3
		var calls atomic.Int64
		var next atomic.Pointer[time.Time]
		next.Store(&time.Time{})
		c := &claimer{
			slots: newSlots(10), batch: 4, poll: time.Second, hints: s.Subscribe(backend.Topic{Kind: backend.TopicWorkflows, Name: "q"}), clock: newClock(),
			tried: make(chan struct{}),
		}
		c.claim = func(_ context.Context, n int) (claimed, error) {
			calls.Add(1)
			if full--; full >= 0 {
				go c.slots.leave(n)
				return claimed{n: n}, nil
			}
			return claimed{next: *next.Load()}, nil
		}
		stop := make(chan struct{})
		go c.run(t.Context(), stop)
		synctest.Wait()
		if calls.Load() != 4 || !c.short.Load() {
			t.Errorf("%d calls, short %v", calls.Load(), c.short.Load())
		}
		sleep(time.Minute)
		synctest.Wait()
		before := calls.Load()
		if before < 60 || before > 70 {
			t.Errorf("%d calls in an idle minute", before)
		}
		soon := time.Now().Add(250 * time.Millisecond)
		next.Store(&soon)
		sleep(time.Second) // one poll finds out
		sleep(260 * time.Millisecond)
		synctest.Wait()
		if n := calls.Load() - before; n < 2 {
			t.Errorf("the claimer did not look when there was something: %d calls", n)
		}
		close(stop)
		c.hints.Close()
	})
}

// An idle worker hardly asks the store anything.
func TestIdleWorker(t *testing.T) {
	inWorld(t, func(w *world) {
		var calls atomic.Int32
		w.store.set(func(s *hooked) {
			s.claim = func(*backend.WorkflowClaim) error { calls.Add(1); return nil }
		})
		w.worker(Options{}, once1, sleeping(0))
		w.pass(time.Minute)
		if n := calls.Load(); n > 70 {
			t.Errorf("%d claims of workflows in a minute", n)
		}
	})
}

// Claims that fail are tried again, later and later, and do not flood the log.
func TestClaimsThatFail(t *testing.T) {
	inWorld(t, func(w *world) {
		var up atomic.Bool
		var calls atomic.Int64
		w.store.set(func(s *hooked) {
			s.claim = func(*backend.WorkflowClaim) error {
				if calls.Add(1); !up.Load() {
					return errCut
				}
				return nil
			}
		})
		w.worker(Options{}, takeSignals)
		i := w.start("i", takeSignals, 0)
		w.pass(time.Minute)
		if n := int(calls.Load()); n > 30 || len(w.log.matching("claiming failed")) != n/20 || len(w.log.matching("out of reach")) != 1 {
			t.Errorf("%d claims in a minute, log: %q", n, w.log.matching(""))
		}
		up.Store(true)
		equal(w, "result", result[int](w, i), 0)
	})
}

// No more instances run than there are slots, and none is forgotten.
func TestWorkflowSlots(t *testing.T) {
	inWorld(t, func(w *world) {
		var under, most atomic.Int32
		w.store.set(func(s *hooked) {
			s.before = func(*backend.WorkflowCommit) error {
				most.Store(max(most.Load(), under.Add(1)))
				sleep(10 * time.Millisecond)
				under.Add(-1)
				return nil
			}
		})
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			sum := 0
			for range 3 {
				n, err := workflow.ExecuteActivity[int](ctx, attempts(1), "act").Get(ctx)
				if err != nil {
					return 0, err
				}
				sum += n
			}
			return sum, nil
		}}
		x := w.worker(Options{
			WorkflowWorkerOptions: WorkflowWorkerOptions{MaxParallelWorkflowTasks: 2},
			ActivityWorkerOptions: ActivityWorkerOptions{MaxParallelActivityTasks: 3},
		}, wf, sleeping(time.Millisecond))
		var is []*engine.Instance
		for n := range 20 {
			is = append(is, w.start(fmt.Sprint(n), "wf"))
		}
		for _, i := range is {
			equal(w, "result", result[int](w, i), 3)
		}
		if most.Load() > 2 {
			t.Errorf("%d steps at a time", most.Load())
		}
		equal(w, "slots in use", x.steps.count()+x.acts.count(), 0)
	})
}

// watch is an observer that keeps what it is told.
type watch struct {
	got   []Committed
	names []string // of the commands that the answers belong to
}

func (o *watch) Committed(c Committed) {
	o.got = append(o.got, c)
	for _, ev := range c.Events {
		if history.ClassOf(ev.Body) != history.ClassAnswer {
			continue
		}
		if cmd, ok := c.Open(ev.Ref); ok {
			o.names = append(o.names, cmd.Body.(history.ActivityScheduled).Name)
		}
	}
	if len(o.got) == 1 {
		panic("an observer must not take the worker down")
	}
}

// Observers are told once of each durable step, not of refused ones and not of
// replays.
func TestObservers(t *testing.T) {
	inWorld(t, func(w *world) {
		o := &watch{}
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			for range 3 {
				if _, err := workflow.ExecuteActivity[int](ctx, attempts(1), "act").Get(ctx); err != nil {
					return 0, err
				}
			}
			return 1, nil
		}}
		w.worker(Options{Observers: []Observer{o}, CacheBytes: -1}, wf, sleeping(time.Second))
		refused := false
		w.store.set(func(s *hooked) {
			s.before = func(c *backend.WorkflowCommit) error {
				if c.ExpectSeq > 4 && !refused {
					refused = true
					return engine.ErrLeaseLost
				}
				return nil
			}
		})
		i := w.start("i", "wf")
		result[int](w, i)
		var seqs []int64
		for _, c := range o.got {
			if c.Instance != *i || c.Workflow != "wf" || c.Started.Workflow != "wf" {
				t.Errorf("told of %+v", c)
			}
			for _, ev := range c.Events {
				seqs = append(seqs, ev.Seq)
			}
		}
		for n, ev := range w.history(i) {
			if n >= len(seqs) || seqs[n] != ev.Seq {
				t.Fatalf("told of events %v", seqs)
			}
		}
		equal(w, "events", len(seqs), len(w.history(i)))
		equal(w, "commands", fmt.Sprint(o.names), "[act act act]")
		equal(w, "panics in the log", len(w.log.matching("an observer panicked")), 1)
	})
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		ok   bool
	}{
		{"zero", Options{}, true},
		{"the documented default", DefaultOptions, true},
		{"a negative bound", Options{WorkflowWorkerOptions: WorkflowWorkerOptions{MaxParallelWorkflowTasks: -1}}, false},
		{"a tiny lease", Options{LeaseDuration: time.Millisecond}, false},
		{"a foreign cache", Options{WorkflowWorkerOptions: WorkflowWorkerOptions{WorkflowExecutorCache: 1}}, false},
		{"no such role", Options{Roles: 9}, false},
		{"a bad queue", Options{ActivityWorkerOptions: ActivityWorkerOptions{ActivityQueues: []engine.Queue{"a\x00"}}}, false},
		{"a bad id", Options{WorkerID: strings.Repeat("x", 300)}, false},
		{"bad settings", Options{Settings: settings.Settings{MaxPayload: -1}}, false},
	} {
		if err := c.o.check(); (err == nil) != c.ok || err != nil && !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if got := fmt.Sprint(queues([]engine.Queue{"", "a", "default", "a"})); got != "[default a]" {
		t.Errorf("queues: %s", got)
	}
}

// What is wrong is reported by Start, and nothing is left behind.
func TestStartErrors(t *testing.T) {
	store := memory.New()
	closed := memory.New()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		w    *Worker
		want error
	}{
		{"options", New(store, &Options{Roles: 7}), engine.ErrInvalidArgument},
		{"a read-only store", New(store.ReadOnly(), nil), engine.ErrReadOnly},
		{"a closed store", New(closed, nil), engine.ErrClosed},
	} {
		if err := c.w.Start(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := c.w.Stop(t.Context()); err != nil {
			t.Errorf("%s: stopping: %v", c.name, err)
		}
	}
	t.Setenv(engine.ReplayVariable, "nonce")
	if err := New(store, nil).Start(t.Context()); !errors.Is(err, engine.ErrReplaying) {
		t.Errorf("as a replayer: %v", err)
	}
}

// A worker shows itself in the store.
func TestHeartbeatRow(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{
			WorkerID: "me", ActivityWorkerOptions: ActivityWorkerOptions{ActivityQueues: []engine.Queue{"a", ""}, MaxParallelActivityTasks: 5},
		}, once1, sleeping(time.Hour))
		w.start("i", once1)
		w.pass(heartbeatEvery)
		rows, err := w.store.Workers(w.Context())
		if err != nil || len(rows) != 1 {
			t.Fatalf("%+v, %v", rows, err)
		}
		r := rows[0]
		if r.ID != "me" || r.Build != "build" || r.PID == 0 || r.Started.IsZero() || r.Unhealthy != "" {
			t.Errorf("%+v", r)
		}
		equal(w, "names", fmt.Sprint(r.Workflows, r.Activities, r.Queues), "[once1] [act] [default a]")
		equal(w, "slots", fmt.Sprint(r.ActivitiesUsed, r.ActivitySlots, r.WorkflowsUsed, r.WorkflowSlots, r.Leases, r.Warm), "1 5 0 1000 1 1")
	})
}

func TestRule32BuildID(t *testing.T) {
	a, err := buildID()
	if err != nil || len(a) != 12 {
		t.Fatalf("%q, %v", a, err)
	}
	if b, _ := buildID(); b != a {
		t.Errorf("%q, then %q", a, b)
	}
}

type bank struct{}

func (*bank) Pay(context.Context) error  { return nil }
func (*bank) Sync(context.Context) error { return nil }

type shop struct{}

func (*shop) Sync(context.Context) error { return nil }

// Methods are claimed under both of their names, unless the short one is not theirs
// alone.
func TestCatalog(t *testing.T) {
	r := registry.New()
	must(t, r.RegisterActivity(&bank{}))
	must(t, r.RegisterActivity(&shop{}))
	c := &catalog{registry: r}
	if len(c.load().activities) != 0 {
		t.Error("names before the first refresh")
	}
	c.refresh()
	if got := fmt.Sprint(c.load().activities); got != "[bank.Pay bank.Sync shop.Sync Pay]" {
		t.Errorf("names: %s", got)
	}
}

// An orchestrator is a worker and a client.
func TestOrchestrator(t *testing.T) {
	inWorld(t, func(w *world) {
		o := NewWorkflowOrchestrator(w.store, &Options{BuildID: "b"})
		must(t, o.RegisterWorkflow(takeSignals))
		must(t, o.RegisterActivity(sleeping(0).fn))
		must(t, o.Start(w.Context()))
		if _, err := o.CreateWorkflowInstance(w.Context(), client.WorkflowInstanceOptions{}, "takeSignal", 1); !errors.Is(err, engine.ErrNotRegistered) {
			t.Errorf("an unknown workflow is started: %v", err)
		}
		i, err := o.CreateWorkflowInstance(w.Context(), client.WorkflowInstanceOptions{InstanceID: "i"}, takeSignals, 1)
		must(t, err)
		must(t, o.SignalWorkflow(w.Context(), "i", "add", 5))
		must(t, o.WaitForWorkflowInstance(w.Context(), i, time.Minute))
		must(t, o.RemoveWorkflowInstance(w.Context(), i))
		must(t, o.Stop(w.Context()))
		must(t, o.WaitForCompletion())
	})
}
