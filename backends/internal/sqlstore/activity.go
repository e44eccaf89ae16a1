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
		if err := b.send("DELETE FROM activities WHERE instance = ? AND ref = ?", x.pk, ref); err != nil {
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
	err := b.send(b.st.upsertActivity, x.pk, a.Ref, a.Name, a.Queue.OrDefault(), a.Event, nanos(a.Scheduled),
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
	from := &wanted{ix: &activityIndex, queues: c.Queues, names: c.Activities, can: func(string) bool { return true }}
	look := func(b *batch) (due bool, err error) {
		if err := b.findShards(from); err != nil {
			return false, err
		}
		claimed = backend.ActivityClaimed{Now: timeOf(b.now)}
		if due = from.due(b.now); !due {
			claimed.Next, err = b.nextActivity(&c, from, 0)
		}
		return due, err
	}
	err := st.write(ctx, "claiming activities", true, &needs{look: look}, func(b *batch) error {
		ready, err := b.readyActivities(&c, from)
		if err != nil {
			return err
		}
		waited, err := b.waitedFor(ready)
		if err != nil {
			return err
		}
		for i := range ready {
			if err := b.leaseActivity(&ready[i], &c, waited); err != nil {
				return err
			}
			claimed.Tasks = append(claimed.Tasks, ready[i].ActivityTask)
		}
		claimed.Next, err = b.nextActivity(&c, from, len(claimed.Tasks))
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

// ofInstance reads a column of the execution that an activity belongs to. A join
// would lock that execution too, and skip the activity while somebody else has it
// locked.
func ofInstance(column string) string {
	return "(SELECT i." + column + " FROM instances AS i WHERE i.pk = a.instance)"
}

func scanActivityRow(r *Row) backend.ActivityRow {
	return backend.ActivityRow{
		Ref: r.Int(), Name: r.Text(), Queue: engine.Queue(r.Text()), Event: r.Bytes(), Scheduled: r.Time(),
		Attempt: int(r.Int()), LastError: r.Text(),
	}
}

func (b *batch) readyActivities(c *backend.ActivityClaim, from *wanted) (ready []readyActivity, err error) {
	if c.Max <= 0 {
		return nil, nil
	}
	columns := activityRow + `, a.details, a.pk, a.instance, a.ready_at, a.token, a.holder, a.started,
		` + ofInstance("instance_id") + `, ` + ofInstance("execution_id") + `, ` + ofInstance("workflow")
	err = b.inTurn(from.found, func(part []shard) error {
		query, args := activityIndex.claim(b.st.d, part, "a", columns, "ready_at <= ?", c.Max, b.now)
		return b.query(query, func(r *Row) {
			var a readyActivity
			a.ActivityRow, a.Details = scanActivityRow(r), r.Bytes()
			a.pk, a.instance, a.readyAt = r.Int(), r.Int(), r.Int()
			a.token, a.holder, a.Started = r.Text(), r.Text(), r.Time()
			a.Instance, a.Workflow = engine.Instance{InstanceID: r.Text(), ExecutionID: r.Text()}, r.Text()
			ready = append(ready, a)
		}, args...)
	}, func(next int64) bool {
		slices.SortFunc(ready, longestReady)
		return len(ready) >= c.Max && ready[c.Max-1].readyAt < next
	})
	slices.SortFunc(ready, longestReady)
	return ready[:min(len(ready), c.Max)], err
}

func longestReady(x, y readyActivity) int {
	return cmp.Or(cmp.Compare(x.readyAt, y.readyAt), cmp.Compare(x.pk, y.pk))
}

// leaseActivity begins an attempt.
func (b *batch) leaseActivity(a *readyActivity, c *backend.ActivityClaim, waited func(*readyActivity) bool) error {
	if a.token != "" {
		a.Lost = &backend.LostAttempt{Attempt: a.Attempt, Worker: a.holder, Started: a.Started}
		a.Attempt++
	}
	until := b.in(c.Lease)
	a.Token, a.Started, a.LeaseUntil = engine.NewID(), timeOf(b.now), timeOf(until)
	err := b.send(`UPDATE activities SET token = ?, holder = ?, lease_until = ?, ready_at = ?, started = ?, attempt = ?
		WHERE pk = ?`, a.Token, c.Worker, until, until, b.now, a.Attempt, a.pk)
	if err != nil || a.token != "" || !waited(a) {
		return err
	}
	return b.dropScheduleToStart(a)
}

// waitedFor tells of which activities a timer may wait for the first claim.
func (b *batch) waitedFor(ready []readyActivity) (func(*readyActivity) bool, error) {
	if !b.st.d.Remote() {
		return func(*readyActivity) bool { return true }, nil
	}
	var pks []int64
	for i := range ready {
		pks = append(pks, ready[i].instance)
	}
	found := map[[2]int64]bool{}
	slices.Sort(pks)
	err := keys(slices.Compact(pks), func(chunk []int64) error {
		return b.query("SELECT instance, ref FROM timers WHERE instance IN ("+marks(len(chunk))+") AND slot = ?",
			func(r *Row) { found[[2]int64{r.Int(), r.Int()}] = true }, append(anys(chunk), int64(backend.SlotScheduleToStart))...)
	})
	return func(a *readyActivity) bool { return found[[2]int64{a.instance, a.Ref}] }, err
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

// nextActivity is when a claim that has taken so many activities may find more, see
// nextReady.
func (b *batch) nextActivity(c *backend.ActivityClaim, from *wanted, taken int) (time.Time, error) {
	after := b.now
	if b.st.d.Remote() && taken < c.Max {
		after = 0
	}
	next, err := b.nextIn(from, after)
	if next != 0 && next <= b.now {
		next = b.now + int64(missedAgain)
	}
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
		if held, ok := x.known.tokens[ref]; ok {
			return holds(x, i, ref, held, token)
		}
		_, err = b.queryRow("SELECT token FROM activities WHERE instance = ? AND ref = ?"+b.st.d.ForUpdate(),
			func(r *Row) { held = r.Text() }, x.pk, ref)
		if err != nil {
			return nil, nil, err
		}
	}
	return holds(x, i, ref, held, token)
}

func holds(x *row, i engine.Instance, ref int64, held, token string) (_ *row, refusal, err error) {
	if held == "" || held != token {
		return nil, fmt.Errorf("activity %d of %s: %w", ref, i, engine.ErrLeaseLost), nil
	}
	return x, nil, nil
}

// CommitActivities implements backend.Work.
func (st *Store) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	need := func(n *needs, c *backend.ActivityCommit) { n.activity(c.Instance, c.Ref) }
	return each(ctx, st, "committing activities", cs, need, asError, func(b *batch, c *backend.ActivityCommit) (refusal, err error) {
		x, refusal, err := b.heldActivity(c.Instance, c.Ref, c.Token)
		if refusal != nil || err != nil {
			return refusal, err
		}
		return nil, b.endAttempt(x, c)
	})
}

func (b *batch) endAttempt(x *row, c *backend.ActivityCommit) error {
	if x.known.tokens != nil {
		x.known.tokens[c.Ref] = "" // for a later item of the same call
	}
	var err error
	if c.Retry == nil {
		err = b.send("DELETE FROM activities WHERE instance = ? AND ref = ?", x.pk, c.Ref)
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
	err := b.send(`UPDATE activities SET attempt = ?, last_error = ?, due = ?, ready_at = ?,
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
		err = b.send(`UPDATE activities SET lease_until = ?, ready_at = ?, details = COALESCE(?, details)
			WHERE instance = ? AND ref = ?`, until, readyUnlessPaused(x, until), e.Details, x.pk, e.Ref)
		return nil, err
	}
	need := func(n *needs, e *backend.ActivityExtension) { n.activity(e.Instance, e.Ref) }
	return eachAs(ctx, st, "extending leases", relaxed, es, need, asError, apply)
}
