package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// pool lends sessions, each to one goroutine at a time. It opens connections when
// they are first needed and keeps them.
type pool struct {
	store *Store
	open  Opener
	slots chan struct{}

	mu   sync.Mutex
	idle []*Session
}

func newPool(st *Store, open Opener, size int) *pool {
	return &pool{store: st, open: open, slots: make(chan struct{}, size)}
}

// with runs fn on a session. fn reports through s.broken that the session is not
// to be used again.
func (p *pool) with(ctx context.Context, fn func(*Session) error) error {
	if err := ctx.Err(); err != nil { // a free slot may not win over it below
		return err
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("waiting for a connection: %w", ctx.Err())
	}
	defer func() { <-p.slots }()
	s, err := p.take(ctx)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned { // fn has panicked, perhaps in a transaction that holds locks
			_ = s.close() // the panic says more than its error
		}
	}()
	err = s.use(func() error { return fn(s) })
	returned = true
	if s.broken {
		return errors.Join(err, s.close())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
	return err
}

func (p *pool) take(ctx context.Context) (*Session, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	return p.store.connect(ctx, p.open)
}

// close closes what is idle. The caller sees to it that nothing is lent.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range p.idle {
		errs = append(errs, s.close())
	}
	p.idle = nil
	return errors.Join(errs...)
}
