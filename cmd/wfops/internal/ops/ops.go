// Package ops is what an operator can ask of a store and do to it: lists with a
// filter, one instance in detail, the state of queues and workers, and control of
// instances. It needs nothing but the port.
//
// Reads see committed state and take no lease. Everything that changes an instance is
// refused on a connection that may only read, here and, where it can, by the store.
package ops

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
)

// Store is a connection to a store. It is safe for concurrent use; closing the
// backend stays the caller's.
type Store struct {
	b    backend.Backend
	o    Options
	time clock
	// observer hears of calls.
	observer atomic.Pointer[func(Call)]
}

// Options change how New builds a Store. The zero value may write.
type Options struct {
	// ReadOnly refuses every change before the store is asked.
	ReadOnly bool
	// By is who acts, for the histories of instances: "ana@host".
	By string
	// Patience is how long one call of the store may take; 0 means as long as its ctx
	// allows. A list or a history makes many calls.
	Patience time.Duration
	// File tells that the store is the file of an exported history: nothing is known of
	// workers.
	File bool
	// There, unless nil, reports before each call whether the store is still the one that
	// was opened. If it is not and there is no error, another one is in its place.
	There func() (bool, error)
	// Clock is this machine's; nil means time.Now.
	Clock func() time.Time
}

// ErrReplaced tells that the store has to be opened anew: a file with another one in its
// place can be read and written as before, and nobody else would ever see that.
var ErrReplaced = errors.New("the file was replaced by another one since it was opened")

// New returns a Store on b.
func New(b backend.Backend, o Options) *Store {
	s := &Store{o: o, time: clock{local: o.Clock}}
	if s.time.local == nil {
		s.time.local = time.Now
	}
	if o.There != nil {
		b = intercept.New(b, o.inPlace)
	}
	if o.Patience > 0 {
		b = intercept.New(b, o.bound)
	}
	s.b = intercept.New(b, s.observed)
	return s
}

// bound gives a call of the store a deadline.
func (o Options) bound(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
	short, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	err := next(short)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("the store has not answered (%s) for %v: %w", m, o.Patience, err)
	}
	return err
}

// inPlace makes a call of the store if that is still there.
func (o Options) inPlace(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
	same, err := o.There()
	switch {
	case err != nil:
		return err
	case !same:
		return ErrReplaced
	}
	return next(ctx)
}

// ReadOnly reports whether changes are refused without asking the store.
func (s *Store) ReadOnly() bool { return s.o.ReadOnly }

// IsFile reports whether the store is the file of an exported history.
func (s *Store) IsFile() bool { return s.o.File }

// Info describes the store.
func (s *Store) Info(ctx context.Context) (backend.Info, error) {
	info, err := s.b.Info(ctx)
	if err == nil {
		s.time.heard(info.Now)
	}
	return info, err
}

// Ping is Info that also tells how long the store took to answer, and by how much its
// clock is ahead of this machine's: 0 if that is less than can be told.
func (s *Store) Ping(ctx context.Context) (info backend.Info, took, skew time.Duration, err error) {
	asked := s.time.local()
	info, err = s.Info(ctx)
	took = s.time.local().Sub(asked)
	// The answer was given at some time in between.
	if skew = info.Now.Sub(asked.Add(took / 2)); err != nil || skew.Abs() <= took/2+time.Millisecond {
		skew = 0
	}
	return info, took, skew, err
}

// Now returns the store's time, by which ages are counted: what this machine's clock
// says plus what it was off when the store last told the time.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if now, ok := s.time.now(); ok {
		return now, nil
	}
	_, err := s.Info(ctx)
	now, _ := s.time.now()
	return now, err
}

// Clock returns the store's time as far as it is known, without asking: this machine's
// before the store has told it.
func (s *Store) Clock() time.Time {
	now, _ := s.time.now()
	return now
}

// trust is how long the difference between two clocks is believed.
const trust = time.Minute

// clock knows by how much the store's clock differs from this machine's.
type clock struct {
	local  func() time.Time
	mu     sync.Mutex
	offset time.Duration
	until  time.Time
}

func (c *clock) heard(store time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	local := c.local()
	c.offset, c.until = store.Sub(local), local.Add(trust)
}

func (c *clock) now() (now time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	local := c.local()
	return local.Add(c.offset).UTC(), local.Before(c.until)
}
