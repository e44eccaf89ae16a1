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
)

// side is one of two executions that are compared. It is not changed once it was read.
type side struct {
	view.DiffSide

	of    *diagnostics.Side
	strip view.Strip
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
	r := sideReader{store: store, codec: c}
	return func(ctx context.Context, had *comparison, level diagnostics.Level, rules diagnostics.Rules) (*comparison, error) {
		next := &comparison{rules: rules, level: level}
		for i, name := range names {
			var old *side
			if had != nil {
				old = had.sides[i]
			}
			var err error
			if next.sides[i], err = r.side(ctx, name, level, old); err != nil {
				return nil, err
			}
		}
		if had != nil && had.sides == next.sides && had.level == level && slices.Equal(had.rules.Ignore, rules.Ignore) && slices.Equal(had.rules.Paths, rules.Paths) {
			return had, nil
		}
		next.result = diagnostics.DiffSides(next.sides[0].of, next.sides[1].of, rules)
		next.slowest = view.Slowest(next.result.Rows)
		return next, nil
	}
}

// sideReader reads what is compared.
type sideReader struct {
	store *ops.Store
	codec Codec
}

// side reads a history, unless it is as it was.
func (r sideReader) side(ctx context.Context, name string, level diagnostics.Level, had *side) (*side, error) {
	whole := had != nil && had.opened && had.of.Level == level
	if whole && (fleet.IsFile(name) || had.Status.Final()) {
		return had, nil
	}
	if fleet.IsFile(name) {
		return r.opened(ctx, filepath.Base(name), had == nil, func(open fleet.Open) (*diagnostics.Side, error) {
			return fleet.LoadSide(ctx, r.store, name, level, open)
		})
	}
	find := func() (backend.Summary, error) { return r.store.Resolve(ctx, name) }
	if had != nil { // the same execution, whatever the name stands for by now
		find = func() (backend.Summary, error) { return r.store.Get(ctx, had.of.Instance) }
	}
	found, err := find()
	if err != nil {
		return nil, err
	}
	if whole && had.Status == found.Status && int64(had.Events) == found.HistoryLength {
		return had, nil
	}
	if name, err = shortName(ctx, r.store, found.Instance); err != nil {
		return nil, err
	}
	return r.opened(ctx, name, had == nil, func(open fleet.Open) (*diagnostics.Side, error) {
		return fleet.InstanceSide(ctx, r.store, found, level, open)
	})
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

func newSide(name string, of *diagnostics.Side, now time.Time) *side {
	s := &side{of: of, strip: view.NewStrip(of.Steps(), now)}
	s.DiffSide = view.DiffSide{Name: name, Workflow: of.Workflow, Status: of.Status, Events: of.Events, Took: s.strip.Took()}
	of.Trim()
	return s
}
