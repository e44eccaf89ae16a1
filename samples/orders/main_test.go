package main

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/samples/orders/orders"
)

// TestMain runs the program itself when the test starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("ORDERS_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// shop is the service as a test sees it: a store and a journal in files, and a
// worker in another process.
type shop struct {
	dir    string
	client *client.Client
	worker *exec.Cmd
	output strings.Builder // of all workers, one after another
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{dir: t.TempDir()}
	b, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "orders.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	s.client = client.New(b, client.WithSettings(shared()))
	t.Cleanup(func() {
		if s.worker != nil {
			_ = s.worker.Process.Kill() // of a test that has failed
			_ = s.worker.Wait()
		}
		if t.Failed() {
			t.Logf("end of the output of the workers:\n%s", s.output.String()[max(0, s.output.Len()-10_000):])
		}
	})
	return s
}

func (s *shop) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append(args, "-lease", "2s", "-work", "30ms")...) //nolint:noctx // it is killed by hand
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "ORDERS_PROCESS=1")
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	return cmd
}

func (s *shop) startWorker(t *testing.T) {
	t.Helper()
	s.worker = s.command(t, "worker")
	if err := s.worker.Start(); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) journal() string { return filepath.Join(s.dir, "orders.journal") }

// journalSize is how much activities have noted so far.
func (s *shop) journalSize() int64 {
	info, err := os.Stat(s.journal())
	if err != nil {
		return 0
	}
	return info.Size()
}

func (s *shop) inFlight(t *testing.T) int {
	t.Helper()
	n, err := orders.InFlight(t.Context(), s.client)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// until waits for a condition.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s still not: %s", what)
		}
	}
}

// Sizes of the test. A few orders are over at once, so the first round has some
// more.
const (
	kills      = 10
	perRound   = 48
	firstRound = 500 - (kills-1)*perRound
	least      = 50 // in flight at each kill
)

func TestNothingIsLostWhenWorkersAreKilled(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := newShop(t)
	feed, err := orders.OpenFeed(t.Context(), s.client)
	if err != nil {
		t.Fatal(err)
	}
	var customers sync.WaitGroup
	next := 1
	for round := range kills {
		s.startWorker(t)
		before := s.journalSize()
		load := orders.Load{First: next, Orders: perRound, Every: 10 * time.Millisecond, PayAfter: 2 * time.Second}
		if round == 0 {
			load.Orders = firstRound
		}
		next += load.Orders
		customers.Go(func() { serve(t, s, load) })

		until(t, "the worker is at work, and enough is in flight", func() bool {
			return s.journalSize() > before && s.inFlight(t) >= least
		})
		time.Sleep(time.Duration(rnd.Int64N(int64(400 * time.Millisecond)))) // any moment
		s.kill(t)
	}
	s.startWorker(t)
	customers.Wait()
	totals, err := orders.CloseFeed(t.Context(), feed)
	if err != nil {
		t.Fatal(err)
	}
	s.verify(t, next-1, totals)
}

// serve places orders and checks the receipts.
func serve(t *testing.T, s *shop, load orders.Load) {
	ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second)
	defer cancel()
	receipts, err := load.Run(ctx, s.client)
	if err != nil {
		t.Errorf("orders %d to %d: %v", load.First, load.First+load.Orders-1, err)
		return
	}
	for i, r := range receipts {
		n := load.First + i
		want := orders.Shipped
		switch {
		case orders.Suspicious(n):
			want = orders.Rejected
		case orders.Deadbeat(n):
			want = orders.Expired
		case orders.Undeliverable(n):
			want = orders.Returned
		}
		if r.Number != n || r.Outcome != want {
			t.Errorf("order %d has the receipt %+v, want outcome %s", n, r, want)
		}
	}
}

// kill ends the worker as a power cut would, and looks at what it left behind.
func (s *shop) kill(t *testing.T) {
	t.Helper()
	if err := s.worker.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatalf("the worker had ended by itself: %v", err)
	}
	_ = s.worker.Wait() // it says that it was killed
	s.worker = nil
	n := s.inFlight(t)
	t.Logf("killed with %d instances in flight", n)
	if n < least {
		t.Errorf("killed with %d instances in flight, want at least %d", n, least)
	}
}

// verify stops the last worker and holds the store against the journal.
func (s *shop) verify(t *testing.T, placed int, totals orders.Totals) {
	t.Helper()
	if err := s.worker.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.worker.Wait(); err != nil {
		t.Errorf("stopping the last worker: %v", err)
	}
	s.worker = nil
	f, err := orders.Check(t.Context(), s.client, s.journal())
	if err != nil {
		t.Fatal(err)
	}
	var report strings.Builder
	if err := f.Print(&report); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + report.String())
	if err := f.Err(); err != nil {
		t.Error(err)
	}
	if f.Rerun == 0 {
		t.Error("no activity was run again because of a kill")
	}
	if totals.Orders != placed || totals.Generations == 0 {
		t.Errorf("the feed counted %+v, want %d orders in several generations", totals, placed)
	}
}

func TestUsage(t *testing.T) {
	s := newShop(t)
	for _, args := range [][]string{{"unknown"}, {"check", "-journal", "missing"}} {
		cmd := s.command(t, args...)
		if err := cmd.Run(); err == nil {
			t.Errorf("orders %v succeeded", args)
		}
	}
	if !strings.Contains(s.output.String(), "usage: orders") {
		t.Errorf("got %s, want the usage", s.output.String())
	}
	s.output.Reset()
}

// The program replays histories of its own, and those of earlier releases.
func TestItReplays(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := replay.Start(t.Context(), self, replay.Options{Env: []string{"ORDERS_PROCESS=1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files, err := filepath.Glob("orders/testdata/histories/*/*.wfh")
	if err != nil || len(files) == 0 {
		t.Fatalf("histories: %q, %v", files, err)
	}
	for _, file := range files {
		b, err := diagnostics.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := r.Replay(t.Context(), b); err != nil || res.Verdict != diagnostics.VerdictOK || len(res.Notes) > 0 {
			t.Errorf("%s: %s, %q, %v", file, res.Summary, res.Notes, err)
		}
	}
}
