package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/wfops/wfops/engine"
)

// decode stores the value of p in the variable that ptr points to. It is for what
// only undecodable can answer.
func (x *execution) decode(p engine.Payload, ptr any) error {
	if p == nil {
		return nil
	}
	return x.read(p, ptr)
}

// undecodable blocks the execution and does not return: a payload that this code
// can't read may be readable by another build, so that it is no reason to fail. r
// begins with what can't be read.
func (x *execution) undecodable(err error, as reflect.Type, r engine.BlockReason) {
	r.Class = engine.BlockDecode
	r.Message = fmt.Sprintf("%s can't be decoded as %s: %s", r.Message, as, withoutValues(err))
	x.sink.Block(r)
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
