package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/engine/history"
)

var errAway = errors.New("connection refused")

// flaky is a store that is away at times: calls fail with err, or hang if it is nil.
type flaky struct {
	down atomic.Bool
	err  error
	// tries counts the calls while it was down.
	tries atomic.Int64
}

func (f *flaky) around(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
	if !f.down.Load() {
		return next(ctx)
	}
	f.tries.Add(1)
	if f.err != nil {
		return f.err
	}
	<-ctx.Done()
	return ctx.Err()
}

// failures are the ways in which a store is away.
var failures = map[string]error{"refuses": errAway, "busy": fmt.Errorf("locked: %w", engine.ErrBusy), "hangs": nil}

// A wait survives that the store is away, and ends soon after both have come back.
func TestWaitingOutlastsAnOutage(t *testing.T) {
	for name, err := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, f := newStore(t), &flaky{err: err}
				c := client.New(intercept.New(silent{b}, f.around))
				i := create(t, c, "id")
				go func() {
					pass(time.Second)
					f.down.Store(true)
					pass(29 * time.Second)
					end(t, b, engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`"x"`)})
					f.down.Store(false)
				}()
				start := time.Now()
				if got, err := client.GetWorkflowResult[string](t.Context(), c, i, time.Minute); err != nil || got != "x" {
					t.Errorf("got %q, %v", got, err)
				}
				if d := time.Since(start); d > 36*time.Second {
					t.Errorf("it took %v", d)
				}
				if n := f.tries.Load(); n > 40 {
					t.Errorf("%d tries in 30 s", n)
				}
			})
		})
	}
}

// The store goes away between the end of the wait and the result.
func TestTheResultOutlastsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStore(t)
		var histories atomic.Int64
		c := client.New(intercept.New(b, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
			if m == intercept.History && histories.Add(1) <= 3 {
				return errAway
			}
			return next(ctx)
		}))
		i := create(t, c, "id")
		end(t, b, engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`"x"`)})
		if got, err := client.GetWorkflowResult[string](t.Context(), c, i, time.Second); err != nil || got != "x" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// A wait that ends in an outage tells both: that the time is up, and what the store
// said last.
func TestAWaitThatEndsInAnOutage(t *testing.T) {
	for name, err := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flaky{err: err}
				c := client.New(intercept.New(newStore(t), f.around))
				i := create(t, c, "id")
				f.down.Store(true)
				for _, ended := range []struct {
					by   string
					wait func() error
				}{
					{"timeout", func() error { return c.WaitForWorkflowInstance(t.Context(), i, 30*time.Second) }},
					{"ctx", func() error {
						ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
						defer cancel()
						_, err := client.HandleOf[string](c, *i).Get(ctx)
						return err
					}},
				} {
					start := time.Now()
					got := ended.wait()
					wantIs(t, got, context.DeadlineExceeded)
					if err != nil {
						wantIs(t, got, err)
					}
					for _, says := range []string{i.String(), "waiting for", "the store"} {
						if got != nil && !strings.Contains(got.Error(), says) {
							t.Errorf("%s: %v should say %q", ended.by, got, says)
						}
					}
					if d := time.Since(start); d != 30*time.Second {
						t.Errorf("%s: it took %v", ended.by, d)
					}
				}
			})
		})
	}
}

// What the store answers is an answer, and ends the wait at once.
func TestAnswersEndAWaitAtOnce(t *testing.T) {
	for _, answer := range []error{
		engine.ErrInstanceNotFound, engine.ErrReadOnly, engine.ErrClosed, engine.ErrInvalidArgument, engine.ErrSchemaVersion, engine.ErrNotAStore,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &flaky{err: fmt.Errorf("here: %w", answer)}
			c := client.New(intercept.New(newStore(t), f.around))
			i := create(t, c, "id")
			f.down.Store(true)
			start := time.Now()
			wantIs(t, c.WaitForWorkflowInstance(t.Context(), i, time.Minute), answer)
			if d := time.Since(start); d != 0 || f.tries.Load() != 1 {
				t.Errorf("%v: it took %v and %d tries", answer, d, f.tries.Load())
			}
		})
	}
}

// A history that can't be read is no outage.
func TestAnUnreadableHistoryEndsAWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStore(t)
		c := client.New(b)
		i := create(t, c, "id")
		commit(t, b, claim(t, b), func(s *backend.WorkflowCommit) {
			s.Status, s.Events, s.Count = engine.StatusCompleted, history.Encoded("{"), 1
		})
		start := time.Now()
		if _, err := client.GetWorkflowResult[string](t.Context(), c, i, time.Minute); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %v", d)
		}
	})
}

// No call hangs for ever with the connection under it. A write is made once more
// before the caller is told.
func TestCallsOfAStoreThatHangs(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *client.Client, i *engine.Instance) error{
		"create": func(ctx context.Context, c *client.Client, _ *engine.Instance) error {
			_, err := c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{}, Greet, "Ada", 3)
			return err
		},
		"signal": func(ctx context.Context, c *client.Client, _ *engine.Instance) error {
			return c.SignalWorkflow(ctx, "id", "s", 1)
		},
		"pause": func(ctx context.Context, c *client.Client, i *engine.Instance) error { return c.Pause(ctx, i, "") },
		"describe": func(ctx context.Context, c *client.Client, i *engine.Instance) error {
			_, err := c.Describe(ctx, i)
			return err
		},
		"history": func(ctx context.Context, c *client.Client, i *engine.Instance) error {
			_, err := c.History(ctx, i)
			return err
		},
		"stats": func(ctx context.Context, c *client.Client, _ *engine.Instance) error {
			_, err := c.GetStats(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flaky{}
				c := client.New(intercept.New(newStore(t), f.around))
				i := create(t, c, "id")
				f.down.Store(true)
				start := time.Now()
				err := call(t.Context(), c, i)
				wantIs(t, err, context.DeadlineExceeded)
				if d := time.Since(start); d > 35*time.Second {
					t.Errorf("it took %v: %v", d, err)
				}
				if err != nil && !strings.Contains(err.Error(), "no answer") {
					t.Errorf("%v should say that the store gave no answer", err)
				}
			})
		})
	}
}

// One connection that hangs costs a write some seconds, not its success.
func TestAWriteIsMadeAgainAfterItHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStore(t)
		var calls atomic.Int64
		c := client.New(intercept.New(b, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
			if m == intercept.Create && calls.Add(1) == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return next(ctx)
		}))
		create(t, c, "id")
		if n := calls.Load(); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
}
