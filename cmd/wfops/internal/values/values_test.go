package values_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

var at = time.Date(2026, 8, 22, 11, 42, 7, 0, time.UTC)

func payload(text string) engine.Payload { return engine.Payload(text) }

// order is a history with every kind of payload.
func order() []history.Event {
	events := []history.Event{
		{Body: history.WorkflowStarted{Workflow: "Order", Args: []engine.Payload{payload(`{"sku":"A","lines":[{"qty":1},{"qty":2}],"a b":true}`), payload("7")}}},
		{Ref: 1, Body: history.ActivityScheduled{Name: "Charge", Args: []engine.Payload{payload("1")}}},
		{Ref: 2, Body: history.ChildScheduled{Workflow: "Ship", Args: []engine.Payload{payload("2")}}},
		{Ref: 3, Body: history.SignalSent{Name: "paid", Arg: payload("3")}},
		{Ref: 4, Body: history.SideEffectRecorded{Value: payload("4")}},
		{Ref: 5, Body: history.TimerScheduled{Name: "sla", Duration: time.Hour}},
		{Ref: 6, Body: history.ActivityScheduled{Name: "Refund"}},
		{Body: history.SignalReceived{Name: "go", Arg: payload("5")}},
		{Body: history.SignalReceived{Name: "stop"}},
		{Ref: 1, Body: history.ActivityFailed{Failure: &engine.Failure{Message: "refused"}}},
		{Ref: 2, Body: history.ChildCompleted{Result: payload("6")}},
		{Body: history.WorkflowCompleted{Result: payload("null")}},
	}
	for i := range events {
		events[i].Seq, events[i].At = int64(i+1), at.Add(time.Duration(i)*time.Second)
	}
	return events
}

func TestEveryPayloadHasAPath(t *testing.T) {
	var got []string
	for _, v := range values.Of(diagnostics.Steps(order())) {
		got = append(got, v.Path+"="+string(v.Payload))
		if want := at.Add(time.Duration(v.Event-1) * time.Second); !v.At.Equal(want) {
			t.Errorf("%s of event %d is of %v", v.Path, v.Event, v.At)
		}
	}
	want := []string{
		`args[0]={"sku":"A","lines":[{"qty":1},{"qty":2}],"a b":true}`, "args[1]=7", "activities[0].args[0]=1", `activities[0].error={"message":"refused"}`, "children[0].args[0]=2", "children[0].result=6",
		"sent[0]=3", "effects[0].result=4", "signals[0]=5", "result=null",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	next := values.Of(diagnostics.Steps([]history.Event{{Seq: 1, Body: history.WorkflowContinuedAsNew{Args: []engine.Payload{payload("8")}}}}))
	if len(next) != 1 || next[0].Path != "next.args[0]" {
		t.Errorf("%+v", next)
	}
}

func TestSelect(t *testing.T) {
	all := values.Of(diagnostics.Steps(order()))
	for path, want := range map[string]string{
		"args[1]": "7", "args[0].sku": `"A"`, "args[0].lines[1].qty": "2", "args[0].lines": `[{"qty":1},{"qty":2}]`, `args[0]["a b"]`: "true", `args[0]["sku"]`: `"A"`, "result": "null", "children[0].result": "6",
	} {
		if v, err := values.Select(all, path); err != nil || string(v.Payload) != want || v.Path != path {
			t.Errorf("%s: %s is %s, %v; want %s", path, v.Path, v.Payload, err, want)
		}
	}
	for path, want := range map[string]error{
		"args[9]": values.ErrNoValue, "args": values.ErrNoValue, "args[0].skus": values.ErrNoValue, "args[0][0]": values.ErrNoValue, "args[0].lines[2]": values.ErrNoValue, "args[0].lines[99999999999999999999]": values.ErrNoValue,
		"args[1].x": values.ErrNoValue, "args[0].": engine.ErrInvalidArgument, "args[0][x]": engine.ErrInvalidArgument, `args[0]["x]`: engine.ErrInvalidArgument, "": values.ErrNoValue, "args[0]x": values.ErrNoValue,
	} {
		if v, err := values.Select(all, path); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v; want %v", path, v, err, want)
		}
	}
	if some := values.Within(all, "activities[0]"); len(some) != 2 {
		t.Errorf("%+v", some)
	}
}

func TestWalk(t *testing.T) {
	for text, want := range map[string]string{
		`{"b":1.50,"a":[true,null,"x<\u00e9"],"c d":{},"e":[]}`: `{…}; .b 1.50; .a […]; .a[0] true; .a[1] null; .a[2] "x<é"; ["c d"] {}; .e []`,
		`7`: "7", `"a"`: `"a"`, `[]`: "[]", "not JSON": "not JSON", "\xff": "1 bytes: \xff", "": "", `{"a":1,"a":2}`: "{…}; .a 1; .a 2", "1 2": "1 2",
	} {
		var got []string
		for n := range values.Walk(payload(text)) {
			got = append(got, strings.TrimSpace(n.Path+" "+n.Text))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, strings.Join(got, "; "), want)
		}
	}
}

// Who looks at the beginning pays for the beginning, and no depth is too deep.
func TestWalkStops(t *testing.T) {
	n := 0
	for range values.Walk(payload("[" + strings.Repeat("1,", 1000) + "1]")) {
		if n++; n == 3 {
			break
		}
	}
	deepest, last := 0, ""
	for node := range values.Walk(payload(strings.Repeat("[", 9000) + strings.Repeat("]", 9000))) {
		deepest, last = max(deepest, node.Depth), node.Text
	}
	if n != 3 || deepest != 100 || !strings.HasPrefix(last, "[[") {
		t.Errorf("%d parts, %d deep, at last %.10s", n, deepest, last)
	}
}

// A path that Walk has told leads Select to the same part.
func FuzzPaths(f *testing.F) {
	f.Add(`{"a":[1,{"b c":"x"}],"":null,"é":[[]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		all := []values.Value{{Path: "args[0]", Payload: payload(text)}}
		if repeats(text) {
			t.Skip("which of two members of one name is meant nobody can say")
		}
		for n := range values.Walk(payload(text)) {
			v, err := values.Select(all, "args[0]"+n.Path)
			if err != nil {
				t.Fatalf("%q: %s: %v", text, n.Path, err)
			}
			for m := range values.Walk(v.Payload) {
				if n.Depth < 90 && m.Text != n.Text && n.Path != "" {
					t.Fatalf("%q: %s is %q and %q", text, n.Path, m.Text, n.Text)
				}
				break
			}
		}
	})
}

// repeats reports whether two parts have the same path.
func repeats(text string) bool {
	seen := map[string]bool{}
	for n := range values.Walk(payload(text)) {
		if seen[n.Path] {
			return true
		}
		seen[n.Path] = true
	}
	return false
}
