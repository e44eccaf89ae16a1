package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Create implements backend.Control.
func (b *Backend) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	refuse := func(err error) backend.CreateResult { return backend.CreateResult{Err: err} }
	return each(ctx, b, cs, refuse, (*state).create)
}

func (s *state) create(c *backend.Creation) backend.CreateResult {
	if _, again := s.executions[c.Instance]; again {
		return backend.CreateResult{Instance: c.Instance}
	}
	if r, again := s.seen.answer(c.Instance.ExecutionID); again {
		return r
	}
	id := c.Instance.InstanceID
	current := s.open[id]
	switch {
	case current != nil && c.Reuse == backend.IDReuseReturn:
		r := backend.CreateResult{Instance: current.sum.Instance, Existed: true}
		for _, ev := range c.Inbox {
			s.push(current, ev, true)
		}
		if len(c.Inbox) > 0 {
			s.wakeUp(current)
		}
		// This execution will never exist, so a resend finds its answer here.
		s.seen.remember(c.Instance.ExecutionID, r, s.now)
		return r
	case current != nil && c.Reuse == backend.IDReuseTerminate:
		s.terminate(current, &backend.Termination{Event: c.Terminate})
	case current != nil:
		return taken(current)
	case c.Reuse == backend.IDReuseReject && len(s.runs[id]) > 0:
		return taken(s.runs[id][len(s.runs[id])-1])
	}
	s.started(s.insert(c, nil))
	return backend.CreateResult{Instance: c.Instance}
}

func taken(e *execution) backend.CreateResult {
	return backend.CreateResult{
		Instance: e.sum.Instance,
		Err:      fmt.Errorf("memory: the id is taken by %s (%s): %w", e.sum.Instance, e.sum.Status, engine.ErrInstanceAlreadyExists),
	}
}

// Deliver implements backend.Control.
func (b *Backend) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	return each(ctx, b, ds, asError, func(s *state, d *backend.Delivery) error {
		if _, again := s.seen.answer(d.ID); again {
			return nil
		}
		if !s.deliver(d) {
			return notFound(d.To)
		}
		s.seen.remember(d.ID, backend.CreateResult{}, s.now)
		return nil
	})
}

// deliver reports whether an open execution had the address.
func (s *state) deliver(d *backend.Delivery) bool {
	e := s.find(d.To)
	if e == nil {
		return false
	}
	s.push(e, d.Event, d.To.ExecutionID == "")
	s.wakeUp(e)
	return true
}

// Terminate implements backend.Control.
func (b *Backend) Terminate(ctx context.Context, ts []backend.Termination) []error {
	return each(ctx, b, ts, asError, func(s *state, t *backend.Termination) error {
		e := s.find(t.To)
		if e == nil {
			return notFound(t.To)
		}
		s.terminate(e, t)
		return nil
	})
}

// terminate ends an execution from outside, and then what its closings terminate,
// and so on.
func (s *state) terminate(e *execution, t *backend.Termination) {
	s.terminateOne(e, t)
	s.applyClosings()
}

func (s *state) terminateOne(e *execution, t *backend.Termination) {
	e.appendChunk(t.Event, 1)
	if t.Error != "" {
		e.sum.LastError = t.Error
	}
	s.finish(e, engine.StatusTerminated, e.chunk(t.Event, 1))
}

// applyClosings delivers and terminates until nothing is left to do. It is a loop,
// because a chain of children can be longer than a stack is deep.
func (s *state) applyClosings() {
	for len(s.ends) > 0 {
		c := s.ends[0]
		s.ends = s.ends[1:]
		switch e := s.find(c.To); {
		case e == nil:
		case c.Terminate:
			s.terminateOne(e, &backend.Termination{Event: c.Event})
		default:
			s.deliver(&backend.Delivery{To: c.To, Event: c.Event})
		}
	}
}

// finish makes e final: it deletes what is pending, and puts the closings where
// applyClosings finds them. last is what was added to its history.
func (s *state) finish(e *execution, status engine.Status, last backend.Chunk) {
	if e.leased() {
		s.hint(backend.TopicHolder, e.holder, e.sum.Instance)
	}
	s.hints = append(s.hints, backend.Finished(e.sum.Instance, status, last))
	e.sum.Status, e.sum.Updated, e.sum.Finished = status, s.now, s.now
	e.sum.Unread += len(e.inbox)
	e.sum.Waiting, e.sum.Local, e.sum.Paused = nil, 0, false
	e.clearBlock()
	delete(s.open, e.sum.Instance.InstanceID)
	for _, a := range e.activities {
		s.activities.take(&a.entry)
	}
	for _, c := range e.closings {
		if c.On == backend.OnEnd || status == engine.StatusTerminated {
			s.ends = append(s.ends, c)
		}
	}
	e.inbox, e.timers, e.activities, e.closings = nil, nil, nil, nil
	e.release()
	s.place(e)
}

// Pause implements backend.Control.
func (b *Backend) Pause(ctx context.Context, ps []backend.PauseChange) []error {
	return each(ctx, b, ps, asError, func(s *state, p *backend.PauseChange) error {
		if err := p.Check(); err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		e := s.find(p.To)
		if e == nil {
			return notFound(p.To)
		}
		s.note(e, p.Note(s.now))
		if e.sum.Paused == p.Paused {
			return nil
		}
		e.sum.Paused = p.Paused
		s.place(e)
		s.announce(e)
		for _, a := range e.activities {
			s.placeActivity(a)
		}
		return nil
	})
}

// note leaves a note in place of the one before.
func (s *state) note(e *execution, n engine.Note) { e.sum.Note, e.sum.Updated = &n, s.now }

// Retry implements backend.Control.
func (b *Backend) Retry(ctx context.Context, rs []backend.RetryRequest) []error {
	return each(ctx, b, rs, asError, func(s *state, r *backend.RetryRequest) error {
		if err := r.Check(); err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		e := s.find(r.To)
		if e == nil {
			return notFound(r.To)
		}
		s.note(e, r.Note(s.now))
		e.sum.BlockedBuilds, e.retryAt = nil, time.Time{}
		if e.replace(r.DropInbox, r.Dropped) {
			s.wakeUp(e)
			return nil
		}
		s.place(e)
		s.announce(e)
		return nil
	})
}

// replace puts an event in the place of that of an inbox row, and reports whether
// there is such a row.
func (e *execution) replace(row int64, ev history.Encoded) bool {
	i := slices.IndexFunc(e.inbox, func(r inboxRow) bool { return r.ID == row })
	if i < 0 {
		return false
	}
	e.inbox[i].Event, e.inbox[i].quiet = ev, false
	return true
}

// Remove implements backend.Control.
func (b *Backend) Remove(ctx context.Context, is []engine.Instance) []error {
	return each(ctx, b, is, asError, func(s *state, i *engine.Instance) error {
		e := s.executions[*i]
		if e == nil {
			return fmt.Errorf("memory: %s: %w", i, engine.ErrInstanceNotFound)
		}
		if e.open() {
			return fmt.Errorf("memory: %s is %s: %w", i, e.sum.Status, engine.ErrInstanceNotFinished)
		}
		s.forget(e)
		return nil
	})
}
