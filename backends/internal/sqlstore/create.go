package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Create implements backend.Control.
func (st *Store) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	failed := func(err error) backend.CreateResult { return backend.CreateResult{Err: err} }
	return each(ctx, st, "creating instances", cs, (*needs).creation, failed, (*batch).create)
}

// create adds an execution, or says what is in the way. The answer is a refusal
// if its Err is set.
func (b *batch) create(c *backend.Creation) (backend.CreateResult, error) {
	mine := backend.CreateResult{Instance: c.Instance}
	last, err := b.current(c.Instance.InstanceID)
	if err != nil {
		return mine, err
	}
	if before, err := b.createdBefore(c, last); before != nil || err != nil {
		return *cmp.Or(before, &mine), err
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
	return mine, b.insert(c, last, nil, false)
}

// createdBefore returns the answer to an earlier creation of the same execution, if
// there was one. last is the latest execution of the InstanceID.
func (b *batch) createdBefore(c *backend.Creation, last *row) (*backend.CreateResult, error) {
	if last != nil { // or else there is no execution at all
		if again, err := b.exact(c.Instance); again != nil || err != nil {
			return &backend.CreateResult{Instance: c.Instance}, err
		}
	}
	if c.Reuse != backend.IDReuseReturn {
		return nil, nil
	}
	known, execution, err := b.remembered(c.Instance.ExecutionID)
	if err != nil || !known {
		return nil, err
	}
	i := engine.Instance{InstanceID: c.Instance.InstanceID, ExecutionID: execution}
	return &backend.CreateResult{Instance: i, Existed: true}, nil
}

func taken(x *row) backend.CreateResult {
	return backend.CreateResult{
		Instance: x.inst,
		Err:      fmt.Errorf("the id is taken by %s (%s): %w", x.inst, x.status, engine.ErrInstanceAlreadyExists),
	}
}

// createInto answers IDReuseReturn with the open execution. The new execution
// will never exist, so its id is kept to recognize a repeated call.
func (b *batch) createInto(x *row, c *backend.Creation) (backend.CreateResult, error) {
	res := backend.CreateResult{Instance: x.inst, Existed: true}
	for _, ev := range c.Inbox {
		if err := b.deliver(x, ev, true); err != nil {
			return res, err
		}
	}
	return res, b.remember(c.Instance.ExecutionID, x.inst.ExecutionID)
}

const insertInstance = `INSERT INTO instances (instance_id, execution_id, first_execution,
	workflow, queue, status, paused, created, updated, parent_instance, parent_execution, trace_id, tags,
	inbox_count, inbox_next, wake_at, next_timer, ready_at, token, holder, lease_until)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// insert stores a new execution with all its rows, in place of last as the latest
// one. moved is what it takes over from last.
func (b *batch) insert(c *backend.Creation, last *row, moved []inboxEvent, paused bool) error {
	if last != nil {
		if err := b.send("UPDATE instances SET superseded = 1 WHERE pk = ?", last.pk); err != nil {
			return err
		}
	}
	inbox := append([]inboxEvent{{event: c.Started}}, moved...)
	for i, ev := range c.Inbox { // before what was moved
		inbox = slices.Insert(inbox, 1+i, inboxEvent{event: ev, moves: true})
	}
	x, err := b.newRow(c, inbox, len(moved) > 0, paused)
	if err != nil {
		return err
	}
	taken := b.handOver(x, c, inbox)
	var parent engine.Instance
	if c.Parent != nil {
		parent = *c.Parent
	}
	b.args = append(b.args[:0], x.inst.InstanceID, x.inst.ExecutionID, x.first,
		x.workflow, x.queue, x.status, x.paused, x.created, x.created,
		orEmpty(parent.InstanceID), parent.ExecutionID, c.TraceID, x.tags,
		x.inbox, x.inboxNext, x.wakeAt, x.nextTimer, orNull(x.readyAt), x.token, x.holder, x.leaseUntil)
	if !taken {
		// The hint goes out for a postponed one too: nobody else would tell the workers
		// when to look.
		b.hint(backend.TopicWorkflows, string(x.queue), engine.Instance{})
	}
	b.adopt(x)
	if b.st.d.Remote() {
		b.latest[x.inst.InstanceID] = x
		err = b.send(insertInstance, b.args...)
	} else {
		x.pk, err = b.s.Insert(b.ctx, insertInstance, b.args...)
	}
	if err != nil {
		return err
	}
	return b.insertRows(x, c, inbox)
}

// owned returns an INSERT of a row that belongs to x, and what its first parameter
// is. Nobody waits for the server to tell the key of a new execution: it finds the key
// itself.
func (x *row) owned(insert string) (query string, owner any) {
	if x.pk != 0 {
		return insert, x.pk
	}
	return strings.Replace(insert, "VALUES (?", "VALUES ((SELECT pk FROM instances WHERE "+latest+")", 1), x.inst.InstanceID
}

// keyed returns an execution with its key, for statements that change what there is
// of it.
func (b *batch) keyed(x *row) (*row, error) {
	if x == nil || x.pk != 0 {
		return x, nil
	}
	_, err := b.queryRow("SELECT pk FROM instances WHERE "+latest, func(r *Row) { x.pk = r.Int() }, x.inst.InstanceID)
	return x, err
}

// newRow is the row of a new execution, complete: it is written once.
func (b *batch) newRow(c *backend.Creation, inbox []inboxEvent, hurry, paused bool) (*row, error) {
	tags, err := encodeTags(c.Tags)
	x := &row{
		inst: c.Instance, first: cmp.Or(c.FirstExecution, c.Instance.ExecutionID),
		workflow: c.Workflow, queue: c.Queue.OrDefault(), status: engine.StatusRunning, paused: paused,
		inbox: len(inbox), inboxNext: int64(len(inbox)) + 1, wakeAt: b.now,
		created: b.now, tags: tags,
	}
	if !hurry {
		x.wakeAt = b.in(c.Delay)
	}
	for _, t := range c.Timers {
		x.nextTimer = earliest(x.nextTimer, b.dueTime(t))
	}
	x.readyAt = x.readiness()
	return x, err
}

// inboxEvent is an event on its way into an inbox.
type inboxEvent struct {
	event history.Encoded
	moves bool
	quiet bool
}

func (b *batch) insertRows(x *row, c *backend.Creation, inbox []inboxEvent) error {
	for i, ev := range inbox {
		if err := b.insertInbox(x, int64(i)+1, ev); err != nil {
			return err
		}
	}
	if err := b.insertTimers(x, c.Timers); err != nil {
		return err
	}
	if err := b.addClosings(x, c.Closings); err != nil {
		return err
	}
	return b.insertTags(x, c.Tags)
}

func (b *batch) insertTags(x *row, tags map[string]string) error {
	for name, value := range tags {
		query, owner := x.owned("INSERT INTO tags (instance, name, value) VALUES (?, ?, ?)")
		if err := b.send(query, owner, name, value); err != nil {
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

func decodeTags(text string, tags *map[string]string) error { //nolint:gocritic // where the caller wants them
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), tags); err != nil {
		return fmt.Errorf("decoding tags: %w", err)
	}
	return nil
}

// orEmpty binds NULL for "", so that a partial index leaves the row out.
func orEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}
