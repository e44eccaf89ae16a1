package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/samples/orders/orders"
	"github.com/wfops/wfops/worker"
)

// The test binary starts itself again for what needs another process: helpers run
// in place of the tests. Each prints what it has to say on standard output.
var helpers = map[string]func(args []string) error{
	"open": helperOpen,
	"work": helperWork,
	"dial": helperDial,
}

const helperVariable = "WFOPS_REDIS_TEST_HELPER"

func runHelper() bool {
	name := os.Getenv(helperVariable)
	if name == "" {
		return false
	}
	if err := helpers[name](os.Args[1:]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	return true
}

// helper prepares a process. It is killed when the test ends.
func helper(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	return cmd
}

// run runs a helper to its end and returns what it said.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("helper %v did not run: %v", cmd.Args, err)
	}
	return strings.TrimSpace(string(out))
}

// logbook is a log that a test reads while others write.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func pause(d time.Duration) { <-time.After(d) }

// until waits for a condition.
func until(t *testing.T, what string, within time.Duration, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !cond(); pause(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s still not: %s", within, what)
		}
	}
}

// orderSettings are what client and worker of an order service agree on.
func orderSettings(l *slog.Logger) settings.Settings {
	return settings.Settings{Errors: orders.Sentinels(), Logger: l}
}

// orderWorker starts a worker of the order service, which notes what it does in a
// journal.
func orderWorker(ctx context.Context, b backend.Backend, journal string, l *slog.Logger) (*worker.Worker, error) {
	j, err := orders.OpenJournal(journal)
	if err != nil {
		return nil, err
	}
	r := registry.New()
	if err := orders.Register(r, &orders.Activities{Journal: j, Work: 30 * time.Millisecond}); err != nil {
		return nil, err
	}
	w := worker.New(b, &worker.Options{Registry: r, Settings: orderSettings(l), LeaseDuration: 2 * time.Second})
	if err := w.Start(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

func orderClient(b backend.Backend) *client.Client {
	return client.New(b, client.WithSettings(orderSettings(slog.New(slog.DiscardHandler))))
}

// checkOrders holds the store against the journal: nothing was lost, nothing was done
// twice.
func checkOrders(t *testing.T, c *client.Client, journal string) orders.Findings {
	t.Helper()
	return checkFindings(t, c, journal, func(*orders.Findings) {})
}

// checkLost is checkOrders for commits that had to wait for a server: the time of a step
// is when it was made, and an attempt that began until it was durable is no fault.
func checkLost(t *testing.T, c *client.Client, journal string) {
	t.Helper()
	checkFindings(t, c, journal, func(f *orders.Findings) {
		f.Problems = slices.DeleteFunc(f.Problems, func(p string) bool { return strings.Contains(p, " began ") })
		f.Duplicated = 0
	})
}

func checkFindings(t *testing.T, c *client.Client, journal string, forgive func(*orders.Findings)) orders.Findings {
	t.Helper()
	f, err := orders.Check(t.Context(), c, journal)
	check(t, err)
	forgive(&f)
	var report strings.Builder
	check(t, f.Print(&report))
	t.Log("\n" + report.String())
	if err := f.Err(); err != nil {
		t.Error(err)
	}
	return f
}
