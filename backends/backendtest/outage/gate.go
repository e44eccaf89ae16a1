package outage

import (
	"context"
	"errors"
	"sync"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
)

// gate stands in for the network of a store that has none.
type gate struct {
	mu      sync.Mutex
	mode    Mode
	changed chan struct{}
}

var errGate = errors.New("the way to the store is blocked")

func newGate(b backend.Backend) (backend.Backend, *gate) {
	g := &gate{changed: make(chan struct{})}
	return intercept.New(b, g.around), g
}

// Set implements link.
func (g *gate) Set(m Mode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mode = m
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *gate) around(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
	for {
		g.mu.Lock()
		mode, changed := g.mode, g.changed
		g.mu.Unlock()
		switch mode {
		case Whole:
			return next(ctx)
		case Refused:
			return errGate
		case AnswersLost:
			if err := next(ctx); err != nil {
				return err
			}
			return errGate
		case Hanging:
			select {
			case <-changed:
			case <-ctx.Done():
				return errors.Join(errGate, ctx.Err())
			}
		}
	}
}
