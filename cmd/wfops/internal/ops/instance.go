package ops

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// AmbiguousError tells that a prefix fits several instances.
type AmbiguousError struct {
	Prefix string
	// IDs are some of them.
	IDs  []string
	More bool
}

func (e *AmbiguousError) Error() string {
	more := ""
	if e.More {
		more = ", ..."
	}
	return fmt.Sprintf("several instances begin with %q: %s%s", e.Prefix, strings.Join(e.IDs, ", "), more)
}

// Unwrap says that nothing was done.
func (*AmbiguousError) Unwrap() error { return engine.ErrInvalidArgument }

// maxAmbiguous is how many candidates an AmbiguousError names.
const maxAmbiguous = 10

// NotFoundError tells that there is no instance of a name.
type NotFoundError struct {
	Name string
	Err  error
}

func (e *NotFoundError) Error() string { return fmt.Sprintf("there is no instance %q", e.Name) }

// Unwrap returns what the store said.
func (e *NotFoundError) Unwrap() error { return e.Err }

// Exact returns the execution that name stands for: ID, of which it is the open or
// else the latest one, or ID/EXECUTION. The error is a *NotFoundError if there is none.
func (s *Store) Exact(ctx context.Context, name string) (backend.Summary, error) {
	if err := engine.CheckName("instance id", name); err != nil {
		return backend.Summary{}, err
	}
	found, err := s.b.Get(ctx, engine.Instance{InstanceID: name})
	at := strings.LastIndexByte(name, '/')
	if errors.Is(err, engine.ErrInstanceNotFound) && 0 < at && at < len(name)-1 {
		found, err = s.b.Get(ctx, engine.Instance{InstanceID: name[:at], ExecutionID: name[at+1:]})
	}
	if errors.Is(err, engine.ErrInstanceNotFound) {
		err = &NotFoundError{name, err}
	}
	return found, err
}

// Resolve is Exact, or else returns the one instance whose id begins with name. It is
// for reads: who changes an instance has to name it in full. An *AmbiguousError tells
// of several.
func (s *Store) Resolve(ctx context.Context, name string) (backend.Summary, error) {
	found, err := s.Exact(ctx, name)
	if !errors.Is(err, engine.ErrInstanceNotFound) {
		return found, err
	}
	ids, more, listErr := s.beginning(ctx, name)
	switch {
	case listErr != nil:
		return found, listErr
	case len(ids) == 0:
		return found, err
	case len(ids) > 1:
		return found, &AmbiguousError{Prefix: name, IDs: ids, More: more}
	}
	return s.b.Get(ctx, engine.Instance{InstanceID: ids[0]})
}

// Beginning returns some of the ids that begin with prefix, for somebody who types one.
func (s *Store) Beginning(ctx context.Context, prefix string) ([]string, error) {
	ids, _, err := s.beginning(ctx, prefix)
	return ids, err
}

// beginning returns some of the ids that begin with prefix. An instance that has
// continued as new many times has many executions, and is still one.
func (s *Store) beginning(ctx context.Context, prefix string) (ids []string, more bool, err error) {
	q := backend.Query{IDPrefix: prefix, Limit: 5 * maxAmbiguous}
	for {
		page, err := s.b.List(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for i := range page.Items {
			if id := page.Items[i].Instance.InstanceID; !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		if q.Cursor, q.Limit = page.Next, backend.MaxLimit; len(ids) > maxAmbiguous {
			return ids[:maxAmbiguous], true, nil
		}
		if page.Next == "" || len(ids) > 1 {
			return ids, page.Next != "", nil
		}
	}
}

// Detail is all there is about an execution beside its history.
type Detail struct {
	backend.Summary

	Pending backend.Pending
	// Workers are those that are alive, unless File tells that nothing is known of any.
	Workers []Worker
	File    bool
	Now     time.Time
	names   map[int64]string
}

// Get returns the summary of an execution.
func (s *Store) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	return s.b.Get(ctx, i)
}

// maxPending is how many rows of each kind a detail holds.
const maxPending = 1000

// Detail returns what is stored about the execution of a summary that was read
// before; what has changed since then is read again.
func (s *Store) Detail(ctx context.Context, i engine.Instance) (Detail, error) {
	d := Detail{File: s.o.File}
	var err error
	if d.Summary, err = s.b.Get(ctx, i); err != nil {
		return d, err
	}
	if d.Pending, err = s.b.Pending(ctx, d.Instance, maxPending); err != nil {
		return d, fmt.Errorf("what is pending of %s: %w", d.Instance, err)
	}
	if !d.File {
		d.Workers, err = s.Workers(ctx)
	}
	if err != nil {
		return d, err
	}
	d.Workers = slices.DeleteFunc(d.Workers, func(w Worker) bool { return w.Lost })
	d.Now, err = s.Now(ctx)
	return d, err
}

// historyPage is how many chunks are read at a time.
const historyPage = 64

// History yields the events of an execution behind a sequence number, in order and
// without a gap. It reads as it goes; the last pair may be an error.
func (s *Store) History(ctx context.Context, i engine.Instance, after int64) iter.Seq2[history.Event, error] {
	return func(yield func(history.Event, error) bool) {
		for {
			chunks, err := s.b.History(ctx, i, after, historyPage)
			for n := 0; err == nil && n < len(chunks); n++ {
				var events []history.Event
				if events, err = behind(&chunks[n], after); err != nil {
					break
				}
				for _, e := range events {
					if !yield(e, nil) {
						return
					}
				}
				after += int64(len(events))
			}
			if err != nil {
				yield(history.Event{}, fmt.Errorf("history of %s: %w", i, err))
			}
			if err != nil || len(chunks) < historyPage {
				return
			}
		}
	}
}

var errMissing = errors.New("the store does not have it, and has what follows")

// behind returns the events of a chunk behind a sequence number. What reads histories
// counts on it that none is missing.
func behind(c *backend.Chunk, after int64) ([]history.Event, error) {
	events, err := c.Events.Decode(c.First)
	if err != nil {
		return nil, err
	}
	if c.First > after+1 || len(events) != c.Count || c.Count == 0 {
		return nil, &history.DecodeError{Seq: after + 1, Err: errMissing}
	}
	return events[min(int64(len(events)), after+1-c.First):], nil
}

// Event returns one event of an execution. The error is a *NoEventError if its history
// has no event of that number.
func (s *Store) Event(ctx context.Context, i engine.Instance, seq int64) (history.Event, error) {
	chunks, err := s.b.History(ctx, i, seq-1, 1)
	if err != nil {
		return history.Event{}, fmt.Errorf("event %d of %s: %w", seq, i, err)
	}
	for _, chunk := range chunks {
		events, err := chunk.Events.Decode(chunk.First)
		if err != nil {
			return history.Event{}, fmt.Errorf("event %d of %s: %w", seq, i, err)
		}
		for _, e := range events {
			if e.Seq == seq {
				return e, nil
			}
		}
	}
	return history.Event{}, &NoEventError{i, seq}
}

// NoEventError tells that a history has no event of a number.
type NoEventError struct {
	Instance engine.Instance
	Seq      int64
}

func (e *NoEventError) Error() string { return fmt.Sprintf("%s has no event %d", e.Instance, e.Seq) }

// Unwrap says that the question was wrong, not the store.
func (*NoEventError) Unwrap() error { return engine.ErrInvalidArgument }

// Node is an execution with its children.
type Node struct {
	backend.Summary

	Children []*Node
	// More tells that there are children that the tree has no room for.
	More bool
}

// Limits of a tree.
const (
	maxDepth = 50
	maxNodes = 2000
)

// Tree returns the execution and its children, theirs included, oldest first.
func (s *Store) Tree(ctx context.Context, root backend.Summary) (*Node, error) {
	left := maxNodes
	n := &Node{Summary: root}
	return n, s.grow(ctx, n, maxDepth, &left)
}

func (s *Store) grow(ctx context.Context, n *Node, depth int, left *int) error {
	q := backend.Query{Parent: &n.Instance, Ascending: true, Limit: backend.MaxLimit}
	for {
		page, err := s.b.List(ctx, q)
		if err != nil {
			return fmt.Errorf("children of %s: %w", n.Instance, err)
		}
		for i := range page.Items {
			if *left == 0 || depth == 0 {
				n.More = true
				return nil
			}
			*left--
			n.Children = append(n.Children, &Node{Summary: page.Items[i]})
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for _, child := range n.Children {
		if err := s.grow(ctx, child, depth-1, left); err != nil {
			return err
		}
	}
	return nil
}
