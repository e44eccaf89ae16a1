package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// CommitWorkflows implements backend.Work.
func (b *Backend) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	items := make([]item, len(cs))
	for i := range cs {
		c := &cs[i]
		err := c.Check()
		items[i] = b.item("commit", c.Instance, func(p *packer) {
			if err == nil {
				err = b.packCommit(p, c)
			}
		})
		if err != nil {
			items[i].refused = fmt.Errorf("redis: %w", err)
		}
		// What it starts may take over its own id, and terminate it before it ends.
		if c.Status.Final() && len(c.Start) == 0 {
			last := backend.Chunk{First: c.ExpectSeq + 1, Count: c.Count, Events: c.Events}
			items[i].ends = backend.Finished(c.Instance, c.Status, last)
		}
	}
	out := b.holders(ctx, "committing steps", items, func(i int) engine.Instance { return cs[i].Instance })
	if !b.near {
		b.addReplies(ctx, cs, out)
	}
	return out
}

// addReplies looks again for what has come in for those whose messages to other
// partitions were answered meanwhile. If it fails, they learn it by a hint.
func (b *Backend) addReplies(ctx context.Context, cs []backend.WorkflowCommit, out []backend.WorkflowCommitted) {
	var items []item
	var of []int
	for i := range cs {
		if out[i].Err == nil && wantsReplies(&cs[i]) {
			items = append(items, b.item("look", cs[i].Instance, func(p *packer) { p.setText("tok", cs[i].Token) }))
			of = append(of, i)
		}
	}
	for n, again := range b.holders(ctx, "looking for replies", items, func(n int) engine.Instance { return cs[of[n]].Instance }) {
		if again.Err == nil {
			out[of[n]] = again
		}
	}
}

func wantsReplies(c *backend.WorkflowCommit) bool {
	return slices.ContainsFunc(c.Start, func(s backend.Creation) bool { return s.Taken != nil }) ||
		slices.ContainsFunc(c.Deliver, func(d backend.Delivery) bool { return d.Accepted != nil || d.Refused != nil })
}

// ExtendWorkflows implements backend.Work.
func (b *Backend) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	items := make([]item, len(es))
	for i := range es {
		items[i] = b.item("extend", es[i].Instance, func(p *packer) {
			p.setText("tok", es[i].Token)
			p.key("lease")
			p.int(microsOf(es[i].Lease))
		})
	}
	return b.holders(ctx, "extending leases", items, func(i int) engine.Instance { return es[i].Instance })
}

// holders writes items whose answers are for the holders of leases.
func (b *Backend) holders(ctx context.Context, doing string, items []item, of func(int) engine.Instance) []backend.WorkflowCommitted {
	out := make([]backend.WorkflowCommitted, len(items))
	for i, r := range b.write(ctx, doing, items) {
		out[i] = backend.WorkflowCommitted{Now: r.now, Err: r.verdict(of(i))}
		if out[i].Err == nil {
			out[i].LeaseUntil, out[i].Arrivals = r.answer.time(1), arrivalsFrom(r.answer.list(2))
		}
	}
	return out
}

// sortTimers orders due timers: scripts order them by time alone.
func sortTimers(timers []backend.Timer) {
	slices.SortFunc(timers, func(x, y backend.Timer) int {
		return cmp.Or(x.Due.Compare(y.Due), cmp.Compare(x.Ref, y.Ref), cmp.Compare(x.Slot, y.Slot))
	})
}

// ClaimWorkflows implements backend.Work.
func (b *Backend) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	claimed := backend.WorkflowClaimed{}
	wish := func(p *packer) {
		p.setText("worker", c.Worker)
		p.setText("build", c.Build)
		setList(p, "queues", queuesOf(c.Queues), writeText)
		setList(p, "workflows", c.Workflows, writeText)
		p.key("lease")
		p.int(microsOf(c.Lease))
	}
	tasks, now, next, err := b.claim(ctx, "claiming workflows", claimScript, c.Max, c.MaxBlocked, wish)
	if err != nil {
		return claimed, err
	}
	claimed.Now, claimed.Next = now, next
	for _, a := range tasks {
		t, err := taskFrom(a)
		if err != nil {
			return claimed, err
		}
		claimed.Tasks = append(claimed.Tasks, t)
	}
	return claimed, nil
}

func queuesOf(queues []engine.Queue) []string {
	var names []string
	for _, q := range queues {
		names = append(names, string(q.OrDefault()))
	}
	return names
}

// taskFrom reads a leased row, its arrivals and its activities.
func taskFrom(a answer) (backend.WorkflowTask, error) {
	f, err := unpackMap(a.text(2))
	if err != nil {
		return backend.WorkflowTask{}, fmt.Errorf("redis: reading a claimed execution: %w", err)
	}
	t := backend.WorkflowTask{
		Instance:       engine.Instance{InstanceID: f.text("iid"), ExecutionID: f.text("eid")},
		FirstExecution: f.text("first"), Workflow: f.text("wf"), Queue: engine.Queue(f.text("queue")),
		Status: engine.Status(f.text("status")), Token: f.text("tok"), LeaseUntil: timeOf(f.int("lease")),
		LastSeq: f.int("seq"), LastStep: f.text("step"), HistoryBytes: f.int("bytes"), Created: timeOf(f.int("created")),
		Arrivals: arrivalsFrom(a.list(3)), LocalActivities: int(f.int("loc")), LastWorker: f.text("worker"),
	}
	for i := range a.list(4) {
		t.ActivityRefs = append(t.ActivityRefs, a.list(4).int(i))
	}
	slices.Sort(t.ActivityRefs)
	if err := tagsFrom(f, &t.Tags); err != nil {
		return t, fmt.Errorf("redis: reading the tags of %s: %w", t.Instance, err)
	}
	return t, nil
}
