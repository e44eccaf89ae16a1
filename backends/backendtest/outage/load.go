package outage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/worker"
)

// startWorker starts a worker that is stopped when the test ends.
func startWorker(t *testing.T, b backend.Backend, log *logbook, o worker.Options, r *registry.Registry) *worker.Worker {
	t.Helper()
	o.Registry = r
	o.Settings = settings.Settings{Logger: slog.New(slog.NewTextHandler(log, nil))}
	w := worker.New(b, &o)
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, w) })
	return w
}

// StartFails checks that a worker does not start on a store that could not be opened,
// and says why.
func StartFails(t *testing.T, b backend.Backend, why error) {
	t.Helper()
	w := worker.New(b, &worker.Options{Registry: registry.New(), Settings: settings.Settings{Logger: slog.New(slog.DiscardHandler)}})
	if err := w.Start(t.Context()); !errors.Is(err, why) {
		t.Errorf("starting a worker: %v, want %v", err, why)
		stop(t, w)
	}
}

func stop(t *testing.T, w *worker.Worker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 15*time.Second)
	defer cancel()
	if err := w.Stop(ctx); err != nil {
		t.Errorf("stopping a worker: %v", err)
	}
}

// newClient returns a client that keeps silent.
func newClient(b backend.Backend) *client.Client {
	return client.New(b, client.WithSettings(settings.Settings{Logger: slog.New(slog.DiscardHandler)}))
}

// load is a number of orders that are served at once.
type load struct {
	t       *testing.T
	orders  int
	journal string
	done    atomic.Int64
	wg      sync.WaitGroup
}

// Sizes of an order and of what it takes.
const (
	orderSteps = 4
	workTakes  = 30 * time.Millisecond
)

func newLoad(t *testing.T, orders int) *load {
	return &load{t: t, orders: orders, journal: filepath.Join(t.TempDir(), "journal")}
}

// registry is the program, whose activities write to the load's journal.
func (l *load) registry() *registry.Registry {
	l.t.Helper()
	j, err := openJournal(l.journal)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = j.file.Close() })
	r, err := register(j, workTakes)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// start has customers come in at intervals, with a client of b.
func (l *load) start(b backend.Backend, every time.Duration) {
	c := newClient(b)
	ctx, cancel := context.WithTimeout(l.t.Context(), either(patience, 3*patience))
	l.t.Cleanup(cancel)
	l.wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := range l.orders {
			l.wg.Go(func() {
				if err := serve(ctx, c, fmt.Sprint("order-", n), orderSteps); err != nil {
					l.t.Error(err)
				}
				l.done.Add(1)
			})
			<-tick.C
		}
	})
}

// reached waits until so many orders are done.
func (l *load) reached(n int) {
	l.t.Helper()
	until(l.t, fmt.Sprint(n, " orders are done"), func() bool { return l.done.Load() >= int64(n) })
}

// finish waits until all orders are done, and checks what became of them.
func (l *load) finish(b backend.Backend) (extra int) {
	l.t.Helper()
	l.wg.Wait()
	if l.t.Failed() {
		l.t.FailNow()
	}
	return check(l.t, newClient(b), l.journal, 2*l.orders) // each has a sub-workflow
}
