package registry

import "github.com/wfops/wfops/engine"

// ErrInvalidWorkflow is the error for what is no workflow function. It wraps
// engine.ErrInvalidArgument.
type ErrInvalidWorkflow struct{ message string }

func (e *ErrInvalidWorkflow) Error() string { return "invalid workflow: " + e.message }

// Unwrap returns engine.ErrInvalidArgument.
func (e *ErrInvalidWorkflow) Unwrap() error { return engine.ErrInvalidArgument }

// ErrInvalidActivity is the error for what is no activity function. It wraps
// engine.ErrInvalidArgument.
type ErrInvalidActivity struct{ message string }

func (e *ErrInvalidActivity) Error() string { return "invalid activity: " + e.message }

// Unwrap returns engine.ErrInvalidArgument.
func (e *ErrInvalidActivity) Unwrap() error { return engine.ErrInvalidArgument }

// ErrWorkflowAlreadyRegistered is the error for a name that is taken. It wraps
// engine.ErrInvalidArgument.
type ErrWorkflowAlreadyRegistered struct{ message string }

func (e *ErrWorkflowAlreadyRegistered) Error() string { return e.message }

// Unwrap returns engine.ErrInvalidArgument.
func (e *ErrWorkflowAlreadyRegistered) Unwrap() error { return engine.ErrInvalidArgument }

// ErrActivityAlreadyRegistered is the error for a name that is taken. It wraps
// engine.ErrInvalidArgument.
type ErrActivityAlreadyRegistered struct{ message string }

func (e *ErrActivityAlreadyRegistered) Error() string { return e.message }

// Unwrap returns engine.ErrInvalidArgument.
func (e *ErrActivityAlreadyRegistered) Unwrap() error { return engine.ErrInvalidArgument }
