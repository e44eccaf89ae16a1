package outage

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that sends back what it gets, and counts the bytes.
func echo(t *testing.T) (string, *atomic.Int64) {
	t.Helper()
	got := &atomic.Int64{}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c, got)
		}
	}()
	return l.Addr().String(), got
}

func answer(c net.Conn, got *atomic.Int64) {
	defer c.Close() //nolint:errcheck // of a test
	buf := make([]byte, 10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		got.Add(int64(n))
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func dial(t *testing.T, n *Network, address string) net.Conn {
	t.Helper()
	c, err := n.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends a byte and returns what becomes of it.
func ask(c net.Conn, within time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

func TestNetworkFailsAsItIsTold(t *testing.T) {
	address, got := echo(t)
	n := NewNetwork(t)
	c := dial(t, n, address)
	if err := ask(c, patience); err != nil {
		t.Fatal(err)
	}

	n.Set(Hanging)
	if err := ask(c, 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("hanging: %v", err)
	}
	if err := ask(dial(t, n, address), 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("hanging, a new connection: %v", err)
	}
	if n := got.Load(); n != 1 {
		t.Errorf("while hanging the server got %d bytes, want the first alone", n)
	}
	n.Set(Whole)
	if err := ask(c, patience); err != nil {
		t.Errorf("after hanging: %v", err)
	}

	c = dial(t, n, address) // the other one has an answer left to what hung
	if err := ask(c, patience); err != nil {
		t.Fatal(err)
	}
	n.Cut()
	if err := ask(c, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("cut: %v", err)
	}
	c = dial(t, n, address)
	if err := ask(c, patience); err != nil {
		t.Errorf("after a cut: %v", err)
	}

	before := got.Load()
	n.Set(AnswersLost)
	if err := ask(c, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("answers lost: %v", err)
	}
	if d := got.Load() - before; d != 1 {
		t.Errorf("without answers the server got %d bytes", d)
	}

	n.Set(Refused)
	if c, err := n.Dial(t.Context(), "tcp", address); err == nil { // or the connection is cut at once
		if err := ask(c, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("refused: %v", err)
		}
		_ = c.Close()
	}
	n.Set(Whole)
	n.Delay(30 * time.Millisecond)
	begun := time.Now()
	if err := ask(dial(t, n, address), patience); err != nil || time.Since(begun) < 60*time.Millisecond {
		t.Errorf("delayed: %v after %v", err, time.Since(begun))
	}
}

func TestNetworkThatIsClosed(t *testing.T) {
	n := NewNetwork(t)
	n.close()
	if _, err := n.Dial(context.Background(), "tcp", "127.0.0.1:1"); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
