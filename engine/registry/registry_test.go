package registry_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

func Workflow1(workflow.Context, string) error                       { return nil }
func Workflow2(workflow.Context) (int, error)                        { return 0, nil }
func Activity1(_ context.Context, a, b int) (int, error)             { return a + b, nil }
func NoContext(a int) error                                          { return nil }
func Variadic(_ context.Context, s string, n ...int) (string, error) { return fmt.Sprint(s, n), nil }
func Generic[T any](context.Context, T) error                        { return nil }

type act struct{ state int }

func (a *act) Add(_ context.Context, n int) (int, error) { return a.state + n, nil }
func (a act) Get(context.Context) (int, error)           { return a.state, nil }

type other struct{}

func (*other) Add(context.Context, int) (int, error) { return 0, nil }

type base struct{ n int }

func (b *base) Promoted(context.Context) (int, error) { return b.n, nil }

type derived struct{ base }

type box[T any] struct{ v T }

func (b *box[T]) Value(context.Context) (T, error) { return b.v, nil }

type flows struct{}

func (flows) Run(workflow.Context) error { return nil }

var Literal = func(context.Context) error { return nil }

func mustRegister(t *testing.T, r *registry.Registry, activities ...any) {
	t.Helper()
	for _, a := range activities {
		if err := r.RegisterActivity(a); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNames(t *testing.T) {
	local := func(context.Context) error { return nil }
	for _, c := range []struct {
		what any
		want []string
	}{
		{Activity1, []string{"Activity1"}},
		{Generic[int], []string{"Generic"}},
		{&act{}, []string{"act.Add", "act.Get"}},
		{act{}, []string{"act.Get"}},
		{(&act{}).Add, []string{"act.Add"}},
		{act{}.Get, []string{"act.Get"}},
		{&derived{}, []string{"derived.Promoted"}},
		{&box[string]{}, []string{"box.Value"}},
		{(&box[string]{}).Value, []string{"box.Value"}},
		{local, []string{"TestNames.func1"}},
		{Literal, []string{"init.func1"}},
	} {
		r := registry.New()
		mustRegister(t, r, c.what)
		got := r.Activities()
		if c.want[0] == "init.func1" { // the compiler is free to call it otherwise
			if len(got) != 1 || !strings.HasSuffix(got[0], "func1") {
				t.Errorf("%T is registered as %q", c.what, got)
			}
			continue
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%T is registered as %q, want %q", c.what, got, c.want)
		}
	}
}

// However an activity is passed, it is found under the name it is registered by.
func TestResolve(t *testing.T) {
	r := registry.New()
	mustRegister(t, r, Activity1, &act{}, &derived{}, &box[string]{})
	if err := r.RegisterActivity(NoContext, registry.WithName("renamed")); err != nil {
		t.Fatal(err)
	}
	var nobody *act
	for _, c := range []struct {
		what any
		args []any
		want string
	}{
		{Activity1, []any{1, 2}, "Activity1"},
		{"Activity1", []any{1, 2}, "Activity1"},
		{NoContext, []any{1}, "renamed"},
		{nobody.Add, []any{1}, "act.Add"},
		{"act.Add", []any{1}, "act.Add"},
		{"Add", []any{1}, "act.Add"},
		{(&derived{}).Promoted, nil, "derived.Promoted"},
		{(&box[string]{}).Value, nil, "box.Value"},
		{"elsewhere", []any{1, "x", nil}, "elsewhere"},
		{Variadic, []any{"x"}, "Variadic"},
	} {
		got, err := r.ResolveActivity(c.what, c.args)
		if got != c.want || err != nil {
			t.Errorf("%v resolves to %q, %v; want %q", c.what, got, err, c.want)
		}
	}
}

// All functions that package reflect makes share their code, and with it the name
// that the compiler gave to that. None may stand for another.
func TestFunctionsWithoutAName(t *testing.T) {
	made := func() any {
		typ := reflect.TypeFor[func(context.Context) error]()
		return reflect.MakeFunc(typ, func([]reflect.Value) []reflect.Value { return nil }).Interface()
	}
	method := func() any { return reflect.ValueOf(&act{}).MethodByName("Add").Interface() }
	r := registry.New()
	for name, f := range map[string]func() any{"made": made, "method": method} {
		if err := r.RegisterActivity(f()); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), "registry.WithName") {
			t.Errorf("registering one: %v", err)
		}
		if err := r.RegisterActivity(f(), registry.WithName(name)); err != nil {
			t.Errorf("with a name: %v", err)
		}
		if name, err := r.ResolveActivity(f(), nil); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), "no name") {
			t.Errorf("one resolves to %q, %v", name, err)
		}
	}
}

func TestAmbiguousMethods(t *testing.T) {
	r := registry.New()
	mustRegister(t, r, &act{}, &other{})
	if _, err := r.GetActivity("Add"); !errors.Is(err, engine.ErrNotRegistered) || !strings.Contains(err.Error(), `"act.Add", "other.Add"`) {
		t.Errorf("GetActivity: %v", err)
	}
	if _, err := r.ResolveActivity("Add", []any{1}); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), `"act.Add", "other.Add"`) {
		t.Errorf("ResolveActivity: %v", err)
	}
	if name, err := r.ResolveActivity((&other{}).Add, []any{1}); name != "other.Add" || err != nil {
		t.Errorf("a method value resolves to %q, %v", name, err)
	}
}

func TestArguments(t *testing.T) {
	type named int
	takesAll := func(workflow.Context, int, *int, []string, any, named) error { return nil }
	variadic := func(workflow.Context, string, ...int) error { return nil }
	one := 1
	for name, c := range map[string]struct {
		wf   any
		args []any
		says string // "" if fine
	}{
		"fit":              {takesAll, []any{1, &one, []string{}, "any", named(2)}, ""},
		"nil for pointers": {takesAll, []any{1, nil, nil, nil, named(2)}, ""},
		"nil for a number": {takesAll, []any{nil, nil, nil, nil, named(2)}, "argument 1 is nil, want int"},
		"another type":     {takesAll, []any{1, one, nil, nil, named(2)}, "argument 2 is of type int, want *int"},
		"named type":       {takesAll, []any{1, nil, nil, nil, 2}, "argument 5 is of type int, want registry_test.named"},
		"too few":          {takesAll, []any{1}, "takes 5 arguments, got 1"},
		"too many":         {takesAll, make([]any, 6), "takes 5 arguments, got 6"},
		"variadic none":    {variadic, []any{"x"}, ""},
		"variadic some":    {variadic, []any{"x", 1, 2}, ""},
		"variadic wrong":   {variadic, []any{"x", 1, "y"}, "argument 3 is of type string, want int"},
		"variadic too few": {variadic, nil, "takes at least 1 arguments, got 0"},
		"name":             {"anything", []any{1, 2, 3}, ""},
		"empty name":       {"", nil, "workflow name is empty"},
		"nil":              {nil, nil, "not as a <nil>"},
		"number":           {17, nil, "not as a int"},
		"nil function":     {(func(workflow.Context) error)(nil), nil, "passed as a function"},
		"no workflow":      {func() error { return nil }, nil, "must take a workflow.Context"},
	} {
		t.Run(name, func(t *testing.T) {
			err := registry.CheckArgs(c.wf, c.args)
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestArgumentsAreCheckedAgainstTheRegisteredFunction(t *testing.T) {
	r := registry.New()
	if err := r.RegisterWorkflow(Workflow1); err != nil {
		t.Fatal(err)
	}
	_, err := r.ResolveWorkflow("Workflow1", []any{1})
	if !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), `workflow "Workflow1": argument 1 is of type int, want string`) {
		t.Fatal(err)
	}
}

func TestInvalidFunctions(t *testing.T) {
	ok := func(context.Context) error { return nil }
	for name, c := range map[string]struct {
		fn   any
		says string
	}{
		"nil":             {nil, "nil is no activity"},
		"number":          {7, "neither a function nor a pointer to a struct"},
		"empty struct":    {&struct{}{}, "neither a function nor a pointer to a struct"},
		"nil function":    {(func() error)(nil), "a nil func() error"},
		"no result":       {func() {}, "must return an error"},
		"no error":        {func() int { return 0 }, "must return an error"},
		"three results":   {func() (int, int, error) { return 0, 0, nil }, "must return an error"},
		"error not last":  {func() (error, int) { return nil, 0 }, "must return an error"}, //nolint:staticcheck // that's the case
		"method no error": {&closer{}, `"closer.Close" (func()) must return an error`},
	} {
		t.Run(name, func(t *testing.T) {
			r := registry.New()
			err := r.RegisterActivity(c.fn)
			var invalid *registry.ErrInvalidActivity
			if !errors.As(err, &invalid) || !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want one that says %q", err, c.says)
			}
			if len(r.Activities()) != 0 {
				t.Fatalf("registered %v", r.Activities())
			}
		})
	}
	var invalid *registry.ErrInvalidWorkflow
	if err := registry.New().RegisterWorkflow(ok); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "must take a workflow.Context") {
		t.Errorf("workflow without a workflow.Context: %v", err)
	}
	if err := registry.New().RegisterWorkflow(Workflow1, registry.WithName(strings.Repeat("x", 256))); !errors.As(err, &invalid) {
		t.Errorf("long name: %v", err)
	}
}

type closer struct{}

func (*closer) Activity(context.Context) error { return nil }
func (*closer) Close()                         {}

func TestNamesAreRegisteredOnce(t *testing.T) {
	r := registry.New()
	mustRegister(t, r, Activity1, &act{})
	var taken *registry.ErrActivityAlreadyRegistered
	for name, err := range map[string]error{
		"same function":  r.RegisterActivity(Activity1),
		"same struct":    r.RegisterActivity(&act{}),
		"other function": r.RegisterActivity(NoContext, registry.WithName("act.Add")),
		"method":         r.RegisterActivity((&act{}).Add),
	} {
		if !errors.As(err, &taken) || !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), "is registered already") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.RegisterActivity(Activity1, registry.WithName("again")); err != nil {
		t.Errorf("under another name: %v", err)
	}
	if err := r.RegisterActivity(&act{}, registry.WithName("second")); err != nil {
		t.Errorf("struct under another name: %v", err)
	}
	if want := []string{"Activity1", "act.Add", "act.Get", "again", "second.Add", "second.Get"}; !slices.Equal(r.Activities(), want) {
		t.Errorf("registered %q", r.Activities())
	}
	var wfTaken *registry.ErrWorkflowAlreadyRegistered
	if err := r.RegisterWorkflow(Workflow1); err != nil {
		t.Error(err)
	}
	if err := r.RegisterWorkflow(Workflow1); !errors.As(err, &wfTaken) {
		t.Errorf("workflow: %v", err)
	}
}

func TestGet(t *testing.T) {
	r := registry.New()
	mustRegister(t, r, Activity1, &act{state: 40})
	for _, wf := range []any{Workflow1, Workflow2, flows{}} {
		if err := r.RegisterWorkflow(wf); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(r.Workflows(), []string{"Workflow1", "Workflow2", "flows.Run"}) {
		t.Errorf("workflows %q", r.Workflows())
	}
	f, err := r.GetActivity("Add")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.(func(context.Context, int) (int, error))(t.Context(), 2); n != 42 || err != nil {
		t.Errorf("the method returns %d, %v", n, err)
	}
	if f, err := r.GetWorkflow("Workflow2"); err != nil || f == nil {
		t.Error(err)
	}
	for name, says := range map[string]string{
		"workflow1": `did you mean "Workflow1"`,
		"Worfklow1": `did you mean "Workflow1"`,
		"Run2":      `registered are "Workflow1"`,
		"x.Run":     `did you mean "flows.Run"?`,
	} {
		if _, err := r.GetWorkflow(name); !errors.Is(err, engine.ErrNotRegistered) || !strings.Contains(err.Error(), says) {
			t.Errorf("GetWorkflow(%q): %v, want %q", name, err, says)
		}
	}
	if _, err := registry.New().Workflow("x"); !errors.Is(err, engine.ErrNotRegistered) || !strings.Contains(err.Error(), "none is registered") {
		t.Error(err)
	}
	if _, err := registry.New().Activity("x"); !errors.Is(err, engine.ErrNotRegistered) {
		t.Error(err)
	}
	if _, err := registry.New().GetActivity("x"); !errors.Is(err, engine.ErrNotRegistered) {
		t.Error(err)
	}
}

func TestConcurrentUse(t *testing.T) {
	r := registry.New()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprint("a", i)
			if err := r.RegisterActivity(Activity1, registry.WithName(name)); err != nil {
				t.Error(err)
			}
			if _, err := r.Activity(name); err != nil {
				t.Error(err)
			}
			_, _ = r.ResolveActivity(Activity1, []any{1, 2})
			r.Activities()
		})
	}
	wg.Wait()
	if n := len(r.Activities()); n != 8 {
		t.Fatalf("%d activities", n)
	}
}
