package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
)

// world is a store, a client and workers in a bubble of fake time: it moves on when
// everything waits, so that a test neither sleeps nor guesses.
type world struct {
	*testing.T

	store *hooked
	c     *client.Client
	log   *logbook
	level slog.Level // of what is logged
	all   []*Worker
}

// inWorld runs a test in a bubble. Workers that the test leaves running are
// stopped.
func inWorld(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &hooked{Backend: memory.New()}
		w := &world{T: t, store: s, c: client.New(s), log: &logbook{t: t}, level: slog.LevelWarn}
		defer func() {
			for _, w := range w.all {
				s.clear()
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				if err := w.Stop(ctx); err != nil {
					t.Logf("stopping: %v", err)
				}
				cancel()
			}
		}()
		test(w)
	})
}

// worker starts a worker. register gets it before it starts.
func (w *world) worker(o Options, register ...any) *Worker {
	w.Helper()
	o.Settings.Logger = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: w.level}))
	if o.BuildID == "" {
		o.BuildID = "build"
	}
	x := New(w.store, &o)
	for _, f := range register {
		if err := registerAny(x, f); err != nil {
			w.Fatal(err)
		}
	}
	if err := x.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.all = append(w.all, x)
	synctest.Wait() // the first claims are through
	return x
}

// registerAny registers f as what it can be.
func registerAny(x *Worker, f any) error {
	var opts []registry.RegisterOption
	if n, ok := f.(named); ok {
		f = n.fn
		opts = append(opts, registry.WithName(n.name))
	}
	if err := x.RegisterWorkflow(f, opts...); err != nil {
		return x.RegisterActivity(f, opts...)
	}
	return nil
}

// kill ends a worker as a power cut would: none of its calls reaches the store any
// more. Goroutines of activities are left over.
func (w *world) kill(x *Worker) {
	x.mu.Lock()
	x.state = stopped
	x.mu.Unlock()
	x.detached()
	close(x.stop)
	x.cutoff.Store(false)
	x.cancel()
	x.loops.Wait()
	synctest.Wait()
	x.cache.clear()
	close(x.done)
}

// start creates an instance.
func (w *world) start(id string, wf any, args ...any) *engine.Instance {
	w.Helper()
	i, err := w.c.CreateWorkflowInstance(w.Context(), client.WorkflowInstanceOptions{InstanceID: id}, wf, args...)
	if err != nil {
		w.Fatal(err)
	}
	return i
}

// result waits for the result of an instance.
func result[T any](w *world, i *engine.Instance) T {
	w.Helper()
	v, err := client.GetWorkflowResult[T](w.Context(), w.c, i, time.Hour)
	if err != nil {
		w.Fatalf("result of %s: %v\nhistory: %v", i, err, w.kinds(i))
	}
	synctest.Wait()
	return v
}

// pass lets fake time pass, and then everything that it set off.
func (w *world) pass(d time.Duration) {
	sleep(d)
	synctest.Wait()
}

// sleep lets fake time pass: it returns as soon as everything else waits for longer.
func sleep(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // it takes no time
}

func (w *world) signal(id, name string, arg any) {
	w.Helper()
	if err := w.c.SignalWorkflow(w.Context(), id, name, arg); err != nil {
		w.Fatal(err)
	}
}

// deliver puts an event into the inbox of an execution.
func (w *world) deliver(i *engine.Instance, ev history.Event) {
	w.Helper()
	enc, err := history.Encode(ev)
	if err != nil {
		w.Fatal(err)
	}
	d := backend.Delivery{ID: engine.NewID(), To: exactly(*i), Event: enc}
	if err := w.store.Deliver(w.Context(), []backend.Delivery{d})[0]; err != nil {
		w.Fatal(err)
	}
}

func (w *world) history(i *engine.Instance) []history.Event {
	w.Helper()
	evs, err := w.c.History(w.Context(), i)
	if err != nil {
		w.Fatal(err)
	}
	if err := history.Check(evs); err != nil {
		w.Fatal(err)
	}
	return evs
}

// kinds are the kinds of the events in history, in order.
func (w *world) kinds(i *engine.Instance) []history.Kind {
	w.Helper()
	var ks []history.Kind
	for _, ev := range w.history(i) {
		ks = append(ks, ev.Kind())
	}
	return ks
}

// bodies returns the bodies of one type, in order.
func bodies[B history.Body](w *world, i *engine.Instance) []B {
	w.Helper()
	var bs []B
	for _, ev := range w.history(i) {
		if b, ok := ev.Body.(B); ok {
			bs = append(bs, b)
		}
	}
	return bs
}

func (w *world) summary(i *engine.Instance) backend.Summary {
	w.Helper()
	s, err := w.store.Get(w.Context(), *i)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) pending(i *engine.Instance) backend.Pending {
	w.Helper()
	p, err := w.store.Pending(w.Context(), *i, 0)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// equal fails the test unless got is want.
func equal[T comparable](w *world, what string, got, want T) {
	w.Helper()
	if got != want {
		w.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// logbook passes log lines to the test's log, and keeps them.
type logbook struct {
	t     *testing.T
	mu    sync.Mutex
	lines []string
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	l.t.Log(string(p))
	return len(p), nil
}

// matching returns the lines that hold text.
func (l *logbook) matching(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.lines), func(line string) bool { return !strings.Contains(line, text) })
}

// errCut is what a hooked store answers in place of the store.
var errCut = errors.New("connection cut")

// hooked lets a test come between a worker and its store, call by call and item by
// item. An error of a hook is the answer, in place of the store's.
type hooked struct {
	backend.Backend

	mu sync.Mutex
	// before is called for each commit; an error keeps it from the store.
	before func(c *backend.WorkflowCommit) error
	// after is called for each commit that the store applied; an error replaces its
	// answer.
	after func(c *backend.WorkflowCommit) error
	// extend is like before, for both kinds of leases.
	extend func() error
	// activity is like before, for commits of activities, and activityAfter like
	// after.
	activity      func(c *backend.ActivityCommit) error
	activityAfter func(c *backend.ActivityCommit) error
	deliver       func(d *backend.Delivery) error
	history       func() error
	claim         func(c *backend.WorkflowClaim) error
	// claimActivities is like claim.
	claimActivities func(c *backend.ActivityClaim) error

	commits   []backend.WorkflowCommit // all that reached the store
	histories int
	tasks     int // claimed
}

func (s *hooked) set(f func(s *hooked)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *hooked) clear() {
	s.set(func(s *hooked) {
		s.before, s.after, s.extend, s.activity, s.activityAfter, s.deliver, s.history, s.claim = nil, nil, nil, nil, nil, nil, nil, nil
		s.claimActivities = nil
	})
}

// hook reads a hook; it is called without the lock, for it may block.
func hook[F any](s *hooked, f func(s *hooked) F) F {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s)
}

// seen returns the commits of an instance that reached the store.
func (s *hooked) seen(i *engine.Instance) []backend.WorkflowCommit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.commits), func(c backend.WorkflowCommit) bool { return c.Instance != *i })
}

func (s *hooked) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	out := make([]backend.WorkflowCommitted, len(cs))
	for i := range cs {
		out[i] = s.commitOne(ctx, cs[i])
	}
	return out
}

func (s *hooked) commitOne(ctx context.Context, c backend.WorkflowCommit) backend.WorkflowCommitted {
	if f := hook(s, func(s *hooked) func(*backend.WorkflowCommit) error { return s.before }); f != nil {
		if err := f(&c); err != nil {
			return backend.WorkflowCommitted{Err: err}
		}
	}
	ans := s.Backend.CommitWorkflows(ctx, []backend.WorkflowCommit{c})[0]
	s.set(func(s *hooked) { s.commits = append(s.commits, c) })
	if f := hook(s, func(s *hooked) func(*backend.WorkflowCommit) error { return s.after }); f != nil && ans.Err == nil {
		if err := f(&c); err != nil {
			return backend.WorkflowCommitted{Err: err}
		}
	}
	return ans
}

func (s *hooked) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	if f := hook(s, func(s *hooked) func() error { return s.extend }); f != nil {
		if err := f(); err != nil {
			out := make([]backend.WorkflowCommitted, len(es))
			for i := range out {
				out[i].Err = err
			}
			return out
		}
	}
	return s.Backend.ExtendWorkflows(ctx, es)
}

func (s *hooked) ExtendActivities(ctx context.Context, es []backend.ActivityExtension) []error {
	if f := hook(s, func(s *hooked) func() error { return s.extend }); f != nil {
		if err := f(); err != nil {
			out := make([]error, len(es))
			for i := range out {
				out[i] = err
			}
			return out
		}
	}
	return s.Backend.ExtendActivities(ctx, es)
}

func (s *hooked) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	out := make([]error, len(cs))
	for i := range cs {
		if f := hook(s, func(s *hooked) func(*backend.ActivityCommit) error { return s.activity }); f != nil {
			if out[i] = f(&cs[i]); out[i] != nil {
				continue
			}
		}
		out[i] = s.Backend.CommitActivities(ctx, cs[i:i+1])[0]
		if f := hook(s, func(s *hooked) func(*backend.ActivityCommit) error { return s.activityAfter }); f != nil && out[i] == nil {
			out[i] = f(&cs[i])
		}
	}
	return out
}

func (s *hooked) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	out := make([]error, len(ds))
	for i := range ds {
		if f := hook(s, func(s *hooked) func(*backend.Delivery) error { return s.deliver }); f != nil {
			if out[i] = f(&ds[i]); out[i] != nil {
				continue
			}
		}
		out[i] = s.Backend.Deliver(ctx, ds[i:i+1])[0]
	}
	return out
}

func (s *hooked) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	s.set(func(s *hooked) { s.histories++ })
	if f := hook(s, func(s *hooked) func() error { return s.history }); f != nil {
		if err := f(); err != nil {
			return nil, err
		}
	}
	return s.Backend.History(ctx, i, after, limit)
}

func (s *hooked) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	if f := hook(s, func(s *hooked) func(*backend.WorkflowClaim) error { return s.claim }); f != nil {
		if err := f(&c); err != nil {
			return backend.WorkflowClaimed{}, err
		}
	}
	claimed, err := s.Backend.ClaimWorkflows(ctx, c)
	s.set(func(s *hooked) { s.tasks += len(claimed.Tasks) })
	return claimed, err
}

func (s *hooked) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	if f := hook(s, func(s *hooked) func(*backend.ActivityClaim) error { return s.claimActivities }); f != nil {
		if err := f(&c); err != nil {
			return backend.ActivityClaimed{}, err
		}
	}
	return s.Backend.ClaimActivities(ctx, c)
}
