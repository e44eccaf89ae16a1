package postgres

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
	b, err := Open(context.Background(), args[0], WithLockTimeout(20*time.Second))
	if err != nil {
		return err
	}
	r := b.Create(context.Background(), []backend.Creation{creation(args[1])})[0]
	return errors.Join(r.Err, b.Close())
}

// Many processes that start at once on an empty database all find one store.
func TestMigrationsFromManyProcesses(t *testing.T) {
	dsn := newSchema(t)
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
	dsn := newSchema(t)
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
