package workflow

import (
	"fmt"
	"reflect"

	"github.com/wfops/wfops/engine"
)

// Canceled is what a canceled Context's Err returns, and what everything returns
// that was given up because of it.
var Canceled = engine.ErrCanceled

// ErrInvalidArgument marks a request that was refused before it was recorded.
var ErrInvalidArgument = engine.ErrInvalidArgument

// Error is the error of an activity or sub-workflow as it crosses the durable
// boundary: type name, message, causes and stack. Find it with errors.As:
//
//	var failure *workflow.Error
//	if errors.As(err, &failure) && failure.Type == "InsufficientFunds" { … }
type Error = engine.Failure

// PanicError is the error of an activity or sub-workflow that panicked. Find it
// with errors.As. It is not retried.
type PanicError = engine.PanicError

// NewError wraps err with its type, message, causes and stack as they would be
// stored. It returns nil for nil.
func NewError(err error) error { return engine.NewError(err) }

// NewPermanentError wraps err so that it is not retried. It returns nil for nil.
func NewPermanentError(err error) error { return engine.NewPermanentError(err) }

// CanRetry reports whether err may be retried: it is not permanent, not a panic
// and not a cancellation.
func CanRetry(err error) bool { return engine.CanRetry(err) }

// ArgumentError says that a stored argument can't be decoded into the parameter
// of a function. It is met by workers, not by workflow code.
type ArgumentError struct {
	// Function is the kind and name of the function.
	Function string
	// Index of the argument, from 1. The context is not counted.
	Index int
	// Type of the parameter.
	Type reflect.Type
	// Err is what the converter said.
	Err error
}

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("%s: decoding argument %d as %s: %v", e.Function, e.Index, e.Type, e.Err)
}

// Unwrap returns Err.
func (e *ArgumentError) Unwrap() error { return e.Err }
