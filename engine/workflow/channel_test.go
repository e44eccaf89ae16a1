package workflow_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine/workflow"
)

// script runs f in a workflow that must end by itself, and compares what it said.
func script(t *testing.T, want string, f func(ctx workflow.Context, say func(format string, args ...any))) {
	t.Helper()
	var said []string
	s := newSession(t).do(func(ctx workflow.Context) {
		f(ctx, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	})
	s.wantResult(nil)
	if got := strings.Join(said, ", "); got != want {
		t.Fatalf("said %q, want %q", got, want)
	}
}

// yield lets all other coroutines go on.
func yield(ctx workflow.Context) {
	c := workflow.NewChannel[int]()
	workflow.Go(ctx, func(ctx workflow.Context) { c.Send(ctx, 0) })
	c.Receive(ctx)
}

func TestUnbufferedSendWaitsForReceive(t *testing.T) {
	script(t, "send 1, got 1, sent 1, got 2, sent 2", func(ctx workflow.Context, say func(string, ...any)) {
		c := workflow.NewChannel[int]()
		done := workflow.NewWaitGroup()
		done.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer done.Done()
			say("send 1")
			c.Send(ctx, 1)
			say("sent 1")
			yield(ctx)
			c.Send(ctx, 2) // the receiver is waiting
			yield(ctx)
			say("sent 2")
		})
		yield(ctx)
		for range 2 {
			v, _ := c.Receive(ctx)
			say("got %d", v)
		}
		done.Wait(ctx)
	})
}

func TestBufferedSendWaitsForRoom(t *testing.T) {
	script(t, "sent 0, sent 1, len 2, got 0, len 2, got 1, got 2, false", func(ctx workflow.Context, say func(string, ...any)) {
		c := workflow.NewBufferedChannel[int](2)
		workflow.Go(ctx, func(ctx workflow.Context) {
			for i := range 3 {
				c.Send(ctx, i)
				if i < 2 {
					say("sent %d", i)
				}
			}
		})
		yield(ctx)
		say("len %d", c.Len())
		v, _ := c.Receive(ctx)
		say("got %d", v)
		say("len %d", c.Len()) // the waiting sender's value has moved up
		for range 2 {
			v, _ := c.ReceiveNonBlocking()
			say("got %d", v)
		}
		_, ok := c.ReceiveNonBlocking()
		say("%v", ok)
	})
}

func TestNonblocking(t *testing.T) {
	script(t, "false, true, false, got 7, true, got 9", func(ctx workflow.Context, say func(string, ...any)) {
		c := workflow.NewChannel[int]()
		say("%v", c.SendNonblocking(1)) // nobody receives
		b := workflow.NewBufferedChannel[int](1)
		say("%v", b.SendNonblocking(7))
		say("%v", b.SendNonblocking(8))
		v, _ := b.ReceiveNonBlocking()
		say("got %d", v)
		workflow.Go(ctx, func(ctx workflow.Context) {
			v, _ := c.Receive(ctx)
			say("got %d", v)
		})
		yield(ctx)
		say("%v", c.SendNonblocking(9))
		yield(ctx)
	})
}

func TestClosedChannel(t *testing.T) {
	script(t, "1 true, 0 false, 0 false, 0 false", func(ctx workflow.Context, say func(string, ...any)) {
		c := workflow.NewBufferedChannel[int](2)
		workflow.Go(ctx, func(ctx workflow.Context) {
			c.Send(ctx, 1)
			c.Close()
		})
		for range 2 {
			v, ok := c.Receive(ctx)
			say("%d %v", v, ok)
		}
		v, ok := c.ReceiveNonBlocking()
		say("%d %v", v, ok)
		workflow.Select(ctx, workflow.Receive(c, func(_ workflow.Context, v int, ok bool) { say("%d %v", v, ok) }))
	})
}

func TestCloseWakesReceivers(t *testing.T) {
	script(t, "0 false, 0 false, selected false", func(ctx workflow.Context, say func(string, ...any)) {
		c := workflow.NewChannel[int]()
		for range 2 {
			workflow.Go(ctx, func(ctx workflow.Context) {
				v, ok := c.Receive(ctx)
				say("%d %v", v, ok)
			})
		}
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.Select(ctx, workflow.Receive(c, func(_ workflow.Context, _ int, ok bool) { say("selected %v", ok) }))
		})
		yield(ctx)
		c.Close()
		yield(ctx)
	})
}

func TestChannelPanics(t *testing.T) {
	for name, c := range map[string]struct {
		says string
		f    func(ctx workflow.Context)
	}{
		"close twice": {"close of a closed channel", func(workflow.Context) {
			c := workflow.NewChannel[int]()
			c.Close()
			c.Close()
		}},
		"send": {"send on a closed channel", func(ctx workflow.Context) {
			c := workflow.NewBufferedChannel[int](1)
			c.Close()
			c.Send(ctx, 1)
		}},
		"send nonblocking": {"send on a closed channel", func(workflow.Context) {
			c := workflow.NewBufferedChannel[int](1)
			c.Close()
			c.SendNonblocking(1)
		}},
		"waiting sender": {"send on a closed channel", func(ctx workflow.Context) {
			c := workflow.NewChannel[int]()
			workflow.Go(ctx, func(workflow.Context) { c.Close() })
			c.Send(ctx, 1)
		}},
		"selected send": {"send on a closed channel", func(ctx workflow.Context) {
			c, v := workflow.NewChannel[int](), 1
			c.Close()
			workflow.Select(ctx, workflow.Send(c, &v, nil))
		}},
		"waiting selected send": {"send on a closed channel", func(ctx workflow.Context) {
			c, v := workflow.NewChannel[int](), 1
			workflow.Go(ctx, func(workflow.Context) { c.Close() })
			workflow.Select(ctx, workflow.Send(c, &v, nil))
		}},
		"negative size":   {"negative", func(workflow.Context) { workflow.NewBufferedChannel[int](-1) }},
		"wait group":      {"negative", func(workflow.Context) { workflow.NewWaitGroup().Done() }},
		"unlock":          {"mutex", func(workflow.Context) { workflow.NewMutex().Unlock() }},
		"foreign future":  {"Await can't wait for", func(ctx workflow.Context) { workflow.Await[int](foreignFuture{}, nil) }},
		"foreign channel": {"Receive can't wait for", func(ctx workflow.Context) { workflow.Receive[int](foreignChannel{}, nil) }},
		"send to foreign": {"Send can't send to", func(ctx workflow.Context) { workflow.Send[int](foreignChannel{}, nil, nil) }},
	} {
		t.Run(name, func(t *testing.T) { newSession(t).do(c.f).wantPanic(c.says) })
	}
}

type foreignFuture struct{}

func (foreignFuture) Get(workflow.Context) (int, error) { return 0, nil }

type foreignChannel struct{ workflow.Channel[int] }

// Whatever coroutines do, every value that was sent is received once, values of
// one sender in their order, and channels of size n never hold more than n.
func TestChannelLaws(t *testing.T) {
	for range 50 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) { channelLaws(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

type item struct{ from, n int }

func channelLaws(t *testing.T, rnd *rand.Rand) {
	size, senders, receivers, each := rnd.IntN(4), 1+rnd.IntN(4), 1+rnd.IntN(4), 20
	var got []item
	s := newSession(t).do(func(ctx workflow.Context) {
		c := workflow.NewBufferedChannel[item](size)
		idle := workflow.NewChannel[int]()
		sending, receiving := workflow.NewWaitGroup(), workflow.NewWaitGroup()
		sending.Add(senders)
		receiving.Add(receivers)
		for from := range senders {
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer sending.Done()
				for n := range each {
					v := item{from, n}
					switch rnd.IntN(3) {
					case 0:
						c.Send(ctx, v)
					case 1:
						workflow.Select(ctx, workflow.Receive(idle, nil), workflow.Send(c, &v, nil))
					default:
						for !c.SendNonblocking(v) {
							yield(ctx)
						}
					}
					if c.Len() > size {
						t.Errorf("%d values in a buffer of %d", c.Len(), size)
					}
				}
			})
		}
		for range receivers {
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer receiving.Done()
				for {
					v, ok := item{}, false
					if rnd.IntN(2) == 0 {
						v, ok = c.Receive(ctx)
					} else {
						workflow.Select(ctx,
							workflow.Receive(c, func(_ workflow.Context, w item, o bool) { v, ok = w, o }),
							workflow.Receive(idle, nil))
					}
					if !ok {
						return
					}
					got = append(got, v)
				}
			})
		}
		sending.Wait(ctx)
		c.Close()
		receiving.Wait(ctx)
	})
	s.wantResult(nil)
	if len(got) != senders*each {
		t.Fatalf("%d values received, %d sent", len(got), senders*each)
	}
	if receivers > 1 { // receivers may log out of order
		slices.SortFunc(got, func(a, b item) int { return a.n - b.n })
	}
	next := make([]int, senders)
	for _, v := range got {
		if v.n != next[v.from] {
			t.Fatalf("value %d of sender %d, want %d", v.n, v.from, next[v.from])
		}
		next[v.from]++
	}
}
