package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Config says how a Store reaches its database.
type Config struct {
	Dialect Dialect
	// Name of the database for errors, without secrets.
	Name string
	// Write makes the connections that write, at most Writers at a time.
	Write   Opener
	Writers int
	// Read makes the connections that read, at most Readers at a time. If it is
	// nil, the connections that write also read.
	Read    Opener
	Readers int
	// ReadOnly runs no migration and refuses writes.
	ReadOnly bool
	// NoMigrations expects the schema to be current.
	NoMigrations bool
	// Ready runs on a writer session once the database is known to be a store of a
	// schema that this program knows, unless nil.
	Ready func(ctx context.Context, s *Session) error
	// Changed reports on a writer session whether another process has written since
	// it was asked before. If it is nil, hints come from this process only.
	Changed func(ctx context.Context, s *Session) (bool, error)
	// Sync makes everything durable that was committed before, unless nil: then
	// commits are durable themselves, but for relaxed ones. It is for stores with one
	// writer at a time. Its calls come one at a time too.
	Sync func() error
	// Poll looks for the wake-ups of other processes in a table, often while there are
	// some and seldom while there are none. It excludes Changed.
	Poll bool
	// Notify tells other processes what has changed. It must not block. It may be nil.
	Notify func(hints []backend.Hint)
	// Listen publishes what other processes tell, until ctx is done, and says when it
	// begins and ceases to hear them. Meanwhile Poll looks seldom. It may be nil.
	Listen func(ctx context.Context, publish func(...backend.Hint), hears func(bool))
	// OnClose runs after the last connection was closed.
	OnClose func() error
}

// Store implements backend.Backend.
type Store struct {
	cfg    Config
	d      Dialect
	opened error // from a failed open, answered by every method

	hub     backend.Hub
	syncer  *syncer
	watcher watcher
	// listener runs Config.Listen, and hears is what that has said last.
	listener watcher
	hears    atomic.Bool
	writers  *pool
	readers  *pool
	schema   int
	wrote    atomic.Bool // since the last look for wake-ups
	keeper   housekeeping

	upsertTimer, upsertActivity, upsertWorker string

	failpoint failpoint

	life   sync.RWMutex // held for reading by every call in progress
	closed bool
}

var _ backend.Backend = (*Store)(nil)

// Open connects to a database, and migrates it unless told otherwise.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	d := cfg.Dialect
	st := &Store{
		cfg: cfg, d: d, syncer: newSyncer(cfg.Sync),
		upsertTimer:    d.Upsert("timers", timerColumns[:3], timerColumns),
		upsertActivity: d.Upsert("activities", activityColumns[:2], activityColumns),
		upsertWorker:   d.Upsert("workers", workerColumns[:1], workerColumns),
	}
	st.writers = newPool(st, cfg.Write, max(cfg.Writers, 1))
	st.readers = st.writers
	if cfg.Read != nil {
		st.readers = newPool(st, cfg.Read, max(cfg.Readers, 1))
	}
	err := st.migrate(ctx)
	if err == nil && cfg.Ready != nil {
		err = st.patiently(ctx, func() error {
			return st.writers.with(ctx, func(s *Session) error { return cfg.Ready(ctx, s) })
		})
	}
	if err != nil {
		return nil, errors.Join(st.wrap("opening", err), st.Close())
	}
	return st, nil
}

// Failed returns a Store whose every method answers err.
func Failed(err error) *Store { return &Store{opened: err} }

// Err returns why the store could not be opened, or nil.
func (st *Store) Err() error { return st.opened }

// Close implements backend.Backend.
func (st *Store) Close() error {
	if st.opened != nil {
		return nil
	}
	st.watcher.stop()
	st.listener.stop()
	st.life.Lock()
	defer st.life.Unlock()
	if st.closed {
		return nil
	}
	st.closed = true
	errs := []error{st.readers.close()}
	if st.writers != st.readers {
		errs = append(errs, st.writers.close())
	}
	if st.cfg.OnClose != nil {
		errs = append(errs, st.cfg.OnClose())
	}
	if err := errors.Join(errs...); err != nil {
		return st.wrap("closing", err)
	}
	return nil
}

// enter begins a call; leave ends it.
func (st *Store) enter() error {
	if st.opened != nil {
		return st.opened
	}
	st.life.RLock()
	if st.closed {
		st.life.RUnlock()
		return fmt.Errorf("%s: the store was closed: %w", st.cfg.Name, engine.ErrClosed)
	}
	return nil
}

func (st *Store) leave() { st.life.RUnlock() }

// connect makes a session that is ready for use.
func (st *Store) connect(ctx context.Context, open Opener) (*Session, error) {
	conn, err := open(ctx)
	if err != nil {
		return nil, err
	}
	s := newSession(conn, st.d, &st.failpoint)
	if err := s.use(func() error { return st.d.Prepare(ctx, s) }); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// read runs fn with a session that sees committed state only.
func (st *Store) read(ctx context.Context, doing string, fn func(*Session) error) error {
	if err := st.enter(); err != nil {
		return err
	}
	defer st.leave()
	err := st.again(st.readers, func(begun *bool) error {
		return st.patiently(ctx, func() error {
			return st.readers.with(ctx, func(s *Session) error {
				*begun = true
				return st.useless(s, fn(s))
			})
		})
	})
	if err == nil {
		err = st.syncer.seen(ctx)
	}
	if err != nil {
		return st.wrap(doing, err)
	}
	return nil
}

// useless sees to it that a connection on which an error says that it is lost is not
// used again.
func (st *Store) useless(s *Session, err error) error {
	if err != nil && st.d.Classify(err) == Lost {
		s.broken = true
	}
	return err
}

// again repeats a call whose connection was lost, once, on a new one. Most often it
// was lost long ago, when the server was restarted, and so were the others of the
// pool. The call sets safe if it got a connection and has left no trace if it fails.
func (st *Store) again(p *pool, call func(safe *bool) error) error {
	safe := false
	err := call(&safe)
	if err == nil || !safe || st.d.Classify(err) != Lost {
		return err
	}
	_ = p.close() // what is lost can't say goodbye
	return call(&safe)
}

// write runs fn in a transaction and publishes its hints once it is durable. fn
// may run more than once. What it needs may be nil.
func (st *Store) write(ctx context.Context, doing string, relaxed bool, n *needs, fn func(*batch) error) error {
	if err := st.enter(); err != nil {
		return err
	}
	defer st.leave()
	var b *batch
	err := st.again(st.writers, func(safe *bool) error {
		return st.writers.with(ctx, func(s *Session) error {
			return st.patiently(ctx, func() error {
				b = newBatch(st, s)
				err := b.run(ctx, relaxed, n, fn)
				*safe = !b.committing
				return st.useless(s, err)
			})
		})
	})
	if err != nil {
		return st.wrap(doing, err)
	}
	// Before hints about them, and before they are durable: whatever becomes of them
	// is written to the same log, and synced with them.
	backend.Settle(b.handovers, true)
	if !relaxed {
		st.wrote.Store(true)
		backend.Written(ctx)
		if len(b.handovers) > 0 {
			st.syncer.linger(b.number)
		}
		if err := st.syncer.await(ctx, b.number); err != nil {
			return st.wrap(doing, err)
		}
	}
	st.hub.Publish(b.hints...)
	if st.cfg.Notify != nil && len(b.hints) > 0 {
		st.cfg.Notify(b.hints)
	}
	return nil
}

// patiently repeats try while the store is busy, for as long as the Dialect
// allows. The waits are short at first, because most transactions are.
func (st *Store) patiently(ctx context.Context, try func() error) error {
	var deadline time.Time
	for wait := 200 * time.Microsecond; ; wait = min(2*wait, 5*time.Millisecond) {
		err := try()
		if err == nil {
			return nil
		}
		switch st.d.Classify(err) {
		case Busy, Conflict:
		case Other, Lost, ReadOnly, NotAStore, Denied, Repeated:
			return err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(st.d.Contention())
		}
		if time.Now().Add(wait).After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w while waiting for the store: %v", ctx.Err(), err) //nolint:errorlint // busy is not the outcome
		case <-time.After(wait):
		}
	}
}

// wrap says what failed and adds the sentinel that fits the driver's error.
func (st *Store) wrap(doing string, err error) error {
	name := st.cfg.Name
	switch st.d.Classify(err) {
	case Busy, Conflict:
		return fmt.Errorf("%s: %s: another program kept it locked for longer than the busy timeout of %s: %w: %w",
			name, doing, st.d.Contention(), engine.ErrBusy, err)
	case ReadOnly:
		switch {
		case st.cfg.ReadOnly:
		case st.d.Remote():
			doing += ": the server takes no writes; it is a replica, or was set to be read-only"
		default:
			doing += ": the database or its folder can't be written with the permissions of this process"
		}
		return fmt.Errorf("%s: %s: %w: %w", name, doing, engine.ErrReadOnly, err)
	case NotAStore:
		return fmt.Errorf("%s: %s: %w: %w", name, doing, engine.ErrNotAStore, err)
	case Denied:
		doing += ": the user of the connection lacks a permission"
	case Lost:
		doing += ": the connection was lost"
	case Other, Repeated:
	}
	return fmt.Errorf("%s: %s: %w", name, doing, err)
}
