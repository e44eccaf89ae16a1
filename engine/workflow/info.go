package workflow

import (
	"fmt"

	"github.com/wfops/wfops/engine"
)

// WorkflowInstance returns the instance that the code is running for.
func WorkflowInstance(ctx Context) *Instance {
	i := ctx.exec().sink.Instance()
	return &i
}

// WorkflowInstanceExecutionDetails tell how long the history has become.
type WorkflowInstanceExecutionDetails struct {
	// HistoryLength is the number of events, HistoryBytes their size, both as of the
	// beginning of the current step: the same on replay.
	HistoryLength int64
	HistoryBytes  int64
	// ContinueAsNewSuggested is set from a fifth of the history limit on.
	ContinueAsNewSuggested bool
}

// InstanceExecutionDetails returns details of the execution that the code is
// running for.
func InstanceExecutionDetails(ctx Context) WorkflowInstanceExecutionDetails {
	return WorkflowInstanceExecutionDetails(ctx.exec().sink.Details())
}

// Replaying reports whether the code is repeating what history records. Workflow
// code must not decide by it; it is for what is no part of the workflow, such as
// logs and metrics.
func Replaying(ctx Context) bool { return ctx.exec().sink.Replaying() }

// SetTags adds tags to those of the instance, by which it can be found; an empty
// value deletes the tag. Tags are no part of history, so that calls may be added
// and removed freely. It returns an error that wraps ErrInvalidArgument, and sets
// none, if a key is empty or a key or value has more than 255 bytes.
func SetTags(ctx Context, tags map[string]string) error {
	for k, v := range tags {
		if err := engine.CheckName("tag key", k); err != nil {
			return err
		}
		if v == "" {
			continue
		}
		if err := engine.CheckName(fmt.Sprintf("value of tag %q", k), v); err != nil {
			return err
		}
	}
	ctx.exec().sink.SetTags(tags)
	return nil
}

// SetStatus sets the line that lists show for the instance, for example "waiting
// for the bank". Only its first line is kept. It is no part of history.
func SetStatus(ctx Context, line string) { ctx.exec().sink.SetStatus(line) }

// Trace returns the W3C trace context of the execution, traceparent and tracestate,
// or of who started it if the worker has no telemetry. Both are empty if there is
// none.
func Trace(ctx Context) (parent, state string) {
	t := ctx.exec().sink.Trace()
	return t.Parent, t.State
}

// Local returns the value that the execution keeps for key in the memory of this
// process, which it makes at first use. It is for telemetry and the like: the value
// is no part of history, it is made anew when the execution is replayed, and workflow
// code must not decide by it. Keys are compared like those of context.WithValue.
func Local[T any](ctx Context, key any, create func() T) T {
	x := ctx.exec()
	if v, ok := x.locals[key].(T); ok {
		return v
	}
	v := create()
	if x.locals == nil {
		x.locals = map[any]any{}
	}
	x.locals[key] = v
	return v
}

// Note hands v to the observers of the worker, with the step that the code is in,
// once that step is durable. It is for telemetry; on replay it is dropped.
func Note(ctx Context, v any) { ctx.exec().sink.Note(v) }
