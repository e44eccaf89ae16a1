package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// batch is one transaction. It loads each execution once, collects the changes to
// its row, and writes them before the commit.
type batch struct {
	st *Store
	s  *Session
	// ctx is that of the transaction, see Store.begun.
	ctx context.Context //nolint:containedctx // see there
	now int64

	rows  []*row
	byKey map[engine.Instance]*row
	byPK  map[int64]*row // those that a server has locked
	// latest and answers are what was looked up on a server before the first change: the
	// latest execution of an InstanceID, nil if there is none, and deliveries.
	latest  map[string]*row
	answers map[string]answer

	told map[backend.Topic]bool

	hints []backend.Hint
	// number of the commit, for the syncer.
	number int64
	// handovers are to be settled when the outcome is known.
	handovers []backend.Handover
	ends      []closing // still to be applied
	args      []any

	committing bool // COMMIT was sent, perhaps
}

func newBatch(st *Store, s *Session) *batch {
	return &batch{st: st, s: s, byKey: map[engine.Instance]*row{}}
}

// answer is what was kept with the id of a delivery.
type answer struct {
	known bool
	text  string
}

// run is the whole transaction. Nothing of it is left behind if it fails, except
// that a failed COMMIT may have been a successful one.
func (b *batch) run(ctx context.Context, relaxed bool, n *needs, fn func(*batch) error) error {
	if b.st.cfg.ReadOnly {
		return b.refuse(ctx)
	}
	b.ctx = b.st.begun(ctx)
	if b.st.d.Remote() && n != nil && n.look != nil {
		if found, err := n.look(b); !found || err != nil {
			return err
		}
	}
	ended := false
	defer func() {
		if !ended { // fn has panicked
			backend.Settle(b.handovers, false)
		}
	}()
	err := b.st.d.Begin(ctx, b.s, relaxed)
	if err == nil {
		err = b.work(n, fn)
	}
	if err == nil {
		b.committing = true
		b.number, err = b.st.syncer.commit(func() error {
			_, err := b.s.Exec(b.ctx, "COMMIT")
			return err
		})
	}
	ended = true
	if err == nil {
		return nil
	}
	undone, again := b.rollback()
	// A COMMIT that failed and left nothing to roll back may have been a successful
	// one. Who takes an execution that does not exist is refused its first step.
	backend.Settle(b.handovers, b.committing && !undone)
	return errors.Join(err, again)
}

// begun is the context of the statements of a transaction that has begun. On a network
// the connection may hang: a caller that stops waiting takes it down, and the server
// rolls back. In this process nothing hangs, and a transaction is better brought to
// its end: a driver that watches a context pays for it in every statement.
func (st *Store) begun(ctx context.Context) context.Context {
	if st.d.Remote() {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// rollback ends the transaction, if there is one: some errors have ended it
// already, and a BEGIN that was canceled may have begun it or not. undone tells that
// there was one. What matters is that the connection can begin another one. It is
// not simply closed, because a database in memory would go with it.
func (b *batch) rollback() (undone bool, err error) {
	if b.s.broken {
		return false, nil
	}
	if _, err = b.s.Exec(b.ctx, "ROLLBACK"); err == nil {
		return true, nil
	}
	for _, query := range []string{"BEGIN", "ROLLBACK"} {
		if _, again := b.s.Exec(b.ctx, query); again != nil {
			b.s.broken = true
			return false, errors.Join(err, again)
		}
	}
	return false, nil
}

// in is the time d from now. What lies beyond the times that can be stored, which
// end in 2262, becomes the last of them: code that says "for ever" with a very long
// duration must not be told that it is over.
func (b *batch) in(d time.Duration) int64 {
	if at := b.now + int64(d); at >= b.now || d < 0 {
		return at
	}
	return math.MaxInt64
}

func (b *batch) work(n *needs, fn func(*batch) error) error {
	if err := b.prefetch(n); err != nil {
		return err
	}
	if b.now == 0 {
		now, err := b.st.d.Now(b.ctx, b.s)
		if err != nil {
			return err
		}
		b.now = now.UnixNano()
	}
	if !b.st.d.Remote() && n != nil && n.look != nil {
		if found, err := n.look(b); !found || err != nil {
			return err
		}
	}
	if err := fn(b); err != nil {
		return err
	}
	return b.flush()
}

// refuse lets the database itself refuse a write, because a promise of this
// package alone would be good will.
func (b *batch) refuse(ctx context.Context) error {
	_, err := b.s.Exec(ctx, "DELETE FROM wakes WHERE pk < 0")
	return errors.Join(engine.ErrReadOnly, err)
}

// flush writes the rows that have changed.
func (b *batch) flush() (err error) {
	if err := b.tellQueues(); err != nil {
		return err
	}
	for _, x := range b.rows {
		if b.args, err = x.save(b.ctx, b.s, b.args); err != nil {
			return err
		}
	}
	return nil
}

// send is exec where nobody asks how many rows have changed.
func (b *batch) send(query string, args ...any) error {
	return b.s.Send(b.ctx, query, args...)
}

func (b *batch) exec(query string, args ...any) (int64, error) {
	return b.s.Exec(b.ctx, query, args...)
}

func (b *batch) query(query string, each func(*Row), args ...any) error {
	return b.s.Query(b.ctx, query, each, args...)
}

func (b *batch) queryRow(query string, scan func(*Row), args ...any) (bool, error) {
	return b.s.QueryRow(b.ctx, query, scan, args...)
}

// adopt returns the row of the batch for an execution, which is r unless it was
// loaded before.
func (b *batch) adopt(r *row) *row {
	if known, ok := b.byKey[r.inst]; ok {
		return known
	}
	if r.known = unknown; b.st.d.Remote() {
		r.known = &known{}
	}
	b.byKey[r.inst] = r
	b.rows = append(b.rows, r)
	return r
}

// exact returns an execution, or nil.
func (b *batch) exact(i engine.Instance) (*row, error) {
	if x, ok := b.byKey[i]; ok {
		return b.keyed(x)
	}
	if b.latest[i.InstanceID] == nil { // or else it is another execution
		if x, err := b.load(latestExactly, i.InstanceID, i.ExecutionID); x != nil || err != nil {
			return x, err
		}
	}
	return b.load(supersededExactly, i.InstanceID, i.ExecutionID)
}

// current returns the latest execution of an InstanceID, open or not, or nil.
func (b *batch) current(instanceID string) (*row, error) {
	if x, ok := b.latest[instanceID]; ok {
		return b.keyed(x)
	}
	return b.load(latest, instanceID)
}

// currentIndeed is current for those who are not told in another way that another
// transaction was faster. A statement that waited for a row's lock finds that the row
// is not the latest any more, and may have passed the place of the one that is.
func (b *batch) currentIndeed(instanceID string) (*row, error) {
	for {
		x, err := b.current(instanceID)
		if x != nil || err != nil || !b.st.d.Remote() {
			return x, err
		}
		found, err := b.queryRow("SELECT 1 FROM instances WHERE "+latest, func(*Row) {}, instanceID)
		if !found || err != nil {
			return nil, err
		}
		delete(b.latest, instanceID)
	}
}

// Conditions for one execution. All are prefixes of one index. Nearly always it is
// the latest of its InstanceID; a condition for both cases would cost more than
// asking twice in the others.
const (
	latest            = "instance_id = ? AND superseded = 0"
	latestExactly     = latest + " AND execution_id = ?"
	supersededExactly = "instance_id = ? AND superseded = 1 AND execution_id = ?"
)

func (b *batch) load(condition string, args ...any) (*row, error) {
	var x *row
	_, err := b.queryRow("SELECT "+rowColumns+" FROM instances WHERE "+condition+" LIMIT 1"+b.st.d.ForUpdate(),
		func(r *Row) { x = scanRow(r) }, args...)
	if err != nil || x == nil {
		return nil, err
	}
	return b.adopt(x), nil
}

// find returns the open execution that has an address, or nil.
func (b *batch) find(to backend.Address) (x *row, err error) {
	if to.ExecutionID != "" {
		x, err = b.exact(engine.Instance{InstanceID: to.InstanceID, ExecutionID: to.ExecutionID})
	} else {
		x, err = b.currentIndeed(to.InstanceID)
	}
	if err != nil || x == nil || !x.open() || to.FirstExecution != "" && x.first != to.FirstExecution {
		return nil, err
	}
	return x, nil
}

func notFound(to backend.Address) error {
	i := engine.Instance{InstanceID: to.InstanceID, ExecutionID: to.ExecutionID}
	return fmt.Errorf("%s: no open execution: %w", i, engine.ErrInstanceNotFound)
}

// push puts an event into an inbox.
func (b *batch) push(x *row, ev inboxEvent) error {
	if err := b.insertInbox(x, x.inboxNext, ev); err != nil {
		return err
	}
	x.inbox++
	x.inboxNext++
	x.dirty |= groupInbox
	return nil
}

func (b *batch) insertInbox(x *row, id int64, ev inboxEvent) error {
	if x.known.inbox != nil {
		x.known.inbox[id] = ev.quiet
	}
	query, owner := x.owned("INSERT INTO inbox (instance, id, moves, quiet, event) VALUES (?, ?, ?, ?, ?)")
	return b.send(query, owner, id, ev.moves, ev.quiet, ev.event)
}

// deliver puts an event into an inbox and wakes the execution.
func (b *batch) deliver(x *row, ev history.Encoded, moves bool) error {
	if err := b.push(x, inboxEvent{event: ev, moves: moves}); err != nil {
		return err
	}
	return b.wake(x)
}

// wake makes an execution ready because of what came in. One that is blocked
// keeps its place among the blocked.
func (b *batch) wake(x *row) error {
	if !x.blocked() {
		x.wakeAt = earliest(x.wakeAt, b.now)
		x.dirty |= groupInbox
	}
	if x.holdUntil > b.now && !x.leased() {
		x.holdUntil = b.now
		x.dirty |= groupLease
	}
	x.place(b.now)
	return b.announce(x)
}

// announce tells who may care that an execution has something new: its holder, or
// the workers that may claim it.
func (b *batch) announce(x *row) error {
	switch {
	case x.leased():
		return b.tellHolder(x)
	case x.readyAt != 0 && x.readyAt <= b.now, x.blocked() && !x.paused:
		b.hint(backend.TopicWorkflows, string(x.queue), engine.Instance{})
	}
	return nil
}

// tellHolder wakes the holder of a lease, by a row if it lives in another
// process.
func (b *batch) tellHolder(x *row) error {
	topic := backend.Topic{Kind: backend.TopicHolder, Name: x.holder}
	b.hint(topic.Kind, topic.Name, x.inst)
	if b.st.cfg.Changed == nil && !b.st.cfg.Poll || b.st.hub.Subscribed(topic) {
		return nil
	}
	return b.leaveWake(x.holder, x.inst)
}

func (b *batch) hint(kind backend.TopicKind, name string, i engine.Instance) {
	b.hints = append(b.hints, backend.Hint{Topic: backend.Topic{Kind: kind, Name: name}, Instance: i})
}

// each applies the items of one call in one transaction. apply returns a result
// that may be a refusal, or an error that ends the transaction.
func each[I, R any](ctx context.Context, st *Store, doing string, items []I, need func(*needs, *I),
	failed func(error) R, apply func(*batch, *I) (R, error),
) []R {
	return eachAs(ctx, st, doing, false, items, need, failed, apply)
}

// eachAs is each with a choice of durability, see Dialect.Begin.
func eachAs[I, R any](ctx context.Context, st *Store, doing string, relaxed bool, items []I, need func(*needs, *I),
	failed func(error) R, apply func(*batch, *I) (R, error),
) []R {
	results := make([]R, len(items))
	if len(items) == 0 {
		return results
	}
	var n *needs
	if st.remote() {
		n = &needs{}
		for i := range items {
			need(n, &items[i])
		}
	}
	err := st.write(ctx, doing, relaxed, n, func(b *batch) (err error) {
		for i := range items {
			if results[i], err = apply(b, &items[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for i := range results {
			results[i] = failed(err)
		}
	}
	return results
}

// asError is failed, for calls whose results are errors.
func asError(err error) error { return err }
