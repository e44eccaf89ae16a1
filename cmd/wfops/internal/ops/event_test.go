package ops_test

import (
	"errors"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

func TestEvent(t *testing.T) {
	r := row("order-1", engine.StatusRunning)
	r.Events = []history.Event{{At: now, Body: history.SignalReceived{Name: "a"}}, {At: now, Body: history.SignalReceived{Name: "b"}}}
	s := ops.New(seeded(t, r), ops.Options{})
	i := engine.Instance{InstanceID: "order-1", ExecutionID: "x-order-1"}
	for seq, want := range map[int64]history.Kind{1: history.KindTaskStarted, 2: history.KindWorkflowStarted, 4: history.KindSignalReceived} {
		if e, err := s.Event(t.Context(), i, seq); err != nil || e.Seq != seq || e.Kind() != want {
			t.Errorf("event %d is %d, %s: %v", seq, e.Seq, e.Kind(), err)
		}
	}
	for _, seq := range []int64{-1, 0, 5, 1 << 40} {
		var none *ops.NoEventError
		if _, err := s.Event(t.Context(), i, seq); !errors.As(err, &none) || none.Seq != seq || !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("event %d: %v", seq, err)
		}
	}
	i.ExecutionID = "nobody"
	if _, err := s.Event(t.Context(), i, 1); err == nil {
		t.Error("an event of an execution that is not there")
	}
}
