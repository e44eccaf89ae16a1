package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
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
