package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/samples/orders/orders"
)

// onBoth runs a test on one server and on a cluster.
func onBoth(t *testing.T, test func(t *testing.T, addr string)) {
	t.Helper()
	for name, variable := range map[string]string{"server": serverVariable, "cluster": clusterVariable} {
		t.Run(name, func(t *testing.T) { test(t, address(t, variable)) })
	}
}

// helperOpen makes the store unless it is there, and an instance in it.
func helperOpen(args []string) error {
	b, err := Open(context.Background(), args[0], WithPrefix(args[1]), quiet())
	if err != nil {
		return err
	}
	r := b.Create(context.Background(), []backend.Creation{creation(args[2])})[0]
	return errors.Join(r.Err, b.Close())
}

// Many processes that start at once where there is no store yet all find one.
func TestOpenedByManyProcesses(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		prefix := newPrefix(t, addr)
		const processes = 6
		var wg sync.WaitGroup
		for n := range processes {
			cmd := helper(t, "open", addr, prefix, fmt.Sprint("i", n))
			wg.Go(func() {
				if out := run(t, cmd); out != "" {
					t.Errorf("process %d: %s", n, out)
				}
			})
		}
		wg.Wait()
		b := openAt(t, addr, prefix)
		defer closeStore(t, b)
		counts, err := b.Count(t.Context(), backend.Query{})
		if err != nil || counts[engine.StatusRunning] != processes {
			t.Errorf("the store holds %v instances, want %d: %v", counts, processes, err)
		}
	})
}

// helperWork is a worker of the order service, until it is killed or told to end.
func helperWork(args []string) error {
	b, err := Open(context.Background(), args[0], WithPrefix(args[1]), quiet())
	if err != nil {
		return err
	}
	w, err := orderWorker(context.Background(), b, args[2], slog.New(slog.NewTextHandler(os.Stdout, nil)))
	if err != nil {
		return err
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(w.Stop(ctx), b.Close())
}

// Workers are killed in the middle of their work, again and again: nothing is lost,
// and nothing that was committed is done again.
func TestWorkersAreKilled(t *testing.T) {
	const kills, placed, least = 4, 200, 20
	onBoth(t, func(t *testing.T, addr string) {
		prefix, journal := newPrefix(t, addr), filepath.Join(t.TempDir(), "journal")
		b := openAt(t, addr, prefix)
		defer closeStore(t, b)
		c := orderClient(b)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		feed, err := orders.OpenFeed(ctx, c)
		check(t, err)
		var customers sync.WaitGroup
		customers.Go(func() {
			if _, err := (orders.Load{First: 1, Orders: placed, Every: 20 * time.Millisecond, PayAfter: time.Second}).Run(ctx, c); err != nil {
				t.Error(err)
			}
		})
		var output strings.Builder
		start := func() *exec.Cmd {
			cmd := helper(t, "work", addr, prefix, journal)
			cmd.Stdout, cmd.Stderr = &output, &output
			check(t, cmd.Start())
			return cmd
		}
		size := func() int64 {
			info, err := os.Stat(journal)
			if err != nil {
				return 0
			}
			return info.Size()
		}
		for range kills {
			before := size()
			victim := start()
			until(t, "the worker works", 30*time.Second, func() bool {
				n, err := orders.InFlight(ctx, c)
				return err == nil && n >= least && size() > before+2000
			})
			check(t, victim.Process.Kill())
			_ = victim.Wait() // it says that it was killed
		}
		last := start()
		customers.Wait()
		totals, err := orders.CloseFeed(ctx, feed)
		if err != nil || totals.Orders != placed {
			t.Errorf("the feed heard of %d orders, want %d: %v", totals.Orders, placed, err)
		}
		check(t, last.Process.Signal(syscall.SIGTERM))
		if err := last.Wait(); err != nil {
			t.Errorf("stopping the last worker: %v", err)
		}
		if f := checkOrders(t, c, journal); f.Rerun == 0 {
			t.Error("no activity was run again because of a kill")
		}
		if t.Failed() {
			t.Logf("end of the output of the workers:\n%s", output.String()[max(0, output.Len()-10_000):])
		}
	})
}

// helperDial opens a store where there is no server.
func helperDial(args []string) error {
	_, err := Open(context.Background(), args[0], quiet())
	if err == nil {
		return errors.New("there is a server")
	}
	return nil
}

// What go-redis wants to say about lost connections is left to those who make the
// calls: nothing is printed.
func TestNothingIsPrinted(t *testing.T) {
	for _, addr := range []string{"redis://127.0.0.1:1", "redis-cluster://127.0.0.1:1,127.0.0.1:2"} {
		if out := run(t, helper(t, "dial", addr)); out != "" {
			t.Errorf("%s: it printed %s", addr, out)
		}
	}
}
