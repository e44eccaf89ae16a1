package tester

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/stretchr/testify/mock"

	"github.com/wfops/wfops/engine/registry"
)

// mocks are the mocked activities and sub-workflows. A mock is called through a
// function of the type that it stands for, which is registered in reg, so that
// arguments and results take the same way as those of the real one.
type mocks struct {
	reg        *registry.Registry
	activities family
	workflows  family
}

// family is one of the two.
type family struct {
	mock.Mock

	kind     string
	register func(fn any, opts ...registry.RegisterOption) error
	fail     func(error)

	mu    sync.Mutex
	known map[string]bool // names that have a function which calls the mock
}

func newMocks(fail func(error)) *mocks {
	reg := registry.New()
	m := &mocks{reg: reg}
	m.activities.init("activity", reg.RegisterActivity, fail)
	m.workflows.init("sub-workflow", reg.RegisterWorkflow, fail)
	return m
}

func (f *family) init(kind string, register func(any, ...registry.RegisterOption) error, fail func(error)) {
	f.kind, f.register, f.fail, f.known = kind, register, fail, map[string]bool{}
	f.Test(reporter{fail})
}

// errMock ends the call of a mock that does not know what to do. The mistake was
// noted before.
var errMock = errors.New("the mock does not know this call")

// reporter is told by a mock of calls that it does not expect.
type reporter struct{ fail func(error) }

func (r reporter) Logf(string, ...any) {}

func (r reporter) Errorf(format string, args ...any) { r.fail(fmt.Errorf(format, args...)) }

func (r reporter) FailNow() { panic(errMock) }

// nameOf returns the name under which a function is known. Only the name is
// wanted here: args of a mock are patterns.
func nameOf(resolve func(any, []any) (string, error), fn any) string {
	name, err := resolve(fn, nil)
	if name == "" {
		panic(fmt.Sprintf("tester: %v", err))
	}
	return name
}

// on adds an expectation.
func (f *family) on(name string, fn any, args []any) *mock.Call {
	if err := f.add(name, fn); err != nil {
		panic(fmt.Sprintf("tester: mock of %s %q: %v", f.kind, name, err))
	}
	return f.On(name, args...)
}

// add makes sure that there is a function that calls the mock.
func (f *family) add(name string, fn any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[name] {
		return nil
	}
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func {
		return fmt.Errorf("a %T is no function whose type could be used", fn)
	}
	stand := reflect.MakeFunc(v.Type(), func(in []reflect.Value) []reflect.Value { return f.call(name, v.Type(), in) })
	if err := f.register(stand.Interface(), registry.WithName(name)); err != nil {
		return err
	}
	f.known[name] = true
	return nil
}

func (f *family) has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[name]
}

// expected reports whether somebody has expected calls behind our back, on what
// ActivityMock returns.
func (f *family) expected(name string) bool {
	return slices.ContainsFunc(f.ExpectedCalls, func(c *mock.Call) bool { return c.Method == name })
}

// call calls the mock and returns its results as typ wants them.
func (f *family) call(name string, typ reflect.Type, in []reflect.Value) []reflect.Value {
	var args []any
	for n, v := range in {
		if typ.IsVariadic() && n == len(in)-1 {
			for k := range v.Len() {
				args = append(args, v.Index(k).Interface())
			}
			continue
		}
		args = append(args, v.Interface())
	}
	returned := f.MethodCalled(name, args...)
	if len(returned) == 1 && returned[0] != nil && reflect.TypeOf(returned[0]) == typ {
		if typ.IsVariadic() {
			return reflect.ValueOf(returned[0]).CallSlice(in)
		}
		return reflect.ValueOf(returned[0]).Call(in)
	}
	if len(returned) != typ.NumOut() {
		f.mistake("mock of %s %q returns %d values, the function returns %d", f.kind, name, len(returned), typ.NumOut())
	}
	out := make([]reflect.Value, typ.NumOut())
	for n := range out {
		v, ok := fit(returned[n], typ.Out(n))
		if !ok {
			f.mistake("mock of %s %q returns a %T as value %d, the function returns a %s", f.kind, name, returned[n], n+1, typ.Out(n))
		}
		out[n] = v
	}
	return out
}

func (f *family) mistake(format string, args ...any) {
	f.fail(fmt.Errorf(format, args...))
	panic(errMock)
}

// fit returns v as a value of type typ: nil as the zero value, and numbers of
// another kind converted, because untyped constants are ints in an argument list.
func fit(v any, typ reflect.Type) (reflect.Value, bool) {
	if v == nil {
		return reflect.Zero(typ), true
	}
	r := reflect.ValueOf(v)
	switch {
	case r.Type().AssignableTo(typ):
		out := reflect.New(typ).Elem()
		out.Set(r)
		return out, true
	case number(r.Kind()) && number(typ.Kind()):
		return r.Convert(typ), true
	}
	return r, false
}

func number(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Float64 && k != reflect.Uintptr
}

// activity returns what is called for an activity: the mock, or the real one.
func (w *world) activity(name string) (*registry.Activity, error) {
	mocks := &w.mocks.activities
	if mocks.has(name) {
		return w.mocks.reg.Activity(name)
	}
	act, err := w.reg.Activity(name)
	switch expected := mocks.expected(name); {
	case err != nil && expected:
		return nil, fmt.Errorf("activity %q is mocked by its name alone, use OnActivityByName, which takes a function of its type: %w", name, err)
	case err != nil:
		return nil, fmt.Errorf("activity %q is neither mocked (OnActivity) nor registered (Registry().RegisterActivity): %w", name, err)
	case !expected:
		return act, nil
	}
	fn, err := w.reg.GetActivity(name)
	if err != nil {
		return nil, err
	}
	if err := mocks.add(name, fn); err != nil {
		return nil, err
	}
	return w.mocks.reg.Activity(name)
}
