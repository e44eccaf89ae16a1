package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
)

type order struct {
	ID    string         `json:"id"`
	Items map[string]int `json:"items"`
}

func TestJSONRoundTrip(t *testing.T) {
	in := order{ID: "ord-1", Items: map[string]int{"b": 2, "a": 1}}
	p, err := engine.JSON{}.Encode(in)
	if err != nil || string(p) != `{"id":"ord-1","items":{"a":1,"b":2}}` {
		t.Fatalf("got %s, %v", p, err)
	}
	var out order
	if err := (engine.JSON{}).Decode(p, &out); err != nil || out.ID != in.ID || len(out.Items) != 2 {
		t.Errorf("got %+v, %v", out, err)
	}
	if !(engine.JSON{}).Deterministic() {
		t.Error("maps are sorted")
	}
}

func TestJSONNil(t *testing.T) {
	p, err := engine.JSON{}.Encode(nil)
	if err != nil || string(p) != "null" {
		t.Errorf("nil is %q, %v", p, err)
	}
	left := order{ID: "left over"}
	if err := (engine.JSON{}).Decode(nil, &left); err != nil || left.ID != "" {
		t.Errorf("a nil payload gave %+v, %v", left, err)
	}
	pointer := &left
	if err := (engine.JSON{}).Decode(engine.Payload("null"), &pointer); err != nil || pointer != nil {
		t.Errorf("null gave %+v, %v", pointer, err)
	}
}

func TestJSONErrorsNameTheType(t *testing.T) {
	if _, err := (engine.JSON{}).Encode(func() {}); err == nil || !strings.Contains(err.Error(), "func()") {
		t.Errorf("encode: %v", err)
	}
	var n int
	if err := (engine.JSON{}).Decode(engine.Payload(`"x"`), &n); err == nil || !strings.Contains(err.Error(), "int") {
		t.Errorf("decode: %v", err)
	}
	for _, ptr := range []any{nil, n, (*int)(nil)} {
		for _, p := range []engine.Payload{nil, engine.Payload("1")} {
			if err := (engine.JSON{}).Decode(p, ptr); !errors.Is(err, engine.ErrInvalidArgument) {
				t.Errorf("decode %q into %T: %v", p, ptr, err)
			}
		}
	}
}

// reversing is a codec whose seal shows.
type reversing struct{ err error }

func (r reversing) Seal(p engine.Payload) (engine.Payload, error) {
	sealed := slices.Clone(p)
	slices.Reverse(sealed)
	return sealed, r.err
}

func (r reversing) Open(p engine.Payload) (engine.Payload, error) { return r.Seal(p) }

func TestPayloads(t *testing.T) {
	for name, payloads := range map[string]engine.Payloads{
		"zero value": {},
		"all set":    {Converter: engine.JSON{}, Codec: reversing{}, Max: 100},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := payloads.Encode("argument 1", "abc")
			if err != nil || (string(p) == `"cba"`) != (payloads.Codec != nil) {
				t.Fatalf("got %s, %v", p, err)
			}
			var out string
			if err := payloads.Decode(p, &out); err != nil || out != "abc" {
				t.Errorf("got %q, %v", out, err)
			}
			if err := payloads.Decode(nil, &out); err != nil || out != "" {
				t.Errorf("a nil payload gave %q, %v", out, err)
			}
			if !payloads.Comparable() {
				t.Error("JSON is comparable")
			}
		})
	}
}

func TestPayloadsRefuse(t *testing.T) {
	broken := errors.New("no key")
	for name, tc := range map[string]struct {
		payloads engine.Payloads
		value    any
		is       error
	}{
		"too large":          {engine.Payloads{Max: 4}, "abc", engine.ErrInvalidArgument},
		"default limit":      {engine.Payloads{}, strings.Repeat("x", engine.MaxPayloadBytes), engine.ErrInvalidArgument},
		"cannot be encoded":  {engine.Payloads{}, make(chan int), engine.ErrInvalidArgument},
		"cannot be sealed":   {engine.Payloads{Codec: reversing{broken}}, "abc", broken},
		"sealed, as invalid": {engine.Payloads{Codec: reversing{broken}}, "abc", engine.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := tc.payloads.Encode("argument 2", tc.value)
			if p != nil || !errors.Is(err, tc.is) || !strings.Contains(err.Error(), "argument 2") {
				t.Errorf("got %.20q, %v", p, err)
			}
		})
	}
	if p, err := (engine.Payloads{Max: 5}).Encode("x", "abc"); err != nil || len(p) != 5 {
		t.Errorf("a payload as large as the limit: %q, %v", p, err)
	}
	var out string
	if err := (engine.Payloads{Codec: reversing{broken}}).Decode(engine.Payload("x"), &out); !errors.Is(err, broken) {
		t.Errorf("opening: %v", err)
	}
}
