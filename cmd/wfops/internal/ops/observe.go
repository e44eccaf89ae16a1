package ops

import (
	"context"
	"time"

	"github.com/wfops/wfops/engine/backend/intercept"
)

// Call is one call of the store that has ended.
type Call struct {
	// What was called, by its name in the port.
	What  string
	Began time.Time // by this machine's clock
	Took  time.Duration
	Err   error
}

// Observe makes f hear of every call of the store from now on, in place of who heard of
// them before. It is called by whoever made the call, and must not block.
func (s *Store) Observe(f func(Call)) { s.observer.Store(&f) }

// observed tells of a call.
func (s *Store) observed(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
	f := s.observer.Load()
	if f == nil {
		return next(ctx)
	}
	began := s.time.local()
	err := next(ctx)
	(*f)(Call{What: string(m), Began: began, Took: s.time.local().Sub(began), Err: err})
	return err
}
