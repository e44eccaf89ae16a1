package outage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// The tests below call the store itself, with no worker or client to make up for it.

// network opens a store behind a network.
func network(t *testing.T, h Harness, address string) (backend.Backend, *Network) {
	t.Helper()
	b, way := far(t, h, address)
	return b, way.(*Network) //nolint:forcetypeassert // only stores that have one get here
}

// creation is a new execution that no worker runs.
func creation(t *testing.T, id string) backend.Creation {
	t.Helper()
	started, err := history.Encode(history.Event{Body: history.WorkflowStarted{Workflow: "nobody's"}})
	if err != nil {
		t.Fatal(err)
	}
	x := engine.NewID()
	return backend.Creation{
		Instance: engine.Instance{InstanceID: id, ExecutionID: x}, FirstExecution: x, Workflow: "nobody's", Queue: "q", Started: started,
	}
}

func create(t *testing.T, b backend.Backend, id string) {
	t.Helper()
	if err := b.Create(t.Context(), []backend.Creation{creation(t, id)})[0].Err; err != nil {
		t.Errorf("creating %s: %v", id, err)
	}
}

// Connections that were cut while nobody used them are replaced, and no caller is
// told.
func idleConnectionsCut(t *testing.T, h Harness) {
	b, n := network(t, h, h.New(t))
	for round := range 3 {
		var wg sync.WaitGroup
		for k := range 4 { // so that there are several connections
			wg.Go(func() { create(t, b, fmt.Sprintf("i%d-%d", round, k)) })
		}
		wg.Wait()
		n.Cut()
		if _, err := b.Count(t.Context(), backend.Query{}); err != nil {
			t.Errorf("after a cut: %v", err)
		}
	}
}

// While the server is away each call fails soon and leaves open if it was done; with
// one that hangs it ends with the caller's patience. When the server is back the store
// works again without being told.
func callsWhileAway(t *testing.T, h Harness) {
	b, n := network(t, h, h.New(t))
	create(t, b, "before")
	n.Set(Refused)
	begun := time.Now()
	if err := b.Create(t.Context(), []backend.Creation{creation(t, "refused")})[0].Err; !engine.OutcomeUnknown(err) {
		t.Errorf("a write while the server is away: %v", err)
	}
	if _, err := b.Count(t.Context(), backend.Query{}); err == nil {
		t.Error("a read while the server is away worked")
	}
	if d := time.Since(begun); d > 10*time.Second {
		t.Errorf("two calls took %v", d)
	}
	n.Set(Whole)
	create(t, b, "between")
	n.Set(Hanging)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun = time.Now()
	if err := b.Create(ctx, []backend.Creation{creation(t, "hangs")})[0].Err; !engine.OutcomeUnknown(err) {
		t.Errorf("a write while the server hangs: %v", err)
	}
	if _, err := b.Count(ctx, backend.Query{}); err == nil {
		t.Error("a read while the server hangs worked")
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("two calls that hang took %v, their callers had 300 ms", d)
	}
	n.Set(Whole)
	create(t, b, "after")
	n.Delay(20 * time.Millisecond)
	create(t, b, "slowly")
}

// Connections are cut all the time while many write. Whoever gets an unknown outcome
// sends the same again. In the end everything was done, once.
func connectionsCut(t *testing.T, h Harness) {
	address := h.New(t)
	b, n := network(t, h, address)
	create(t, b, "inbox")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stop := make(chan struct{})
	var cutter, writers sync.WaitGroup
	var cuts, written atomic.Int64
	cutter.Go(func() { cutNowAndThen(n, &cuts, stop) })
	const many, enough = 4, 8
	for w := range many {
		writers.Go(func() {
			for k := 0; cuts.Load() < enough; k++ {
				if err := write(ctx, t, b, fmt.Sprintf("%d-%d", w, k)); err != nil {
					t.Error(err)
					return
				}
				written.Add(1)
			}
		})
	}
	writers.Wait()
	close(stop)
	cutter.Wait()
	t.Logf("%d writes, with all connections cut %d times", written.Load(), cuts.Load())
	checkWrites(t, near(t, h, address), int(written.Load()))
}

// cutNowAndThen leaves enough time to connect on a busy machine, mostly.
func cutNowAndThen(n *Network, cuts *atomic.Int64, stop <-chan struct{}) {
	for {
		select {
		case <-time.After(20*time.Millisecond + rand.N(250*time.Millisecond)):
			n.Cut()
			cuts.Add(1)
		case <-stop:
			return
		}
	}
}

// write makes two instances and a delivery, and makes them again as long as their
// outcome is unknown.
func write(ctx context.Context, t *testing.T, b backend.Backend, name string) error {
	both := []backend.Creation{creation(t, name+"-a"), creation(t, name+"-b")}
	signal, err := history.Encode(history.Event{Body: history.SignalReceived{Name: name}})
	if err != nil {
		return err
	}
	d := backend.Delivery{ID: engine.NewID(), To: backend.Address{InstanceID: "inbox"}, Event: signal}
	for {
		rs := b.Create(ctx, both)
		err := errors.Join(rs[0].Err, rs[1].Err, b.Deliver(ctx, []backend.Delivery{d})[0])
		if err == nil || ctx.Err() != nil || !engine.OutcomeUnknown(err) {
			return err
		}
	}
}

func checkWrites(t *testing.T, b backend.Backend, deliveries int) {
	t.Helper()
	s, err := b.Get(t.Context(), engine.Instance{InstanceID: "inbox"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Pending(t.Context(), s.Instance, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, row := range p.Inbox[1:] {
		seen[string(row.Event)]++
	}
	for event, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", event, n)
		}
	}
	if len(seen) != deliveries {
		t.Errorf("%d deliveries, want %d", len(seen), deliveries)
	}
	counts, err := b.Count(t.Context(), backend.Query{})
	if err != nil || counts[engine.StatusRunning] != int64(2*deliveries+1) {
		t.Errorf("%v instances, want %d: %v", counts, 2*deliveries+1, err)
	}
}
