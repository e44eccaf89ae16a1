package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// decode returns the value of p, or blocks the execution and does not return: a
// payload that this code can't read may be readable by another build, so that it
// is no reason to fail.
func decode[T any](x *execution, p engine.Payload, of func() engine.BlockReason) T {
	var v T
	if p == nil {
		return v
	}
	if err := x.read(p, &v); err != nil {
		r := of()
		r.Class = engine.BlockDecode
		r.Message = fmt.Sprintf("%s can't be decoded as %s: %s", r.Message, reflect.TypeFor[T](), withoutValues(err))
		x.sink.Block(r)
	}
	return v
}

// read decodes p, and survives a converter or type that panics.
func (x *execution) read(p engine.Payload, ptr any) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", errDecodePanicked, v)
		}
	}()
	return x.settings.Payloads.Decode(p, ptr)
}

var errDecodePanicked = errors.New("decoding panicked")

// withoutValues describes an error of a converter in words that hold nothing of
// the payload, since reasons are shown to people who may not see payloads.
func withoutValues(err error) string {
	var (
		wrongType *json.UnmarshalTypeError
		syntax    *json.SyntaxError
	)
	switch {
	case errors.As(err, &wrongType):
		kind, _, _ := strings.Cut(wrongType.Value, " ")
		at := ""
		if wrongType.Field != "" {
			at = " in field " + wrongType.Field
		}
		return fmt.Sprintf("a JSON %s does not fit %s%s", kind, wrongType.Type, at)
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is no valid JSON at byte %d", syntax.Offset)
	case errors.Is(err, errDecodePanicked):
		return errDecodePanicked.Error()
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return fmt.Sprintf("the converter or codec returned an error of type %T", err)
}

// resultOf begins the reason for an answer that can't be decoded.
func resultOf(kind history.Kind, what, name string, ref int64) func() engine.BlockReason {
	return func() engine.BlockReason {
		return engine.BlockReason{
			Event:    string(kind),
			Message:  fmt.Sprintf("the result of %s %q (command %d)", what, name, ref),
			Expected: &engine.BlockCommand{Kind: string(kind), Ref: ref, Name: name},
		}
	}
}
