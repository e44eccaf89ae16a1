package registry

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

// Workflow is a registered workflow.
type Workflow entry

var _ workflow.Function = (*Workflow)(nil)

// Name returns the name under which it is registered.
func (w *Workflow) Name() string { return w.name }

// Bind implements workflow.Function.
func (w *Workflow) Bind(p engine.Payloads, args []engine.Payload) (func(workflow.Context) (engine.Payload, error), error) {
	in, err := w.sig.decode(workflowKind, w.name, p, args)
	if err != nil {
		return nil, err
	}
	return func(ctx workflow.Context) (engine.Payload, error) {
		in[0] = reflect.ValueOf(ctx)
		return w.sig.call(workflowKind, w.name, p, in)
	}, nil
}

// Activity is a registered activity.
type Activity entry

// Name returns the name under which it is registered.
func (a *Activity) Name() string { return a.name }

// Call decodes args, calls the activity and encodes its result. Arguments that
// can't be decoded and results that can't be encoded are permanent errors; the
// first hold a *workflow.ArgumentError. A panic becomes an *engine.PanicError with
// the stack. It blocks as long as the activity does. A runtime.Goexit in the
// activity passes through.
func (a *Activity) Call(ctx context.Context, p engine.Payloads, args []engine.Payload) (result engine.Payload, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = engine.NewPanicError(v, string(debug.Stack()))
		}
	}()
	in, err := a.sig.decode(activityKind, a.name, p, args)
	if err != nil {
		return nil, engine.NewPermanentError(err)
	}
	if a.sig.takesCtx {
		in[0] = reflect.ValueOf(ctx)
	}
	return a.sig.call(activityKind, a.name, p, in)
}

// decode returns the values for a call of the function, with the first one left
// open for the context if it takes one.
func (s *signature) decode(k *kind, name string, p engine.Payloads, args []engine.Payload) ([]reflect.Value, error) {
	if problem := s.countProblem(len(args)); problem != "" {
		return nil, fmt.Errorf("%w: %s %q %s", engine.ErrInvalidArgument, k.name, name, problem)
	}
	first := 0
	if s.takesCtx {
		first = 1
	}
	in := make([]reflect.Value, first+len(args))
	for i, a := range args {
		ptr := reflect.New(s.param(i))
		if err := read(p, a, ptr.Interface()); err != nil {
			return nil, &workflow.ArgumentError{Function: fmt.Sprintf("%s %q", k.name, name), Index: i + 1, Type: s.param(i), Err: err}
		}
		in[first+i] = ptr.Elem()
	}
	return in, nil
}

// read decodes a payload, and survives a converter or type that panics.
func read(p engine.Payloads, a engine.Payload, ptr any) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("decoding panicked: %v", v)
		}
	}()
	return p.Decode(a, ptr)
}

// call calls the function and encodes its result.
func (s *signature) call(k *kind, name string, p engine.Payloads, in []reflect.Value) (engine.Payload, error) {
	out := s.fn.Call(in)
	if err, _ := reflect.TypeAssert[error](out[len(out)-1]); err != nil || s.returnsOnly {
		return nil, err
	}
	result, err := p.Encode("the result", out[0].Interface())
	if err != nil {
		return nil, engine.NewPermanentError(fmt.Errorf("%s %q: %w", k.name, name, err))
	}
	return result, nil
}
