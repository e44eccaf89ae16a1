package main

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/cmd/wfops/internal/servertest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// Review waits for somebody to decide.
func Review(ctx workflow.Context, customer string) (string, error) {
	decision, _ := workflow.NewSignalChannel[string](ctx, "decision").Receive(ctx)
	return customer + ": " + decision, ctx.Err()
}

type item struct {
	SKU string
	Qty int
}

// Fill fulfills an order; one of nothing can't be shipped.
func Fill(ctx workflow.Context, order item) (string, error) {
	once := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 1}}
	shelf, err := workflow.ExecuteActivity[string](ctx, once, ReserveStock, order).Get(ctx)
	if err != nil {
		return "", err
	}
	if _, err := workflow.ExecuteActivity[int](ctx, once, ChargeCard, 21*order.Qty).Get(ctx); err != nil {
		return "", err
	}
	return workflow.ExecuteActivity[string](ctx, once, Ship, shelf, order.Qty).Get(ctx)
}

func ReserveStock(_ context.Context, order item) (string, error) { return "B7 " + order.SKU, nil }

func ChargeCard(_ context.Context, amount int) (int, error) { return amount, nil }

func Ship(_ context.Context, shelf string, qty int) (string, error) {
	if qty == 0 {
		return "", errors.New("carrier 502 bad gateway")
	}
	return "shipped from " + shelf, nil
}

// site is a store with a worker that works.
type site struct {
	*testing.T

	b backend.Backend
	c *client.Client
	// stop stops the worker.
	stop func()
}

// newSite opens the store and lets a worker work, that has register's functions.
func newSite(t *testing.T, dsn string, register ...func(*worker.Worker) error) *site {
	t.Helper()
	b, err := backends.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	s := &site{T: t, b: b, c: client.New(b)}
	s.stop = s.work(append(register,
		func(w *worker.Worker) error { return w.RegisterWorkflow(Review) },
		func(w *worker.Worker) error { return w.RegisterActivity(ReserveStock) },
		func(w *worker.Worker) error { return w.RegisterActivity(ChargeCard) },
		func(w *worker.Worker) error { return w.RegisterActivity(Ship) })...)
	return s
}

// close ends the site before the test ends.
func (s *site) close() {
	s.Helper()
	s.stop()
	if err := s.b.Close(); err != nil {
		s.Error(err)
	}
}

// work starts a worker, and returns how it is stopped before the test ends.
func (s *site) work(register ...func(*worker.Worker) error) (stop func()) {
	s.Helper()
	w := worker.New(s.b, nil)
	for _, r := range register {
		if err := r(w); err != nil {
			s.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	if err := w.Start(ctx); err != nil {
		s.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if err := w.WaitForCompletion(); err != nil {
			s.Error(err)
		}
	})
	s.Cleanup(stop)
	return stop
}

// start starts an instance.
func (s *site) start(id string, wf any, args ...any) *engine.Instance {
	s.Helper()
	i, err := s.c.CreateWorkflowInstance(s.Context(), client.WorkflowInstanceOptions{InstanceID: id}, wf, args...)
	if err != nil {
		s.Fatal(err)
	}
	return i
}

// becomes waits until an instance is as it should be.
func (s *site) becomes(id string, fine func(*backend.Summary) bool) backend.Summary {
	s.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		summary, err := s.b.Get(s.Context(), engine.Instance{InstanceID: id})
		if err != nil {
			s.Fatal(err)
		}
		if fine(&summary) {
			return summary
		}
		if time.Now().After(deadline) {
			s.Fatalf("%s is %+v", id, summary)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func waitsForSignal(s *backend.Summary) bool {
	return s.Waiting != nil && s.Waiting.Kind == engine.WaitSignal
}

// onEveryStore runs a test on each kind of store, with the connection string that a
// user would write.
func onEveryStore(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs servers and tmux")
	}
	for _, kind := range append([]string{"sqlite"}, servertest.Kinds()...) {
		t.Run(kind, func(t *testing.T) {
			if kind == "sqlite" {
				test(t, filepath.Join(t.TempDir(), "app.db"))
				return
			}
			test(t, servertest.DSN(t, kind))
		})
	}
}

// The console beside a worker that works: what is there is shown, what comes is, and
// what changes.
func TestConsoleOnEveryStore(t *testing.T) {
	onEveryStore(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start("kyc-1", Review, "c1")
		s.becomes("kyc-1", waitsForSignal)
		term := terminal(t, 100, 24, dsn)
		term.Run("wfops --write")
		term.Sees(`◇ kyc-1 .*signal "decision"`, "^Space mark")
		s.start("kyc-2", Review, "c2")
		term.Sees(`◇ kyc-2 .*signal "decision"`)
		if err := s.c.SignalWorkflow(t.Context(), "kyc-1", "decision", "yes"); err != nil {
			t.Fatal(err)
		}
		term.Sees(`✓ kyc-1 `)
		term.Press("/")
		term.Type("status:completed")
		term.Press("Enter")
		term.Until("only what is completed is shown", func(screen string) bool {
			return contains(screen, `✓ kyc-1 `) && !contains(screen, "◇ kyc-2")
		})
		term.Press("Enter")
		term.Sees(`› kyc-1`, "completed")
		term.Press("Escape")
		term.Until("the list is shown again", func(screen string) bool { return !contains(screen, `› kyc-1`) })
		term.quits()
	})
}

// A store that goes away is no reason to end, nor to forget what was shown.
func TestConsoleOutlivesItsStore(t *testing.T) {
	onEveryStore(t, func(t *testing.T, dsn string) {
		if filepath.IsAbs(dsn) {
			t.Skip("files don't go away")
		}
		s := newSite(t, dsn)
		s.start("kyc-1", Review, "c1")
		line, through := servertest.Before(t, dsn)
		term := terminal(t, 120, 24, through)
		term.Run("wfops" + brisk)
		term.Sees(`◇ kyc-1 .*signal "decision"`)
		line.Cut()
		term.Sees(`NO ANSWER from the store`, `kyc-1`)
		s.start("kyc-2", Review, "c2")
		line.Restore()
		term.Sees(`◇ kyc-2 .*signal "decision"`)
		term.Until("the store is no longer lost", func(screen string) bool { return !contains(screen, "NO ANSWER") })
		line.Cut()
		term.Sees(`NO ANSWER`)
		term.quits()
	})
}

func contains(screen, pattern string) bool {
	return regexp.MustCompile("(?m)" + pattern).MatchString(screen)
}
