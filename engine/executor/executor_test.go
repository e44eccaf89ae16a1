package executor_test

import (
	"crypto/rand"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

func TestApplyRefuses(t *testing.T) {
	s := newSession(t, "chain", chain, options{})
	if _, err := s.x.Apply(executor.Input{Now: epoch}); err == nil {
		t.Error("a step without events was made")
	}
	if step := s.start(0); step.Status != engine.StatusCompleted {
		t.Fatalf("ended as %s", step.Status)
	}
	if _, err := s.x.Apply(executor.Input{Now: epoch, Events: []history.Event{s.started(0)}}); err == nil {
		t.Error("a step was made after the end")
	}
}

func TestNothingFollowsTheEnd(t *testing.T) {
	s := newSession(t, "chain", chain, options{})
	s.start(0)
	more := append(slices.Clone(s.history), history.Event{Seq: int64(len(s.history)) + 1, At: epoch, Body: history.TaskStarted{}})
	if _, b := s.replay(chain, more); b == nil || b.Reason.Seq != int64(len(more)) {
		t.Errorf("replay of events after the end: %v", b)
	}
}

func TestTerminatedHistories(t *testing.T) {
	terminated := history.WorkflowTerminated{Reason: "by hand"}
	s := newSession(t, "chain", chain, options{})
	s.start(2)
	for name, events := range map[string][]history.Event{
		"before the first step": {{Seq: 1, At: epoch, Body: terminated}},
		"later":                 append(slices.Clone(s.history), history.Event{Seq: int64(len(s.history)) + 1, At: epoch, Body: terminated}),
	} {
		t.Run(name, func(t *testing.T) {
			x, b := s.replay(chain, events)
			if b != nil {
				t.Fatal(b)
			}
			defer x.Close()
			if x.LastSeq() != int64(len(events)) {
				t.Errorf("LastSeq is %d", x.LastSeq())
			}
		})
	}
}

func TestCloseRunsDeferredCalls(t *testing.T) {
	var trace []string
	s := newSession(t, "flow", func(ctx workflow.Context) error {
		defer func() { trace = append(trace, "deferred") }()
		defer func() {
			act(ctx, "never") // ends this call: nobody is there to ask
			trace = append(trace, "went on")
		}()
		run(ctx, "a")
		return nil
	}, options{})
	s.start()
	s.x.Close()
	if !slices.Equal(trace, []string{"deferred"}) {
		t.Errorf("ran: %v", trace)
	}
}

func TestBytesHaveALimit(t *testing.T) {
	s := newSession(t, "chain", chain, options{maxBytes: 500})
	s.start(9)
	if s.last.Warnings != nil {
		t.Errorf("warned of %d bytes: %v", s.bytes, s.last.Warnings)
	}
	if step := s.mustApply(completed(s, 1)); len(step.Warnings) != 1 {
		t.Errorf("%d bytes of 500: warnings %v", s.bytes, step.Warnings)
	}
	_, b := s.apply(completed(s, 2))
	if b == nil || b.Reason.Class != engine.BlockHistoryLimit || b.Transient {
		t.Fatalf("%d bytes of 500: %v", s.bytes, b)
	}
}

func TestSizeGrowsWithHistoryAndCoroutines(t *testing.T) {
	s := newSession(t, "chain", chain, options{})
	empty := s.x.Size()
	s.start(9)
	one := s.x.Size()
	s.mustApply(completed(s, 1))
	if two := s.x.Size(); !(empty < one && one < two) {
		t.Errorf("sizes %d, %d, %d", empty, one, two)
	}
}

func TestWhatTheNextExecutionInherits(t *testing.T) {
	s := newSession(t, "flow", func(ctx workflow.Context) error { return workflow.ContinueAsNew(ctx) }, options{})
	started := history.WorkflowStarted{
		Workflow: "flow", Queue: "q", Timeout: time.Hour, Deadline: epoch.Add(time.Hour),
		Parent:  &history.Parent{Instance: engine.Instance{InstanceID: "p", ExecutionID: "p1"}, Ref: 3},
		Headers: history.Headers{"k": "v"}, Trace: history.Trace{Parent: "00-1-2-01"}, Tags: map[string]string{"a": "b"},
	}
	first := s.mustApply(s.event(0, started)).Next
	want := started
	want.FirstExecution, want.ContinuedFrom, want.Signals = "exec", "exec", []history.CarriedSignal{}
	if first == nil || !reflect.DeepEqual(first.Started, want) {
		t.Fatalf("next execution\n got %+v\nwant %+v", first, want)
	}
	if first.Instance.InstanceID != "inst" || first.Instance.ExecutionID == "exec" {
		t.Errorf("it is %s", first.Instance)
	}
	s = newSession(t, "flow", s.flow, options{})
	s.inst = first.Instance
	s.x = s.executor(s.flow)
	second := s.mustApply(s.event(0, first.Started)).Next
	if second.Started.FirstExecution != "exec" || second.Started.ContinuedFrom != first.Instance.ExecutionID || second.Instance == first.Instance {
		t.Errorf("the one after is %+v", second)
	}
}

// Nothing of a workflow runs after its function has returned.
func TestTheReturnIsTheEnd(t *testing.T) {
	var trace []string
	flow := func(ctx workflow.Context) error {
		trace = nil
		over := false
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer func() { trace = append(trace, "ended") }()
			_ = workflow.AwaitCondition(ctx, func() bool { return over })
			trace = append(trace, "went on")
		})
		run(ctx, "a")
		over = true
		return nil
	}
	s := newSession(t, "flow", flow, options{})
	s.start()
	s.mustApply(completed(s, 1))
	s.x.Close()
	if !slices.Equal(trace, []string{"ended"}) {
		t.Errorf("the coroutine %v", trace)
	}
}

// randomCodec seals the same value differently each time.
type randomCodec struct{}

func (randomCodec) Seal(p engine.Payload) (engine.Payload, error) {
	var salt [4]byte
	if _, err := io.ReadFull(rand.Reader, salt[:]); err != nil {
		return nil, err
	}
	return slices.Concat(salt[:], p), nil
}

func (randomCodec) Open(p engine.Payload) (engine.Payload, error) { return p[4:], nil }

func TestArgumentsAreComparedUnsealed(t *testing.T) {
	flow := func(arg int) any {
		return func(ctx workflow.Context) error { run(ctx, "a", arg); return nil }
	}
	build := func(arg int, payloads engine.Payloads) *executor.Executor {
		reg := newRegistry(t, "flow", flow(arg))
		settings := commandSettings(reg)
		settings.Payloads = payloads
		return executor.New(executor.Options{Instance: engine.Instance{InstanceID: "i", ExecutionID: "e"}, Registry: reg, Command: settings})
	}
	for name, c := range map[string]struct {
		payloads engine.Payloads
		then     int
		warnings int
	}{
		"same value, sealed differently": {engine.Payloads{Codec: randomCodec{}}, 1, 0},
		"other value":                    {engine.Payloads{Codec: randomCodec{}}, 2, 1},
		"not comparable":                 {engine.Payloads{Converter: vague{}}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x := build(1, c.payloads)
			defer x.Close()
			step, err := x.Apply(executor.Input{Now: epoch, Events: []history.Event{{Body: history.WorkflowStarted{Workflow: "flow"}}}})
			if err != nil {
				t.Fatal(err)
			}
			y := build(c.then, c.payloads)
			defer y.Close()
			if err := y.Replay(step.Events); err != nil {
				t.Fatal(err)
			}
			if got := len(y.Warnings()); got != c.warnings {
				t.Errorf("warnings %v", y.Warnings())
			}
		})
	}
}

// vague does not promise equal bytes for equal values.
type vague struct{ engine.JSON }

func (vague) Deterministic() bool { return false }

func TestRegisteredSentinelsAreFoundInAnswers(t *testing.T) {
	errMoney := errors.New("no money")
	var found, foundWrapped bool
	flow := func(ctx workflow.Context) error {
		_, err := act(ctx, "a").Get(ctx)
		found = errors.Is(err, errMoney)
		var f *workflow.Error
		foundWrapped = errors.As(err, &f) && f.Message == "paying: no money"
		return err
	}
	reg := newRegistry(t, "flow", flow)
	settings := commandSettings(reg)
	settings.Sentinels = engine.Sentinels{"money": errMoney}
	x := executor.New(executor.Options{Instance: engine.Instance{InstanceID: "i", ExecutionID: "e"}, Registry: reg, Command: settings})
	defer x.Close()
	if _, err := x.Apply(executor.Input{Now: epoch, Events: []history.Event{{Body: history.WorkflowStarted{Workflow: "flow"}}}}); err != nil {
		t.Fatal(err)
	}
	stored := &engine.Failure{Message: "paying: no money", Causes: []*engine.Failure{{Message: "no money", Code: "money"}}}
	step, err := x.Apply(executor.Input{Now: epoch, Events: []history.Event{{Ref: 1, Body: history.ActivityFailed{Failure: stored}}}})
	if err != nil {
		t.Fatal(err)
	}
	if !found || !foundWrapped {
		t.Errorf("errors.Is %v, errors.As %v", found, foundWrapped)
	}
	if f := step.Final.(history.WorkflowFailed).Failure; f.Causes[0].Code != "money" {
		t.Errorf("the final failure lost its code: %+v", f)
	}
}
