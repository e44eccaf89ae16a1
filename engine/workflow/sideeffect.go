package workflow

import (
	"fmt"
	"reflect"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// SideEffect calls f once and records what it returns; on replay the future has
// the recorded value and f is not called. f runs within the step, so it must be
// quick, and must not use the engine. If the step is lost with its worker, f is
// called again.
func SideEffect[TResult any](ctx Context, f func(ctx Context) TResult) Future[TResult] {
	x := ctx.exec()
	if err := x.mayIssue("record a side effect"); err != nil {
		return failed[TResult](err)
	}
	p, err := x.sink.SideEffect(func() (engine.Payload, error) {
		_, p, err := effect(x, func() TResult { return f(ctx) })
		return p, err
	})
	if err != nil {
		return failed[TResult](err)
	}
	return recorded[TResult](x, p, history.KindSideEffectRecorded, "a side effect")
}

// MutableSideEffect calls f each time it is reached, and records what it returns
// only when that differs from the last recorded value of this id, so that a value
// which rarely changes, such as a setting, costs history only when it does. On
// replay f is not called. equal compares two values; nil means reflect.DeepEqual.
// The value is the last recorded one. For f the same holds as in SideEffect.
func MutableSideEffect[TResult any](ctx Context, id string, f func(ctx Context) TResult, equal func(a, b TResult) bool) Future[TResult] {
	x := ctx.exec()
	if err := x.mayIssue("record a side effect"); err != nil {
		return failed[TResult](err)
	}
	if err := engine.CheckName("id of MutableSideEffect", id); err != nil {
		return failed[TResult](err)
	}
	if equal == nil {
		equal = func(a, b TResult) bool { return reflect.DeepEqual(a, b) }
	}
	p, err := x.sink.MutableSideEffect(id, func(last engine.Payload) (engine.Payload, bool, error) {
		v, p, err := effect(x, func() TResult { return f(ctx) })
		if err != nil {
			return nil, false, err
		}
		if last == nil {
			return p, true, nil
		}
		var before TResult
		if err := x.read(last, &before); err != nil {
			return p, true, nil //nolint:nilerr // a value of another type is another value
		}
		return p, !equal(before, v), nil
	})
	if err != nil {
		return failed[TResult](err)
	}
	return recorded[TResult](x, p, history.KindMutableSideEffect, fmt.Sprintf("side effect %q", id))
}

// effect calls f and returns its value as it will be read on replay, and encoded.
// A value that can't be read back is an error here and now, where it can still be
// handled, rather than a record that blocks the instance.
func effect[T any](x *execution, f func() T) (v T, p engine.Payload, err error) {
	if err = x.within("a side effect", func() { v = f() }); err != nil {
		return v, nil, x.asStored(err)
	}
	if p, err = x.settings.Payloads.Encode("the value of a side effect", v); err != nil {
		return v, nil, x.asStored(err)
	}
	var again T
	if err = x.read(p, &again); err != nil {
		return v, nil, x.asStored(fmt.Errorf("%w: the value of a side effect can't be read back: %w", ErrInvalidArgument, err))
	}
	return again, p, nil
}

// asStored returns err as code that is replayed will meet it.
func (x *execution) asStored(err error) error { return x.bind(x.settings.Sentinels.Failure(err)) }

// recorded is the future of a recorded value.
func recorded[T any](x *execution, p engine.Payload, kind history.Kind, what string) Future[T] {
	f := &promise[T]{done: true}
	if err := x.decode(p, &f.v); err != nil {
		x.undecodable(err, reflect.TypeFor[T](), engine.BlockReason{Event: string(kind), Message: "the recorded value of " + what})
	}
	return f
}
