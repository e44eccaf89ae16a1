package registry

import (
	"context"
	"fmt"
	"reflect"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

var errorType = reflect.TypeFor[error]()

// kind is what distinguishes workflows from activities.
type kind struct {
	name   string
	nameOf string // what a name of it is called in errors
	// context is the type of the first parameter.
	context      reflect.Type
	needsContext bool
	invalid      func(message string) error
	taken        func(message string) error
}

var (
	workflowKind = &kind{
		name: "workflow", nameOf: "workflow name", context: reflect.TypeFor[workflow.Context](), needsContext: true,
		invalid: func(m string) error { return &ErrInvalidWorkflow{m} },
		taken:   func(m string) error { return &ErrWorkflowAlreadyRegistered{m} },
	}
	activityKind = &kind{
		name: "activity", nameOf: "activity name", context: reflect.TypeFor[context.Context](),
		invalid: func(m string) error { return &ErrInvalidActivity{m} },
		taken:   func(m string) error { return &ErrActivityAlreadyRegistered{m} },
	}
)

// signature is what calls need to know of a function, looked up once.
type signature struct {
	fn          reflect.Value
	takesCtx    bool
	params      []reflect.Type // without the context; the last is the element if variadic
	variadic    bool
	returnsOnly bool // an error, no result
}

// inspect returns the signature of fn, or what is wrong with it as the end of a
// sentence.
func (k *kind) inspect(fn reflect.Value) (sig *signature, problem string) {
	t := fn.Type()
	s := &signature{fn: fn, variadic: t.IsVariadic(), returnsOnly: t.NumOut() == 1}
	s.takesCtx = t.NumIn() > 0 && t.In(0) == k.context
	if k.needsContext && !s.takesCtx {
		return nil, fmt.Sprintf("must take a %s as its first parameter", k.context)
	}
	for i := range t.NumIn() {
		if i > 0 || !s.takesCtx {
			s.params = append(s.params, t.In(i))
		}
	}
	if s.variadic {
		last := len(s.params) - 1
		s.params[last] = s.params[last].Elem()
	}
	if n := t.NumOut(); n < 1 || n > 2 || t.Out(n-1) != errorType {
		return nil, "must return an error, or a result and an error"
	}
	return s, ""
}

// param returns the type of the i-th of n arguments.
func (s *signature) param(i int) reflect.Type { return s.params[min(i, len(s.params)-1)] }

// countProblem says what is wrong with the number of arguments, or "".
func (s *signature) countProblem(n int) string {
	switch want := len(s.params); {
	case s.variadic && n < want-1:
		return fmt.Sprintf("takes at least %d arguments, got %d", want-1, n)
	case !s.variadic && n != want:
		return fmt.Sprintf("takes %d arguments, got %d", want, n)
	}
	return ""
}

func (k *kind) checkArgs(name string, s *signature, args []any) error {
	if problem := s.countProblem(len(args)); problem != "" {
		return fmt.Errorf("%w: %s %q %s", engine.ErrInvalidArgument, k.name, name, problem)
	}
	for i, a := range args {
		want := s.param(i)
		if a == nil {
			if !nilable(want) {
				return fmt.Errorf("%w: %s %q: argument %d is nil, want %s", engine.ErrInvalidArgument, k.name, name, i+1, want)
			}
			continue
		}
		if got := reflect.TypeOf(a); !got.AssignableTo(want) {
			return fmt.Errorf("%w: %s %q: argument %d is of type %s, want %s", engine.ErrInvalidArgument, k.name, name, i+1, got, want)
		}
	}
	return nil
}

func nilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	default:
		return false
	}
}
