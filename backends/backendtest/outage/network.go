package outage

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Mode is what is wrong with a network.
type Mode int32

// The closed set of modes.
const (
	// Whole: nothing is.
	Whole Mode = iota
	// Refused: all connections are cut, and new ones at once.
	Refused
	// Hanging: nothing gets through, in either direction, and nobody is told. What was
	// on its way arrives when the mode ends.
	Hanging
	// AnswersLost: what is asked for is done, but the connection is cut in place of
	// the answer.
	AnswersLost
)

// String names the mode for test output.
func (m Mode) String() string { return [...]string{"whole", "refused", "hanging", "answers lost"}[m] }

// Network has a TCP proxy for each server that is reached through it. All of them
// fail alike.
type Network struct {
	delay atomic.Int64

	wg     sync.WaitGroup
	dialer net.Dialer

	mu        sync.Mutex
	mode      Mode
	changed   chan struct{}           // closed when the mode changes
	listeners map[string]net.Listener // by the address behind it
	conns     map[net.Conn]struct{}
	closed    bool
}

// NewNetwork returns a network that works, until the test ends.
func NewNetwork(t testing.TB) *Network {
	n := &Network{changed: make(chan struct{}), listeners: map[string]net.Listener{}, conns: map[net.Conn]struct{}{}}
	t.Cleanup(n.close)
	return n
}

// Via returns the address of a proxy for the server at address, both "host:port". It
// is the same one for the same server.
func (n *Network) Via(address string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listeners[address]; l != nil {
		return l.Addr().String(), nil
	}
	if n.closed {
		return "", net.ErrClosed
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("a proxy for %s: %w", address, err)
	}
	n.listeners[address] = l
	n.wg.Go(func() { n.serve(l, address) })
	return l.Addr().String(), nil
}

// Dial connects to the server at address through its proxy. It is for drivers that
// learn addresses from the servers themselves, and take a function that dials.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	via, err := n.Via(address)
	if err != nil {
		return nil, err
	}
	return n.dialer.DialContext(ctx, network, via)
}

// Set changes what is wrong.
func (n *Network) Set(m Mode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mode = m
	close(n.changed)
	n.changed = make(chan struct{})
	if m == Refused {
		n.cut()
	}
}

// Cut ends all connections, in the middle of whatever they are doing. New ones work.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut()
}

// Delay has everything arrive later, in each direction.
func (n *Network) Delay(d time.Duration) { n.delay.Store(int64(d)) }

func (n *Network) cut() {
	for c := range n.conns {
		_ = c.Close()
	}
	clear(n.conns)
}

func (n *Network) close() {
	n.Set(Refused)
	n.mu.Lock()
	n.closed = true
	for _, l := range n.listeners {
		_ = l.Close()
	}
	n.mu.Unlock()
	n.wg.Wait()
}

func (n *Network) serve(l net.Listener, address string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		n.wg.Go(func() { n.connect(in, address) })
	}
}

// connect carries one connection.
func (n *Network) connect(in net.Conn, address string) {
	defer n.drop(in)
	if !n.keep(in) || !n.opened(in) {
		return
	}
	out, err := n.dialer.DialContext(context.Background(), "tcp", address)
	if err != nil {
		return
	}
	defer n.drop(out)
	if !n.keep(out) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		n.carry(in, out, true)
		_ = in.Close()
	})
	n.carry(out, in, false)
	_ = out.Close()
	back.Wait()
}

// keep notes a connection that can be cut from then on.
func (n *Network) keep(c net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mode == Refused {
		return false
	}
	n.conns[c] = struct{}{}
	return true
}

func (n *Network) drop(c net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	_ = c.Close()
}

func (n *Network) kept(c net.Conn) bool {
	_, ok := n.conns[c]
	return ok
}

// opened waits until something gets through a connection, and reports whether that
// has come about.
func (n *Network) opened(c net.Conn) bool {
	for {
		n.mu.Lock()
		mode, changed, kept := n.mode, n.changed, n.kept(c)
		n.mu.Unlock()
		switch {
		case mode == Refused || !kept:
			return false
		case mode != Hanging:
			return true
		}
		<-changed
	}
}

// carry takes bytes one way until one of the ends is closed.
func (n *Network) carry(to, from net.Conn, answers bool) {
	buf := make([]byte, 32<<10)
	for {
		got, err := from.Read(buf)
		if err != nil || !n.opened(from) {
			return
		}
		if d := n.delay.Load(); d > 0 {
			pass(time.Duration(d))
		}
		n.mu.Lock()
		lost := answers && n.mode == AnswersLost
		n.mu.Unlock()
		if lost {
			return
		}
		if _, err := to.Write(buf[:got]); err != nil {
			return
		}
	}
}
