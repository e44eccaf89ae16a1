package tui

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
)

// weather is how a store is doing.
type weather int

const (
	calm weather = iota
	slow
	// stormy stores answer every other call with an error.
	stormy
	// silent ones answer nothing until that is over.
	silent
	weathers
)

var errStorm = errors.New("read tcp 10.2.0.9:3306: connection reset by peer")

// exposed is a store in changing weather. It counts what is written to it.
type exposed struct {
	backend.Backend

	mu      sync.Mutex
	weather weather
	changed chan struct{} // closed when the weather changes
	rng     *rand.Rand
	err     error // of storms
	writes  atomic.Int64
}

func expose(b backend.Backend, rng *rand.Rand) *exposed {
	e := &exposed{changed: make(chan struct{}), rng: rng, err: errStorm}
	e.Backend = intercept.New(b, e.around)
	return e
}

func (e *exposed) set(w weather) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.weather = w
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *exposed) around(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
	if !m.Reads() {
		e.writes.Add(1)
	}
	e.mu.Lock()
	weather, changed, chance := e.weather, e.changed, e.rng.IntN(5)
	e.mu.Unlock()
	var late <-chan time.Time
	switch weather {
	case slow:
		timer := time.NewTimer(time.Duration(chance) * time.Millisecond)
		defer timer.Stop()
		late = timer.C
	case stormy:
		if chance%2 == 0 {
			return e.err
		}
		return next(ctx)
	case silent:
	default:
		return next(ctx)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-late:
		return next(ctx)
	case <-changed:
		return e.err
	}
}
