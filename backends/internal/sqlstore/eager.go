package sqlstore

import (
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// handOver leases a new execution that is ready to a worker of this process, if one
// has room for it, before its row is written.
func (b *batch) handOver(x *row, c *backend.Creation, inbox []inboxEvent) bool {
	if x.readyAt == 0 || x.readyAt > b.now || len(inbox) > backend.MaxInbox {
		return false
	}
	taker := b.st.hub.Reserve(x.queue, x.workflow)
	if taker == nil {
		return false
	}
	worker, lease := taker.Lease()
	x.token, x.holder, x.leaseUntil = engine.NewID(), worker, b.in(lease)
	x.readyAt = x.readiness()
	t := x.task()
	t.Tags = c.Tags
	t.Inbox = make([]backend.InboxRow, len(inbox))
	for i, ev := range inbox {
		t.Inbox[i] = backend.InboxRow{ID: int64(i) + 1, Event: ev.event}
	}
	t.NextTimer = timeOf(x.nextTimer)
	b.handovers = append(b.handovers, backend.Handover{Taker: taker, Task: t})
	return true
}

// task is a leased execution, without what has come in for it, and its tags.
func (x *row) task() backend.WorkflowTask {
	return backend.WorkflowTask{
		Instance: x.inst, FirstExecution: x.first, Workflow: x.workflow, Queue: x.queue, Status: x.status,
		Token: x.token, LeaseUntil: timeOf(x.leaseUntil),
		LastSeq: x.lastSeq, LastStep: x.lastStep, HistoryBytes: x.historyBytes,
		LocalActivities: x.local, LastWorker: x.lastWorker, Created: timeOf(x.created),
	}
}
