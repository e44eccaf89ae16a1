package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func (b *batch) stepActivities(x *row, c *backend.WorkflowCommit) error {
	for _, ref := range c.DropActivities {
		if _, err := b.exec("DELETE FROM activities WHERE instance = ? AND ref = ?", x.pk, ref); err != nil {
			return err
		}
	}
	for i := range c.AddActivities {
		if err := b.addActivity(x, &c.AddActivities[i]); err != nil {
			return err
		}
	}
	return nil
}

// activityColumns of a row that is not leased; the others have defaults that say
// so. The details stay with an activity whose row is replaced.
var activityColumns = []string{
	"instance", "ref", "name", "queue", "event", "scheduled", "attempt", "last_error", "due", "ready_at",
	"token", "holder", "lease_until", "started",
}

func (b *batch) addActivity(x *row, a *backend.ActivityRow) error {
	due := b.in(a.After)
	_, err := b.exec(b.st.upsertActivity, x.pk, a.Ref, a.Name, a.Queue.OrDefault(), a.Event, nanos(a.Scheduled),
		a.Attempt, a.LastError, due, readyUnlessPaused(x, due), "", "", 0, 0)
	// Also for one that waits: nobody else would tell the workers when to look.
	b.hint(backend.TopicActivities, string(a.Queue.OrDefault()), engine.Instance{})
	return err
}

// readyUnlessPaused is the ready_at of an activity: a paused execution starts no
// attempt.
func readyUnlessPaused(x *row, at int64) any {
	if x.paused {
		return nil
	}
	return at
}

// ClaimActivities implements backend.Work.
func (st *Store) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	var claimed backend.ActivityClaimed
	err := st.write(ctx, "claiming activities", true, func(b *batch) error {
		claimed = backend.ActivityClaimed{Now: timeOf(b.now)}
		from, err := b.activityShards(&c)
		if err != nil {
			return err
		}
		ready, err := b.readyActivities(&c, from)
		if err != nil {
			return err
		}
		for i := range ready {
			if err := b.leaseActivity(&ready[i], &c); err != nil {
				return err
			}
			claimed.Tasks = append(claimed.Tasks, ready[i].ActivityTask)
		}
		claimed.Next, err = b.nextActivity(from)
		return err
	})
	if err != nil {
		return backend.ActivityClaimed{}, err
	}
	return claimed, nil
}

// readyActivity is an activity row that a claim has found.
type readyActivity struct {
	backend.ActivityTask

	pk       int64
	instance int64
	readyAt  int64
	token    string
	holder   string
}

const activityRow = `a.ref, a.name, a.queue, a.event, a.scheduled, a.attempt, a.last_error`

func scanActivityRow(r *Row) backend.ActivityRow {
	return backend.ActivityRow{
		Ref: r.Int(), Name: r.Text(), Queue: engine.Queue(r.Text()), Event: r.Bytes(), Scheduled: r.Time(),
		Attempt: int(r.Int()), LastError: r.Text(),
	}
}

func (b *batch) activityShards(c *backend.ActivityClaim) ([]shard, error) {
	if len(c.Activities) == 0 {
		return nil, nil
	}
	names := setOf(c.Activities)
	return b.shards(&activityIndex, c.Queues, func(name, _ string) bool { return names[name] })
}

func (b *batch) readyActivities(c *backend.ActivityClaim, from []shard) (ready []readyActivity, err error) {
	if c.Max <= 0 {
		return nil, nil
	}
	err = inTurn(from, b.now, func(part []shard) error {
		query := "SELECT " + activityRow + `, a.details, a.pk, a.instance, a.ready_at, a.token, a.holder, a.started,
			i.instance_id, i.execution_id, i.workflow
			FROM activities AS a JOIN instances AS i ON i.pk = a.instance
			WHERE a.pk IN (SELECT pk FROM (` + activityIndex.read(len(part), "ready_at, pk", "ready_at <= ?") + ", pk LIMIT ?) AS earliest)" +
			b.st.d.SkipLocked()
		return b.query(query, func(r *Row) {
			var a readyActivity
			a.ActivityRow, a.Details = scanActivityRow(r), r.Bytes()
			a.pk, a.instance, a.readyAt = r.Int(), r.Int(), r.Int()
			a.token, a.holder, a.Started = r.Text(), r.Text(), r.Time()
			a.Instance, a.Workflow = engine.Instance{InstanceID: r.Text(), ExecutionID: r.Text()}, r.Text()
			ready = append(ready, a)
		}, append(activityIndex.readArgs(part, b.now), c.Max)...)
	}, func(next int64) bool {
		slices.SortFunc(ready, longestReady)
		return len(ready) >= c.Max && ready[c.Max-1].readyAt <= next
	})
	slices.SortFunc(ready, longestReady)
	return ready[:min(len(ready), c.Max)], err
}

func longestReady(x, y readyActivity) int {
	return cmp.Or(cmp.Compare(x.readyAt, y.readyAt), cmp.Compare(x.pk, y.pk))
}

// leaseActivity begins an attempt.
func (b *batch) leaseActivity(a *readyActivity, c *backend.ActivityClaim) error {
	if a.token != "" {
		a.Lost = &backend.LostAttempt{Attempt: a.Attempt, Worker: a.holder, Started: a.Started}
		a.Attempt++
	}
	until := b.in(c.Lease)
	a.Token, a.Started, a.LeaseUntil = engine.NewID(), timeOf(b.now), timeOf(until)
	_, err := b.exec(`UPDATE activities SET token = ?, holder = ?, lease_until = ?, ready_at = ?, started = ?, attempt = ?
		WHERE pk = ?`, a.Token, c.Worker, until, until, b.now, a.Attempt, a.pk)
	if err != nil || a.token != "" {
		return err
	}
	return b.dropScheduleToStart(a)
}

// dropScheduleToStart deletes the timer that waits for the first claim.
func (b *batch) dropScheduleToStart(a *readyActivity) error {
	n, err := b.exec("DELETE FROM timers WHERE instance = ? AND ref = ? AND slot = ?",
		a.instance, a.Ref, int64(backend.SlotScheduleToStart))
	if n == 0 || err != nil {
		return err
	}
	x, err := b.exact(a.Instance)
	if x == nil || err != nil {
		return err
	}
	if err := b.nextTimer(x); err != nil {
		return err
	}
	x.place(b.now)
	return nil
}

func (b *batch) nextActivity(from []shard) (time.Time, error) {
	next, err := b.nextIn(&activityIndex, from, b.now)
	return timeOf(next), err
}

// heldActivity returns the execution of an activity that token holds, or a
// refusal. A row that is gone, also because its execution ended, is a lost lease.
func (b *batch) heldActivity(i engine.Instance, ref int64, token string) (x *row, refusal, err error) {
	x, err = b.exact(i)
	if err != nil {
		return nil, nil, err
	}
	held := ""
	if x != nil && token != "" {
		_, err = b.queryRow("SELECT token FROM activities WHERE instance = ? AND ref = ?",
			func(r *Row) { held = r.Text() }, x.pk, ref)
		if err != nil {
			return nil, nil, err
		}
	}
	if held == "" || held != token {
		return nil, fmt.Errorf("activity %d of %s: %w", ref, i, engine.ErrLeaseLost), nil
	}
	return x, nil, nil
}

// CommitActivities implements backend.Work.
func (st *Store) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	return each(ctx, st, "committing activities", cs, asError, func(b *batch, c *backend.ActivityCommit) (refusal, err error) {
		x, refusal, err := b.heldActivity(c.Instance, c.Ref, c.Token)
		if refusal != nil || err != nil {
			return refusal, err
		}
		return nil, b.endAttempt(x, c)
	})
}

func (b *batch) endAttempt(x *row, c *backend.ActivityCommit) error {
	var err error
	if c.Retry == nil {
		_, err = b.exec("DELETE FROM activities WHERE instance = ? AND ref = ?", x.pk, c.Ref)
	} else {
		err = b.reschedule(x, c.Ref, c.Retry)
	}
	if err != nil {
		return err
	}
	for _, ev := range c.Events {
		if err := b.push(x, inboxEvent{event: ev, quiet: c.Quiet}); err != nil {
			return err
		}
	}
	if c.Quiet || len(c.Events) == 0 {
		return nil
	}
	return b.wake(x)
}

func (b *batch) reschedule(x *row, ref int64, r *backend.ActivityRetry) error {
	due := b.in(r.After)
	_, err := b.exec(`UPDATE activities SET attempt = ?, last_error = ?, due = ?, ready_at = ?,
		token = '', holder = '', lease_until = 0, started = 0 WHERE instance = ? AND ref = ?`,
		r.Attempt, r.LastError, due, readyUnlessPaused(x, due), x.pk, ref)
	if err != nil {
		return err
	}
	return b.query("SELECT queue FROM activities WHERE instance = ? AND ref = ?", func(r *Row) {
		b.hint(backend.TopicActivities, r.Text(), engine.Instance{})
	}, x.pk, ref)
}

// ExtendActivities implements backend.Work. Leases alone need not survive the
// machine; details are what an activity goes on from.
func (st *Store) ExtendActivities(ctx context.Context, es []backend.ActivityExtension) []error {
	relaxed := !slices.ContainsFunc(es, func(e backend.ActivityExtension) bool { return e.Details != nil })
	apply := func(b *batch, e *backend.ActivityExtension) (refusal, err error) {
		x, refusal, err := b.heldActivity(e.Instance, e.Ref, e.Token)
		if refusal != nil || err != nil {
			return refusal, err
		}
		until := b.in(e.Lease)
		_, err = b.exec(`UPDATE activities SET lease_until = ?, ready_at = ?, details = COALESCE(?, details)
			WHERE instance = ? AND ref = ?`, until, readyUnlessPaused(x, until), e.Details, x.pk, e.Ref)
		return nil, err
	}
	return eachAs(ctx, st, "extending leases", relaxed, es, asError, apply)
}
