package registry_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

func activity(t testing.TB, fn any) *registry.Activity {
	t.Helper()
	r := registry.New()
	if err := r.RegisterActivity(fn, registry.WithName("a")); err != nil {
		t.Fatal(err)
	}
	a, err := r.Activity("a")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func payloads(ps ...string) []engine.Payload {
	all := make([]engine.Payload, len(ps))
	for i, p := range ps {
		all[i] = engine.Payload(p)
	}
	return all
}

func TestCall(t *testing.T) {
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		fn   any
		args []engine.Payload
		want string
		err  error
	}{
		"result":        {Activity1, payloads("1", "2"), "3", nil},
		"no context":    {func(n int) (int, error) { return -n, nil }, payloads("1"), "-1", nil},
		"error only":    {func() error { return nil }, nil, "", nil},
		"failure":       {func() (int, error) { return 7, failed }, nil, "", failed},
		"variadic":      {Variadic, payloads(`"x"`, "1", "2"), `"x[1 2]"`, nil},
		"variadic none": {Variadic, payloads(`"x"`), `"x[]"`, nil},
		"nil payload":   {func(n int) (int, error) { return n, nil }, []engine.Payload{nil}, "0", nil},
		"nil result":    {func() (*int, error) { return nil, nil }, nil, "null", nil}, //nolint:nilnil // that's the case
	} {
		t.Run(name, func(t *testing.T) {
			got, err := activity(t, c.fn).Call(t.Context(), engine.Payloads{}, c.args)
			if string(got) != c.want || !errors.Is(err, c.err) {
				t.Fatalf("got %q, %v; want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestCallPassesTheContext(t *testing.T) {
	type key struct{}
	a := activity(t, func(ctx context.Context) (string, error) { return ctx.Value(key{}).(string), nil })
	if a.Name() != "a" {
		t.Errorf("name %q", a.Name())
	}
	got, err := a.Call(context.WithValue(t.Context(), key{}, "v"), engine.Payloads{}, nil)
	if string(got) != `"v"` || err != nil {
		t.Fatalf("got %s, %v", got, err)
	}
}

type explodes struct{}

func (*explodes) UnmarshalJSON([]byte) error { panic("boom") }

func TestCallThatFailsForGood(t *testing.T) {
	for name, c := range map[string]struct {
		fn   any
		args []engine.Payload
		says string
	}{
		"argument":       {Activity1, payloads("1", `"x"`), `activity "a": decoding argument 2 as int`},
		"count":          {Activity1, payloads("1"), `activity "a" takes 2 arguments, got 1`},
		"exploding type": {func(explodes) error { return nil }, payloads("1"), "decoding panicked: boom"},
		"result":         {func() (chan int, error) { return make(chan int), nil }, nil, `activity "a": invalid argument: the result`},
		"large result":   {func() (string, error) { return strings.Repeat("x", 3<<20), nil }, nil, "the limit is"},
		"panic":          {func() error { panic("boom") }, nil, "panic: boom"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := activity(t, c.fn).Call(t.Context(), engine.Payloads{}, c.args)
			if err == nil || got != nil || engine.CanRetry(err) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %q, %v; want a permanent error that says %q", got, err, c.says)
			}
		})
	}
}

func TestCallReportsWhichArgument(t *testing.T) {
	_, err := activity(t, Activity1).Call(t.Context(), engine.Payloads{}, payloads("1", `"x"`))
	var a *workflow.ArgumentError
	if !errors.As(err, &a) || a.Index != 2 || a.Type.String() != "int" || errors.Unwrap(a) == nil {
		t.Fatalf("error %#v", err)
	}
}

func TestPanicHasAStack(t *testing.T) {
	_, err := activity(t, func() error { panic("boom") }).Call(t.Context(), engine.Payloads{}, nil)
	var p *engine.PanicError
	if !errors.As(err, &p) || !strings.Contains(p.Stack(), "TestPanicHasAStack") {
		t.Fatalf("error %v", err)
	}
}

type noContext struct{ workflow.Context }

func TestBind(t *testing.T) {
	r := registry.New()
	for name, fn := range map[string]any{
		"echo": func(_ workflow.Context, s string) (string, error) { return s, nil },
		"fail": func(workflow.Context) error { return engine.ErrTerminated },
	} {
		if err := r.RegisterWorkflow(fn, registry.WithName(name)); err != nil {
			t.Fatal(err)
		}
	}
	echo, _ := r.Workflow("echo")
	call, err := echo.Bind(engine.Payloads{}, payloads(`"hi"`))
	if err != nil || echo.Name() != "echo" {
		t.Fatal(err)
	}
	if got, err := call(noContext{}); string(got) != `"hi"` || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	var a *workflow.ArgumentError
	if _, err := echo.Bind(engine.Payloads{}, payloads("1")); !errors.As(err, &a) || a.Function != `workflow "echo"` {
		t.Errorf("error %v", err)
	}
	if _, err := echo.Bind(engine.Payloads{}, nil); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("error %v", err)
	}
	fail, _ := r.Workflow("fail")
	call, err = fail.Bind(engine.Payloads{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(noContext{}); !errors.Is(err, engine.ErrTerminated) {
		t.Errorf("error %v", err)
	}
}

func BenchmarkCall(b *testing.B) {
	a := activity(b, Activity1)
	args := payloads("1", "2")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Call(b.Context(), engine.Payloads{}, args); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	r := registry.New()
	if err := r.RegisterActivity(Activity1); err != nil {
		b.Fatal(err)
	}
	args := []any{1, 2}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ResolveActivity(Activity1, args); err != nil {
			b.Fatal(err)
		}
	}
}
