package settings_test

import (
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
)

// tracer has a trace context for everything.
type tracer struct{ settings.Telemetry }

func (tracer) Trace(i engine.Instance, _ *history.WorkflowStarted, _ int64) history.Trace {
	return history.Trace{Parent: i.InstanceID}
}

func TestTelemetryIsOptional(t *testing.T) {
	var s settings.Settings
	ctx, call := s.Creating(t.Context(), engine.Instance{}, "W")
	if ctx != t.Context() || call.Trace() != (history.Trace{}) {
		t.Errorf("created in %v with %+v", ctx, call.Trace())
	}
	call.End(engine.Instance{}, nil)
	if ctx, call = s.Signaling(t.Context(), "i", "s"); ctx != t.Context() || call.Trace() != (history.Trace{}) {
		t.Errorf("signaled in %v with %+v", ctx, call.Trace())
	}
	if c := s.Command(resolver{}); c.Trace != nil {
		t.Error("there is a trace")
	}
	s.Telemetry = tracer{}
	if c := s.Command(resolver{}); c.Trace(engine.Instance{InstanceID: "i"}, nil, 0).Parent != "i" {
		t.Error("the trace is somebody else's")
	}
}
