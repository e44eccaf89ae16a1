package redis

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// ClaimActivities implements backend.Work.
func (b *Backend) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	claimed := backend.ActivityClaimed{}
	wish := func(p *packer) {
		p.setText("worker", c.Worker)
		setList(p, "queues", queuesOf(c.Queues), writeText)
		setList(p, "names", c.Activities, writeText)
		p.key("lease")
		p.int(microsOf(c.Lease))
	}
	tasks, now, next, err := b.claim(ctx, "claiming activities", claimActivityScript, c.Max, 0, wish)
	if err != nil {
		return claimed, err
	}
	claimed.Now, claimed.Next = now, next
	for _, a := range tasks {
		f, err := unpackMap(a.text(5))
		if err != nil {
			return claimed, fmt.Errorf("redis: reading a claimed activity of %s: %w", a.text(2), err)
		}
		t := backend.ActivityTask{
			ActivityRow: activityFrom(f), Instance: engine.Instance{InstanceID: a.text(2), ExecutionID: a.text(3)}, Workflow: a.text(4),
			Token: f.text("tok"), LeaseUntil: timeOf(f.int("lease")), Started: timeOf(f.int("started")), Details: f.bytes("details"),
		}
		if lost := a.list(6); len(lost) > 0 {
			t.Lost = &backend.LostAttempt{Attempt: int(lost.int(0)), Worker: lost.text(1), Started: lost.time(2)}
		}
		claimed.Tasks = append(claimed.Tasks, t)
	}
	return claimed, nil
}

// activity packs an item about an activity that somebody holds.
func (b *Backend) activity(op string, i engine.Instance, ref int64, token string, more func(*packer)) item {
	return b.item(op, i, func(p *packer) {
		p.key("ref")
		p.int(ref)
		p.key("tok")
		p.value(token)
		more(p)
	})
}

// CommitActivities implements backend.Work.
func (b *Backend) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	pack := func(c *backend.ActivityCommit) item {
		return b.activity("endActivity", c.Instance, c.Ref, c.Token, func(p *packer) {
			setList(p, "events", c.Events, writeBytes)
			p.setTrue("quiet", c.Quiet)
			if c.Retry != nil {
				p.key("again")
				p.int(int64(c.Retry.Attempt))
				p.setInt("after", microsOf(c.Retry.After))
				p.setText("err", c.Retry.LastError)
			}
		})
	}
	return each(ctx, b, "ending activities", cs, pack, func(c *backend.ActivityCommit) engine.Instance { return c.Instance })
}

// ExtendActivities implements backend.Work.
func (b *Backend) ExtendActivities(ctx context.Context, xs []backend.ActivityExtension) []error {
	pack := func(x *backend.ActivityExtension) item {
		return b.activity("extendActivity", x.Instance, x.Ref, x.Token, func(p *packer) {
			p.key("lease")
			p.int(microsOf(x.Lease))
			if x.Details != nil {
				p.key("details")
				p.bytes(x.Details)
			}
		})
	}
	return each(ctx, b, "extending activities", xs, pack, func(x *backend.ActivityExtension) engine.Instance { return x.Instance })
}

// Heartbeat implements backend.Work. Every partition is told, because claims ask
// there who is alive; the first keeps the row.
func (b *Backend) Heartbeat(ctx context.Context, w backend.Worker) error {
	row, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("redis: encoding the heartbeat of %s: %w", w.ID, err)
	}
	if b.failed != nil {
		return b.failed
	}
	items := make([]item, len(b.tags))
	for i, tag := range b.tags {
		p := &packer{}
		m := p.begin()
		p.setText("op", "heartbeat")
		p.setText("p", tag)
		p.setText("id", w.ID)
		p.setTrue("stopped", w.Stopped)
		if i == 0 {
			p.setBytes("row", row)
		}
		p.end(m)
		items[i] = item{tag: tag, data: p.b}
	}
	for _, r := range b.write(ctx, "storing a heartbeat", items) {
		if r.err != nil {
			return r.err
		}
	}
	return nil
}
