// Package offline serves exported histories as a store that can only be read, so that
// what an operator can ask of a store can be asked of the file of a colleague.
//
// A file knows its executions as they were when it was written: their histories, and
// what follows from these. It knows no queues, no workers and no leases, and says so
// (ops.ErrNotKept) where it is asked for them.
package offline

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Kind is what backend.Info calls such a store.
const Kind = "file"

// Store is a store of exported histories.
type Store struct {
	refusing

	source string
	clock  func() time.Time
	all    []execution // newest first
}

var _ backend.Backend = (*Store)(nil)

// execution is one of them.
type execution struct {
	backend.Summary

	pending backend.Pending
	events  []history.Event
}

// Open reads files that diagnostics.WriteFile has written.
func Open(names ...string) (*Store, error) {
	var bundles []diagnostics.Bundle
	for _, name := range names {
		b, err := diagnostics.ReadFile(name)
		if err != nil {
			return nil, err
		}
		bundles = append(bundles, b)
	}
	return New(fmt.Sprint(names), time.Now, bundles...)
}

// New returns the store of these histories. Source says where they are from.
func New(source string, clock func() time.Time, bundles ...diagnostics.Bundle) (*Store, error) {
	s := &Store{source: source, clock: clock}
	for _, b := range bundles {
		e, err := read(b)
		if err != nil {
			return nil, fmt.Errorf("the history of %s: %w", b.Instance, err)
		}
		if slices.ContainsFunc(s.all, func(o execution) bool { return o.Instance == e.Instance }) {
			return nil, fmt.Errorf("%w: two histories are of %s", engine.ErrInvalidArgument, b.Instance)
		}
		s.all = append(s.all, e)
	}
	slices.SortStableFunc(s.all, func(a, b execution) int { return b.Created.Compare(a.Created) })
	return s, nil
}

// Newest returns the execution that was created last, if there is any.
func (s *Store) Newest() (i engine.Instance, ok bool) {
	if len(s.all) == 0 {
		return i, false
	}
	return s.all[0].Instance, true
}

// Close does nothing: all has been read.
func (*Store) Close() error { return nil }

// Info describes the files.
func (s *Store) Info(context.Context) (backend.Info, error) {
	return backend.Info{Kind: Kind, Durability: "exported, " + s.source, Schema: diagnostics.BundleVersion, ReadOnly: true, Now: s.clock()}, nil
}

func (s *Store) find(i engine.Instance) (*execution, error) {
	for n := range s.all {
		if own := s.all[n].Instance; own == i || i.ExecutionID == "" && own.InstanceID == i.InstanceID {
			return &s.all[n], nil
		}
	}
	return nil, fmt.Errorf("%s: %w", i, engine.ErrInstanceNotFound)
}

// Get returns what follows of an execution from its history.
func (s *Store) Get(_ context.Context, i engine.Instance) (backend.Summary, error) {
	e, err := s.find(i)
	if err != nil {
		return backend.Summary{}, err
	}
	return e.Summary, nil
}

// chunk is how many events one chunk of a history has.
const chunk = 256

// History returns chunks of a history, which are encoded as they are asked for.
func (s *Store) History(_ context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	e, err := s.find(i)
	if err != nil {
		return nil, err
	}
	var chunks []backend.Chunk
	for from := int(max(0, after)) / chunk * chunk; from < len(e.events) && (limit == 0 || len(chunks) < limit); from += chunk {
		part := e.events[from:min(len(e.events), from+chunk)]
		encoded, err := history.Encode(part...)
		if err != nil {
			return nil, fmt.Errorf("history of %s: %w", i, err)
		}
		chunks = append(chunks, backend.Chunk{First: int64(from) + 1, Count: len(part), Events: encoded})
	}
	return chunks, nil
}

// Pending returns the activities and timers that had no answer yet. What had come in
// and was not read is no part of a history.
func (s *Store) Pending(_ context.Context, i engine.Instance, limit int) (backend.Pending, error) {
	e, err := s.find(i)
	if err != nil {
		return backend.Pending{}, err
	}
	p := e.pending
	if limit > 0 {
		p.Activities, p.Timers = p.Activities[:min(limit, len(p.Activities))], p.Timers[:min(limit, len(p.Timers))]
	}
	return p, nil
}

// List returns those that match.
func (s *Store) List(_ context.Context, q backend.Query) (backend.Page, error) {
	page := backend.Page{Now: s.clock()}
	found := s.matching(&q)
	if err := arrange(found, &q); err != nil {
		return page, err
	}
	from := 0
	if q.Cursor != "" {
		var err error
		if from, err = strconv.Atoi(q.Cursor); err != nil || from < 0 || from > len(found) {
			return page, fmt.Errorf("cursor %q: %w", q.Cursor, engine.ErrInvalidArgument)
		}
	}
	limit := backend.DefaultLimit
	if q.Limit > 0 {
		limit = min(q.Limit, backend.MaxLimit)
	}
	if page.Items = found[from:]; len(page.Items) > limit {
		page.Items, page.Next = page.Items[:limit], strconv.Itoa(from+limit)
	}
	return page, nil
}

// Count counts those that match.
func (s *Store) Count(_ context.Context, q backend.Query) (map[engine.Status]int64, error) {
	counts := map[engine.Status]int64{}
	for _, found := range s.matching(&q) {
		counts[found.Status]++
	}
	return counts, nil
}

// Queues are not known to a file.
func (*Store) Queues(context.Context) ([]backend.QueueStats, error) {
	return nil, fmt.Errorf("queues: %w", ops.ErrNotKept)
}

// Workers are not known to a file.
func (*Store) Workers(context.Context) ([]backend.Worker, error) {
	return nil, fmt.Errorf("workers: %w", ops.ErrNotKept)
}
