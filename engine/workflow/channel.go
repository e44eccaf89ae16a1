package workflow

import (
	"reflect"

	"github.com/wfops/wfops/engine/internal/command"
)

// Channel is what a native channel is to ordinary code. Those who wait to send or
// receive are served in the order in which they came.
type Channel[T any] interface {
	// Send blocks until v is received, or until there is room for it in the buffer.
	// It panics if the channel is closed.
	Send(ctx Context, v T)
	// SendNonblocking sends v if that does not block, and reports whether it did.
	// It panics if the channel is closed.
	SendNonblocking(v T) (ok bool)
	// Receive blocks until there is a value. ok is false, and v zero, if the channel
	// is closed and empty.
	Receive(ctx Context) (v T, ok bool)
	// ReceiveNonBlocking receives a value if there is one; ok reports whether there
	// was.
	ReceiveNonBlocking() (v T, ok bool)
	// Close closes the channel. What is in its buffer can still be received. It
	// panics if the channel is closed already.
	Close()
	// Len returns the number of values in the buffer.
	Len() int
}

// NewChannel returns a channel without a buffer.
func NewChannel[T any]() Channel[T] { return &channel[T]{} }

// NewBufferedChannel returns a channel with a buffer for size values.
func NewBufferedChannel[T any](size int) Channel[T] {
	if size < 0 {
		panic("workflow: the size of a channel's buffer is negative")
	}
	return &channel[T]{size: size}
}

// channel keeps these invariants between turns: if receivers wait, the buffer is
// empty and no sender waits; if senders wait, the buffer is full; if it is closed,
// nobody waits.
type channel[T any] struct {
	size      int
	buffer    queue[T]
	receivers queue[*receiver[T]]
	senders   queue[*sender[T]]
	closed    bool
	watched   bool
}

// watch tells whoever looks into channels of this one.
func (c *channel[T]) watch(x *execution) {
	if x.watcher != nil && !c.watched && c != any(x.neverDone) {
		c.watched = true
		x.watcher.Channel(c.look)
	}
}

func (c *channel[T]) look() command.ChannelState {
	s := command.ChannelState{Type: reflect.TypeFor[T]().String(), Size: c.size, Closed: c.closed}
	for _, v := range c.buffer.items[c.buffer.head:] {
		s.Values = append(s.Values, v)
	}
	for _, r := range c.receivers.items[c.receivers.head:] {
		if !r.offer.taken {
			s.Receivers++
		}
	}
	for _, w := range c.senders.items[c.senders.head:] {
		if !w.offer.taken {
			s.Senders++
		}
	}
	return s
}

// offer is one or several waits of a coroutine, of which the first that is taken
// counts: a plain Send or Receive is a selection of one.
type offer struct {
	taken bool
	which int
}

func (o *offer) take(which int) { o.taken, o.which = true, which }

// Ready and Waits make the offer of a plain Send or Receive a command.Waiter.
func (o *offer) Ready() bool           { return o.taken }
func (o *offer) Waits() []command.Wait { return channelWaits }

// channelWaits is what is waited for at a channel.
var channelWaits = []command.Wait{{Kind: command.WaitChannel, Name: "channel"}}

// receiver waits to receive.
type receiver[T any] struct {
	offer *offer
	which int
	v     T
	ok    bool
}

// sender waits to send. The value is read when it is taken.
type sender[T any] struct {
	offer  *offer
	which  int
	v      *T
	closed bool // the channel was closed before anybody took the value
}

func nextOf[W any](waiting *queue[W], offerOf func(W) *offer) (w W, ok bool) {
	for waiting.len() > 0 {
		if w = waiting.pop(); !offerOf(w).taken {
			return w, true
		}
	}
	return w, false
}

func (c *channel[T]) nextReceiver() (*receiver[T], bool) {
	return nextOf(&c.receivers, func(r *receiver[T]) *offer { return r.offer })
}

func (c *channel[T]) nextSender() (*sender[T], bool) {
	return nextOf(&c.senders, func(s *sender[T]) *offer { return s.offer })
}

func (c *channel[T]) SendNonblocking(v T) bool {
	if c.closed {
		panicClosed()
	}
	if r, ok := c.nextReceiver(); ok {
		r.v, r.ok = v, true
		r.offer.take(r.which)
		return true
	}
	if c.buffer.len() < c.size {
		c.buffer.push(v)
		return true
	}
	return false
}

func (c *channel[T]) Send(ctx Context, v T) {
	c.watch(ctx.exec())
	if c.SendNonblocking(v) {
		return
	}
	s := &sender[T]{offer: &offer{}, v: &v}
	c.senders.push(s)
	ctx.exec().wait(s.offer)
	if s.closed {
		panicClosed()
	}
}

func (c *channel[T]) ReceiveNonBlocking() (v T, ok bool) {
	if c.buffer.len() > 0 {
		v = c.buffer.pop()
		if s, waits := c.nextSender(); waits {
			c.buffer.push(*s.v)
			s.offer.take(s.which)
		}
		return v, true
	}
	if s, waits := c.nextSender(); waits {
		s.offer.take(s.which)
		return *s.v, true
	}
	return v, false
}

func (c *channel[T]) Receive(ctx Context) (v T, ok bool) {
	c.watch(ctx.exec())
	if v, ok = c.ReceiveNonBlocking(); ok || c.closed {
		return v, ok
	}
	r := &receiver[T]{offer: &offer{}}
	c.receivers.push(r)
	ctx.exec().wait(r.offer)
	return r.v, r.ok
}

func (c *channel[T]) Close() {
	if c.closed {
		panic("workflow: close of a closed channel")
	}
	c.closed = true
	for r, ok := c.nextReceiver(); ok; r, ok = c.nextReceiver() {
		r.offer.take(r.which)
	}
	for s, ok := c.nextSender(); ok; s, ok = c.nextSender() {
		s.closed = true
		s.offer.take(s.which)
	}
}

func (c *channel[T]) Len() int { return c.buffer.len() }

// canSend and canReceive report whether it would not block.
func (c *channel[T]) canSend() bool {
	return c.closed || c.buffer.len() < c.size || hasOpen(&c.receivers, func(r *receiver[T]) *offer { return r.offer })
}

func (c *channel[T]) canReceive() bool {
	return c.closed || c.buffer.len() > 0 || hasOpen(&c.senders, func(s *sender[T]) *offer { return s.offer })
}

func hasOpen[W any](waiting *queue[W], offerOf func(W) *offer) bool {
	for waiting.len() > 0 {
		if !offerOf(waiting.items[waiting.head]).taken {
			return true
		}
		waiting.pop()
	}
	return false
}
func panicClosed() { panic("workflow: send on a closed channel") }
