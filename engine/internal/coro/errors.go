package coro

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by Run after Close.
var ErrClosed = errors.New("the scheduler is closed")

// ErrGoexit is the Value of the PanicError of a coroutine that ended itself by
// runtime.Goexit, which is also what t.FailNow and t.Skip do.
var ErrGoexit = errors.New("the coroutine called runtime.Goexit")

// StuckError tells of a coroutine that did not come back within the deadline.
type StuckError struct {
	// Name of the coroutine.
	Name string
	// Stack of the coroutine alone, without addresses and goroutine ids.
	Stack string
}

func (e *StuckError) Error() string {
	return fmt.Sprintf("coroutine %q did not wait or end within its deadline", e.Name)
}

// PanicError tells of a coroutine that panicked.
type PanicError struct {
	// Name of the coroutine.
	Name string
	// Value it panicked with, or ErrGoexit.
	Value any
	// Stack of the place that panicked, without addresses and goroutine ids.
	Stack string
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("coroutine %q panicked: %v", e.Name, e.Value)
}

// Unwrap returns Value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// ForeignError tells of a goroutine that is no coroutine and called into the
// scheduler.
type ForeignError struct {
	// Stack of the call, without addresses and goroutine ids.
	Stack string
}

func (e *ForeignError) Error() string {
	return "a goroutine that the workflow started by itself used the workflow's context"
}
