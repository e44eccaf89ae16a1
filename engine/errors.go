package engine

import (
	"errors"
	"slices"
)

// Sentinel errors. Test for them with errors.Is; what is returned wraps them
// and says which instance, setting or argument is meant.
var (
	// ErrInvalidArgument marks a call refused before anything was written.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrInstanceNotFound: no such instance, or none that is open.
	ErrInstanceNotFound = errors.New("workflow instance not found")
	// ErrInstanceAlreadyExists: the id is taken under the id-reuse policy.
	ErrInstanceAlreadyExists = errors.New("workflow instance already exists")
	// ErrInstanceNotFinished: the operation needs a finished instance.
	ErrInstanceNotFinished = errors.New("workflow instance is not finished")
	// ErrLeaseLost: the commit changed nothing, because somebody else owns the
	// task by now or because it ended.
	ErrLeaseLost = errors.New("lease lost")
	// ErrReadOnly: the connection was opened read-only.
	ErrReadOnly = errors.New("store is read-only")
	// ErrClosed: the store, worker or client was closed before the call.
	ErrClosed = errors.New("closed")
	// ErrBusy: another program kept the store locked for longer than the busy
	// timeout.
	ErrBusy = errors.New("store is busy")
	// ErrSchemaVersion: the store's schema is newer than this build knows, or
	// older and the connection is read-only.
	ErrSchemaVersion = errors.New("unsupported schema version")
	// ErrNotAStore: the file or database is something else.
	ErrNotAStore = errors.New("not a wfops store")
	// ErrReplaying: this process was started to replay histories, and must not reach
	// a store.
	ErrReplaying = errors.New("this process was started to replay histories, and must not reach a store")
	// ErrNotRegistered: no function of that name.
	ErrNotRegistered = errors.New("not registered")

	// ErrCanceled is what workflow code sees when its context is canceled, and
	// what a canceled instance ends with.
	ErrCanceled = errors.New("workflow canceled")
	// ErrTerminated is what waiters see of a terminated instance.
	ErrTerminated = errors.New("workflow terminated")
	// ErrTimeout is wrapped by the four errors below and by an execution that
	// ran out of its ExecutionTimeout.
	ErrTimeout = errors.New("timeout")
	// ErrWorkerLost: the worker that ran the attempt stopped or lost its lease
	// before the attempt's outcome was stored.
	ErrWorkerLost = errors.New("worker lost")
)

// verdicts are the sentinels by which a store says that it refused an item.
var verdicts = []error{
	ErrInvalidArgument, ErrInstanceNotFound, ErrInstanceAlreadyExists, ErrInstanceNotFinished, ErrLeaseLost,
	ErrReadOnly, ErrClosed, ErrBusy, ErrSchemaVersion, ErrNotAStore, ErrReplaying,
}

// OutcomeUnknown reports whether err, which a write of a store answered, leaves
// open if the item is durable: it is an error and wraps no sentinel that a store
// refuses with. Such an item may be sent again unchanged.
func OutcomeUnknown(err error) bool {
	return err != nil && !slices.ContainsFunc(verdicts, func(v error) bool { return errors.Is(err, v) })
}
