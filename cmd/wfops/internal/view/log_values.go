package view

import (
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// sizeOf returns how many bytes the values of an event have, or sealedSize.
func sizeOf(b history.Body) int32 {
	all, size := ValuesOf(b), 0
	if isSealed(all) {
		return sealedSize
	}
	for _, v := range all {
		size += len(v.Payload)
	}
	return int32(min(size, 1<<31-1)) //nolint:gosec // bounded
}

// Value is something that an event holds for the code.
type Value struct {
	Name    string
	Payload engine.Payload
}

// ValuesOf returns what an event holds for the code, or from it.
func ValuesOf(b history.Body) []Value {
	switch b := b.(type) { //nolint:gochecksumtype // those that have any
	case history.WorkflowStarted:
		return arguments(b.Args)
	case history.WorkflowContinuedAsNew:
		return arguments(b.Args)
	case history.ActivityScheduled:
		return arguments(b.Args)
	case history.ChildScheduled:
		return arguments(b.Args)
	case history.SignalReceived:
		return arguments([]engine.Payload{b.Arg})
	case history.SignalSent:
		return arguments([]engine.Payload{b.Arg})
	case history.WorkflowCompleted:
		return []Value{{"result", b.Result}}
	case history.ActivityCompleted:
		return []Value{{"result", b.Result}}
	case history.ChildCompleted:
		return []Value{{"result", b.Result}}
	case history.SideEffectRecorded:
		return []Value{{"value", b.Value}}
	case history.MutableSideEffectRecorded:
		return []Value{{"value", b.Value}}
	}
	return nil
}

func arguments(args []engine.Payload) []Value {
	all := make([]Value, 0, len(args))
	for _, a := range args {
		if a != nil {
			all = append(all, Value{"argument", a})
		}
	}
	return all
}

// failureOf returns the failure that an event tells of, or nil.
func failureOf(b history.Body) *engine.Failure {
	switch b := b.(type) { //nolint:gochecksumtype // those that have one
	case history.WorkflowFailed:
		return b.Failure
	case history.WorkflowCanceled:
		return b.Failure
	case history.ActivityFailed:
		return b.Failure
	case history.ActivityAttemptFailed:
		return b.Failure
	case history.ChildFailed:
		return b.Failure
	case history.SignalFailed:
		return b.Failure
	case history.SideEffectRecorded:
		return b.Failure
	case history.MutableSideEffectRecorded:
		return b.Failure
	}
	return nil
}
