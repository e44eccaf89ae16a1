package mysql

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func helperMigrate(args []string) error {
	b, err := Open(context.Background(), args[0], WithBusyTimeout(20*time.Second))
	if err != nil {
		return err
	}
	r := b.Create(context.Background(), []backend.Creation{creation(args[1])})[0]
	return errors.Join(r.Err, b.Close())
}

// Many processes that start at once on an empty database all find one store.
func TestMigrationsFromManyProcesses(t *testing.T) {
	dsn := emptyDatabase(t)
	var wg sync.WaitGroup
	const processes = 6
	for n := range processes {
		cmd := helper(t, "migrate", dsn, fmt.Sprint("i", n))
		wg.Go(func() {
			if out := run(t, cmd); out != "" {
				t.Errorf("process %d: %s", n, out)
			}
		})
	}
	wg.Wait()
	b := openStore(t, dsn)
	defer closeStore(t, b)
	counts, err := b.Count(t.Context(), backend.Query{})
	if err != nil || counts[engine.StatusRunning] != processes {
		t.Errorf("the store holds %v instances, want %d: %v", counts, processes, err)
	}
}

// pair are two instances that are made together, each with a timer.
func pair(name string) (both []backend.Creation) {
	for _, half := range []string{"a", "b"} {
		c := creation(name + "-" + half)
		c.Timers = []backend.Timer{{Ref: 1, After: time.Hour, Event: []byte("[2]")}}
		both = append(both, c)
	}
	return both
}

// helperWrite creates pairs of instances until it is killed.
func helperWrite(args []string) error {
	b, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		for _, r := range b.Create(context.Background(), pair(fmt.Sprintf("%s-%d", args[1], n))) {
			if r.Err != nil {
				return r.Err
			}
		}
		if n == 20 {
			fmt.Println("writing")
		}
	}
}

// A process that is killed while it writes leaves whole transactions, and locks
// nobody out.
func TestKilledWriter(t *testing.T) {
	dsn := newStore(t)
	for round := range 3 {
		cmd := helper(t, "write", dsn, fmt.Sprint("r", round))
		start(t, cmd)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		checkPairs(t, dsn, 20*(round+1))
	}
}

// checkPairs checks that pairs are whole, and that there are enough.
func checkPairs(t *testing.T, dsn string, least int) {
	t.Helper()
	b := openStore(t, dsn)
	defer closeStore(t, b)
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

// helperDeliver signals an instance from another process, ends one and makes one.
func helperDeliver(args []string) error {
	b, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	to := func(id string) backend.Address { return backend.Address{InstanceID: id} }
	return errors.Join(
		b.Deliver(context.Background(), []backend.Delivery{{ID: engine.NewID(), To: to(args[1]), Event: []byte("[9]")}})[0],
		b.Terminate(context.Background(), []backend.Termination{{To: to(args[2]), Event: []byte("[8]")}})[0],
		b.Create(context.Background(), []backend.Creation{creation(args[3])})[0].Err,
		b.Close(),
	)
}

// take collects hints until there is one for every topic.
func take(t *testing.T, sub *backend.Subscription, topics ...backend.Topic) map[backend.Topic]backend.Hint {
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

func TestWakeAcrossProcesses(t *testing.T) {
	dsn := newStore(t)
	b := openStore(t, dsn)
	defer closeStore(t, b)
	create(t, b, "held", "ends")
	claim(t, b, "me")
	topics := []backend.Topic{
		{Kind: backend.TopicWorkflows, Name: "q"},
		{Kind: backend.TopicHolder, Name: "me"},
		{Kind: backend.TopicFinished, Name: "ends"},
	}
	sub := b.Subscribe(topics...)
	defer sub.Close()
	if out := run(t, helper(t, "deliver", dsn, "held", "ends", "new")); out != "" {
		t.Fatal(out)
	}
	done := time.Now()
	got := take(t, sub, topics...)
	if h := got[topics[1]]; h.Instance.ExecutionID == "" {
		t.Errorf("hint for the holder: %+v", h)
	}
	if h := got[topics[2]]; h.Instance.InstanceID != "ends" || h.Instance.ExecutionID == "" {
		t.Errorf("hint about the finished instance: %+v", h)
	}
	if d := time.Since(done); d > 1200*time.Millisecond {
		t.Errorf("the last hint came %s after the other process was done", d)
	}
}

// A worker whose holder lives in a store of its own, as in another process, is told
// within the time that polls may take, also after an idle while.
func TestWakeAfterIdling(t *testing.T) {
	dsn := newStore(t)
	one, two := openStore(t, dsn), openStore(t, dsn)
	defer closeStore(t, one)
	defer closeStore(t, two)
	create(t, one, "i")
	claim(t, one, "me")
	holder := backend.Topic{Kind: backend.TopicHolder, Name: "me"}
	sub := one.Subscribe(holder)
	defer sub.Close()
	var worst time.Duration
	for n := range 4 {
		timer := time.NewTimer(time.Duration(n) * 900 * time.Millisecond)
		<-timer.C
		begun := time.Now()
		if err := two.Deliver(t.Context(), []backend.Delivery{{To: backend.Address{InstanceID: "i"}, Event: []byte("[9]")}})[0]; err != nil {
			t.Fatal(err)
		}
		take(t, sub, holder)
		worst = max(worst, time.Since(begun))
	}
	if worst > 1200*time.Millisecond {
		t.Errorf("the holder was told after %s", worst)
	}
}
