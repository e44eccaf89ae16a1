package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// proxy stands between a store and the server, and can fail like a network.
type proxy struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	down  bool
}

// through returns a DSN that reaches the same database through a proxy.
func through(t *testing.T, dsn string) (string, *proxy) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, conns: map[net.Conn]struct{}{}}
	far := changed(t, dsn, func(u *url.URL) { p.target, u.Host = u.Host, l.Addr().String() })
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.wg.Wait()
	})
	return far, p
}

func (p *proxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
		if err != nil || !p.keep(in, out) {
			_ = in.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			p.wg.Go(func() {
				_, _ = io.Copy(way[1], way[0])
				_, _ = way[0].Close(), way[1].Close()
			})
		}
	}
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.down {
			_ = c.Close()
		} else {
			p.conns[c] = struct{}{}
		}
	}
	return !p.down
}

// cut ends all connections, in the middle of whatever they are doing.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// leave lets the server be out of reach, or back.
func (p *proxy) leave(down bool) {
	p.mu.Lock()
	p.down = down
	p.mu.Unlock()
	if down {
		p.cut()
	}
}

// Connections that were cut while nobody used them are replaced, and no caller is
// told.
func TestIdleConnectionsAreReplaced(t *testing.T) {
	dsn, p := through(t, newSchema(t))
	b := openStore(t, dsn)
	defer closeStore(t, b)
	for n := range 3 {
		var wg sync.WaitGroup
		for k := range 4 { // so that there are several connections
			wg.Go(func() { create(t, b, fmt.Sprintf("i%d-%d", n, k)) })
		}
		wg.Wait()
		p.cut()
		if _, err := b.Count(t.Context(), backend.Query{}); err != nil {
			t.Error(err)
		}
	}
}

// While the server is away each call fails soon, says why, and leaves open if it was
// done; when the server is back the store works again without being told.
func TestServerAway(t *testing.T) {
	dsn, p := through(t, newSchema(t))
	b := openStore(t, dsn)
	defer closeStore(t, b)
	create(t, b, "before")
	p.leave(true)
	begun := time.Now()
	err := b.Create(t.Context(), []backend.Creation{creation("meanwhile")})[0].Err
	if !engine.OutcomeUnknown(err) || !strings.Contains(err.Error(), "connection") {
		t.Errorf("a write while the server is away: %v", err)
	}
	if _, err := b.Count(t.Context(), backend.Query{}); err == nil {
		t.Error("a read while the server is away worked")
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("two calls took %s", d)
	}
	p.leave(false)
	create(t, b, "after")
}

// Connections are cut all the time while many write. Whoever gets an unknown outcome
// sends the same again. In the end everything was done, once.
func TestCutConnectionsUnderLoad(t *testing.T) {
	direct := newSchema(t)
	dsn, p := through(t, direct)
	b := openStore(t, dsn)
	defer closeStore(t, b)
	create(t, b, "inbox")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	var done atomic.Int64
	cutter.Go(func() {
		ticker := time.NewTicker(30 * time.Millisecond)
		defer ticker.Stop()
		for seen := int64(-1); ; {
			select {
			case <-ticker.C:
				if n := done.Load(); n > seen { // or nobody would ever connect, on a slow machine
					seen = n
					p.cut()
				}
			case <-stop:
				return
			}
		}
	})
	const writers, each = 4, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				both := pair(fmt.Sprintf("%d-%d", w, n))
				d := backend.Delivery{ID: engine.NewID(), To: backend.Address{InstanceID: "inbox"}, Event: fmt.Appendf(nil, "[%d.%d]", w, n)}
				if err := insist(ctx, func() error {
					rs := b.Create(ctx, both)
					return errors.Join(rs[0].Err, rs[1].Err, b.Deliver(ctx, []backend.Delivery{d})[0])
				}); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	close(stop)
	cutter.Wait()
	checkInbox(t, direct, writers*each)
}

// insist repeats a call as long as its outcome is unknown.
func insist(ctx context.Context, call func() error) error {
	for {
		err := call()
		if err == nil || ctx.Err() != nil || !engine.OutcomeUnknown(err) {
			return err
		}
	}
}

// checkInbox checks that every delivery is there once, and every pair.
func checkInbox(t *testing.T, dsn string, deliveries int) {
	t.Helper()
	b := openStore(t, dsn)
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
	counts, err := b.Count(t.Context(), backend.Query{IDPrefix: ""})
	if err != nil || counts[engine.StatusRunning] != int64(2*deliveries+1) {
		t.Errorf("%v instances, want %d: %v", counts, 2*deliveries+1, err)
	}
	closeStore(t, b)
}
