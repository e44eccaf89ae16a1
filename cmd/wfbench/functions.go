package main

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// newRegistry holds every workflow, and the activities.
func newRegistry(a *activities) (*registry.Registry, error) {
	r := registry.New()
	errs := []error{r.RegisterActivity(a)}
	for _, wf := range []workflow.Workflow{chain, fanout, tree, heavy, stubborn, recorded, alarm, listener, sleeper, stayer, errands} {
		errs = append(errs, r.RegisterWorkflow(wf))
	}
	return r, errors.Join(errs...)
}

// activities are what workers run. What they tell the benchmark goes through the
// fields, which are set before a worker is started.
type activities struct {
	// late is told how late a timer was.
	late func(time.Duration)
	// asleep and staying are reached when enough of them run.
	asleep, staying *quorum
	// attempts counts those of Flaky.
	attempts atomic.Int64
}

// do is for naming activities.
var do *activities

// Number returns n.
func (*activities) Number(_ context.Context, n int) (int, error) { return n, nil }

// Text returns 100 bytes, as a result of the tree workload is to have.
func (*activities) Text(context.Context) (string, error) { return strings.Repeat("x", 98), nil }

// Echo returns what it is given.
func (*activities) Echo(_ context.Context, text string) (string, error) { return text, nil }

var errThird = errors.New("every third attempt fails")

// Flaky fails every third time that it is called, by whomever.
func (a *activities) Flaky(_ context.Context, n int) (int, error) {
	if a.attempts.Add(1)%3 == 0 {
		return 0, errThird
	}
	return n, nil
}

// Ring tells how late it is.
func (a *activities) Ring(_ context.Context, due time.Time) error {
	a.late(time.Since(due))
	return nil
}

// Sleep takes its time.
func (a *activities) Sleep(ctx context.Context, d time.Duration) error {
	a.asleep.join()
	return pause(ctx, d)
}

// Errand takes a moment, and returns n.
func (*activities) Errand(ctx context.Context, n int) (int, error) { return n, pause(ctx, errand) }

// Stay never ends in a worker that is to be killed, and at once in all others.
func (a *activities) Stay(ctx context.Context) error {
	if a.staying == nil {
		return nil
	}
	a.staying.join()
	<-ctx.Done()
	return ctx.Err()
}

// quorum is reached when so many have joined.
type quorum struct {
	missing atomic.Int64
	reached chan struct{}
}

func newQuorum(n int) *quorum {
	q := &quorum{reached: make(chan struct{})}
	q.missing.Store(int64(n))
	return q
}

func (q *quorum) join() {
	if q.missing.Add(-1) == 0 {
		close(q.reached)
	}
}

func (q *quorum) await(ctx context.Context) error {
	select {
	case <-q.reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
