package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// activity is a row for any worker to claim.
type activity struct {
	backend.ActivityRow

	execution *execution
	entry     entry[*activity]
	readyAt   time.Time // of the next attempt
	details   engine.Payload

	// The lease; the token is "" when there is none.
	token      string
	holder     string
	leaseUntil time.Time
	started    time.Time
}

func (a *activity) leased() bool { return a.token != "" }

func (a *activity) release() {
	a.token, a.holder, a.leaseUntil, a.started = "", "", time.Time{}, time.Time{}
}

// placeActivity updates the claim index after any change of a. A paused
// execution starts no attempt.
func (s *state) placeActivity(a *activity) {
	at := a.readyAt
	if a.leased() {
		at = a.leaseUntil
	}
	if a.execution.sum.Paused {
		at = time.Time{}
	}
	s.activities.put(&a.entry, groupKey{a.Queue, a.Name}, shardKey{}, at)
	if !at.IsZero() && !a.leased() {
		// Also for one that waits: nobody else would tell the workers when to look.
		s.hint(backend.TopicActivities, string(a.Queue), engine.Instance{})
	}
}

func (s *state) addActivity(e *execution, row *backend.ActivityRow) {
	s.dropActivity(e, row.Ref)
	a := &activity{ActivityRow: *row, execution: e, readyAt: s.now.Add(row.After)}
	a.Queue, a.After = row.Queue.OrDefault(), 0
	a.entry = entry[*activity]{owner: a, seq: s.next()}
	if e.activities == nil {
		e.activities = map[int64]*activity{}
	}
	e.activities[row.Ref] = a
	s.placeActivity(a)
}

func (s *state) dropActivity(e *execution, ref int64) {
	if a := e.activities[ref]; a != nil {
		s.activities.take(&a.entry)
		delete(e.activities, ref)
	}
}

// ClaimActivities implements backend.Work.
func (b *Backend) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	if err := b.begin(ctx, true); err != nil {
		return backend.ActivityClaimed{}, err
	}
	defer b.end()
	s := b.st
	var from []source[*activity]
	for _, q := range c.Queues {
		for _, name := range c.Activities {
			for _, sh := range s.activities[groupKey{q.OrDefault(), name}] {
				from = append(from, source[*activity]{shard: sh})
			}
		}
	}
	got := pick(s.activities, from, s.now, c.Max, 0)
	claimed := backend.ActivityClaimed{Now: s.now, Next: got.next}
	for _, en := range got.entries {
		claimed.Tasks = append(claimed.Tasks, s.leaseActivity(en.owner, &c))
	}
	return claimed, nil
}

// leaseActivity begins an attempt.
func (s *state) leaseActivity(a *activity, c *backend.ActivityClaim) backend.ActivityTask {
	var lost *backend.LostAttempt
	if a.leased() {
		lost = &backend.LostAttempt{Attempt: a.Attempt, Worker: a.holder, Started: a.started}
		a.Attempt++
	}
	a.token, a.holder, a.started, a.leaseUntil = engine.NewID(), c.Worker, s.now, s.now.Add(c.Lease)
	s.placeActivity(a)
	e := a.execution
	had := len(e.timers)
	e.dropTimers(func(t *backend.Timer) bool { return t.Ref == a.Ref && t.Slot == backend.SlotScheduleToStart })
	if len(e.timers) != had {
		s.place(e)
	}
	return backend.ActivityTask{
		ActivityRow: a.ActivityRow, Instance: e.sum.Instance, Workflow: e.sum.Workflow,
		Token: a.token, LeaseUntil: a.leaseUntil, Started: a.started, Details: a.details, Lost: lost,
	}
}

// held returns the row if token holds it. A row that is gone, also because its
// execution ended, is a lost lease.
func (s *state) held(i engine.Instance, ref int64, token string) (*activity, error) {
	if e := s.executions[i]; e != nil {
		if a := e.activities[ref]; a != nil && a.leased() && a.token == token {
			return a, nil
		}
	}
	return nil, fmt.Errorf("memory: activity %d of %s: %w", ref, i, engine.ErrLeaseLost)
}

// CommitActivities implements backend.Work.
func (b *Backend) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	return each(ctx, b, cs, asError, func(s *state, c *backend.ActivityCommit) error {
		a, err := s.held(c.Instance, c.Ref, c.Token)
		if err != nil {
			return err
		}
		e := a.execution
		if r := c.Retry; r != nil {
			a.release()
			a.Attempt, a.readyAt, a.LastError = r.Attempt, s.now.Add(r.After), r.LastError
			s.placeActivity(a)
		} else {
			s.dropActivity(e, a.Ref)
		}
		for _, ev := range c.Events {
			s.push(e, ev, false)
			e.inbox[len(e.inbox)-1].quiet = c.Quiet
		}
		if len(c.Events) > 0 && !c.Quiet {
			s.wakeUp(e)
		}
		return nil
	})
}

// ExtendActivities implements backend.Work.
func (b *Backend) ExtendActivities(ctx context.Context, xs []backend.ActivityExtension) []error {
	return each(ctx, b, xs, asError, func(s *state, x *backend.ActivityExtension) error {
		a, err := s.held(x.Instance, x.Ref, x.Token)
		if err != nil {
			return err
		}
		a.leaseUntil = s.now.Add(x.Lease)
		if x.Details != nil {
			a.details = x.Details
		}
		s.placeActivity(a)
		return nil
	})
}

// Heartbeat implements backend.Work.
func (b *Backend) Heartbeat(ctx context.Context, w backend.Worker) error {
	if err := b.begin(ctx, true); err != nil {
		return err
	}
	defer b.end()
	s := b.st
	if w.Stopped {
		delete(s.workers, w.ID)
		return nil
	}
	w.Seen = s.now
	s.workers[w.ID] = w
	for id, other := range s.workers {
		if s.now.Sub(other.Seen) > forgetWorker {
			delete(s.workers, id)
		}
	}
	return nil
}
