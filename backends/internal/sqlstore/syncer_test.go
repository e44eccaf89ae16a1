package sqlstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// disk is a sync that a test holds up.
type disk struct {
	calls int
	gate  chan error
}

func (d *disk) sync() error {
	d.calls++
	return <-d.gate
}

func (y *syncer) write(ctx context.Context) error {
	n, err := y.commit(func() error { return nil })
	return errors.Join(err, y.await(ctx, n))
}

// start starts a goroutine, and returns its outcome when the test asks for it.
func start(f func() error) (done func() error, ended func() bool) {
	out := make(chan error, 1)
	go func() { out <- f() }()
	return func() error { return <-out }, func() bool { return len(out) > 0 }
}

func TestOneSyncServesAllBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan error)}
		y := newSyncer(d.sync)
		write := func() error { return y.write(t.Context()) }
		first, _ := start(write)
		synctest.Wait()
		var later []func() error
		for range 5 { // while the first sync is under way, which may have missed them
			done, _ := start(write)
			later = append(later, done)
		}
		synctest.Wait()
		reader, seen := start(func() error { return y.seen(t.Context()) })
		synctest.Wait()
		d.gate <- nil
		if err := first(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if seen() {
			t.Error("a reader was answered before what it may have seen was durable")
		}
		d.gate <- nil
		for _, done := range append(later, reader) {
			if err := done(); err != nil {
				t.Error(err)
			}
		}
		if d.calls != 2 {
			t.Errorf("%d syncs for one write and five that came together, want 2", d.calls)
		}
		if err := y.seen(t.Context()); err != nil { // would hang if it wanted another sync
			t.Error(err)
		}
	})
}

// A commit is visible before the call that makes it has returned.
func TestAReaderWaitsForACommitInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan error, 10)}
		y := newSyncer(d.sync)
		visible, returned := make(chan bool), make(chan bool)
		writer, _ := start(func() error {
			n, err := y.commit(func() error { close(visible); <-returned; return nil })
			return errors.Join(err, y.await(t.Context(), n))
		})
		<-visible
		reader, seen := start(func() error { return y.seen(t.Context()) })
		synctest.Wait()
		if seen() || d.calls > 0 {
			t.Errorf("answered: %t, after %d syncs", seen(), d.calls)
		}
		d.gate <- nil
		close(returned)
		if err := errors.Join(writer(), reader()); err != nil || d.calls != 1 {
			t.Errorf("%v, %d syncs", err, d.calls)
		}
	})
}

func TestAFailedSyncIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("input/output error")
		d := &disk{gate: make(chan error, 1)}
		y := newSyncer(d.sync)
		d.gate <- broken
		for _, call := range []func() error{
			func() error { return y.write(t.Context()) },
			func() error { return y.write(t.Context()) },
			func() error { return y.seen(t.Context()) },
		} {
			if err := call(); !errors.Is(err, broken) {
				t.Errorf("got %v, want the error of the sync", err)
			}
		}
		if d.calls != 1 {
			t.Errorf("%d syncs, want no other after one has failed", d.calls)
		}
	})
}

func TestWaitingForTheDiskEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan error)}
		y := newSyncer(d.sync)
		first, _ := start(func() error { return y.write(t.Context()) })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		second, _ := start(func() error { return y.write(ctx) })
		synctest.Wait()
		cancel()
		if err := second(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		d.gate <- nil
		if err := first(); err != nil {
			t.Error(err)
		}
		// Nobody has synced the second one: the next reader does.
		reader, _ := start(func() error { return y.seen(t.Context()) })
		d.gate <- nil
		if err := reader(); err != nil || d.calls != 2 {
			t.Errorf("%v, %d syncs", err, d.calls)
		}
	})
}

// The first step of what a commit has handed over joins its sync.
func TestLingerUntilTheNextCommit(t *testing.T) {
	d := &disk{gate: make(chan error, 10)}
	y := newSyncer(d.sync)
	y.took = time.Hour
	commit := func() int64 {
		n, err := y.commit(func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := commit()
	done, _ := start(func() error {
		y.linger(first)
		return y.await(t.Context(), first)
	})
	d.gate <- nil
	second := commit()
	if err := errors.Join(done(), y.await(t.Context(), second)); err != nil || d.calls != 1 {
		t.Errorf("%v, %d syncs for a commit and one that it waited for", err, d.calls)
	}
}

// Nothing may come: then it takes as long as a sync, and no longer.
func TestLingerEnds(t *testing.T) {
	y := newSyncer(func() error { return nil })
	y.took = time.Millisecond
	n, err := y.commit(func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	y.linger(n) // would hang
	y.busy = true
	y.took = time.Hour
	y.linger(n) // a sync is under way, which others wait for: the next one takes all along
}
