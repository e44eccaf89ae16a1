package sqlstore

import (
	"cmp"
	"context"
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Create implements backend.Control.
func (st *Store) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	failed := func(err error) backend.CreateResult { return backend.CreateResult{Err: err} }
	return each(ctx, st, "creating instances", cs, failed, (*batch).create)
}

// create adds an execution, or says what is in the way. The answer is a refusal
// if its Err is set.
func (b *batch) create(c *backend.Creation) (backend.CreateResult, error) {
	mine := backend.CreateResult{Instance: c.Instance}
	if again, err := b.exact(c.Instance); again != nil || err != nil {
		return mine, err
	}
	last, err := b.current(c.Instance.InstanceID)
	if err != nil {
		return mine, err
	}
	if last != nil {
		switch open := last.open(); {
		case open && c.Reuse == backend.IDReuseReturn:
			return b.createInto(last, c)
		case open && c.Reuse == backend.IDReuseTerminate:
			if err := b.terminate(last, backend.Termination{Event: c.Terminate}); err != nil {
				return mine, err
			}
		case open, c.Reuse == backend.IDReuseReject:
			return taken(last), nil
		}
	}
	x, err := b.insert(c, last)
	if err != nil {
		return mine, err
	}
	return mine, b.started(x)
}

func taken(x *row) backend.CreateResult {
	return backend.CreateResult{
		Instance: x.inst,
		Err:      fmt.Errorf("the id is taken by %s (%s): %w", x.inst, x.status, engine.ErrInstanceAlreadyExists),
	}
}

// createInto answers IDReuseReturn with the open execution. The new execution
// will never exist, so its id is kept to recognise a repeated call.
func (b *batch) createInto(x *row, c *backend.Creation) (backend.CreateResult, error) {
	res := backend.CreateResult{Instance: x.inst, Existed: true}
	if len(c.Inbox) == 0 {
		return res, nil
	}
	known, first, err := b.remembered(c.Instance.ExecutionID)
	if err != nil {
		return res, err
	}
	if known {
		res.Instance.ExecutionID = first
		return res, nil
	}
	for _, ev := range c.Inbox {
		if err := b.deliver(x, ev, true); err != nil {
			return res, err
		}
	}
	return res, b.remember(c.Instance.ExecutionID, x.inst.ExecutionID)
}

const insertInstance = `INSERT INTO instances (instance_id, execution_id, first_execution, is_current,
	workflow, queue, status, created, updated, parent_instance, parent_execution, trace_id, tags)
	VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// insert stores a new execution with all its rows, in place of last as the current
// one.
func (b *batch) insert(c *backend.Creation, last *row) (*row, error) {
	if last != nil {
		if _, err := b.exec("UPDATE instances SET is_current = 0 WHERE pk = ?", last.pk); err != nil {
			return nil, err
		}
	}
	x := &row{
		inst: c.Instance, first: cmp.Or(c.FirstExecution, c.Instance.ExecutionID),
		workflow: c.Workflow, queue: c.Queue.OrDefault(), status: engine.StatusRunning, inboxNext: 1,
		wakeAt: b.now + int64(c.Delay),
	}
	tags, err := encodeTags(c.Tags)
	if err != nil {
		return nil, err
	}
	var parent engine.Instance
	if c.Parent != nil {
		parent = *c.Parent
	}
	x.pk, err = b.s.Insert(b.ctx, b.st.d, insertInstance, x.inst.InstanceID, x.inst.ExecutionID, x.first,
		x.workflow, x.queue, x.status, b.now, b.now, orEmpty(parent.InstanceID), parent.ExecutionID, c.TraceID, tags)
	if err != nil {
		return nil, err
	}
	x = b.adopt(x)
	return x, b.insertRows(x, c)
}

func (b *batch) insertRows(x *row, c *backend.Creation) error {
	if err := b.push(x, c.Started, false, false); err != nil {
		return err
	}
	for _, ev := range c.Inbox {
		if err := b.push(x, ev, true, false); err != nil {
			return err
		}
	}
	if err := b.addTimers(x, c.Timers); err != nil {
		return err
	}
	if err := b.addClosings(x, c.Closings); err != nil {
		return err
	}
	return b.insertTags(x, c.Tags)
}

// started makes a new execution claimable. The hint goes out for a postponed one
// too: nobody else would tell the workers when to look.
func (b *batch) started(x *row) error {
	x.place(b.now)
	b.hint(backend.TopicWorkflows, string(x.queue), engine.Instance{})
	return nil
}

func (b *batch) insertTags(x *row, tags map[string]string) error {
	for name, value := range tags {
		if _, err := b.exec("INSERT INTO tags (name, value, instance) VALUES (?, ?, ?)", name, value, x.pk); err != nil {
			return err
		}
	}
	return nil
}

func encodeTags(tags map[string]string) (string, error) {
	if len(tags) == 0 {
		return "", nil
	}
	return encodeJSON(tags)
}

// orEmpty binds NULL for "", so that a partial index leaves the row out.
func orEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}
