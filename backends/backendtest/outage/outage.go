// Package outage breaks the way between workers and their store, kills workers, and
// looks whether anything was lost or done twice.
//
// A package of a store calls Run, and Process first of all in its TestMain: workers
// that are to be killed are processes of the test's own binary. Time is real here, so
// the suite takes half a minute; -outage.long makes the outages as long as they are
// in life. Only tests import this package.
package outage

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/backend"
)

var long = flag.Bool("outage.long", false, "outages of 30 s, and killed workers ten times over")

// Harness tells the suite how to get at a store. All but Server and Ahead is needed.
type Harness struct {
	// New returns the address of an empty store, which is removed after the test: a
	// DSN, or the path of a file.
	New func(t *testing.T) string
	// Open opens the store at an address, in any process. It must be a function of the
	// package, not a closure over a test.
	Open func(ctx context.Context, address string) (backend.Backend, error)
	// Through is like Open, but has all connections go through n. If it is nil the
	// store is not behind a network; the suite then fails the calls of the store.
	Through func(ctx context.Context, address string, n *Network) (backend.Backend, error)
	// Polled tells that the store can't wake other processes.
	Polled bool
	// Server makes a server of its own for one test, which the test kills; it skips the
	// test if that is not possible. Nil means that there are none.
	Server func(t *testing.T) Server
	// Ahead is like Open, but the store's clock is ahead of this machine's. Nil means
	// that the store goes by the clock of this machine.
	Ahead func(ctx context.Context, address string, by time.Duration) (backend.Backend, error)
}

// Server is a server that can be killed.
type Server interface {
	// Address is that of an empty store.
	Address() string
	// Start returns when the server answers.
	Start()
	// Kill ends it like a crash.
	Kill()
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
		// fits tells that the harness has what the test needs.
		fits bool
		// waits tells that the test hardly does anything else, and may do it beside
		// others.
		waits bool
	}{
		{"Crossing", crossing, true, false},
		{"WorkersKilled", workersKilled, true, false},
		{"ServerKilled", serverKilled, h.Server != nil, false},
		{"IdleConnectionsCut", idleConnectionsCut, h.Through != nil, false},
		{"ConnectionsCutUnderLoad", connectionsCut, h.Through != nil, false},
		{"CallsWhileAway", callsWhileAway, h.Through != nil, false},
		{"ServerAway", serverAway, true, true},
		{"ServerHangs", serverHangs, true, true},
		{"AnswersLost", answersLost, true, true},
		{"WorkerCutOff", workerCutOff, true, true},
		{"TwoWorkersOneID", twoWorkersOneID, true, true},
		{"ClockSkew", clockSkew, h.Ahead != nil, true},
	}
	for _, s := range tests {
		if !s.fits {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			if s.waits {
				t.Parallel()
			}
			s.run(t, h)
		})
	}
}

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

// either returns one of two, by -outage.long.
func either[T any](usual, ifLong T) T {
	if *long {
		return ifLong
	}
	return usual
}

// pass waits until time has passed. It is what these tests are about.
func pass(d time.Duration) { <-time.After(d) }

// until polls for a condition that nothing announces.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// closeAfter closes a store after the test.
func closeAfter(t *testing.T, b backend.Backend) {
	t.Helper()
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
}

// near opens a store without anything in between.
func near(t *testing.T, h Harness, address string) backend.Backend {
	t.Helper()
	b, err := h.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, b)
	return b
}

// far opens a store behind something that can be broken.
func far(t *testing.T, h Harness, address string) (backend.Backend, link) {
	t.Helper()
	if h.Through == nil {
		b, g := newGate(near(t, h, address))
		return b, g
	}
	n := NewNetwork(t)
	b, err := h.Through(t.Context(), address, n)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, b)
	t.Cleanup(func() { n.Set(Whole) }) // or closing could hang
	return b, n
}

// link is what lies between a store and who uses it.
type link interface{ Set(m Mode) }
