package ops

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// LostAfter is how long a worker is believed to be alive after its last heartbeat.
const LostAfter = 30 * time.Second

// Worker is a heartbeat row and what follows from it.
type Worker struct {
	backend.Worker

	// Lost tells that it has not been heard of for LostAfter.
	Lost bool
}

// errFile is what is said of the file of an exported history, which knows nothing of
// queues and workers: an empty answer would read as if there were none, and all were well.
var errFile = fmt.Errorf("%w: an exported history does not tell of queues, workers or health; ask the store that it is from", engine.ErrInvalidArgument)

// Workers returns the workers that the store has heard of, latest seen first. A file can't
// tell: that is an engine.ErrInvalidArgument, for Queues and Health as well.
func (s *Store) Workers(ctx context.Context) ([]Worker, error) {
	if s.o.File {
		return nil, errFile
	}
	rows, err := s.b.Workers(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing workers: %w", err)
	}
	now, err := s.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing workers: %w", err)
	}
	workers := make([]Worker, len(rows))
	for i, w := range rows {
		workers[i] = Worker{Worker: w, Lost: now.Sub(w.Seen) > LostAfter}
	}
	return workers, nil
}

// Queue is depth and age of a queue, and who serves it.
type Queue struct {
	backend.QueueStats

	// Workers are alive and serve it; Used of their Slots are taken, by work of any
	// queue that they serve.
	Workers, Used, Slots int
}

// Queues returns the queues with open work and those that a living worker serves, by
// name and kind.
func (s *Store) Queues(ctx context.Context) ([]Queue, error) {
	stats, err := s.b.Queues(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing queues: %w", err)
	}
	workers, err := s.Workers(ctx)
	if err != nil {
		return nil, err
	}
	return joinQueues(stats, workers), nil
}

func joinQueues(stats []backend.QueueStats, workers []Worker) []Queue {
	type name struct {
		queue engine.Queue
		kind  backend.QueueKind
	}
	all := map[name]*Queue{}
	get := func(q engine.Queue, kind backend.QueueKind) *Queue {
		n := name{q, kind}
		if all[n] == nil {
			all[n] = &Queue{QueueStats: backend.QueueStats{Queue: q, Kind: kind}}
		}
		return all[n]
	}
	for _, st := range stats {
		get(st.Queue, st.Kind).QueueStats = st
	}
	for _, w := range workers {
		if w.Lost {
			continue
		}
		for _, q := range w.Queues {
			get(q, backend.QueueWorkflow).serve(len(w.Workflows) > 0, w.WorkflowsUsed, w.WorkflowSlots)
			get(q, backend.QueueActivity).serve(len(w.Activities) > 0, w.ActivitiesUsed, w.ActivitySlots)
		}
	}
	var queues []Queue
	for _, q := range all {
		if q.Workers > 0 || q.Ready+q.Leased+q.Delayed > 0 {
			queues = append(queues, *q)
		}
	}
	slices.SortFunc(queues, func(a, b Queue) int {
		return cmp.Or(strings.Compare(string(a.Queue), string(b.Queue)), -strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return queues
}

func (q *Queue) serve(able bool, used, slots int) {
	if able {
		q.Workers++
		q.Used += used
		q.Slots += slots
	}
}
