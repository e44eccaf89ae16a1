package settings

import (
	"context"
	"log/slog"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Telemetry is what client and worker tell, and ask, for the sake of traces.
// Package telemetry implements it. Its methods are safe for concurrent use, do not
// block and never fail: a program does not depend on being watched.
//
// A worker also registers it as its Observer, if it is one.
type Telemetry interface {
	// Creating begins the span of a call that starts i. The trace of the call is what
	// the started event carries; the store is called with the returned context.
	Creating(ctx context.Context, i engine.Instance, workflow string) (context.Context, Call)
	// Signaling does the same for a signal.
	Signaling(ctx context.Context, instanceID, signal string) (context.Context, Call)

	// Trace returns the trace context of the span that stands for the command ref of
	// an execution, or for the execution itself if ref is 0. It depends on its
	// arguments alone, and is zero if there is no trace.
	Trace(i engine.Instance, s *history.WorkflowStarted, ref int64) history.Trace
	// Continued returns what the started event of the execution carries that
	// continues another one. s is that event, own the trace context of the execution
	// that it continues.
	Continued(s *history.WorkflowStarted, own history.Trace) history.Trace

	// Attempt returns the context for one attempt of an activity. t is the trace
	// context of the execution.
	Attempt(ctx context.Context, i engine.Instance, t history.Trace, ref int64, attempt int) context.Context
	// LogAttrs returns what the log records of an activity carry, given its context.
	LogAttrs(ctx context.Context) []slog.Attr
}

// Call is the span of a call that is under way.
type Call interface {
	// Trace is the trace context of the span, zero if there is none.
	Trace() history.Trace
	// End ends the span. i is the instance that the call came to, or zero.
	End(i engine.Instance, err error)
}

// Creating is that of s.Telemetry. Without one, it does nothing.
func (s Settings) Creating(ctx context.Context, i engine.Instance, workflow string) (context.Context, Call) {
	if s.Telemetry == nil {
		return ctx, noCall{}
	}
	return s.Telemetry.Creating(ctx, i, workflow)
}

// Signaling is that of s.Telemetry. Without one, it does nothing.
func (s Settings) Signaling(ctx context.Context, instanceID, signal string) (context.Context, Call) {
	if s.Telemetry == nil {
		return ctx, noCall{}
	}
	return s.Telemetry.Signaling(ctx, instanceID, signal)
}

// noCall is a call that nobody watches.
type noCall struct{}

func (noCall) Trace() history.Trace       { return history.Trace{} }
func (noCall) End(engine.Instance, error) {}
