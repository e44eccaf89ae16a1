package tui

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/wfops/wfops/engine"
)

// errand is something that a screen has asked for and that runs beside the loop.
type errand struct {
	owner screen
	what  string
}

// ask runs read beside the loop, and answer in the loop when it is done. What the same
// screen asks for under the same name takes its place: it is canceled, and nobody
// hears its answer. So is everything when its screen is left. A screen of nil is the
// frame.
func ask[T any](a *app, owner screen, what string, read func(context.Context) (T, error), answer func(T, error)) {
	askFor(a, owner, what, read, answer, func(T) {})
}

// askFor is ask for what has to be given back: unheard takes, beside the loop, an
// answer that came too late.
func askFor[T any](a *app, owner screen, what string, read func(context.Context) (T, error), answer func(T, error), unheard func(T)) {
	key := errand{owner, what}
	a.drop(key)
	ctx, cancel := context.WithCancel(a.ctx)
	a.errands[key] = &running{cancel: cancel}
	mine := a.errands[key]
	a.spawn(func() {
		defer cancel()
		value, err := read(ctx)
		a.queue.post("", func() {
			if a.errands[key] != mine { // another has taken its place
				a.spawn(func() { unheard(value) })
				return
			}
			delete(a.errands, key)
			answer(value, err)
		})
	})
}

// Rest is how long somebody has to rest on something before the console reads what it
// would rather not read of all that is passed by.
const Rest = 60 * time.Millisecond

// rested waits until something has been rested on.
func (a *app) rested(ctx context.Context) error {
	if a.o.Rest <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(a.o.Rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// running is an errand under way.
type running struct{ cancel context.CancelFunc }

func (a *app) drop(key errand) bool {
	r, ok := a.errands[key]
	if ok {
		r.cancel()
		delete(a.errands, key)
	}
	return ok
}

// underWay reports whether a screen waits for something.
func (a *app) underWay(owner screen, what string) bool { return a.errands[errand{owner, what}] != nil }

// waits reports whether a screen waits for anything.
func (a *app) waits(owner screen) bool {
	for key := range a.errands {
		if key.owner == owner {
			return true
		}
	}
	return false
}

// dropAll cancels what a screen has asked for, and reports whether there was anything.
func (a *app) dropAll(owner screen) (dropped bool) {
	for key := range a.errands {
		if key.owner == owner {
			dropped = a.drop(key) || dropped
		}
	}
	return dropped
}

// spawn runs f beside the loop. It counts as busy from now on, not from when it gets
// to run, and a panic in it ends the program as one in the loop does: with the
// terminal as it was.
func (a *app) spawn(f func()) {
	a.busy.Add(1)
	go func() {
		defer a.busy.Add(-1)
		defer a.catch()
		f()
	}()
}

// catch hands a panic to the loop.
func (a *app) catch() {
	if v := recover(); v != nil {
		select {
		case a.crashes <- &CrashError{Value: v, Stack: debug.Stack()}:
		default: // one is enough
		}
	}
}

// isLost reports whether an error says that the store does not answer, rather than
// what is wrong with the question.
func isLost(err error) bool {
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, engine.ErrInstanceNotFound) &&
		!errors.Is(err, engine.ErrInvalidArgument) && !errors.Is(err, engine.ErrReadOnly)
}
