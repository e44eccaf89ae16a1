package engine_test

import (
	"errors"
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
