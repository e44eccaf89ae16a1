package executor_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// options are what a session gives to the executors it makes.
type options struct {
	strict    bool
	parent    bool // the execution is a child
	deadline  time.Duration
	maxEvents int64
	maxBytes  int64
}

// session plays worker and store for one execution. The code may change on the
// way.
type session struct {
	tb   testing.TB
	inst engine.Instance
	name string // under which the code is registered
	flow any    // the code now
	opts options

	x       *executor.Executor
	history []history.Event // as decoded from what was stored
	bytes   int64
	tasks   []task
	now     time.Time
	last    executor.Step
	over    bool          // x is blocked
	observe func() string // what the code has seen
}

// task is one step that was made.
type task struct {
	flow    any
	in      executor.Input
	outside int
	before  int // events of history
	step    executor.Step
	seen    string
}

func newSession(tb testing.TB, name string, flow any, o options) *session {
	tb.Helper()
	s := &session{
		tb: tb, name: name, flow: flow, opts: o, now: epoch,
		inst:    engine.Instance{InstanceID: "inst", ExecutionID: "exec"},
		observe: func() string { return "" },
	}
	s.x = s.executor(flow)
	tb.Cleanup(func() { s.x.Close() })
	return s
}

func (s *session) executor(flow any) *executor.Executor {
	reg := newRegistry(s.tb, s.name, flow)
	return executor.New(executor.Options{
		Instance: s.inst, Registry: reg, Command: commandSettings(reg),
		StepDeadline: s.opts.deadline, Strict: s.opts.strict,
		MaxEvents: s.opts.maxEvents, MaxBytes: s.opts.maxBytes,
	})
}

// apply makes a step of events and stores it. It returns the reason if the
// execution was blocked; nothing is stored then.
func (s *session) apply(events ...history.Event) (executor.Step, *executor.BlockedError) {
	s.tb.Helper()
	in := executor.Input{Now: s.now, Worker: "w", Build: "b", HistoryBytes: s.bytes, Events: events}
	step, err := s.x.Apply(in)
	if err != nil {
		s.over = true
		return step, s.blocked(err)
	}
	s.tasks = append(s.tasks, task{flow: s.flow, in: in, outside: outside, before: len(s.history), step: step, seen: s.observe()})
	s.history = append(s.history, s.stored(step.Events)...)
	if err := history.Check(s.history); err != nil {
		s.tb.Errorf("after the step: %v", err)
	}
	s.last = step
	return step, nil
}

func (s *session) mustApply(events ...history.Event) executor.Step {
	s.tb.Helper()
	step, blocked := s.apply(events...)
	if blocked != nil {
		s.tb.Fatalf("blocked: %v", blocked)
	}
	return step
}

func (s *session) blocked(err error) *executor.BlockedError {
	s.tb.Helper()
	var b *executor.BlockedError
	if !errors.As(err, &b) {
		s.tb.Fatalf("no *BlockedError: %v", err)
	}
	return b
}

// stored returns events as a store hands them back.
func (s *session) stored(events []history.Event) []history.Event {
	s.tb.Helper()
	enc, err := history.Encode(events...)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.bytes += int64(len(enc))
	dec, err := enc.Decode(int64(len(s.history)) + 1)
	if err != nil {
		s.tb.Fatal(err)
	}
	return dec
}

func (s *session) start(args ...any) executor.Step {
	s.tb.Helper()
	return s.mustApply(s.started(args...))
}

func (s *session) started(args ...any) history.Event {
	b := history.WorkflowStarted{Workflow: s.name, Args: payloads(args), Queue: "q"}
	if s.opts.parent {
		b.Parent = &history.Parent{Instance: engine.Instance{InstanceID: "parent", ExecutionID: "first"}, Ref: 7, Workflow: "parents"}
	}
	return s.event(0, b)
}

func (s *session) event(ref int64, b history.Body) history.Event {
	return history.Event{At: s.now, Ref: ref, Body: b}
}

// replay replays events with the code flow. It returns the executor, which the
// caller must close, or why the execution is blocked.
func (s *session) replay(flow any, events []history.Event) (*executor.Executor, *executor.BlockedError) {
	s.tb.Helper()
	x := s.executor(flow)
	if err := x.Replay(events); err != nil {
		x.Close()
		return nil, s.blocked(err)
	}
	return x, nil
}

// switchTo goes on with other code, as after a deployment.
func (s *session) switchTo(flow any) *executor.BlockedError {
	s.tb.Helper()
	x, blocked := s.replay(flow, s.history)
	if blocked != nil {
		return blocked
	}
	s.x.Close()
	s.flow, s.x = flow, x
	return nil
}

// boundaries returns the lengths of the prefixes of the history at which a worker
// may have found it: after each task.
func (s *session) boundaries() []int {
	var at []int
	for _, t := range s.tasks[min(1, len(s.tasks)):] {
		at = append(at, t.before)
	}
	return append(at, len(s.history))
}

// verify replays every prefix of the history with the code that made it, and
// proves that the state is the same: the next task brings about the same step, and
// the code has seen the same.
func (s *session) verify() {
	s.tb.Helper()
	defer func(o int) { outside = o }(outside)
	for _, t := range s.tasks {
		x, blocked := s.replay(t.flow, s.history[:t.before])
		if blocked != nil {
			s.tb.Errorf("replay of the first %d events: %v", t.before, blocked)
			continue
		}
		if x.LastSeq() != int64(t.before) {
			s.tb.Errorf("replay of the first %d events: LastSeq is %d", t.before, x.LastSeq())
		}
		outside = t.outside
		step, err := x.Apply(t.in)
		if err != nil {
			s.tb.Errorf("the step after a replay of the first %d events: %v", t.before, err)
		} else {
			sameStep(s.tb, t.before, step, t.step)
		}
		if got := s.observe(); got != t.seen {
			s.tb.Errorf("after a replay of the first %d events the code saw\n     %s\nlive %s", t.before, got, t.seen)
		}
		x.Close()
	}
	x, blocked := s.replay(s.flow, s.history)
	if blocked != nil {
		s.tb.Errorf("replay of the whole history: %v", blocked)
		return
	}
	if got, want := fmt.Sprint(x.Pending()), fmt.Sprint(s.x.Pending()); got != want && !s.over {
		s.tb.Errorf("pending after a replay of the whole history\n got %s\nwant %s", got, want)
	}
	x.Close()
}

// sameStep compares all but warnings, of which a replay has its own. Events are
// compared as they are stored.
func sameStep(tb testing.TB, after int, got, want executor.Step) {
	tb.Helper()
	if g, w := encoded(tb, got), encoded(tb, want); g != w {
		tb.Errorf("the step after a replay of the first %d events\n got %s\nwant %s", after, g, w)
		return
	}
	for _, s := range []*executor.Step{&got, &want} {
		s.Warnings, s.Events, s.Final, s.Parent = nil, nil, nil, nil
	}
	if reflect.DeepEqual(got, want) {
		return
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			tb.Errorf("the step after a replay of the first %d events differs in %s\n got %+v\nwant %+v",
				after, g.Type().Field(i).Name, g.Field(i), w.Field(i))
		}
	}
}

func encoded(tb testing.TB, s executor.Step) string {
	tb.Helper()
	events := s.Events
	if s.Parent != nil {
		events = append(slices.Clone(events), s.Parent.Event)
	}
	enc, err := history.Encode(events...)
	if err != nil {
		tb.Fatal(err)
	}
	return string(enc)
}
