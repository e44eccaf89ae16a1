package diagnostics_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// pipe has a producer and a consumer, and signals that nobody reads for a while.
func pipe(ctx workflow.Context, n int) (int, error) {
	values := workflow.NewBufferedChannel[string](2)
	workflow.Go(ctx, func(ctx workflow.Context) { // the producer
		for _, name := range []string{"a", "b", "c"} {
			values.Send(ctx, name)
		}
	})
	go1 := workflow.NewSignalChannel[int](ctx, "go")
	if _, err := workflow.ExecuteActivity[int](ctx, ao, "slow", n).Get(ctx); err != nil {
		return 0, err
	}
	for range 3 {
		name, _ := values.Receive(ctx)
		if _, err := workflow.ExecuteActivity[int](ctx, ao, name, n).Get(ctx); err != nil {
			return 0, err
		}
	}
	v, _ := go1.Receive(ctx)
	return v, nil
}

func pipeBundle(t *testing.T) diagnostics.Bundle {
	t.Helper()
	return record(t, pipe, world{args: []any{1}, events: []delivery{signal(time.Second/2, "go", 42)}})
}

func TestDebuggerShowsTheState(t *testing.T) {
	b := pipeBundle(t)
	d, err := diagnostics.Open(b, registryOf(t, "flow", pipe), diagnostics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	at := int64(0)
	for _, ev := range b.Events {
		if ev.Kind() == history.KindSignalReceived {
			at = ev.Seq
		}
	}
	s, err := d.To(at)
	if err != nil {
		t.Fatal(err)
	}
	if s.Seq != at || s.Event != string(history.KindSignalReceived) || len(s.Coroutines) != 2 || len(s.Pending) != 1 || len(s.Signals) != 1 || len(s.Channels) != 1 {
		t.Fatalf("%+v", s)
	}
	main, producer := s.Coroutines[0], s.Coroutines[1]
	if main.Name != "main" || len(main.Waits) != 1 || main.Waits[0].Kind != engine.WaitActivity || main.Waits[0].Name != "slow" || !strings.HasSuffix(main.Stack[0].Function, ".pipe") {
		t.Errorf("main: %+v", main)
	}
	if !strings.HasSuffix(producer.Name, "pipe.func1") || !strings.HasSuffix(producer.Stack[0].Function, ".pipe.func1") || producer.Stack[0].File != "debugger_test.go" {
		t.Errorf("producer: %+v", producer)
	}
	if p := s.Pending[0]; p.Name != "slow" || p.Ref != 1 || p.Attempt != 1 {
		t.Errorf("pending: %+v", p)
	}
	if sig := s.Signals[0]; sig.Name != "go" || strings.Join(sig.Values, " ") != "42" {
		t.Errorf("signals: %+v", sig)
	}
	c := s.Channels[0]
	if c.Type != "string" || c.Size != 2 || strings.Join(c.Values, " ") != `"a" "b"` || c.Senders != 1 || c.Receivers != 0 || c.Closed {
		t.Errorf("channel: %+v", c)
	}
	if text := s.String(); !strings.Contains(text, "coroutine main waits for activity slow") || !strings.Contains(text, `channel of string: "a", "b"`) {
		t.Errorf("text:\n%s", text)
	}
}

// Forwards, backwards and across: the state after an event is always the same.
func TestDebuggerGoesBothWays(t *testing.T) {
	b := pipeBundle(t)
	d, err := diagnostics.Open(b, registryOf(t, "flow", pipe), diagnostics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	states := map[int64]string{}
	look := func(seq int64) {
		s, err := d.To(seq)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if before, seen := states[seq]; seen && before != string(text) {
			t.Errorf("event %d\n got %s\nthen %s", seq, text, before)
		}
		states[seq] = string(text)
	}
	n := int64(len(b.Events))
	for seq := range n {
		look(seq + 1)
	}
	for seq := n; seq >= 1; seq -= 2 {
		look(seq)
	}
	d.Close()
	look(n / 2)
	if !strings.Contains(states[n], `"ended":{"kind":"WorkflowCompleted"}`) {
		t.Errorf("at the end: %s", states[n])
	}
}

func TestDebuggerStopsAtTheDivergence(t *testing.T) {
	b := record(t, seq, world{args: []any{7}})
	d, err := diagnostics.Open(b, registryOf(t, "flow", seqRenamed), diagnostics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if s, err := d.To(5); err != nil || len(s.Coroutines) != 1 {
		t.Errorf("before it: %+v, %v", s, err)
	}
	if _, err := d.To(6); err == nil || !strings.Contains(err.Error(), "event 6") {
		t.Errorf("at it: %v", err)
	}
	if _, err := d.To(5); err != nil {
		t.Errorf("before it again: %v", err)
	}
}

func TestDebuggerRefuses(t *testing.T) {
	b := record(t, seq, world{args: []any{7}})
	if _, err := diagnostics.Open(b, registryOf(t, "other", seq), diagnostics.Options{}); !errors.Is(err, engine.ErrNotRegistered) {
		t.Errorf("unregistered: %v", err)
	}
	if _, err := diagnostics.Open(diagnostics.Redact(b), registryOf(t, "flow", seq), diagnostics.Options{}); err == nil {
		t.Error("a redacted bundle was opened")
	}
	d, err := diagnostics.Open(b, registryOf(t, "flow", seq), diagnostics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, n := range []int64{0, -1, int64(len(b.Events)) + 1} {
		if _, err := d.To(n); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("To(%d): %v", n, err)
		}
	}
}
