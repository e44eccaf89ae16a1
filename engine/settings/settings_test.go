package settings_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

type resolver struct{}

func (resolver) ResolveWorkflow(any, []any) (string, error) { return "W", nil }
func (resolver) ResolveActivity(any, []any) (string, error) { return "A", nil }

func TestZeroValueWorks(t *testing.T) {
	var s settings.Settings
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	p, err := s.Payloads().Encode("x", 7)
	if err != nil || string(p) != "7" {
		t.Errorf("encoded %s, %v", p, err)
	}
	if s.Log() != slog.Default() {
		t.Error("Log is not the default logger")
	}
	if s.Strict("W") {
		t.Error("strict by default")
	}
	if l := s.Limits.OrDefault(); l != (settings.Limits{HistoryEvents: 250_000, HistoryBytes: 250 << 20}) {
		t.Errorf("limits %+v", l)
	}
	if h, err := s.Inject(t.Context()); h != nil || err != nil {
		t.Errorf("injected %v, %v", h, err)
	}
	if ctx, err := s.Extract(t.Context(), history.Headers{"a": "b"}); ctx != t.Context() || err != nil {
		t.Errorf("extracted %v, %v", ctx, err)
	}
	c := s.Command(resolver{})
	if c.Inject != nil || c.Extract != nil || c.Logger == nil {
		t.Errorf("command settings %+v", c)
	}
	if name, _ := c.WorkflowName(nil, nil); name != "W" {
		t.Errorf("workflow name %q", name)
	}
	if name, _ := c.ActivityName(nil, nil); name != "A" {
		t.Errorf("activity name %q", name)
	}
}

func TestGivenValuesAreUsed(t *testing.T) {
	var out bytes.Buffer
	s := settings.Settings{
		MaxPayload: 3,
		Logger:     slog.New(slog.NewTextHandler(&out, nil)),
		Errors:     engine.Sentinels{"code": errors.New("sentinel")},
		Limits:     settings.Limits{HistoryEvents: 5, HistoryBytes: 6},
		Strictness: map[string]settings.Strictness{"": settings.Block, "lax": settings.Warn},
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Payloads().Encode("x", "long"); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("over the limit: %v", err)
	}
	s.Log().Info("hello")
	if !strings.Contains(out.String(), "hello") {
		t.Error("the logger is not used")
	}
	if !s.Strict("W") || s.Strict("lax") {
		t.Error("strictness is not by name")
	}
	if s.Limits.OrDefault() != s.Limits {
		t.Errorf("limits %+v", s.Limits.OrDefault())
	}
	if c := s.Command(resolver{}); len(c.Sentinels) != 1 || !errors.Is(c.Sentinels["code"], s.Errors["code"]) {
		t.Errorf("sentinels %v", c.Sentinels)
	}
}

func TestCheck(t *testing.T) {
	for says, s := range map[string]settings.Settings{
		"MaxPayload is -1":         {MaxPayload: -1},
		"HistoryEvents is -1":      {Limits: settings.Limits{HistoryEvents: -1}},
		"HistoryBytes is -1":       {Limits: settings.Limits{HistoryBytes: -1}},
		`workflow "W" is "strict"`: {Strictness: map[string]settings.Strictness{"W": "strict"}},
		"Propagators[1] is nil":    {Propagators: []workflow.ContextPropagator{propagator{}, nil}},
		`no error for code "x"`:    {Errors: engine.Sentinels{"x": nil}},
		"without a code: nameless": {Errors: engine.Sentinels{"": errors.New("nameless")}},
	} {
		if err := s.Check(); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}

type key string

// propagator carries one value of the context.
type propagator struct {
	key key
	err error
}

func (p propagator) Inject(ctx context.Context, m *workflow.Metadata) error {
	m.Set(string(p.key), ctx.Value(p.key).(string))
	return p.err
}

func (p propagator) Extract(ctx context.Context, m *workflow.Metadata) (context.Context, error) {
	v := m.Get(string(p.key))
	m.Set(string(p.key), "changed")
	return context.WithValue(ctx, p.key, v), p.err
}

func (p propagator) InjectFromWorkflow(ctx workflow.Context, m *workflow.Metadata) error {
	m.Set(string(p.key), ctx.Value(p.key).(string))
	return p.err
}

func (p propagator) ExtractToWorkflow(ctx workflow.Context, m *workflow.Metadata) (workflow.Context, error) {
	return workflow.WithValue(ctx, p.key, m.Get(string(p.key))), p.err
}

// noContext stands for the root context of a workflow.
type noContext struct{ workflow.Context }

func TestPropagators(t *testing.T) {
	s := settings.Settings{Propagators: []workflow.ContextPropagator{propagator{key: "a"}, propagator{key: "b"}}}
	ctx := context.WithValue(context.WithValue(t.Context(), key("a"), "1"), key("b"), "2")
	h, err := s.Inject(ctx)
	if want := (history.Headers{"a": "1", "b": "2"}); err != nil || !reflect.DeepEqual(h, want) {
		t.Fatalf("injected %v, %v", h, err)
	}
	out, err := s.Extract(t.Context(), h)
	if err != nil || out.Value(key("a")) != "1" || out.Value(key("b")) != "2" {
		t.Fatalf("extracted %v, %v", out, err)
	}
	if h["a"] != "1" {
		t.Fatalf("a propagator changed the headers of the event: %v", h)
	}

	c := s.Command(resolver{})
	wctx, err := c.Extract(noContext{}, h)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Inject(wctx)
	if err != nil || !reflect.DeepEqual(again, h) {
		t.Fatalf("a workflow passes on %v, %v; want %v", again, err, h)
	}
}

// nilPropagator forgets to return a context.
type nilPropagator struct{ propagator }

func (nilPropagator) Extract(context.Context, *workflow.Metadata) (context.Context, error) {
	return nil, nil
}

func (nilPropagator) ExtractToWorkflow(workflow.Context, *workflow.Metadata) (workflow.Context, error) {
	return nil, nil
}

func TestPropagatorsThatReturnNoContext(t *testing.T) {
	s := settings.Settings{Propagators: []workflow.ContextPropagator{nilPropagator{}}}
	if _, err := s.Extract(t.Context(), nil); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("error %v", err)
	}
	if _, err := s.Command(resolver{}).Extract(noContext{}, nil); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("error %v", err)
	}
}

func TestPropagatorsThatFail(t *testing.T) {
	bad := errors.New("bad")
	s := settings.Settings{Propagators: []workflow.ContextPropagator{propagator{key: "a", err: bad}}}
	ctx := context.WithValue(t.Context(), key("a"), "1")
	c := s.Command(resolver{})
	_, injected := s.Inject(ctx)
	_, extracted := s.Extract(ctx, nil)
	_, fromWorkflow := c.Inject(workflow.WithValue(noContext{}, key("a"), "1"))
	_, toWorkflow := c.Extract(noContext{}, nil)
	for i, err := range []error{injected, extracted, fromWorkflow, toWorkflow} {
		if !errors.Is(err, bad) || !strings.Contains(err.Error(), "settings_test.propagator") {
			t.Errorf("%d: %v", i, err)
		}
	}
}
