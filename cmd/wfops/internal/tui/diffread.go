package tui

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// side is one of two executions that are compared. It is not changed once it was read.
type side struct {
	view.DiffSide

	instance engine.Instance
	events   []history.Event
	strip    view.Strip
	// opened tells that values were opened as far as they can be, and sealed why not all.
	opened bool
	sealed error
}

// comparison is what two sides come to. It is not changed once it was made.
type comparison struct {
	sides  [2]*side
	rules  diagnostics.Rules
	level  diagnostics.Level
	result diagnostics.Result
	// code tells that the second side is what code does, and first in which row it
	// parts from history, or -1.
	code  bool
	first int
	// slowest is the row that made most of the difference in time, or nil.
	slowest *diagnostics.DiffRow
	// note is what else there is to know.
	note string
}

// comparer makes comparisons. had is the last one, or nil; it is returned again if
// nothing has changed.
type comparer func(ctx context.Context, had *comparison, level diagnostics.Level, rules diagnostics.Rules) (*comparison, error)

// comparingHistories compares two histories, which are those of instances or of files.
func comparingHistories(store *ops.Store, c Codec, names [2]string) comparer {
	return func(ctx context.Context, had *comparison, level diagnostics.Level, rules diagnostics.Rules) (*comparison, error) {
		next := &comparison{rules: rules, level: level}
		for i, name := range names {
			var old *side
			if had != nil {
				old = had.sides[i]
			}
			var err error
			if next.sides[i], err = readSide(ctx, store, name, old); err != nil {
				return nil, err
			}
			next.sides[i] = next.sides[i].open(ctx, c, had == nil)
		}
		if had != nil && had.sides == next.sides && had.level == level && slices.Equal(had.rules.Ignore, rules.Ignore) && slices.Equal(had.rules.Paths, rules.Paths) {
			return had, nil
		}
		next.result = diagnostics.DiffAt(level, next.sides[0].events, next.sides[1].events, rules)
		next.slowest = view.Slowest(next.result.Rows)
		return next, nil
	}
}

// readSide reads a history, unless it is as it was.
func readSide(ctx context.Context, store *ops.Store, name string, had *side) (*side, error) {
	if had != nil && (fleet.IsFile(name) || had.Status.Final()) {
		return had, nil
	}
	if fleet.IsFile(name) {
		b, err := fleet.Load(ctx, store, name)
		return newSide(filepath.Base(name), b, store.Clock()), err
	}
	find := func() (backend.Summary, error) { return store.Resolve(ctx, name) }
	if had != nil { // the same execution, whatever the name stands for by now
		find = func() (backend.Summary, error) { return store.Get(ctx, had.instance) }
	}
	found, err := find()
	if err != nil {
		return nil, err
	}
	if had != nil && had.Status == found.Status && int64(had.Events) == found.HistoryLength {
		return had, nil
	}
	b, err := fleet.LoadInstance(ctx, store, found)
	if err != nil {
		return nil, err
	}
	name, err = shortName(ctx, store, found.Instance)
	return newSide(name, b, store.Clock()), err
}

// shortName is the id of an execution, or that with the execution if the id alone
// stands for another one.
func shortName(ctx context.Context, store *ops.Store, i engine.Instance) (string, error) {
	found, err := store.Get(ctx, engine.Instance{InstanceID: i.InstanceID})
	if found.Instance == i {
		return i.InstanceID, err
	}
	return i.InstanceID + "/" + i.ExecutionID, err
}

func newSide(name string, b diagnostics.Bundle, now time.Time) *side {
	s := &side{instance: b.Instance, strip: view.NewStrip(diagnostics.NewTimeline(b.Events, now)), events: b.Events}
	s.DiffSide = view.DiffSide{Name: name, Workflow: b.Workflow, Status: b.Status, Events: len(b.Events), Took: s.strip.Took()}
	return s
}
