package cli

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// withFile returns the arguments of a command that takes files with the one that
// stands where a store does: wfops order.wfh timeline.
func (s *session) withFile(c command.Command, args []string) []string {
	if c.Needs != command.NeedsHistories || !connect.IsBundle(s.first) {
		return args
	}
	return append([]string{s.first}, args...)
}

// onlyFiles reports whether no store is needed.
func (s *session) onlyFiles(args []string) bool {
	isID := func(arg string) bool { return !connect.IsBundle(arg) }
	return s.o.filter == "" && len(args) > 0 && !slices.ContainsFunc(args, isID)
}

// events returns the history that an argument names, to be read as it goes.
func (s *session) events(ctx context.Context, name string, after int64) (of backend.Summary, events iter.Seq2[history.Event, error], err error) {
	if !connect.IsBundle(name) {
		of, err = s.store.Resolve(ctx, name)
		return of, s.store.History(ctx, of.Instance, after), err
	}
	b, err := s.load(ctx, name)
	of.Instance = b.Instance
	if len(b.Events) > 0 {
		of.Created = b.Events[0].At
	}
	return of, func(yield func(history.Event, error) bool) {
		for _, e := range b.Events {
			if e.Seq > after && !yield(e, nil) {
				return
			}
		}
	}, err
}

// load reads a history: of a file, or of the instance that an argument names.
func (s *session) load(ctx context.Context, name string) (diagnostics.Bundle, error) {
	if connect.IsBundle(name) {
		b, err := diagnostics.ReadFile(name)
		if _, broken := errors.AsType[*diagnostics.BundleError](err); broken {
			err = usageError{err}
		}
		return b, err
	}
	found, err := s.store.Resolve(ctx, name)
	if err != nil {
		return diagnostics.Bundle{}, err
	}
	return s.loadInstance(ctx, found)
}

func (s *session) loadInstance(ctx context.Context, found backend.Summary) (diagnostics.Bundle, error) {
	var events []history.Event
	for e, err := range s.store.History(ctx, found.Instance, 0) {
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
