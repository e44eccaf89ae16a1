package worker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

const (
	// firstPoll is the wait after work was found; each wait in vain doubles it, up
	// to the polling interval.
	firstPoll = 50 * time.Millisecond
	// defaultPoll keeps an idle worker at a query per second and loop.
	defaultPoll = time.Second
	// firstRetry and lastRetry bound the waits of whoever tries again because the
	// store failed.
	firstRetry = 10 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// claimer claims one kind of task as long as there are free slots. There is one
// for each kind, so that claims of one worker don't compete.
type claimer struct {
	kind  string
	slots *slots
	// batch is how many tasks one claim asks for at most.
	batch int
	// poll is the longest wait between two claims.
	poll  time.Duration
	hints *backend.Subscription
	clock *clock
	link  *link
	log   *slog.Logger
	// claim claims up to n tasks and starts them; each got one of n slots.
	claim func(ctx context.Context, n int) (claimed, error)

	// short tells that the last claim found fewer tasks than it asked for: there
	// is no queue.
	short atomic.Bool
	// tried is closed after the first claim.
	tried chan struct{}
}

// claimed is the outcome of a claim.
type claimed struct {
	n int
	// next is when there will be more, as far as the store knows, or zero.
	next time.Time
}

// run claims until stop is closed. A claim that is under way then is not
// interrupted: what the store leased in it would be out of reach for everybody
// until the lease ran out.
func (c *claimer) run(ctx context.Context, stop <-chan struct{}) {
	idle, failures := firstPoll, 0
	defer c.first()
	for !closed(stop) {
		n := c.slots.reserve(c.batch)
		if n == 0 {
			c.awaitSlot(stop)
			continue
		}
		got, err := c.claim(ctx, n)
		c.slots.leave(n - got.n)
		if err == nil {
			c.short.Store(got.n < n)
		}
		c.first()
		if err != nil {
			failures++
			c.report(ctx, err, failures)
			c.link.pause(stop, backoff(failures))
			continue
		}
		failures = 0
		switch {
		case got.n == n:
			continue
		case got.n > 0:
			idle = firstPoll
		default:
			idle = min(2*idle, c.poll)
		}
		c.await(stop, got.next, min(idle, c.poll))
	}
}

// first tells who waits for it that the first claim is through.
func (c *claimer) first() {
	if !closed(c.tried) {
		close(c.tried)
	}
}

// await returns when there may be something to claim.
func (c *claimer) await(stop <-chan struct{}, next time.Time, most time.Duration) {
	if !next.IsZero() {
		most = min(most, max(c.clock.until(next), time.Millisecond))
	}
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-c.hints.Wake():
		c.hints.Take()
	case <-t.C:
	case <-stop:
	}
}

func (c *claimer) awaitSlot(stop <-chan struct{}) {
	select {
	case <-c.slots.freed:
	case <-stop:
	}
}

// report logs the first failure of a row, and then now and then.
func (c *claimer) report(ctx context.Context, err error, failures int) {
	switch {
	case transient(err):
		c.link.again("claiming failed", err, failures, slog.String("kind", c.kind))
	case failures == 1 || failures%20 == 0:
		c.log.LogAttrs(ctx, slog.LevelError, "claiming failed, trying again", slog.String("kind", c.kind),
			slog.Int("failures", failures), slog.Any("error", err))
	}
}

// backoff is the wait after so many failures in a row.
func backoff(failures int) time.Duration {
	return min(firstRetry<<min(failures-1, 20), lastRetry)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// topics returns one topic of a kind for each queue.
func topics(kind backend.TopicKind, queues []engine.Queue) []backend.Topic {
	ts := make([]backend.Topic, len(queues))
	for i, q := range queues {
		ts[i] = backend.Topic{Kind: kind, Name: string(q.OrDefault())}
	}
	return ts
}
