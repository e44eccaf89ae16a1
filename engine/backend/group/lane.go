package group

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// lane groups one kind of write.
//
// A lane is idle or has one leader: the caller who makes, or is about to make,
// the call for the group. Whoever ends a call hands the lead to the caller who
// has waited longest. That caller stays in the queue until it takes its group, so
// that it can still leave and pass the lead on.
type lane[In, Out any] struct {
	name string
	max  int
	call func(context.Context, []In) []Out
	// failed returns an answer that carries an error; err takes it out again.
	failed func(error) Out
	err    func(Out) error

	mu    sync.Mutex
	busy  bool
	queue []*caller[In, Out] // has items that no group has taken, oldest first
}

// caller is one call of do. All but ctx, items and wake belong to the lane's mu.
type caller[In, Out any] struct {
	ctx   context.Context
	items []In
	wake  chan signal // has room for the one signal that is under way

	taken int   // items that went into a group
	out   []Out // answers, in the order of items
	leads bool  // was told to lead and has not taken its group yet
	gone  bool  // stopped waiting
	in    *group[In, Out]
}

// signal tells a waiting caller what to do.
type signal int8

const (
	lead signal = iota // take a group and make the call
	done               // every item is answered
)

// group is the items of one call.
type group[In, Out any] struct {
	parts []part[In, Out]
	items []In
	live  int                // callers that still wait
	led   bool               // somebody else has the lead already
	quit  context.CancelFunc // ends the call when nobody waits; may be nil
}

// part is how many items of a group are whose.
type part[In, Out any] struct {
	c *caller[In, Out]
	n int
}

// do writes items and returns their answers, in order.
func (l *lane[In, Out]) do(ctx context.Context, items []In) []Out {
	if len(items) == 0 {
		return nil
	}
	c := &caller[In, Out]{ctx: ctx, items: items, wake: make(chan signal, 1)}
	if ctx.Err() != nil {
		return l.unknown(c)
	}
	l.enter(c)
	for {
		select {
		case s := <-c.wake:
			if s == done {
				return c.out
			}
			l.lead(c)
		case <-ctx.Done():
			return l.leave(c)
		}
	}
}

func (l *lane[In, Out]) enter(c *caller[In, Out]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, c)
	if !l.busy {
		l.handOver()
	}
}

// handOver makes the oldest waiting caller the leader.
func (l *lane[In, Out]) handOver() {
	l.busy = len(l.queue) > 0
	if l.busy {
		l.queue[0].leads = true
		l.queue[0].wake <- lead
	}
}

// leave ends the wait of a caller whose ctx is done. Items that no group has
// taken are withdrawn. A group that holds the others goes on without it, and is
// called off when this was its last caller.
func (l *lane[In, Out]) leave(c *caller[In, Out]) []Out {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.gone = true
	if i := slices.Index(l.queue, c); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
	}
	if c.leads {
		l.handOver()
	}
	if g := c.in; g != nil {
		g.live--
		if g.live == 0 && g.quit != nil {
			g.quit()
		}
	}
	return l.unknown(c)
}

// unknown fills up the answers of a caller that gave up waiting. The error wraps
// ctx.Err() and not its cause: a cause may be one of the engine's sentinels, and
// those say that the outcome is known.
func (l *lane[In, Out]) unknown(c *caller[In, Out]) []Out {
	err := c.ctx.Err()
	for len(c.out) < len(c.items) {
		c.out = append(c.out, l.failed(fmt.Errorf("gave up waiting for the store to answer %s, the outcome is unknown: %w", l.name, err)))
	}
	return c.out
}

// lead takes a group, which holds c's items first, and makes the call for it.
//
// The call runs in c's goroutine, unless c might have to leave while others wait
// for the call: then it gets a goroutine of its own, which ends with the call.
func (l *lane[In, Out]) lead(c *caller[In, Out]) {
	g := l.take(c)
	switch {
	case len(g.parts) == 1:
		l.write(c.ctx, g)
	case c.ctx.Done() == nil:
		l.write(context.Background(), g)
	default:
		ctx, cancel := context.WithCancel(context.Background())
		l.mu.Lock()
		g.quit = cancel
		if g.live == 0 {
			cancel()
		}
		l.mu.Unlock()
		go func() {
			defer cancel()
			l.write(ctx, g)
		}()
	}
}

// take removes the items of the next group from the queue. A caller's items are
// divided only if they would not fit into a group of their own.
func (l *lane[In, Out]) take(c *caller[In, Out]) *group[In, Out] {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.leads = false
	g := &group[In, Out]{}
	room, whole := l.max, 0
	for _, o := range l.queue {
		rest := len(o.items) - o.taken
		if rest > room && len(g.parts) > 0 {
			break
		}
		n := min(rest, room)
		g.parts = append(g.parts, part[In, Out]{o, n})
		room -= n
		o.taken += n
		o.in = g
		if o.taken < len(o.items) {
			break
		}
		whole++
	}
	g.live = len(g.parts)
	g.items = g.gather()
	l.queue = slices.Delete(l.queue, 0, whole)
	return g
}

func (g *group[In, Out]) gather() []In {
	if len(g.parts) == 1 {
		return g.parts[0].items()
	}
	total := 0
	for _, p := range g.parts {
		total += p.n
	}
	items := make([]In, 0, total)
	for _, p := range g.parts {
		items = append(items, p.items()...)
	}
	return items
}

// items are the last ones taken.
func (p part[In, Out]) items() []In { return p.c.items[p.c.taken-p.n : p.c.taken : p.c.taken] }

// write makes the call and answers the callers, also if the call ends its
// goroutine: nobody must be left waiting.
func (l *lane[In, Out]) write(ctx context.Context, g *group[In, Out]) {
	var outs []Out
	defer func() {
		if outs == nil {
			outs = l.failAll(len(g.items), errNoAnswer)
		}
		l.finish(g, outs)
	}()
	outs = l.run(backend.OnWritten(ctx, func() { l.pass(g) }), g.items)
}

// pass hands over the lead while the store still works for g.
func (l *lane[In, Out]) pass(g *group[In, Out]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Whose items were divided is still at work for the first of them.
	if !g.led && (len(l.queue) == 0 || l.queue[0].in == nil) {
		g.led = true
		l.handOver()
	}
}

// finish hands out the answers and then the lead. The next leader is woken last,
// because the scheduler runs the goroutine next that was woken last, and the store
// is idle until the leader runs.
func (l *lane[In, Out]) finish(g *group[In, Out], outs []Out) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range g.parts {
		own := outs[:p.n:p.n]
		outs = outs[p.n:]
		p.c.in = nil
		if p.c.gone {
			continue
		}
		if p.c.out == nil {
			p.c.out = own
		} else {
			p.c.out = append(p.c.out, own...)
		}
		if len(p.c.out) == len(p.c.items) {
			p.c.wake <- done
		}
	}
	if !g.led {
		g.led = true // the store may tell late that it was written
		l.handOver()
	}
}

// maxDown is how many items in a row may fail when a group is tried one by one,
// before the store is taken to be down.
const maxDown = 3

// run makes the call, and item by item once more if it failed as a whole.
func (l *lane[In, Out]) run(ctx context.Context, items []In) []Out {
	outs := l.attempt(ctx, items)
	if len(items) == 1 || !l.failedWhole(outs) {
		return outs
	}
	for i, down := 0, 0; i < len(items) && down < maxDown && ctx.Err() == nil; i++ {
		outs[i] = l.attempt(ctx, items[i:i+1:i+1])[0]
		if engine.OutcomeUnknown(l.err(outs[i])) {
			down++
		} else {
			down = 0
		}
	}
	return outs
}

func (l *lane[In, Out]) failedWhole(outs []Out) bool {
	return !slices.ContainsFunc(outs, func(o Out) bool { return !engine.OutcomeUnknown(l.err(o)) })
}

var errNoAnswer = errors.New("the store ended the call without an answer")

// attempt makes one call. It answers every item, whatever the store does.
func (l *lane[In, Out]) attempt(ctx context.Context, items []In) (outs []Out) {
	defer func() {
		if r := recover(); r != nil {
			outs = l.failAll(len(items), fmt.Errorf("the store panicked in %s: %v\n%s", l.name, r, debug.Stack()))
		}
	}()
	outs = l.call(ctx, items)
	if len(outs) != len(items) {
		return l.failAll(len(items), fmt.Errorf("%w: %d results of %s for %d items", errNoAnswer, len(outs), l.name, len(items)))
	}
	return outs
}

func (l *lane[In, Out]) failAll(n int, err error) []Out {
	outs := make([]Out, n)
	for i := range outs {
		outs[i] = l.failed(err)
	}
	return outs
}
