package history

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
)

func TestPayloadsKeepEveryByte(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, tc := range map[string]struct {
		payload engine.Payload
		wire    string // "" if it doesn't matter
	}{
		"object":             {engine.Payload(`{"b":1,"a":"<&>"}`), `{"b":1,"a":"<&>"}`},
		"inner white space":  {engine.Payload("{ \"a\" :\n\t[1 , 2] }"), "{ \"a\" :\n\t[1 , 2] }"},
		"null":               {engine.Payload(`null`), `null`},
		"number":             {engine.Payload(`-1.50e+3`), `-1.50e+3`},
		"half surrogate":     {engine.Payload(`"\ud800"`), `"\ud800"`},
		"same key twice":     {engine.Payload(`{"a":1,"a":2}`), `{"a":1,"a":2}`},
		"nil":                {nil, `{"$bytes":null}`},
		"empty":              {engine.Payload{}, `{"$bytes":""}`},
		"bytes":              {engine.Payload("\x00\xff"), `{"$bytes":"AP8="}`},
		"space before":       {engine.Payload(" 1"), `{"$bytes":"IDE="}`},
		"space after":        {engine.Payload("1\n"), `{"$bytes":"MQo="}`},
		"two values":         {engine.Payload("1 2"), `{"$bytes":"MSAy"}`},
		"not UTF-8":          {engine.Payload("\"\xff\""), `{"$bytes":"Iv8i"}`},
		"the escape":         {engine.Payload(`{"$bytes":"AP8="}`), ""},
		"the escape, spaced": {engine.Payload("{\n\"$bytes\" : null}"), ""},
		"almost the escape":  {engine.Payload(`{"a":{"$bytes":"AP8="}}`), `{"a":{"$bytes":"AP8="}}`},
		"second key":         {engine.Payload(`{"a":1,"$bytes":"AP8="}`), `{"a":1,"$bytes":"AP8="}`},
		"just deep enough":   {engine.Payload(deep(maxDepth)), deep(maxDepth)},
		"too deep":           {engine.Payload(deep(maxDepth + 2)), ""},
		"very deep":          {engine.Payload(deep(100_000)), ""},
		"leading zero":       {engine.Payload("01"), `{"$bytes":"MDE="}`},
		"control character":  {engine.Payload("\"\x01\""), `{"$bytes":"IgEi"}`},
		"cut off":            {engine.Payload(`{"a":`), `{"$bytes":"eyJhIjo="}`},
		"many numbers":       {engine.Payload("[" + strings.Repeat("1,", 1<<15) + "1]"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			enc := mustEncode(t, Event{At: at, Body: WorkflowContinuedAsNew{Args: []engine.Payload{tc.payload, engine.Payload("1")}}})
			if tc.wire != "" && !strings.Contains(string(enc), `"args":[`+tc.wire+`,1]`) {
				t.Errorf("on the wire: %.200s", enc)
			}
			if !json.Valid(enc) {
				t.Errorf("no JSON: %.200s", enc)
			}
			got := mustDecode(t, enc, 1)[0].Body.(WorkflowContinuedAsNew).Args
			if len(got) != 2 || !bytes.Equal(got[0], tc.payload) || (got[0] == nil) != (tc.payload == nil) {
				t.Errorf("args came back as %.100q", got)
			}

			enc = mustEncode(t, Event{At: at, Body: ChildCompleted{Result: tc.payload}})
			result := mustDecode(t, enc, 1)[0].Body.(ChildCompleted).Result
			if !bytes.Equal(result, tc.payload) || (result == nil) != (tc.payload == nil) {
				t.Errorf("result came back as %.100q", result)
			}
		})
	}
}

func TestDecodedPayloadsDoNotRunIntoEachOther(t *testing.T) {
	enc := mustEncode(t, Event{Body: WorkflowContinuedAsNew{Args: []engine.Payload{engine.Payload("1"), engine.Payload("2")}}})
	args := mustDecode(t, enc, 1)[0].Body.(WorkflowContinuedAsNew).Args
	_ = append(args[0], "overwritten"...)
	if string(args[1]) != "2" {
		t.Errorf("appending to one payload changed the next to %q", args[1])
	}
}
