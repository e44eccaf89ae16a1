package outage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Opener is Harness.Open.
type Opener = func(ctx context.Context, address string) (backend.Backend, error)

// The suite's own helpers.
const (
	helperCreate  = "outage create"
	helperWrite   = "outage write"
	helperDeliver = "outage deliver"
)

// with adds the suite's own helpers to a package's.
func (h Helpers) with(open Opener) Helpers {
	all := Helpers{}
	for name, f := range map[string]func(context.Context, backend.Backend, []string) error{
		helperCreate: createOne, helperWrite: writePairs, helperDeliver: deliver,
	} {
		all[name] = func(args []string) error {
			b, err := open(context.Background(), args[0])
			if err != nil {
				return err
			}
			return errors.Join(f(context.Background(), b, args[1:]), b.Close())
		}
	}
	maps.Copy(all, h)
	return all
}

func simple(id string) backend.Creation {
	x := engine.NewID()
	return backend.Creation{Instance: engine.Instance{InstanceID: id, ExecutionID: x}, FirstExecution: x, Workflow: "wf", Queue: "q", Started: []byte("[1]")}
}

func createOne(ctx context.Context, b backend.Backend, args []string) error {
	return b.Create(ctx, []backend.Creation{simple(args[0])})[0].Err
}

// OpenedAtOnce has many processes open the store at once at an address where there is
// none yet. All find the same one.
func OpenedAtOnce(t *testing.T, open Opener, address string) {
	t.Helper()
	const processes = 6
	AtOnce(t, processes, helperCreate, address)
	counts, err := near(t, Harness{Open: open}, address).Count(t.Context(), backend.Query{})
	if err != nil || counts[engine.StatusRunning] != processes {
		t.Errorf("the store holds %v instances, want %d: %v", counts, processes, err)
	}
}

// enoughPairs is how many pairs there are when a writer says that it is at work.
const enoughPairs = 20

// writePairs makes pairs of instances, each with a timer, until it is killed.
func writePairs(ctx context.Context, b backend.Backend, args []string) error {
	for n := 0; ; n++ {
		var pair []backend.Creation
		for _, half := range []string{"a", "b"} {
			c := simple(fmt.Sprintf("%s-%d-%s", args[0], n, half))
			c.Timers = []backend.Timer{{Ref: 1, After: time.Hour, Event: []byte("[2]")}}
			pair = append(pair, c)
		}
		for _, r := range b.Create(ctx, pair) {
			if r.Err != nil {
				return r.Err
			}
		}
		if n == enoughPairs {
			if _, err := fmt.Fprintln(os.Stdout, "writing"); err != nil {
				return err
			}
		}
	}
}

// WriterKilled kills processes while they write to a store in which a batch is one
// transaction. They leave whole transactions, and lock nobody out.
func WriterKilled(t *testing.T, open Opener, address string) {
	t.Helper()
	for round := range 3 {
		cmd := Command(t, helperWrite, address, fmt.Sprint("r", round))
		Begin(t, cmd)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		checkPairs(t, near(t, Harness{Open: open}, address), enoughPairs*(round+1))
	}
}

// checkPairs checks that pairs are whole, and that there are enough.
func checkPairs(t *testing.T, b backend.Backend, least int) {
	t.Helper()
	halves := map[string]int{}
	q := backend.Query{Limit: backend.MaxLimit}
	for {
		page, err := b.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Items {
			id := s.Instance.InstanceID
			halves[id[:len(id)-2]]++
			p, err := b.Pending(t.Context(), s.Instance, 0)
			if err != nil || len(p.Inbox) != 1 || len(p.Timers) != 1 {
				t.Fatalf("%s has %d inbox rows and %d timers, want 1 and 1: %v", id, len(p.Inbox), len(p.Timers), err)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if len(halves) < least {
		t.Errorf("only %d pairs, want %d or more", len(halves), least)
	}
	for name, n := range halves {
		if n != 2 {
			t.Errorf("%d instances of pair %s, want both or none", n, name)
		}
	}
}

// deliver signals an instance, ends one and makes one.
func deliver(ctx context.Context, b backend.Backend, args []string) error {
	to := func(id string) backend.Address { return backend.Address{InstanceID: id} }
	return errors.Join(
		b.Deliver(ctx, []backend.Delivery{{ID: engine.NewID(), To: to(args[0]), Event: []byte("[9]")}})[0],
		b.Terminate(ctx, []backend.Termination{{To: to(args[1]), Event: []byte("[8]")}})[0],
		b.Create(ctx, []backend.Creation{simple(args[2])})[0].Err,
	)
}

// DeliverElsewhere has another process signal an instance, end one and make one, of
// workflow "wf" and queue "q".
func DeliverElsewhere(t *testing.T, address, signaled, ended, made string) {
	t.Helper()
	if out := Output(t, Command(t, helperDeliver, address, signaled, ended, made)); out != "" {
		t.Fatal(out)
	}
}

// Hints collects hints until there is one for every topic.
func Hints(t *testing.T, sub *backend.Subscription, topics ...backend.Topic) map[backend.Topic]backend.Hint {
	t.Helper()
	got := map[backend.Topic]backend.Hint{}
	missing := func() (n int) {
		for _, topic := range topics {
			if _, ok := got[topic]; !ok {
				n++
			}
		}
		return n
	}
	deadline := time.After(10 * time.Second)
	for missing() > 0 {
		select {
		case <-sub.Wake():
		case <-deadline:
			t.Fatalf("after 10 s there are hints about %v, want %v", got, topics)
		}
		for _, h := range sub.Take() {
			got[h.Topic] = h
		}
	}
	return got
}
