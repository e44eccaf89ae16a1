package backendtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// What cases use unless they say otherwise.
const (
	queue    = engine.Queue("q")
	workflow = "wf"
	worker   = "w1"
	build    = "b1"
	// long is a lease that does not run out in a case.
	long = time.Hour
)

// env is one case's world: an empty store, its clock, and helpers that end the
// case when a call fails that the case is not about.
type env struct {
	*testing.T

	b     backend.Backend
	store Store
	clock *Clock
	lacks Missing
	// unit is a duration that a case can wait for.
	unit time.Duration
}

func open(t *testing.T, h Harness, why string) *env {
	t.Helper()
	e := &env{T: t, clock: NewClock(), unit: time.Minute, lacks: h.Without}
	if h.Without.Clock {
		e.clock, e.unit = realClock(), 700*time.Millisecond
	}
	e.store = h.Open(t, e.clock)
	e.b = e.store.Backend
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the contract: %s", why)
		}
		if err := e.b.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return e
}

// ctx is for calls that must outlive nothing but the case.
func (e *env) ctx() context.Context { return e.Context() }

// pass lets time pass, and a little more.
func (e *env) pass(d time.Duration) { e.clock.Advance(d + time.Millisecond) }

// needsClock skips the case where it would have to wait for minutes.
func (e *env) needsClock() {
	e.Helper()
	if e.lacks.Clock {
		e.Skip("the store's clock can't be moved")
	}
}

func (e *env) ok(err error, doing string, args ...any) {
	e.Helper()
	if err != nil {
		e.Fatalf("%s: %v", fmt.Sprintf(doing, args...), err)
	}
}

func (e *env) is(err, want error, doing string, args ...any) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Fatalf("%s: got error %v, want %v", fmt.Sprintf(doing, args...), err, want)
	}
}

// equal compares what a case got with what it wants.
func equal[T any](e *env, what string, got, want T) {
	e.Helper()
	if !reflect.DeepEqual(got, want) {
		e.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// near compares times; stores may round to the millisecond, and with a clock of
// their own they are not exactly where the case thinks: any of its calls may be what
// took so long.
func (e *env) near(what string, got, want time.Time) {
	e.Helper()
	tolerance := time.Millisecond
	if e.lacks.Clock {
		tolerance = e.unit/2 + e.clock.late()
	}
	if d := got.Sub(want).Abs(); d > tolerance || got.IsZero() != want.IsZero() {
		e.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// encode is the wire format of one event, at a time with nanoseconds.
func encode(ref int64, body history.Body) history.Encoded {
	at := time.Date(2026, time.January, 1, 0, 0, 0, 987654321, time.UTC)
	enc, err := history.Encode(history.Event{At: at, Ref: ref, Body: body})
	if err != nil {
		panic(err) // the suite's own events can be encoded
	}
	return enc
}

func signal(name string) history.Encoded {
	return encode(0, history.SignalReceived{Name: name, Arg: engine.Payload(`"v"`)})
}

func terminated(reason string) history.Encoded {
	return encode(0, history.WorkflowTerminated{Reason: reason})
}

func fired(ref int64) history.Encoded { return encode(ref, history.TimerFired{}) }

// label is what cases call an event: a signal's name, else the kind and the ref.
func (e *env) label(enc history.Encoded) string {
	e.Helper()
	ev, err := enc.DecodeOne()
	e.ok(err, "decoding a single event %q", enc)
	return labelOf(ev)
}

func labelOf(ev history.Event) string {
	if s, ok := ev.Body.(history.SignalReceived); ok {
		return s.Name
	}
	if ev.Ref == 0 {
		return string(ev.Kind())
	}
	return fmt.Sprintf("%s#%d", ev.Kind(), ev.Ref)
}

// labels are those of inbox rows, with spaces between.
func (e *env) labels(rows []backend.InboxRow) string {
	e.Helper()
	var all []string
	for _, r := range rows {
		all = append(all, e.label(r.Event))
	}
	return strings.Join(all, " ")
}

// timers names timers like labels, with their slots.
func timers(ts []backend.Timer) string {
	var all []string
	for _, t := range ts {
		all = append(all, fmt.Sprintf("%d/%d", t.Ref, t.Slot))
	}
	return strings.Join(all, " ")
}

// byID addresses whatever execution of i is open, exactly just this one.
func byID(i engine.Instance) backend.Address { return backend.Address{InstanceID: i.InstanceID} }

func exactly(i engine.Instance) backend.Address {
	return backend.Address{InstanceID: i.InstanceID, ExecutionID: i.ExecutionID}
}

func newInstance(id string) engine.Instance {
	return engine.Instance{InstanceID: id, ExecutionID: engine.NewID()}
}

func creation(id string) backend.Creation {
	i := newInstance(id)
	return backend.Creation{
		Instance: i, FirstExecution: i.ExecutionID, Workflow: workflow, Queue: queue,
		Started: encode(0, history.WorkflowStarted{Workflow: workflow, Queue: queue, FirstExecution: i.ExecutionID}),
	}
}

// create makes an execution that is ready.
func (e *env) create(id string, change ...func(*backend.Creation)) engine.Instance {
	e.Helper()
	c := creation(id)
	for _, f := range change {
		f(&c)
	}
	r := e.tryCreate(c)
	e.ok(r.Err, "creating %q", id)
	equal(e, "instance of the new execution", r.Instance, c.Instance)
	return c.Instance
}

func (e *env) tryCreate(c backend.Creation) backend.CreateResult {
	e.Helper()
	return one(e, "Create", e.b.Create(e.ctx(), []backend.Creation{c}))
}

// one unwraps the answer to a batch of one.
func one[R any](e *env, method string, rs []R) R {
	e.Helper()
	if len(rs) != 1 {
		e.Fatalf("%s answered %d results to one item", method, len(rs))
	}
	return rs[0]
}

// deliver puts a signal into an inbox.
func (e *env) deliver(to backend.Address, name string) {
	e.Helper()
	e.ok(e.tryDeliver(backend.Delivery{ID: engine.NewID(), To: to, Event: signal(name)}), "delivering %s to %+v", name, to)
}

func (e *env) tryDeliver(d backend.Delivery) error {
	e.Helper()
	return one(e, "Deliver", e.b.Deliver(e.ctx(), []backend.Delivery{d}))
}

func (e *env) terminate(to backend.Address) {
	e.Helper()
	e.ok(e.tryTerminate(to), "terminating %+v", to)
}

func (e *env) tryTerminate(to backend.Address) error {
	e.Helper()
	t := backend.Termination{To: to, Event: terminated("by case"), Error: "terminated by case"}
	return one(e, "Terminate", e.b.Terminate(e.ctx(), []backend.Termination{t}))
}

func (e *env) pause(to backend.Address, paused bool) {
	e.Helper()
	e.ok(one(e, "Pause", e.b.Pause(e.ctx(), []backend.PauseChange{{To: to, Paused: paused}})), "pausing %+v: %v", to, paused)
}

func (e *env) heartbeat(id string, change ...func(*backend.Worker)) {
	e.Helper()
	w := backend.Worker{ID: id, Host: "host", PID: 1, Build: build, Queues: []engine.Queue{queue}, Started: e.clock.Now()}
	for _, f := range change {
		f(&w)
	}
	e.ok(e.b.Heartbeat(e.ctx(), w), "heartbeat of %s", id)
}

func (e *env) summary(i engine.Instance) backend.Summary {
	e.Helper()
	s, err := e.b.Get(e.ctx(), i)
	e.ok(err, "getting %s", i)
	return s
}

func (e *env) pending(i engine.Instance) backend.Pending {
	e.Helper()
	p, err := e.b.Pending(e.ctx(), i, 0)
	e.ok(err, "pending of %s", i)
	return p
}

// inbox is what the inbox of i holds, see labels.
func (e *env) inbox(i engine.Instance) string {
	e.Helper()
	return e.labels(e.pending(i).Inbox)
}

// history reads and decodes the whole history of i and checks its numbering.
func (e *env) history(i engine.Instance) string {
	e.Helper()
	chunks, err := e.b.History(e.ctx(), i, 0, 0)
	e.ok(err, "history of %s", i)
	next := int64(1)
	var all []string
	for _, c := range chunks {
		equal(e, "first sequence number of a chunk of "+i.String(), c.First, next)
		events, err := c.Events.Decode(c.First)
		e.ok(err, "decoding a chunk of %s", i)
		equal(e, "count of a chunk of "+i.String(), c.Count, len(events))
		for _, ev := range events {
			all = append(all, labelOf(ev))
		}
		next += int64(c.Count)
	}
	return strings.Join(all, " ")
}
