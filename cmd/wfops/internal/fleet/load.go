package fleet

import (
	"context"
	"errors"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// InputError tells that the user named something that can't be used: a file that is no
// history, a folder that can't be written to, a program that does not replay.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// Load reads a history: that of a file, or of the instance that name stands for, see
// ops.Store.Resolve. The store may be nil if name is one of a file.
func Load(ctx context.Context, store *ops.Store, name string) (diagnostics.Bundle, error) {
	if connect.IsBundle(name) {
		b, err := diagnostics.ReadFile(name)
		if _, broken := errors.AsType[*diagnostics.BundleError](err); broken {
			err = &InputError{err}
		}
		return b, err
	}
	found, err := store.Resolve(ctx, name)
	if err != nil {
		return diagnostics.Bundle{}, err
	}
	return LoadInstance(ctx, store, found)
}

// LoadInstance reads the history of an execution. If that fails the bundle still tells
// which one it is.
func LoadInstance(ctx context.Context, store *ops.Store, found backend.Summary) (diagnostics.Bundle, error) {
	var events []history.Event
	for e, err := range store.History(ctx, found.Instance, 0) {
		if err != nil {
			return diagnostics.Bundle{Instance: found.Instance, Workflow: found.Workflow}, err
		}
		events = append(events, e)
	}
	b := diagnostics.NewBundle(found.Instance, events)
	if b.Workflow == "" {
		b.Workflow = found.Workflow
	}
	if b.Status == engine.StatusRunning { // no event tells of a block
		b.Status = found.Status
	}
	return b, nil
}

// unreadable reports whether an error is about one history, and says nothing about
// the next.
func unreadable(err error) bool {
	var bundle *diagnostics.BundleError
	var kind *history.UnknownKindError
	var decode *history.DecodeError
	return errors.As(err, &bundle) || errors.As(err, &kind) || errors.As(err, &decode)
}

// IsFile reports whether a name is one of an exported history, by how it looks.
func IsFile(name string) bool { return connect.IsBundle(name) }
