package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

var errBroken = errors.New("driver: connection broken")

// writes are the calls that write, and whether they took effect n times.
var writes = map[string]struct {
	op      string
	call    func(context.Context, *client.Client, *engine.Instance) error
	effects func(t *testing.T, b *store, i engine.Instance) int
}{
	"create": {
		"create",
		func(ctx context.Context, c *client.Client, _ *engine.Instance) error {
			_, err := c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: "new"}, Greet, "Ada", 3)
			return err
		},
		func(t *testing.T, b *store, _ engine.Instance) int {
			return len(must(b.List(t.Context(), backend.Query{InstanceID: "new"})).Items)
		},
	},
	"signal": {
		"deliver",
		func(ctx context.Context, c *client.Client, i *engine.Instance) error {
			return c.SignalWorkflow(ctx, i.InstanceID, "go", 1)
		},
		delivered,
	},
	"signal with start": {
		"create",
		func(ctx context.Context, c *client.Client, i *engine.Instance) error {
			_, err := c.SignalWithStart(ctx, client.WorkflowInstanceOptions{InstanceID: i.InstanceID}, "go", 1, Greet, "Ada", 3)
			return err
		},
		delivered,
	},
	"cancel": {
		"deliver",
		func(ctx context.Context, c *client.Client, i *engine.Instance) error {
			return c.CancelWorkflowInstance(ctx, i)
		},
		delivered,
	},
	"terminate": {
		"terminate",
		func(ctx context.Context, c *client.Client, i *engine.Instance) error {
			return c.TerminateWorkflowInstance(ctx, i, "enough")
		},
		func(t *testing.T, b *store, i engine.Instance) int {
			return int(must(b.Get(t.Context(), i)).HistoryLength)
		},
	},
	"pause": {
		"pause",
		func(ctx context.Context, c *client.Client, i *engine.Instance) error { return c.Pause(ctx, i, "") },
		func(t *testing.T, b *store, i engine.Instance) int {
			if must(b.Get(t.Context(), i)).Paused {
				return 1
			}
			return 0
		},
	},
	"remove": {
		"remove",
		func(ctx context.Context, c *client.Client, _ *engine.Instance) error {
			return c.RemoveWorkflowInstance(ctx, &engine.Instance{InstanceID: "finished"})
		},
		func(t *testing.T, b *store, _ engine.Instance) int {
			return 1 - len(must(b.List(t.Context(), backend.Query{InstanceID: "finished"})).Items)
		},
	},
}

// delivered counts what is in the inbox beside the start.
func delivered(t *testing.T, b *store, i engine.Instance) int {
	return len(must(b.Pending(t.Context(), i, 0)).Inbox) - 1
}

// prepared has one instance that has finished and one that is open.
func prepared(t *testing.T) (*store, *client.Client, *engine.Instance) {
	b := newStore(t)
	c := client.New(b)
	create(t, c, "finished")
	end(t, b, engine.StatusCompleted, history.WorkflowCompleted{})
	return b, c, create(t, c, "open")
}

func TestAWriteOfUnknownOutcomeIsMadeAgainAndCountsOnce(t *testing.T) {
	for name, w := range writes {
		for _, applied := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b, c, i := prepared(t)
					b.calls[w.op] = 0
					b.fail = func(op string) (bool, error) {
						if op == w.op && b.calls[op] <= 3 {
							return applied, errBroken
						}
						return true, nil
					}
					if err := w.call(t.Context(), c, i); err != nil {
						t.Errorf("applied but unanswered %v: %v", applied, err)
					}
					if b.calls[w.op] < 4 {
						t.Errorf("%d calls of the store, want at least 4", b.calls[w.op])
					}
					if n := w.effects(t, b, *i); n != 1 {
						t.Errorf("applied but unanswered %v: took effect %d times", applied, n)
					}
				})
			})
		}
	}
}

func TestAnOutcomeThatStaysUnknownIsSaidToBe(t *testing.T) {
	for name, w := range writes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, c, i := prepared(t)
				b.fail = func(string) (bool, error) { return false, errBroken }
				start := time.Now()
				err := w.call(t.Context(), c, i)
				if !errors.Is(err, errBroken) || !engine.OutcomeUnknown(err) {
					t.Errorf("got %v, want the driver's error and no verdict", err)
				}
				if d := time.Since(start); d < 5*time.Second || d > 15*time.Second {
					t.Errorf("gave up after %v, want about 10 s", d)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start = time.Now()
				err = w.call(ctx, c, i)
				if !errors.Is(err, errBroken) && !errors.Is(err, context.DeadlineExceeded) || !engine.OutcomeUnknown(err) {
					t.Errorf("got %v, want the end of the context and no verdict", err)
				}
				if d := time.Since(start); d > 2*time.Second {
					t.Errorf("gave up %v after the call, its context had 1 s", d)
				}
			})
		})
	}
}

// What the store said is not lost when the context ends during another try.
func TestTheEndOfTheContextDoesNotHideTheStoresError(t *testing.T) {
	for name, w := range writes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, c, i := prepared(t)
				b.calls[w.op] = 0
				ctx, cancel := context.WithCancel(t.Context())
				b.fail = func(op string) (bool, error) {
					switch {
					case op != w.op:
						return true, nil
					case b.calls[op] > 1:
						cancel()
						return false, ctx.Err()
					}
					return false, errBroken
				}
				err := w.call(ctx, c, i)
				if !errors.Is(err, errBroken) || !errors.Is(err, context.Canceled) || !engine.OutcomeUnknown(err) {
					t.Errorf("got %v, want the driver's error, the end of the context and no verdict", err)
				}
			})
		})
	}
}

func TestARefusalIsPassedOnUnchanged(t *testing.T) {
	for name, w := range writes {
		t.Run(name, func(t *testing.T) {
			b, c, i := prepared(t)
			b.calls[w.op] = 0
			refusal := errors.Join(engine.ErrReadOnly, errBroken)
			b.fail = func(string) (bool, error) { return false, refusal }
			err := w.call(t.Context(), c, i)
			wantIs(t, err, engine.ErrReadOnly)
			wantIs(t, err, errBroken)
			if errors.Is(err, engine.ErrInstanceNotFound) || errors.Is(err, engine.ErrInstanceAlreadyExists) {
				t.Errorf("%v must not be taken for the instance's fault", err)
			}
			if b.calls[w.op] != 1 {
				t.Errorf("a refused write was made %d times", b.calls[w.op])
			}
		})
	}
}
