// Package intercept puts a function around every call of a store: one that gives
// the call a deadline, counts it, or keeps it from the store.
package intercept

import (
	"context"
	"errors"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Interceptor makes a call of a store by calling next with ctx or one that is derived
// from it, or doesn't. It may call next again. It is called concurrently.
//
// next returns what the call failed with as a whole: nil if a single item of a batch
// was applied or refused. If the Interceptor returns another error than next did, it
// is the answer to every item; otherwise each item keeps the answer of the store.
type Interceptor func(ctx context.Context, m Method, next func(context.Context) error) error

// Method names a call of the port, as in backend.Backend.
type Method string

// The calls of the port that can be intercepted: all but Subscribe and Close.
const (
	Create           Method = "Create"
	Deliver          Method = "Deliver"
	Terminate        Method = "Terminate"
	Pause            Method = "Pause"
	Retry            Method = "Retry"
	Remove           Method = "Remove"
	ClaimWorkflows   Method = "ClaimWorkflows"
	CommitWorkflows  Method = "CommitWorkflows"
	ExtendWorkflows  Method = "ExtendWorkflows"
	ClaimActivities  Method = "ClaimActivities"
	CommitActivities Method = "CommitActivities"
	ExtendActivities Method = "ExtendActivities"
	Heartbeat        Method = "Heartbeat"
	Get              Method = "Get"
	History          Method = "History"
	Pending          Method = "Pending"
	List             Method = "List"
	Count            Method = "Count"
	Queues           Method = "Queues"
	Workers          Method = "Workers"
	Info             Method = "Info"
)

// Reads reports whether the call changes nothing.
func (m Method) Reads() bool {
	switch m { //nolint:exhaustive // the others write
	case Get, History, Pending, List, Count, Queues, Workers, Info:
		return true
	}
	return false
}

// New returns b with f around its calls. Closing it closes b.
func New(b backend.Backend, f Interceptor) backend.Backend {
	return &intercepted{Backend: b, around: f}
}

type intercepted struct {
	backend.Backend

	around Interceptor
}

// answer is how an item of a batch is answered with an error, and asked for one.
type answer[R any] struct {
	with func(error) R
	err  func(R) error
}

var (
	errorAnswer = answer[error]{
		with: func(err error) error { return err },
		err:  func(err error) error { return err },
	}
	createAnswer = answer[backend.CreateResult]{
		with: func(err error) backend.CreateResult { return backend.CreateResult{Err: err} },
		err:  func(r backend.CreateResult) error { return r.Err },
	}
	commitAnswer = answer[backend.WorkflowCommitted]{
		with: func(err error) backend.WorkflowCommitted { return backend.WorkflowCommitted{Err: err} },
		err:  func(c backend.WorkflowCommitted) error { return c.Err },
	}
)

// batch makes a call that answers each item.
func batch[I, R any](ctx context.Context, b *intercepted, m Method, items []I, call func(context.Context, []I) []R, a answer[R]) []R {
	if len(items) == 0 {
		return nil
	}
	var out []R
	var failed error
	verdict := b.around(ctx, m, func(ctx context.Context) error {
		out = call(ctx, items)
		failed = a.whole(out)
		return failed
	})
	if verdict == failed && out != nil || verdict == nil && out != nil { //nolint:errorlint // the very same is meant
		return out
	}
	if verdict == nil {
		verdict = errNotMade
	}
	out = make([]R, len(items))
	for i := range out {
		out[i] = a.with(verdict)
	}
	return out
}

var errNotMade = errors.New("the call was not made")

// whole returns the first error, unless the store answered for an item.
func (a answer[R]) whole(out []R) error {
	var first error
	for i := range out {
		err := a.err(out[i])
		if !engine.OutcomeUnknown(err) {
			return nil
		}
		if i == 0 {
			first = err
		}
	}
	return first
}

// single makes a call with one answer.
func single[R any](ctx context.Context, b *intercepted, m Method, call func(context.Context) (R, error)) (R, error) {
	var out R
	err := b.around(ctx, m, func(ctx context.Context) (err error) {
		out, err = call(ctx)
		return err
	})
	return out, err
}
