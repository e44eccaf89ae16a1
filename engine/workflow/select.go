package workflow

import (
	"fmt"

	"github.com/wfops/wfops/engine/internal/command"
)

// SelectCase is a case of Select.
type SelectCase interface {
	// ready reports whether the case can be run at once.
	ready() bool
	// run runs it.
	run(ctx Context)
	// join makes the case, if it is about a channel, the which-th of what o offers,
	// so that it is taken from the other side; it is then ended by finish. leave
	// takes the offer back. A case that never joins is polled instead.
	join(o *offer, which int) (polled bool)
	leave()
	finish(ctx Context)
	waits() []command.Wait
}

// Select blocks until one of its cases can go on, and runs its handler. Cases are
// tried in the order given. While it blocks, a channel case that somebody on the
// other side comes for is taken at that moment. Without cases it blocks for ever.
func Select(ctx Context, cases ...SelectCase) {
	var fallback SelectCase
	ctx.exec().watch(cases)
	for _, c := range cases {
		if _, ok := c.(*defaultCase); ok {
			fallback = c
			continue
		}
		if c.ready() {
			c.run(ctx)
			return
		}
	}
	if fallback != nil {
		fallback.run(ctx)
		return
	}
	block(ctx, cases)
}

// watch tells whoever looks into channels of those that are selected.
func (x *execution) watch(cases []SelectCase) {
	if x.watcher == nil {
		return
	}
	for _, c := range cases {
		if w, ok := c.(interface{ watch(x *execution) }); ok {
			w.watch(x)
		}
	}
}

func block(ctx Context, cases []SelectCase) {
	o := &offer{}
	var polled []SelectCase
	for i, c := range cases {
		if c.join(o, i) {
			polled = append(polled, c)
		}
	}
	ctx.exec().wait(&selection{offer: o, cases: cases, polled: polled})
	for _, c := range cases {
		c.leave()
	}
	if o.taken {
		cases[o.which].finish(ctx)
		return
	}
	firstReady(polled).run(ctx)
}

// selection is what a Select waits for.
type selection struct {
	offer         *offer
	cases, polled []SelectCase
}

func (s *selection) Ready() bool { return s.offer.taken || firstReady(s.polled) != nil }

func (s *selection) Waits() []command.Wait {
	waits := make([]command.Wait, 0, len(s.cases))
	for _, c := range s.cases {
		waits = append(waits, c.waits()...)
	}
	return waits
}

func firstReady(cases []SelectCase) SelectCase {
	for _, c := range cases {
		if c.ready() {
			return c
		}
	}
	return nil
}

// Await is the case that f is resolved. f must come from this package.
func Await[T any](f Future[T], handler func(Context, Future[T])) SelectCase {
	p, ok := f.(command.Waiter)
	if !ok {
		panic(fmt.Sprintf("workflow: Await can't wait for a %T, only for futures of package workflow", f))
	}
	return &polledCase{on: p, handle: func(ctx Context) {
		if handler != nil {
			handler(ctx, f)
		}
	}}
}

// Receive is the case that a value is received from c, or that c is closed and
// empty: then ok is false.
func Receive[T any](c Channel[T], handler func(ctx Context, v T, ok bool)) SelectCase {
	if handler == nil {
		handler = func(Context, T, bool) {}
	}
	switch c := c.(type) {
	case *channel[T]:
		return &receiveCase[T]{c: c, handler: handler}
	case *signalChannel[T]:
		return &polledCase{on: c, handle: func(ctx Context) { handler(ctx, c.take(), true) }}
	}
	panic(fmt.Sprintf("workflow: Receive can't wait for a %T, only for channels of package workflow", c))
}

// Send is the case that *value is sent to c. The value is read when it is sent.
func Send[T any](c Channel[T], value *T, handler func(ctx Context)) SelectCase {
	if handler == nil {
		handler = func(Context) {}
	}
	ch, ok := c.(*channel[T])
	if !ok {
		panic(fmt.Sprintf("workflow: Send can't send to a %T, only to channels made by NewChannel and NewBufferedChannel", c))
	}
	return &sendCase[T]{c: ch, value: value, handler: handler}
}

// Default is the case that no other case can go on, wherever it stands.
func Default(handler func(Context)) SelectCase {
	return &defaultCase{polledCase{handle: func(ctx Context) {
		if handler != nil {
			handler(ctx)
		}
	}}}
}

// polledCase becomes ready by events or by other coroutines, and stays so until
// somebody takes it.
type polledCase struct {
	on     command.Waiter
	handle func(Context)
}

func (c *polledCase) ready() bool           { return c.on.Ready() }
func (c *polledCase) run(ctx Context)       { c.handle(ctx) }
func (c *polledCase) join(*offer, int) bool { return true }
func (c *polledCase) leave()                {}
func (c *polledCase) finish(ctx Context)    { c.handle(ctx) }
func (c *polledCase) waits() []command.Wait { return c.on.Waits() }

type defaultCase struct{ polledCase }

type receiveCase[T any] struct {
	c       *channel[T]
	r       *receiver[T]
	handler func(Context, T, bool)
}

func (c *receiveCase[T]) watch(x *execution)    { c.c.watch(x) }
func (c *receiveCase[T]) ready() bool           { return c.c.canReceive() }
func (c *receiveCase[T]) waits() []command.Wait { return channelWaits }

func (c *receiveCase[T]) run(ctx Context) {
	v, ok := c.c.ReceiveNonBlocking()
	c.handler(ctx, v, ok)
}

func (c *receiveCase[T]) join(o *offer, which int) bool {
	c.r = &receiver[T]{offer: o, which: which}
	c.c.receivers.push(c.r)
	return false
}

func (c *receiveCase[T]) leave()             { remove(&c.c.receivers, c.r) }
func (c *receiveCase[T]) finish(ctx Context) { c.handler(ctx, c.r.v, c.r.ok) }

type sendCase[T any] struct {
	c       *channel[T]
	s       *sender[T]
	value   *T
	handler func(Context)
}

func (c *sendCase[T]) watch(x *execution)    { c.c.watch(x) }
func (c *sendCase[T]) ready() bool           { return c.c.canSend() }
func (c *sendCase[T]) waits() []command.Wait { return channelWaits }

func (c *sendCase[T]) run(ctx Context) {
	c.c.SendNonblocking(*c.value)
	c.handler(ctx)
}

func (c *sendCase[T]) join(o *offer, which int) bool {
	c.s = &sender[T]{offer: o, which: which, v: c.value}
	c.c.senders.push(c.s)
	return false
}

func (c *sendCase[T]) leave() { remove(&c.c.senders, c.s) }

func (c *sendCase[T]) finish(ctx Context) {
	if c.s.closed {
		panicClosed()
	}
	c.handler(ctx)
}
