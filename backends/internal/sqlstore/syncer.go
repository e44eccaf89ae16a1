package sqlstore

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// syncer makes commits durable after their transactions have ended: the next
// transaction begins while the disk is at work, and one sync serves all that were
// committed before it began. The caller of a write is answered, and hints go out,
// when its commit is durable; so is a reader that may have seen it.
//
// It counts commits, and relies on it that they are made one at a time.
type syncer struct {
	// sync makes durable what was committed before. Without it, commits are durable
	// when they have ended.
	sync func() error

	mu sync.Mutex
	// begun commits may be seen by readers, the ended ones are, the durable ones have
	// been synced.
	begun, ended, durable int64
	busy                  bool
	took                  time.Duration // by the sync before
	// failed is the error of a sync. After one nobody can say what is on the disk:
	// the system reports it once, and may have forgotten what it could not write.
	failed error
	// changed is closed, and made anew, when any of the others changes.
	changed chan struct{}
}

func newSyncer(sync func() error) *syncer {
	return &syncer{sync: sync, changed: make(chan struct{})}
}

// commit runs what commits a transaction, and returns what await is to be told.
func (y *syncer) commit(run func() error) (n int64, err error) {
	if y.sync == nil {
		return 0, run()
	}
	y.mu.Lock()
	y.begun++
	y.mu.Unlock()
	defer func() {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.ended++
		n = y.ended
		y.tell()
	}()
	return 0, run()
}

// await returns when the first n commits are durable.
func (y *syncer) await(ctx context.Context, n int64) error {
	if y.sync == nil {
		return nil
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	for y.durable < n && y.failed == nil {
		if !y.busy && y.durable < y.ended {
			y.lead()
			continue
		}
		changed := y.changed
		y.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		}
		y.mu.Lock()
		if err != nil {
			return fmt.Errorf("waiting for the disk: %w", err)
		}
	}
	return y.failed
}

// linger gives the first steps of what commit n has handed over the time to join its
// sync: they come at once, and would need one of their own, which nobody begins before
// this one has ended. It takes no longer than a sync does, so that in the worst case,
// code that takes its time, the commit takes twice as long.
func (y *syncer) linger(n int64) {
	if y.sync == nil {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	for until := time.Now().Add(y.took); y.ended == n && !y.busy && time.Now().Before(until); {
		y.mu.Unlock()
		runtime.Gosched() // timers are not made for parts of a millisecond
		y.mu.Lock()
	}
}

// lead syncs for everybody who waits. mu is held, except meanwhile.
func (y *syncer) lead() {
	y.busy = true
	upTo, began := y.ended, time.Now()
	y.mu.Unlock()
	err := y.sync()
	y.mu.Lock()
	y.took = time.Since(began)
	y.busy = false
	if err != nil {
		y.failed = fmt.Errorf("what was written may not have reached the disk; close the store, look after the disk, and open it again: %w", err)
	} else {
		y.durable = upTo
	}
	y.tell()
}

func (y *syncer) tell() {
	close(y.changed)
	y.changed = make(chan struct{})
}

// seen returns when everything is durable that a reader may have seen.
func (y *syncer) seen(ctx context.Context) error {
	if y.sync == nil {
		return nil
	}
	y.mu.Lock()
	n := y.begun
	y.mu.Unlock()
	return y.await(ctx, n)
}

// others returns when everything is durable that other processes have committed.
func (y *syncer) others(ctx context.Context) error {
	n, _ := y.commit(func() error { return nil })
	return y.await(ctx, n)
}
