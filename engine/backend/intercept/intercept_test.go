package intercept

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var errOurs = errors.New("ours")

// Every call of the port but Subscribe and Close goes through the interceptor, under
// its own name, and answers what the interceptor says. A method that is added to the
// port fails here until it does.
func TestEveryCallIsIntercepted(t *testing.T) {
	var seen []Method
	b := New(memory.New(), func(_ context.Context, m Method, _ func(context.Context) error) error {
		seen = append(seen, m)
		return errOurs
	})
	v := reflect.ValueOf(b)
	port := reflect.TypeFor[backend.Backend]()
	for m := range port.Methods() {
		if m.Name == "Subscribe" || m.Name == "Close" {
			continue
		}
		seen = nil
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for k := 1; k < m.Type.NumIn(); k++ {
			arg := reflect.Zero(m.Type.In(k))
			if arg.Kind() == reflect.Slice {
				arg = reflect.MakeSlice(arg.Type(), 2, 2)
			}
			args = append(args, arg)
		}
		out := v.MethodByName(m.Name).Call(args)
		if !slices.Equal(seen, []Method{Method(m.Name)}) {
			t.Errorf("%s was seen as %q", m.Name, seen)
		}
		if errs := errorsIn(out[len(out)-1]); len(errs) == 0 || slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, errOurs) }) {
			t.Errorf("%s answered %v", m.Name, errs)
		}
		reads := slices.ContainsFunc(methodsOf[backend.Read](), func(name string) bool { return name == m.Name })
		if Method(m.Name).Reads() != reads {
			t.Errorf("%s reads: %v", m.Name, !reads)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func methodsOf[T any]() (names []string) {
	for m := range reflect.TypeFor[T]().Methods() {
		names = append(names, m.Name)
	}
	return names
}

// errorsIn are the errors of an answer: an error, or one for each item.
func errorsIn(v reflect.Value) (errs []error) {
	switch v.Kind() {
	case reflect.Interface:
		err, _ := reflect.TypeAssert[error](v)
		return []error{err}
	case reflect.Slice:
		for i := range v.Len() {
			item := v.Index(i)
			if item.Kind() == reflect.Struct {
				item = item.FieldByName("Err")
			}
			errs = append(errs, errorsIn(item)...)
		}
	}
	return errs
}

// answers is a store that answers deliveries as it is told.
type answers struct {
	backend.Backend

	errs []error
}

func (a answers) Deliver(context.Context, []backend.Delivery) []error { return a.errs }

func TestAnswersOfABatch(t *testing.T) {
	refused, cut := engine.ErrInstanceNotFound, errors.New("cut")
	pass := func(_ context.Context, next func() error) error { return next() }
	for _, c := range []struct {
		name   string
		store  []error
		around func(context.Context, func() error) error
		whole  error // what the interceptor sees
		want   []error
	}{
		{"passed on", []error{nil, refused, cut}, pass, nil, []error{nil, refused, cut}},
		{"failed as a whole", []error{cut, errOurs}, pass, cut, []error{cut, errOurs}},
		{"lost", []error{nil, refused}, func(_ context.Context, next func() error) error { _ = next(); return errOurs }, nil, []error{errOurs, errOurs}},
		{"explained", []error{cut, cut}, func(_ context.Context, next func() error) error { return errors.Join(next(), errOurs) }, cut, []error{errOurs, errOurs}},
		{"never made", nil, func(context.Context, func() error) error { return nil }, nil, []error{errNotMade, errNotMade}},
		{"made again", []error{nil, nil}, func(_ context.Context, next func() error) error { return errors.Join(next(), next()) }, nil, []error{nil, nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := New(answers{errs: c.store}, func(ctx context.Context, _ Method, next func(context.Context) error) error {
				return c.around(ctx, func() error {
					err := next(ctx)
					if err != c.whole { //nolint:errorlint // the very same
						t.Errorf("the call failed with %v, want %v", err, c.whole)
					}
					return err
				})
			})
			got := b.Deliver(t.Context(), make([]backend.Delivery, len(c.want)))
			for i, want := range c.want {
				if !errors.Is(got[i], want) || want == nil && got[i] != nil {
					t.Errorf("item %d: %v, want %v", i, got[i], want)
				}
			}
		})
	}
}

func TestNothingToDo(t *testing.T) {
	b := New(answers{}, func(context.Context, Method, func(context.Context) error) error {
		t.Error("called")
		return nil
	})
	if got := b.Deliver(t.Context(), nil); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
