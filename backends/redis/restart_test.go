package redis

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/samples/orders/orders"
)

// The server is killed again and again while orders are worked on. Clients and the
// worker go on by themselves; nothing that was acknowledged is lost.
func TestServerIsKilled(t *testing.T) {
	s := newServer(t)
	killUnderLoad(t, s.addr(), s)
}

// So with one master of a cluster, and then another one.
func TestMasterIsKilled(t *testing.T) {
	nodes, addr := newCluster(t)
	killUnderLoad(t, addr, nodes...)
}

func killUnderLoad(t *testing.T, addr string, servers ...*ownServer) {
	t.Helper()
	const kills = 4
	underLoad(t, addr, func() {
		for n := range kills {
			victim := servers[n%len(servers)]
			pause(600 * time.Millisecond)
			victim.kill()
			pause(400 * time.Millisecond)
			victim.start()
		}
	})
}

// underLoad works on orders while something happens. In the end all are there and done.
func underLoad(t *testing.T, addr string, happens func()) {
	t.Helper()
	const placed = 120
	b := openAt(t, addr, "orders")
	if b.server.durability != "appendfsync=always" {
		t.Fatalf("the durability is %s", b.server.durability)
	}
	log, journal := &logbook{}, filepath.Join(t.TempDir(), "journal")
	w, err := orderWorker(t.Context(), b, journal, log.logger())
	check(t, err)
	c := orderClient(b)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	feed, err := orders.OpenFeed(ctx, c)
	check(t, err)
	var done atomic.Int64
	var customers sync.WaitGroup
	for n := range placed {
		customers.Go(func() {
			pause(time.Duration(n) * 30 * time.Millisecond)
			if err := insistent(ctx, c, orders.NewRequest(n+1)); err != nil {
				t.Errorf("order %d: %v", n+1, err)
			}
			done.Add(1)
		})
	}
	happens()
	t.Logf("%d of %d orders were done after what happened", done.Load(), placed)
	customers.Wait()
	totals, err := orders.CloseFeed(ctx, feed)
	if err != nil || totals.Orders != placed {
		t.Errorf("the feed heard of %d orders, want %d: %v", totals.Orders, placed, err)
	}
	check(t, w.Stop(ctx))
	checkLost(t, c, journal)
	check(t, b.Close())
	if t.Failed() {
		t.Logf("the worker said:\n%s", log)
	}
}

// insistent places an order, pays, and waits for the receipt, making each call again
// while it is not known whether it was done. What was acknowledged must be there.
func insistent(ctx context.Context, c *client.Client, r orders.Request) error {
	i := &engine.Instance{InstanceID: orders.ID(r.Number)}
	err := insist(ctx, func() error {
		_, err := c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: i.InstanceID, IDReuse: client.IDReuseReject}, orders.Order, r)
		if errors.Is(err, engine.ErrInstanceAlreadyExists) { // by a call before
			return nil
		}
		return err
	})
	if err == nil && !orders.Deadbeat(r.Number) {
		err = insist(ctx, func() error {
			return c.SignalWorkflow(ctx, i.InstanceID, orders.SignalPayment, orders.Payment{Reference: fmt.Sprint("pay-", r.Number)})
		})
		if errors.Is(err, engine.ErrInstanceNotFound) { // it has ended already
			err = nil
		}
	}
	if err != nil {
		return err
	}
	return insist(ctx, func() error {
		_, err := client.GetWorkflowResult[orders.Receipt](ctx, c, i, time.Minute)
		return err
	})
}

// insist makes a call again while its outcome is unknown.
func insist(ctx context.Context, call func() error) error {
	for {
		err := call()
		if ctx.Err() != nil || !engine.OutcomeUnknown(err) {
			return err
		}
		pause(20 * time.Millisecond)
	}
}

// A server that has no scripts any more gets them again, also under load.
func TestScriptsAreForgottenUnderLoad(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b := openAt(t, addr, newPrefix(t, addr))
		defer closeStore(t, b)
		journal := filepath.Join(t.TempDir(), "journal")
		log := &logbook{}
		w, err := orderWorker(t.Context(), b, journal, log.logger())
		check(t, err)
		c := orderClient(b)
		feed, err := orders.OpenFeed(t.Context(), c)
		check(t, err)
		stop := make(chan struct{})
		var flushing sync.WaitGroup
		flushing.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(3 * time.Millisecond):
					if err := b.client.ScriptFlush(t.Context()).Err(); err != nil {
						t.Error(err)
					}
				}
			}
		})
		_, err = orders.Load{First: 1, Orders: 60, Every: 5 * time.Millisecond, PayAfter: 50 * time.Millisecond}.Run(t.Context(), c)
		if err != nil {
			t.Error(err)
		}
		close(stop)
		flushing.Wait()
		_, err = orders.CloseFeed(t.Context(), feed)
		check(t, err)
		check(t, w.Stop(t.Context()))
		checkOrders(t, c, journal)
		if text := log.String(); strings.Contains(text, "level=WARN") || strings.Contains(text, "level=ERROR") {
			t.Errorf("the worker said:\n%s", text)
		}
	})
}
