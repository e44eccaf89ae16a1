package sqlstore

import (
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// closing is a Closing whose execution has ended.
type closing = backend.Closing

func (b *batch) addClosings(x *row, cs []backend.Closing) error {
	for _, c := range cs {
		query, owner := x.owned(`INSERT INTO closings (instance, ref, trigger_on, to_instance, to_execution, to_first, terminates, event)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
		if err := b.send(query, owner, c.Ref, string(c.On),
			c.To.InstanceID, c.To.ExecutionID, c.To.FirstExecution, c.Terminate, c.Event); err != nil {
			return err
		}
	}
	if x.known.closed {
		x.known.closings = append(x.known.closings, cs...)
	}
	return nil
}

func scanClosing(r *Row) backend.Closing {
	return backend.Closing{
		Ref: r.Int(), On: backend.ClosingTrigger(r.Text()),
		To:        backend.Address{InstanceID: r.Text(), ExecutionID: r.Text(), FirstExecution: r.Text()},
		Terminate: r.Bool(), Event: r.Bytes(),
	}
}

const closingColumns = "ref, trigger_on, to_instance, to_execution, to_first, terminates, event"

const selectClosings = "SELECT " + closingColumns + ` FROM closings WHERE instance = ? ORDER BY pk`

// terminate ends an execution from outside, and then what its closings terminate,
// and so on.
func (b *batch) terminate(x *row, t backend.Termination) error {
	if err := b.terminateOne(x, t); err != nil {
		return err
	}
	return b.applyClosings()
}

func (b *batch) terminateOne(x *row, t backend.Termination) error {
	if err := b.appendHistory(x, t.Event, 1); err != nil {
		return err
	}
	if t.Error != "" {
		x.set.lastError = t.Error
		x.dirty |= groupText
	}
	return b.finish(x, engine.StatusTerminated, x.chunk(t.Event, 1))
}

// finish makes an execution final: it deletes what is pending, and puts its
// closings where applyClosings finds them. last is what was added to its history.
func (b *batch) finish(x *row, status engine.Status, last backend.Chunk) error {
	if x.leased() {
		if err := b.tellHolder(x); err != nil {
			return err
		}
	}
	b.hints = append(b.hints, backend.Finished(x.inst, status, last))
	if err := b.clear(x, status); err != nil {
		return err
	}
	x.set.unread = x.inbox
	x.inbox, x.wakeAt, x.nextTimer, x.local = 0, 0, 0, 0
	x.known = unknown
	x.set.waiting, x.holdUntil = nil, 0
	x.dirty |= groupHistory | groupWaiting | groupInbox | groupTimer
	if x.blocked() {
		x.clearBlock()
	}
	x.status, x.paused, x.set.finished, x.set.updated = status, false, b.now, b.now
	x.dirty |= groupStatus
	x.release()
	x.place(b.now)
	return nil
}

// clear deletes what is pending. Most executions end with little of it, and a
// statement that finds nothing costs as much as one that does.
func (b *batch) clear(x *row, status engine.Status) error {
	tables := []string{"activities"}
	each := func(c closing) {
		if c.On == backend.OnEnd || status == engine.StatusTerminated {
			b.ends = append(b.ends, c)
		}
		tables = []string{"activities", "closings"}
	}
	if x.known.closed {
		for _, c := range x.known.closings {
			each(c)
		}
	} else if err := b.query(selectClosings, func(r *Row) { each(scanClosing(r)) }, x.pk); err != nil {
		return err
	}
	if x.inbox > 0 {
		tables = append(tables, "inbox")
	}
	if x.nextTimer != 0 {
		tables = append(tables, "timers")
	}
	return b.deleteRows(x, tables...)
}

// clearBlock is for an execution that leaves the status blocked. The verdict on
// builds stays, or old and new builds would undo each other's.
func (x *row) clearBlock() {
	x.set.blockClass, x.set.block, x.retryAt = "", nil, 0
	x.dirty |= groupBlock | groupPark
}

// deleteRows deletes what belongs to an execution from the given tables.
func (b *batch) deleteRows(x *row, tables ...string) error {
	for _, table := range tables {
		if err := b.send("DELETE FROM "+table+" WHERE instance = ?", x.pk); err != nil {
			return err
		}
	}
	return nil
}

// applyClosings delivers and terminates until nothing is left. It is a loop,
// because a chain of children can be longer than a stack is deep.
func (b *batch) applyClosings() error {
	for len(b.ends) > 0 {
		c := b.ends[0]
		b.ends = b.ends[1:]
		x, err := b.find(c.To)
		if err != nil {
			return err
		}
		if x == nil {
			continue
		}
		if c.Terminate {
			err = b.terminateOne(x, backend.Termination{Event: c.Event})
		} else {
			err = b.deliver(x, c.Event, c.To.ExecutionID == "")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
