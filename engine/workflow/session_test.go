package workflow_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/internal/coro"
	"github.com/wfops/wfops/engine/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// session runs one workflow function against a sink that only remembers what it
// was asked for. The test plays the part of the world.
type session struct {
	t         *testing.T
	sched     *coro.Scheduler
	settings  command.Settings
	log       []string // what was asked for, one line each
	outcomes  []*command.Outcome
	commands  []any
	signals   map[string]*command.Signals
	onCancel  func(error)
	now       time.Time
	applied   int64
	unique    byte
	replaying bool
	sides     []engine.Payload // recorded side effects, when replaying
	mutable   map[string]engine.Payload
	versions  map[string]int
	tags      map[string]string
	status    string
	notes     []any
	blocked   *engine.BlockReason
	details   command.Details
	headers   history.Headers
	waits     [][]command.Wait
	done      *command.Completion
	failure   error // of the scheduler
}

var _ command.Sink = (*session)(nil)

func newSession(t *testing.T) *session {
	t.Helper()
	s := &session{
		t:        t,
		sched:    coro.New(coro.Options{}),
		signals:  map[string]*command.Signals{},
		mutable:  map[string]engine.Payload{},
		versions: map[string]int{},
		now:      time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	}
	name := func(kind string) func(any, []any) (string, error) {
		return func(f any, args []any) (string, error) {
			n, ok := f.(string)
			if !ok || len(args) > 3 {
				return "", fmt.Errorf("%w: %s %v", engine.ErrInvalidArgument, kind, f)
			}
			return n, nil
		}
	}
	s.settings = command.Settings{WorkflowName: name("workflow"), ActivityName: name("activity"), Logger: slog.New(slog.DiscardHandler)}
	t.Cleanup(s.sched.Close)
	return s
}

// function adapts a Go function to what Execute wants.
type function func(workflow.Context) (any, error)

func (f function) Bind(p engine.Payloads, args []engine.Payload) (func(workflow.Context) (engine.Payload, error), error) {
	if len(args) > 0 {
		var n int
		if err := p.Decode(args[0], &n); err != nil {
			return nil, &workflow.ArgumentError{Function: `workflow "W"`, Index: 1, Type: typeOfInt, Err: err}
		}
	}
	return func(ctx workflow.Context) (engine.Payload, error) {
		v, err := f(ctx)
		if err != nil {
			return nil, err
		}
		return p.Encode("the result", v)
	}, nil
}

// start runs f until it waits.
func (s *session) start(f func(ctx workflow.Context) (any, error)) *session {
	s.t.Helper()
	return s.startWith(function(f))
}

// do is start for functions without a result.
func (s *session) do(f func(ctx workflow.Context)) *session {
	s.t.Helper()
	return s.start(func(ctx workflow.Context) (any, error) { f(ctx); return nil, nil })
}

func (s *session) startWith(f workflow.Function, args ...engine.Payload) *session {
	s.t.Helper()
	s.sched.Go("main", func() {
		c := workflow.Execute(s, f, args)
		s.done = &c
	})
	s.event()
	return s
}

// event lets the code run as after an event.
func (s *session) event() {
	s.t.Helper()
	s.applied++
	if err := s.sched.Run(); err != nil {
		s.failure = err
	}
}

func (s *session) complete(ref int, v any) {
	s.t.Helper()
	p, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	s.outcome(ref).Value = p
	s.event()
}

func (s *session) fail(ref int, err error) {
	s.t.Helper()
	s.outcome(ref).Failure = engine.Sentinels(nil).Failure(err)
	s.event()
}

func (s *session) outcome(ref int) *command.Outcome {
	s.t.Helper()
	if ref < 1 || ref > len(s.outcomes) {
		s.t.Fatalf("no command %d; asked for:\n%s", ref, strings.Join(s.log, "\n"))
	}
	o := s.outcomes[ref-1]
	if o.Ready {
		s.t.Fatalf("command %d is answered already", ref)
	}
	o.Ready = true
	return o
}

func (s *session) signal(name string, v any) {
	s.t.Helper()
	p, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	s.applied++
	b := s.Signals(name)
	b.Queue = append(b.Queue, command.Signal{Arg: p, Seq: s.applied})
	s.event()
}

func (s *session) cancel(cause error) {
	s.t.Helper()
	s.sched.GoFirst("cancel", func() { s.onCancel(cause) })
	s.event()
}

// wantLog compares what was asked for.
func (s *session) wantLog(want ...string) {
	s.t.Helper()
	if got := strings.Join(s.log, "\n"); got != strings.Join(want, "\n") {
		s.t.Fatalf("asked for\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// wantResult expects the function to have returned v.
func (s *session) wantResult(v any) {
	s.t.Helper()
	c := s.completion()
	if c.Err != nil {
		s.t.Fatalf("the workflow failed: %v", c.Err)
	}
	if want, _ := json.Marshal(v); string(c.Result) != string(want) {
		s.t.Fatalf("result %s, want %s", c.Result, want)
	}
}

func (s *session) wantError(target error) {
	s.t.Helper()
	if c := s.completion(); !errors.Is(c.Err, target) {
		s.t.Fatalf("error %v, want %v", c.Err, target)
	}
}

func (s *session) wantPanic(text string) {
	s.t.Helper()
	var p *workflow.PanicError
	if err := s.completion().Err; !errors.As(err, &p) || !strings.Contains(p.Error(), text) {
		s.t.Fatalf("error %v, want a panic about %q", err, text)
	}
}

func (s *session) completion() *command.Completion {
	s.t.Helper()
	if s.failure != nil {
		s.t.Fatalf("the scheduler failed: %v", s.failure)
	}
	if s.done == nil {
		s.t.Fatalf("the workflow has not ended; asked for:\n%s\nwaiting: %v", strings.Join(s.log, "\n"), s.waits)
	}
	return s.done
}

func (s *session) wantOpen() {
	s.t.Helper()
	if s.failure != nil {
		s.t.Fatalf("the scheduler failed: %v", s.failure)
	}
	if s.done != nil {
		s.t.Fatalf("the workflow has ended: %+v", *s.done)
	}
}

func (s *session) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// issue notes a command; format begins with its ordinal.
func (s *session) issue(c any, format string, args ...any) *command.Outcome {
	s.sched.Check()
	o := &command.Outcome{Ref: int64(len(s.outcomes) + 1)}
	s.outcomes, s.commands = append(s.outcomes, o), append(s.commands, c)
	s.note("%d "+format, append([]any{o.Ref}, args...)...)
	return o
}

func (s *session) ScheduleActivity(c command.ScheduleActivity) *command.Outcome {
	return s.issue(c, "activity %s%s", c.Name, c.Args)
}

func (s *session) StartTimer(c command.StartTimer) *command.Outcome {
	return s.issue(c, "timer %s%v", c.Name, c.After)
}

func (s *session) StartChild(c command.StartChild) *command.Outcome {
	return s.issue(c, "child %s%s attempt %d", c.Workflow, c.Args, c.Attempt)
}

func (s *session) SendSignal(c command.SendSignal) *command.Outcome {
	return s.issue(c, "signal %s.%s %s", c.InstanceID, c.Name, c.Arg)
}

func (s *session) Cancel(os ...*command.Outcome) {
	s.sched.Check()
	var refs []string
	for _, o := range os {
		refs = append(refs, fmt.Sprint(o.Ref))
		switch s.commands[o.Ref-1].(type) {
		case command.ScheduleActivity, command.StartTimer:
			o.Ready, o.Canceled = true, true
		}
	}
	s.note("cancel %s", strings.Join(refs, " "))
}

func (s *session) SideEffect(f func() (engine.Payload, error)) (engine.Payload, error) {
	s.sched.Check()
	if s.replaying {
		p := s.sides[0]
		s.sides = s.sides[1:]
		return p, nil
	}
	p, err := f()
	s.note("side effect %s %v", p, err != nil)
	return p, err
}

func (s *session) MutableSideEffect(id string, f func(engine.Payload) (engine.Payload, bool, error)) (engine.Payload, error) {
	s.sched.Check()
	p, changed, err := f(s.mutable[id])
	if err != nil {
		return nil, err
	}
	if changed {
		s.note("mutable %s %s", id, p)
		s.mutable[id] = p
	}
	return s.mutable[id], nil
}

func (s *session) Version(id string, _, highest int) int {
	s.sched.Check()
	if _, ok := s.versions[id]; !ok {
		s.versions[id] = highest
	}
	return s.versions[id]
}

func (s *session) Signals(name string) *command.Signals {
	b, ok := s.signals[name]
	if !ok {
		b = &command.Signals{}
		s.signals[name] = b
	}
	return b
}

func (s *session) Go(name string, f func()) {
	s.sched.Check()
	s.sched.Go(name, f)
}

func (s *session) Wait(on command.Waiter) {
	s.waits = append(s.waits, on.Waits())
	s.sched.Wait(on)
}

func (s *session) Block(r engine.BlockReason) {
	s.blocked = &r
	s.sched.Exit()
}

func (s *session) OnCancel(f func(error)) { s.onCancel = f }
func (s *session) Now() time.Time         { return s.now }
func (s *session) Applied() int64         { return s.applied }
func (s *session) Replaying() bool        { return s.replaying }
func (s *session) Instance() engine.Instance {
	return engine.Instance{InstanceID: "i", ExecutionID: "e"}
}
func (s *session) Parent() *history.Parent        { return nil }
func (s *session) Workflow() string               { return "W" }
func (s *session) Headers() history.Headers       { return s.headers }
func (s *session) Trace() history.Trace           { return history.Trace{Parent: "00-1-2-01", State: "vendor=1"} }
func (s *session) Details() command.Details       { return s.details }
func (s *session) SetTags(tags map[string]string) { s.tags = tags }
func (s *session) SetStatus(line string)          { s.status = line }
func (s *session) Note(v any)                     { s.notes = append(s.notes, v) }
func (s *session) Settings() command.Settings     { return s.settings }
func (s *session) Unique() [16]byte {
	s.unique++
	return [16]byte{0: 0xff, 6: 0xff, 8: 0xff, 15: s.unique}
}
