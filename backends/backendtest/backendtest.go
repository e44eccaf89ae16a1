// Package backendtest is the conformance suite of the port: what every adapter in
// backends/ must do, case by case, each with the sentence of the contract that it
// stands for.
//
// An adapter's whole test is a Harness and a call of Run:
//
//	func TestConformance(t *testing.T) {
//		backendtest.Run(t, backendtest.Harness{
//			Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
//				return backendtest.Store{Backend: memory.New(memory.WithClock(clock.Now))}
//			},
//		})
//	}
//
// A behavior of the port does not exist until it is a case here. Only tests
// import this package.
package backendtest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/backend"
)

// Harness tells the suite how to open a store.
type Harness struct {
	// Open returns an empty store that goes by the clock. The suite closes it.
	// Open is called from many tests at once.
	Open func(t *testing.T, clock *Clock) Store
	// Schedules is how many random schedules the store is compared with the model in,
	// unless a flag says otherwise; 0 means 200. Of several ways to reach one store,
	// only one need get them all.
	Schedules uint64
	// Without holds what the store does not promise; the zero value promises
	// everything.
	Without Missing
}

// Store is an open store under test.
type Store struct {
	backend.Backend

	// ReadOnly opens a connection to the same store that refuses writes.
	ReadOnly func(t *testing.T) backend.Backend
	// Connect opens one more connection to the same store, as another process
	// would. The suite closes it.
	Connect func(t *testing.T) backend.Backend
}

// Missing are promises that a store does not make. A case that needs one is
// skipped and says so.
type Missing struct {
	// Clock: the store can't be made to go by a given clock. Then the cases wait
	// for real, and those that would wait for minutes are skipped.
	Clock bool
	// ReadOnly: Store.ReadOnly is nil.
	ReadOnly bool
	// Connect: Store.Connect is nil.
	Connect bool
}

// Clock is the time that a store under test goes by.
type Clock struct {
	mu   sync.Mutex
	now  time.Time
	real bool
	// meant is the real time at which it would be now if nothing but Advance took any.
	meant time.Time
}

// NewClock returns a clock that only Advance moves. It starts at a time that
// has nanoseconds, so that a store that loses them is found out.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, time.January, 2, 3, 4, 5, 123456789, time.UTC)}
}

// realClock returns one that can't be moved.
func realClock() *Clock { return &Clock{real: true, meant: time.Now()} }

// late is how much of the time of a real clock nobody has let pass.
func (c *Clock) late() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.meant)
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	if c.real {
		return time.Now().UTC()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance lets d pass. A clock that can't be moved is waited for.
func (c *Clock) Advance(d time.Duration) {
	if c.real {
		time.Sleep(d) //nolint:forbidigo // a server's time is what is waited for
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.meant = c.now.Add(d), c.meant.Add(d)
}

// testCase is one sentence of the contract.
type testCase struct {
	name string
	why  string // printed when the case fails
	run  func(*env)
}

// areas of the contract, each in a file of its own.
var areas = []struct {
	name  string
	cases []testCase
}{
	{"Create", createCases},
	{"Deliver", deliverCases},
	{"Claim", claimCases},
	{"Eager", eagerCases},
	{"Commit", commitCases},
	{"Extend", extendCases},
	{"Timers", timerCases},
	{"Activities", activityCases},
	{"Closings", closingCases},
	{"Control", controlCases},
	{"Notes", noteCases},
	{"ContinueAsNew", continuedCases},
	{"Blocked", blockedCases},
	{"List", listCases},
	{"Stats", statsCases},
	{"Batches", batchCases},
	{"Errors", errorCases},
	{"Hints", hintCases},
	{"Concurrency", concurrencyCases},
	{"Rules", slices.Concat(ruleCases, controlRuleCases)},
}

// Run runs the whole suite against a store.
func Run(t *testing.T, h Harness) {
	for _, area := range areas {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range area.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(open(t, h, c.why))
				})
			}
		})
	}
	t.Run("Model", func(t *testing.T) {
		t.Parallel()
		runModel(t, h)
	})
}
