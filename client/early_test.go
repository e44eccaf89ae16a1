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

// watched counts what is read of a store, and who listens to it.
type watched struct {
	*store

	reads int
}

func (w *watched) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	w.reads++
	return w.store.Get(ctx, i)
}

func (w *watched) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	w.reads++
	return w.store.History(ctx, i, after, limit)
}

// Who starts a workflow in the process that runs it, and asks for its result at once,
// reads nothing: the write that ends it tells the end.
func TestResultWithoutARead(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": 0, "later": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &watched{store: newStore(t)}
				h, err := client.Start[string](t.Context(), client.New(w), client.WorkflowInstanceOptions{InstanceID: "id"}, Greet, "a", 1)
				if err != nil {
					t.Fatal(err)
				}
				if wait == 0 { // before anybody asks
					end(t, w.store, engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`"Hello"`)})
				}
				pass(wait)
				got := make(chan string)
				go func() {
					result, err := h.Get(t.Context())
					if err != nil {
						t.Error(err)
					}
					got <- result
				}()
				synctest.Wait()
				if wait > 0 {
					end(t, w.store, engine.StatusCompleted, history.WorkflowCompleted{Result: engine.Payload(`"Hello"`)})
				}
				if result := <-got; result != "Hello" {
					t.Errorf("got %q", result)
				}
				want := 0
				if wait > 0 { // whether it had ended before
					want = 1
				}
				if w.reads != want {
					t.Errorf("%d reads, want %d", w.reads, want)
				}
				if result, err := h.Get(t.Context()); result != "Hello" || err != nil {
					t.Errorf("the second time: %q, %v", result, err)
				}
			})
		})
	}
}

// Nobody listens on for a handle that is not asked.
func TestStartListensForAMomentOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStore(t)
		hub := &backend.Hub{}
		c := client.New(listened{b, hub})
		b.failWith(func(string) (bool, error) { return false, errors.New("refused") })
		topic := backend.Topic{Kind: backend.TopicFinished, Name: "id"}
		start := func() error {
			_, err := client.Start[string](t.Context(), c, client.WorkflowInstanceOptions{InstanceID: "id"}, Greet, "a", 1)
			return err
		}
		if err := start(); err == nil || hub.Subscribed(topic) {
			t.Errorf("error %v, listens on: %t", err, hub.Subscribed(topic))
		}
		b.failWith(nil)
		if err := start(); err != nil || !hub.Subscribed(topic) {
			t.Errorf("error %v, listens: %t", err, hub.Subscribed(topic))
		}
		pass(time.Second)
		if hub.Subscribed(topic) {
			t.Error("it listens on")
		}
	})
}

// listened is a store with a hub that the test looks into.
type listened struct {
	backend.Backend

	hub *backend.Hub
}

func (l listened) Subscribe(topics ...backend.Topic) *backend.Subscription {
	return l.hub.Subscribe(topics...)
}
