// Package memory is a store that keeps everything in the process: for tests, for
// examples, and as the model that other stores are compared with. What it holds
// is gone when the process ends.
//
// One mutex guards all state, and each call holds it for its whole batch, so
// that every call is one transaction. Ready work is found in heaps by ready time
// (see index.go): no claim, delivery or commit walks over finished, sleeping or
// leased executions, or over a history.
package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var _ backend.Backend = (*Backend)(nil)

const (
	// freshHeartbeat is how long after its heartbeat a worker counts as alive.
	freshHeartbeat = 30 * time.Second
	// forgetWorker is when the row of a worker that vanished is removed.
	forgetWorker = 24 * time.Hour
	// dedupeWindow is how long delivery ids are kept.
	dedupeWindow = 10 * time.Minute
	// maxBlockedBuilds is how many builds that failed on an execution are kept.
	maxBlockedBuilds = 8
)

// Backend is a store in memory. It is safe for concurrent use.
type Backend struct {
	st       *state
	readOnly bool
	closed   bool // guarded by st.mu
}

// Option changes how New builds a Backend.
type Option func(*state)

// WithClock makes the store go by now instead of time.Now. Time that runs
// backwards is taken for time that stands still.
func WithClock(now func() time.Time) Option { return func(s *state) { s.clock = now } }

// New returns an empty store.
func New(opts ...Option) *Backend {
	s := newState()
	for _, o := range opts {
		o(s)
	}
	return &Backend{st: s}
}

// ReadOnly returns a view of the same store that refuses writes. Closing the
// view leaves the store open; closing the store closes its views.
func (b *Backend) ReadOnly() *Backend { return &Backend{st: b.st, readOnly: true} }

// Close implements backend.Backend. It waits for the calls in progress.
func (b *Backend) Close() error {
	b.st.mu.Lock()
	defer b.st.mu.Unlock()
	b.closed = true
	if !b.readOnly {
		b.st.closed = true
	}
	return nil
}

// Subscribe implements backend.Read.
func (b *Backend) Subscribe(topics ...backend.Topic) *backend.Subscription {
	return b.st.hub.Subscribe(topics...)
}

// begin opens a transaction: it takes the lock and reads the clock. Without an
// error, commit or rollback must follow.
func (b *Backend) begin(ctx context.Context, write bool) error {
	if write && b.readOnly {
		return fmt.Errorf("memory: %w", engine.ErrReadOnly)
	}
	b.st.mu.Lock()
	err := ctx.Err()
	if b.closed || b.st.closed {
		err = engine.ErrClosed
	}
	if err != nil {
		b.st.mu.Unlock()
		return fmt.Errorf("memory: %w", err)
	}
	b.st.tick()
	return nil
}

// end ends a transaction and tells subscribers, outside of the lock.
func (b *Backend) end() {
	hints, handovers := b.st.hints, b.st.handovers
	b.st.hints, b.st.handovers = nil, nil
	b.st.mu.Unlock()
	backend.Settle(handovers, true) // before hints about them
	if len(hints) > 0 {
		b.st.hub.Publish(hints...)
	}
}

// each runs apply for every item in one transaction. If there is none, refuse
// makes every item's answer.
func each[I, R any](ctx context.Context, b *Backend, items []I, refuse func(error) R, apply func(*state, *I) R) []R {
	out := make([]R, len(items))
	if err := b.begin(ctx, true); err != nil {
		for i := range out {
			out[i] = refuse(err)
		}
		return out
	}
	defer b.end()
	for i := range items {
		out[i] = apply(b.st, &items[i])
	}
	return out
}

func asError(err error) error { return err }

// state is everything the store holds, shared by a Backend and its views.
type state struct {
	clock func() time.Time
	hub   backend.Hub

	mu     sync.Mutex
	closed bool
	// now is the time of the transaction in progress. It never goes back, so
	// the order of creation is the order of creation times.
	now   time.Time
	hints []backend.Hint
	// handovers are new executions on their way to a worker.
	handovers []backend.Handover
	// ends are closings of executions that have ended, for applyClosings. It is
	// empty between items.
	ends []backend.Closing
	// serial numbers executions, activities and inbox rows in the order in which
	// they came.
	serial int64

	executions map[engine.Instance]*execution
	open       map[string]*execution   // by InstanceID: the one that is open
	runs       map[string][]*execution // by InstanceID, in order of creation
	created    []*execution            // in order of creation
	removed    int                     // how many of created are removed ones

	workflows  index[*execution]
	activities index[*activity]

	workers map[string]backend.Worker
	seen    dedupe
}

func newState() *state {
	return &state{
		clock:      time.Now,
		executions: map[engine.Instance]*execution{},
		open:       map[string]*execution{},
		runs:       map[string][]*execution{},
		workflows:  index[*execution]{},
		activities: index[*activity]{},
		workers:    map[string]backend.Worker{},
		seen:       dedupe{answers: map[string]backend.CreateResult{}},
	}
}

// tick reads the clock. Round drops the monotonic reading, which would make
// equal times differ.
func (s *state) tick() {
	if now := s.clock().UTC().Round(0); now.After(s.now) {
		s.now = now
	}
}

func (s *state) next() int64 {
	s.serial++
	return s.serial
}

func (s *state) hint(kind backend.TopicKind, name string, i engine.Instance) {
	t := backend.Topic{Kind: kind, Name: name}
	s.hints = append(s.hints, backend.Hint{Topic: t, Instance: i})
}

// find returns the open execution that has the address, or nil.
func (s *state) find(to backend.Address) *execution {
	e := s.open[to.InstanceID]
	switch {
	case e == nil,
		to.ExecutionID != "" && to.ExecutionID != e.sum.Instance.ExecutionID,
		to.FirstExecution != "" && to.FirstExecution != e.sum.FirstExecution:
		return nil
	}
	return e
}

// lookup returns the execution that i names, or the open or else latest one if
// i has no ExecutionID.
func (s *state) lookup(i engine.Instance) (*execution, error) {
	e := s.executions[i]
	if i.ExecutionID == "" {
		if runs := s.runs[i.InstanceID]; len(runs) > 0 {
			e = runs[len(runs)-1]
		}
	}
	if e == nil {
		return nil, fmt.Errorf("memory: %s: %w", i, engine.ErrInstanceNotFound)
	}
	return e, nil
}

func notFound(to backend.Address) error {
	i := engine.Instance{InstanceID: to.InstanceID, ExecutionID: to.ExecutionID}
	return fmt.Errorf("memory: no open execution of %s: %w", i, engine.ErrInstanceNotFound)
}

func leaseLost(i engine.Instance) error {
	return fmt.Errorf("memory: %s: %w", i, engine.ErrLeaseLost)
}

// dedupe remembers what was applied, so that a resent write is not applied
// twice.
type dedupe struct {
	answers map[string]backend.CreateResult
	order   []dedupeEntry // oldest first
}

type dedupeEntry struct {
	id string
	at time.Time
}

func (d *dedupe) answer(id string) (backend.CreateResult, bool) {
	if id == "" {
		return backend.CreateResult{}, false
	}
	r, ok := d.answers[id]
	return r, ok
}

// remember stores the answer to id and forgets what is older than the window.
func (d *dedupe) remember(id string, r backend.CreateResult, now time.Time) {
	if id == "" {
		return
	}
	old := 0
	for old < len(d.order) && now.Sub(d.order[old].at) > dedupeWindow {
		delete(d.answers, d.order[old].id)
		old++
	}
	clear(d.order[:old])
	d.order = append(d.order[old:], dedupeEntry{id, now})
	d.answers[id] = r
}
