package client_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

func TestCreateWritesWhatTheWorkerNeeds(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	before := time.Now()
	i, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{
		InstanceID: "id", Queue: "fast", Tags: map[string]string{"k": "v"}, ExecutionTimeout: time.Hour, StartDelay: time.Minute,
	}, Greet, "Ada", 3)
	if err != nil {
		t.Fatal(err)
	}
	s := must(b.Get(t.Context(), *i))
	if s.Workflow != greet || s.Queue != "fast" || s.FirstExecution != i.ExecutionID || s.Tags["k"] != "v" || s.Status != engine.StatusRunning {
		t.Errorf("stored %+v", s)
	}
	p := must(b.Pending(t.Context(), *i, 0))
	if len(p.Inbox) != 1 || len(p.Timers) != 1 {
		t.Fatalf("pending %+v, want one event and one timer", p)
	}
	ev := must(p.Inbox[0].Event.DecodeOne())
	started, ok := ev.Body.(history.WorkflowStarted)
	if !ok {
		t.Fatalf("the first event is a %T", ev.Body)
	}
	if started.Workflow != greet || started.Queue != "fast" || started.FirstExecution != i.ExecutionID || started.Timeout != time.Hour ||
		string(started.Args[0]) != `"Ada"` || string(started.Args[1]) != "3" || started.Tags["k"] != "v" {
		t.Errorf("the started event is %+v", started)
	}
	timer := p.Timers[0]
	if due := before.Add(time.Hour + time.Minute); timer.Ref != 0 || timer.Slot != backend.SlotTimer || timer.Due.Before(due) || timer.Due.After(due.Add(time.Minute)) {
		t.Errorf("the timeout is %+v, want it due about %v", timer, due)
	}
	if timed := must(timer.Event.DecodeOne()); timed.Kind() != history.KindWorkflowTimedOut {
		t.Errorf("the timeout's event is %s", timed.Kind())
	}
	if ready := before.Add(time.Minute); p.ReadyAt.Before(ready) || p.ReadyAt.After(ready.Add(time.Minute)) {
		t.Errorf("ready at %v, want about %v", p.ReadyAt, ready)
	}
}

func TestAnEmptyIDIsMade(t *testing.T) {
	c := client.New(newStore(t))
	a, b := create(t, c, ""), create(t, c, "")
	if a.InstanceID == "" || a.InstanceID == b.InstanceID {
		t.Errorf("ids %q and %q should be different and not empty", a.InstanceID, b.InstanceID)
	}
}

func TestIDReuse(t *testing.T) {
	for _, tt := range []struct {
		reuse        client.IDReuse
		open, closed string // what happens if the last execution is open or closed
	}{
		{"", "taken", "new"},
		{client.IDReuseFinished, "taken", "new"},
		{client.IDReuseReject, "taken", "taken"},
		{client.IDReuseTerminate, "replaced", "new"},
		{client.IDReuseReturn, "same", "new"},
	} {
		for state, want := range map[string]string{"open": tt.open, "closed": tt.closed} {
			t.Run(string(tt.reuse)+"/"+state, func(t *testing.T) {
				b := newStore(t)
				c := client.New(b)
				first := create(t, c, "id")
				if state == "closed" {
					end(t, b, engine.StatusCompleted, history.WorkflowCompleted{})
				}
				second, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{InstanceID: "id", IDReuse: tt.reuse}, Greet, "Bob", 1)
				got := "taken"
				switch {
				case errors.Is(err, engine.ErrInstanceAlreadyExists):
				case err != nil:
					t.Fatal(err)
				case *second == *first:
					got = "same"
				case must(b.Get(t.Context(), *first)).Status == engine.StatusTerminated:
					got = "replaced"
				default:
					got = "new"
				}
				if got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

// Typed has a signature with all that can be checked.
func Typed(workflow.Context, int64, []string, *time.Time) error { return nil }

func TestRefusedAtTheCall(t *testing.T) {
	long := strings.Repeat("x", 256)
	r := registry.New()
	if err := r.RegisterWorkflow(Typed, registry.WithName("typed")); err != nil {
		t.Fatal(err)
	}
	type options = client.WorkflowInstanceOptions
	tests := []struct {
		name    string
		options options
		wf      any
		args    []any
		says    string
	}{
		{"too few arguments", options{}, Greet, []any{"Ada"}, "argument"},
		{"too many arguments", options{}, Greet, []any{"Ada", 1, 2}, "argument"},
		{"argument of another type", options{}, Greet, []any{"Ada", "3"}, "argument 2"},
		{"argument of another type for a registered name", options{}, "typed", []any{"x", nil, nil}, "argument 1"},
		{"argument that can't be encoded", options{}, "unknown", []any{1, make(chan int)}, "argument 2"},
		{"argument over the limit", options{}, Greet, []any{strings.Repeat("x", engine.MaxPayloadBytes), 1}, "argument 1"},
		{"no function", options{}, 42, nil, "int"},
		{"nil workflow", options{}, nil, nil, ""},
		{"a function that is no workflow", options{}, func(int) {}, []any{1}, ""},
		{"empty name", options{}, "", nil, "name"},
		{"name too long", options{}, long, nil, "name"},
		{"id too long", options{InstanceID: long}, Greet, []any{"Ada", 3}, "InstanceID"},
		{"id that is no UTF-8", options{InstanceID: "a\xff"}, Greet, []any{"Ada", 3}, "InstanceID"},
		{"queue too long", options{Queue: engine.Queue(long)}, Greet, []any{"Ada", 3}, "Queue"},
		{"tag key too long", options{Tags: map[string]string{long: "v"}}, Greet, []any{"Ada", 3}, "tag"},
		{"tag value too long", options{Tags: map[string]string{"k": long}}, Greet, []any{"Ada", 3}, `"k"`},
		{"empty tag key", options{Tags: map[string]string{"": "v"}}, Greet, []any{"Ada", 3}, "tag"},
		{"unknown id reuse", options{IDReuse: "sometimes"}, Greet, []any{"Ada", 3}, "sometimes"},
		{"negative delay", options{StartDelay: -1}, Greet, []any{"Ada", 3}, "StartDelay"},
		{"negative timeout", options{ExecutionTimeout: -1}, Greet, []any{"Ada", 3}, "ExecutionTimeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newStore(t)
			c := client.New(b, client.WithRegistry(r))
			for what, call := range map[string]func() error{
				"create": func() error {
					_, err := c.CreateWorkflowInstance(t.Context(), tt.options, tt.wf, tt.args...)
					return err
				},
				"signal with start": func() error {
					_, err := c.SignalWithStart(t.Context(), tt.options, "go", 1, tt.wf, tt.args...)
					return err
				},
			} {
				err := call()
				wantIs(t, err, engine.ErrInvalidArgument)
				if err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s: error %q should name %q", what, err, tt.says)
				}
			}
			if n := must(b.Count(t.Context(), backend.Query{})); len(n) != 0 || b.calls["create"] != 0 {
				t.Errorf("something was written: %v", n)
			}
		})
	}
	if _, err := client.New(newStore(t), client.WithRegistry(r)).CreateWorkflowInstance(t.Context(), options{}, "typed", int64(1), []string{"a"}, nil); err != nil {
		t.Errorf("arguments that fit: %v", err)
	}
}

func TestSettingsThatCannotBeMeantAreRefused(t *testing.T) {
	b := newStore(t)
	c := client.New(b, client.WithSettings(settings.Settings{MaxPayload: -1}))
	_, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{}, Greet, "Ada", 3)
	wantIs(t, err, engine.ErrInvalidArgument)
	wantIs(t, c.SignalWorkflow(t.Context(), "id", "go", 1), engine.ErrInvalidArgument)
}

type tenant struct{}

// tenants carries the tenant of a context along.
type tenants struct{}

func (tenants) Inject(ctx context.Context, m *workflow.Metadata) error {
	name, ok := ctx.Value(tenant{}).(string)
	if !ok {
		return errors.New("no tenant")
	}
	(*m)["tenant"] = name
	return nil
}

func (tenants) Extract(ctx context.Context, _ *workflow.Metadata) (context.Context, error) {
	return ctx, nil
}

func (tenants) InjectFromWorkflow(workflow.Context, *workflow.Metadata) error { return nil }

func (tenants) ExtractToWorkflow(ctx workflow.Context, _ *workflow.Metadata) (workflow.Context, error) {
	return ctx, nil
}

func TestPropagatorsFillHeaders(t *testing.T) {
	b := newStore(t)
	c := client.New(b, client.WithSettings(settings.Settings{Propagators: []workflow.ContextPropagator{tenants{}}}))
	ctx := context.WithValue(t.Context(), tenant{}, "acme")
	if _, err := c.SignalWithStart(ctx, client.WorkflowInstanceOptions{}, "go", 1, Greet, "Ada", 3); err != nil {
		t.Fatal(err)
	}
	want := history.Headers{"tenant": "acme"}
	bodies := inbox(t, claim(t, b))
	if got := bodies[0].(history.WorkflowStarted).Headers; !reflect.DeepEqual(got, want) {
		t.Errorf("headers of the start are %v, want %v", got, want)
	}
	if got := bodies[1].(history.SignalReceived).Headers; !reflect.DeepEqual(got, want) {
		t.Errorf("headers of the signal are %v, want %v", got, want)
	}
	if _, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{}, Greet, "Ada", 3); err == nil || !strings.Contains(err.Error(), "no tenant") {
		t.Errorf("got %v, want the propagator's error", err)
	}
}

func TestSignalWithStart(t *testing.T) {
	b := newStore(t)
	c := client.New(b)
	o := client.WorkflowInstanceOptions{InstanceID: "id"}
	first := must(c.SignalWithStart(t.Context(), o, "go", 1, Greet, "Ada", 3))
	second := must(c.SignalWithStart(t.Context(), o, "go", 2, Greet, "Ada", 3))
	if *first != *second {
		t.Errorf("the second call should reach %s, got %s", first, second)
	}
	bodies := inbox(t, claim(t, b))
	if len(bodies) != 3 {
		t.Fatalf("the inbox holds %v, want the start and two signals", bodies)
	}
	for i, want := range []string{"1", "2"} {
		if s := bodies[i+1].(history.SignalReceived); s.Name != "go" || string(s.Arg) != want {
			t.Errorf("signal %d is %+v", i+1, s)
		}
	}
	_, err := c.SignalWithStart(t.Context(), o, "", 1, Greet, "Ada", 3)
	wantIs(t, err, engine.ErrInvalidArgument)
	o.IDReuse = client.IDReuseReject
	_, err = c.SignalWithStart(t.Context(), o, "go", 1, Greet, "Ada", 3)
	wantIs(t, err, engine.ErrInstanceAlreadyExists)
}

// Durations that mean "never" must not turn into the past when they are added up.
func TestVeryLongExecutionTimeout(t *testing.T) {
	s := newStore(t)
	c := client.New(s)
	o := client.WorkflowInstanceOptions{InstanceID: "id", StartDelay: time.Hour, ExecutionTimeout: math.MaxInt64}
	i, err := c.CreateWorkflowInstance(t.Context(), o, Greet, "Ada", 3)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Pending(t.Context(), *i, 0)
	if err != nil || len(p.Timers) != 1 {
		t.Fatalf("timers %v, %v", p.Timers, err)
	}
	if due := p.Timers[0].Due; due.Year() < 2200 {
		t.Errorf("the execution times out at %v", due)
	}
}
