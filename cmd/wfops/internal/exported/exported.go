// Package exported is a store that holds one execution: that of an exported history. It
// can only be read, and it knows what the history tells: no workers, no leases, and
// nothing of later than its last event.
package exported

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// This names the execution of a store, whatever its id.
const This = "."

// Store is a bundle as a store.
type Store struct {
	backend.Hub

	file    string
	events  []history.Event
	summary backend.Summary
	pending backend.Pending
	now     time.Time
}

// Open reads a bundle from a file. The error is that of diagnostics.ReadFile.
func Open(file string) (*Store, error) {
	b, err := diagnostics.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &Store{file: file, events: b.Events}
	if n := len(b.Events); n > 0 {
		s.now = b.Events[n-1].At
	}
	encoded, err := history.Encode(b.Events...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	s.summary = summaryOf(b, int64(len(encoded)))
	if s.pending, err = pendingOf(b); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func (s *Store) has(i engine.Instance) bool {
	is := s.summary.Instance
	return i == is || i.ExecutionID == "" && (i.InstanceID == is.InstanceID || i.InstanceID == This)
}

func (s *Store) missing(i engine.Instance) error {
	return fmt.Errorf("%s: %s has the history of %s only: %w", i, s.file, s.summary.Instance, engine.ErrInstanceNotFound)
}

// Get implements backend.Read. It takes This for the id.
func (s *Store) Get(_ context.Context, i engine.Instance) (backend.Summary, error) {
	if !s.has(i) {
		return backend.Summary{}, s.missing(i)
	}
	return s.summary, nil
}

// chunk is how many events are handed out together.
const chunk = 1000

// History implements backend.Read.
func (s *Store) History(_ context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	if !s.has(i) {
		return nil, s.missing(i)
	}
	var chunks []backend.Chunk
	for from := min(max(after, 0), int64(len(s.events))); from < int64(len(s.events)) && (limit == 0 || len(chunks) < limit); from += chunk {
		events := s.events[from:min(from+chunk, int64(len(s.events)))]
		encoded, err := history.Encode(events...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.file, err)
		}
		chunks = append(chunks, backend.Chunk{First: events[0].Seq, Count: len(events), Events: encoded})
	}
	return chunks, nil
}

// Pending implements backend.Read.
func (s *Store) Pending(_ context.Context, i engine.Instance, _ int) (backend.Pending, error) {
	if !s.has(i) {
		return backend.Pending{}, s.missing(i)
	}
	return s.pending, nil
}

// List implements backend.Read.
func (s *Store) List(_ context.Context, q backend.Query) (backend.Page, error) {
	p := backend.Page{Now: s.now}
	if q.Cursor == "" && matches(&q, &s.summary) {
		p.Items = []backend.Summary{s.summary}
	}
	return p, nil
}

// Count implements backend.Read.
func (s *Store) Count(_ context.Context, q backend.Query) (map[engine.Status]int64, error) {
	counts := map[engine.Status]int64{}
	if matches(&q, &s.summary) {
		counts[s.summary.Status] = 1
	}
	return counts, nil
}

// Queues implements backend.Read. There are none.
func (s *Store) Queues(context.Context) ([]backend.QueueStats, error) { return nil, nil }

// Workers implements backend.Read. There are none.
func (s *Store) Workers(context.Context) ([]backend.Worker, error) { return nil, nil }

// Info implements backend.Read.
func (s *Store) Info(context.Context) (backend.Info, error) {
	return backend.Info{Kind: "exported history", Durability: "a file", ReadOnly: true, Now: s.now}, nil
}

// Close implements backend.Backend. There is nothing to close.
func (s *Store) Close() error { return nil }
