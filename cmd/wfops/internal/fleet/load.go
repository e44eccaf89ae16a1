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
		return readFile(name)
	}
	found, err := store.Resolve(ctx, name)
	if err != nil {
		return diagnostics.Bundle{}, err
	}
	return LoadInstance(ctx, store, found)
}

func readFile(name string) (diagnostics.Bundle, error) {
	b, err := diagnostics.ReadFile(name)
	if _, broken := errors.AsType[*diagnostics.BundleError](err); broken {
		err = &InputError{err}
	}
	return b, err
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

// Open opens an event as it is compared.
type Open func(history.Event) (history.Event, error)

// LoadSide reads a history to compare it, see Load.
func LoadSide(ctx context.Context, store *ops.Store, name string, level diagnostics.Level, open Open) (*diagnostics.Side, error) {
	if !connect.IsBundle(name) {
		found, err := store.Resolve(ctx, name)
		if err != nil {
			return nil, err
		}
		return InstanceSide(ctx, store, found, level, open)
	}
	b, err := readFile(name)
	if err != nil {
		return nil, err
	}
	side := diagnostics.NewSide(level, len(b.Events))
	side.Instance, side.Workflow, side.Status = b.Instance, b.Workflow, b.Status
	for _, e := range b.Events {
		if e, err = open(e); err != nil {
			return nil, err
		}
		side.Add(&e)
	}
	return side, nil
}

// InstanceSide is LoadSide for an execution.
func InstanceSide(ctx context.Context, store *ops.Store, found backend.Summary, level diagnostics.Level, open Open) (*diagnostics.Side, error) {
	side := diagnostics.NewSide(level, int(found.HistoryLength))
	side.Instance, side.Workflow, side.Status = found.Instance, found.Workflow, found.Status
	for e, err := range store.History(ctx, found.Instance, 0) {
		if err == nil {
			e, err = open(e)
		}
		if err != nil {
			return nil, err
		}
		side.Add(&e)
	}
	return side, nil
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
