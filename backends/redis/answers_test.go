package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// wire is the network between a store and all its servers. Unlike one of the suite for
// outages it loses a single answer: what is sent again gets through.
type wire struct {
	mu    sync.Mutex
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

// Close also works for one that was cut.
func (c *wired) Close() error {
	if err := c.Conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// dial is the dialer of a client.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	own := &wired{Conn: c}
	w.conns = append(w.conns, own)
	return own, nil
}

// cut ends all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
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

// through opens an empty store over a wire.
func through(t *testing.T, addr string) (*Backend, *wire) {
	t.Helper()
	w := &wire{}
	return openAt(t, addr, newPrefix(t, addr), withDialer(w.dial)), w
}

// Connections that are cut before a write, or after it and before the answer, leave
// nothing half done: a step that is sent again is applied once, and the store goes on
// by itself.
func TestCutConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b, line := through(t, addr)
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
				line.cut()
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
		b, w := through(t, addr)
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
