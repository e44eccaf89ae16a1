package cli

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/exported"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// withFile returns the arguments of a command with what follows from a store that is the
// file of an exported history: there is only one instance that can be meant.
func (s *session) withFile(c command.Command, args []string) []string {
	file, _ := s.connection()
	if !connect.IsBundle(file) {
		return args
	}
	least, hasMany := 0, false
	for _, a := range c.Args {
		if !a.Optional {
			least++
		}
		hasMany = hasMany || a.Many && c.Needs == command.NeedsHistories
	}
	switch {
	case c.Needs == command.NeedsHistories && len(args) < least,
		hasMany && s.o.filter == "" && (len(args) == 0 || s.first != "" && !slices.ContainsFunc(args, isID)):
		return append([]string{file}, args...)
	case c.Needs == command.NeedsRead && least == 1 && len(args) == 0:
		return []string{exported.This}
	}
	return args
}

func isID(arg string) bool { return !connect.IsBundle(arg) }

// onlyFiles reports whether no store is needed.
func (s *session) onlyFiles(args []string) bool {
	return s.o.filter == "" && !s.o.radius && len(args) > 0 && !slices.ContainsFunc(args, isID)
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
	b, err := fleet.Load(ctx, s.store, name)
	return b, asUsage(err)
}

// asUsage is what names something that can't be used as an error of the command line.
func asUsage(err error) error {
	if _, misnamed := errors.AsType[*fleet.InputError](err); misnamed {
		return usageError{err}
	}
	return err
}
