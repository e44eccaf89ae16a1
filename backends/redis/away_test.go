package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/samples/orders/orders"
	"github.com/wfops/wfops/worker"
)

// wire is the network between a store and all its servers.
type wire struct {
	mu    sync.Mutex
	down  bool
	conns []*wired
}

// wired is a connection over a wire.
type wired struct {
	net.Conn

	// mute makes the next answer get lost, and the connection.
	mute atomic.Bool
}

func (c *wired) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.mute.Load() {
		return 0, errors.Join(io.EOF, c.Close())
	}
	return n, err
}

var errDown = errors.New("the network is down")

// dial is the dialer of a client.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return nil, errors.Join(errDown, c.Close())
	}
	own := &wired{Conn: c}
	w.conns = append(w.conns, own)
	return own, nil
}

// cut ends all connections, and lets no new ones come about until mended.
func (w *wire) cut(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// loseAnswers makes each connection lose the next answer and end.
func (w *wire) loseAnswers() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.mute.Store(true)
	}
}

// through opens a store whose network may fail.
func through(t *testing.T, addr, prefix string) (*Backend, *wire) {
	t.Helper()
	w := &wire{}
	hosts, isCluster := strings.CutPrefix(addr, "redis-cluster://")
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: strings.Split(hosts, ","), IsClusterMode: isCluster, Dialer: w.dial, MaxRetries: -1, DialerRetries: 1, MaxRedirects: stay,
		ContextTimeoutEnabled: true, MaintNotificationsConfig: unannounced,
	})
	t.Cleanup(func() { _ = client.Close() })
	b, err := New(t.Context(), client, WithPrefix(prefix), quiet())
	check(t, err)
	return b, w
}

// While the servers are away each call fails soon and says why; when they are back the
// store works again without being told.
func TestServerAway(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b, w := through(t, addr, newPrefix(t, addr))
		defer closeStore(t, b)
		create(t, b, "before")
		w.cut(true)
		begun := time.Now()
		err := b.Create(t.Context(), []backend.Creation{creation("meanwhile")})[0].Err
		if !engine.OutcomeUnknown(err) {
			t.Errorf("a write meanwhile: %v", err)
		}
		if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "before"}); !engine.OutcomeUnknown(err) {
			t.Errorf("a read meanwhile: %v", err)
		}
		if d := time.Since(begun); d > 5*time.Second {
			t.Errorf("two calls took %s", d)
		}
		w.cut(false)
		until(t, "it works again", 10*time.Second, func() bool {
			_, err := b.Get(t.Context(), engine.Instance{InstanceID: "before"})
			return err == nil
		})
		create(t, b, "after")
	})
}

// Connections that are cut before a write, or after it and before the answer, leave
// nothing half done: a step that is sent again is applied once, and the store goes on
// by itself.
func TestCutConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b, line := through(t, addr, newPrefix(t, addr))
		defer closeStore(t, b)
		i := create(t, b, "i")
		task := claim(t, b, 1)[0]
		for n := range 20 {
			c := step(task)
			c.ExpectSeq = int64(n)
			c.Deliver = []backend.Delivery{{To: backend.Address{InstanceID: "i"}, Event: fmt.Appendf(nil, "[%d]", n)}}
			if n%2 == 1 {
				line.loseAnswers()
			}
			if n%3 == 0 {
				line.cut(false)
			}
			if err := insist(t.Context(), func() error { return b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{c})[0].Err }); err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
		}
		s, err := b.Get(t.Context(), i)
		check(t, err)
		if s.HistoryLength != 20 || s.Inbox != 21 {
			t.Errorf("%d events in history and %d in the inbox, want 20 and 21", s.HistoryLength, s.Inbox)
		}
	})
}

// A write whose answer is lost is not made again behind the caller's back: the verdict
// on the second would not be that on the first.
func TestWritesAreSentOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b, w := through(t, addr, newPrefix(t, addr))
		defer closeStore(t, b)
		for _, n := range []int{1, 50} { // one script, and one for each partition
			var ends []backend.Termination
			for k := range n {
				c := creation(fmt.Sprintf("i%d-%d", n, k))
				check(t, insist(t.Context(), func() error { return b.Create(t.Context(), []backend.Creation{c})[0].Err }))
				ends = append(ends, backend.Termination{To: backend.Address{InstanceID: c.Instance.InstanceID}, Event: history.Encoded("[1]")})
			}
			w.loseAnswers()
			for k, err := range b.Terminate(t.Context(), ends) {
				if errors.Is(err, engine.ErrInstanceNotFound) {
					t.Errorf("%d of %d: %v, which is the verdict on a second try", k, n, err)
				}
			}
		}
	})
}

// The servers are away again and again while orders are worked on. Clients and worker
// go on by themselves, and the worker says so now and then, not for each call.
func TestServerAwayUnderLoad(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b, w := through(t, addr, newPrefix(t, addr))
		defer closeStore(t, b)
		log, journal := &logbook{}, filepath.Join(t.TempDir(), "journal")
		wk, err := orderWorker(t.Context(), b, journal, log.logger())
		check(t, err)
		c := orderClient(b)
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second)
		defer cancel()
		feed, err := orders.OpenFeed(ctx, c)
		check(t, err)
		var customers sync.WaitGroup
		const placed, times = 40, 3
		for n := range placed {
			customers.Go(func() {
				pause(time.Duration(n) * 50 * time.Millisecond)
				if err := insistent(ctx, c, orders.NewRequest(n+1)); err != nil {
					t.Errorf("order %d: %v", n+1, err)
				}
			})
		}
		for range times {
			pause(300 * time.Millisecond)
			w.cut(true)
			pause(700 * time.Millisecond)
			w.cut(false)
		}
		customers.Wait()
		_, err = orders.CloseFeed(ctx, feed)
		check(t, err)
		check(t, wk.Stop(ctx))
		checkLost(t, c, journal)
		if n := strings.Count(log.String(), "\n"); n > 100*times {
			t.Errorf("the worker had %d lines to say:\n%.5000s", n, log)
		}
	})
}

// holder starts a worker that answers the activity "act" with a function.
func holder(t *testing.T, b backend.Backend, act func(context.Context) (string, error)) *worker.Worker {
	t.Helper()
	r := registry.New()
	check(t, r.RegisterActivity(act, registry.WithName("act")))
	check(t, r.RegisterWorkflow(func(ctx workflow.Context) (string, error) {
		return workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
	}, registry.WithName("w")))
	w := worker.New(b, &worker.Options{Registry: r, LeaseDuration: time.Second, Settings: settings.Settings{Logger: slog.New(slog.DiscardHandler)}})
	check(t, w.Start(t.Context()))
	return w
}

// A worker is cut off from the store for longer than its lease, and another one takes
// over. The first cancels what it was running and says why, and commits nothing when
// the store is back.
func TestCutOffWorker(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		prefix := newPrefix(t, addr)
		far, line := through(t, addr, prefix)
		near := openAt(t, addr, prefix)
		running, told := make(chan struct{}), make(chan error, 1)
		first := holder(t, far, func(ctx context.Context) (string, error) {
			close(running)
			<-ctx.Done()
			told <- context.Cause(ctx)
			return "first", nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		h, err := client.Start[string](ctx, client.New(near), client.WorkflowInstanceOptions{InstanceID: "i"}, "w")
		check(t, err)
		<-running
		line.cut(true)
		second := holder(t, near, func(context.Context) (string, error) { return "second", nil })
		if got, err := h.Get(ctx); got != "second" || err != nil {
			t.Errorf("the result is %q, %v, want that of the worker that took over", got, err)
		}
		select {
		case cause := <-told:
			if !errors.Is(cause, engine.ErrLeaseLost) {
				t.Errorf("the activity was told %v, want a lost lease", cause)
			}
		case <-ctx.Done():
			t.Error("the activity was not canceled")
		}
		line.cut(false)
		until(t, "the first worker is heard of again", 20*time.Second, func() bool {
			ws, err := near.Workers(ctx)
			return err == nil && len(ws) == 2 && time.Since(ws[1].Seen) < 500*time.Millisecond
		})
		check(t, errors.Join(first.Stop(ctx), second.Stop(ctx)))
		events, err := h.History(ctx)
		check(t, err)
		done := 0
		for _, e := range events {
			if e.Kind() == history.KindActivityCompleted {
				done++
			}
		}
		if done != 1 {
			t.Errorf("%d results of the activity in the history, want 1", done)
		}
		check(t, errors.Join(far.Close(), near.Close()))
	})
}
