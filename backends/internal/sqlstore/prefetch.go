package sqlstore

import (
	"maps"
	"slices"
	"strconv"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// needs is what a transaction is going to look at. On a server it is loaded in a few
// statements before the first change, because each statement costs a round trip; an
// engine in this process is asked when the question comes up, and ignores it.
//
// It also is the order in which a transaction locks rows, so that two of them don't
// wait for each other.
type needs struct {
	// look, unless nil, says whether there is anything to do. On a server it is asked
	// before the transaction, because most often there is not, or too little is gone
	// to hurt when there is.
	look       func(*batch) (bool, error)
	instances  map[string]struct{} // by InstanceID
	creates    bool
	deliveries []string
	commits    []*backend.WorkflowCommit
	finals     []backend.Address
	activities []activityKey
}

type activityKey struct {
	instance engine.Instance
	ref      int64
}

func (n *needs) instance(ids ...string) {
	if n.instances == nil {
		n.instances = map[string]struct{}{}
	}
	for _, id := range ids {
		n.instances[id] = struct{}{}
	}
}

func (n *needs) delivery(id string) {
	if id != "" {
		n.deliveries = append(n.deliveries, id)
	}
}

func (n *needs) creation(c *backend.Creation) {
	n.instance(c.Instance.InstanceID)
	n.creates = true
	if c.Reuse == backend.IDReuseReturn {
		n.delivery(c.Instance.ExecutionID)
	}
}

func (n *needs) commit(c *backend.WorkflowCommit) {
	n.instance(c.Instance.InstanceID)
	n.commits = append(n.commits, c)
	for i := range c.Start {
		n.creation(&c.Start[i])
	}
	for i := range c.Deliver {
		n.instance(c.Deliver[i].To.InstanceID)
	}
}

func (n *needs) activity(i engine.Instance, ref int64) {
	n.instance(i.InstanceID)
	n.activities = append(n.activities, activityKey{i, ref})
}

// known is what a batch has read beforehand of what belongs to an execution, and
// keeps up to date. A nil map was not read.
type known struct {
	inbox      map[int64]bool // id → quiet
	timers     map[backend.TimerKey]int64
	tokens     map[int64]string // of activities, by ref
	closings   []closing
	closed     bool // closings were read
	arrived    []backend.InboxRow
	hasArrived bool
	fired      []backend.Timer
	hasFired   bool
}

// unknown is what is known of executions in an engine that is asked when the question
// comes up. Nothing is written to it.
var unknown = &known{}

// bulkInbox is how many rows an inbox holds at most to be read together with
// others.
const bulkInbox = 64

// bulkKeys is how many keys one statement has at most.
const bulkKeys = 256

// keys calls query with the keys in chunks. A chunk is filled up with copies of its
// last key to a power of two, so that there are a few statements only.
func keys[K any](all []K, query func(chunk []K) error) error {
	for chunk := range slices.Chunk(all, bulkKeys) {
		size := 1
		for size < len(chunk) {
			size *= 2
		}
		chunk = slices.Clip(chunk)
		for len(chunk) < size {
			chunk = append(chunk, chunk[len(chunk)-1])
		}
		if err := query(chunk); err != nil {
			return err
		}
	}
	return nil
}

func anys[K any](all []K) []any {
	args := make([]any, len(all))
	for i, k := range all {
		args[i] = k
	}
	return args
}

// remote tells whether statements cost round trips; a store that could not be opened
// has none.
func (st *Store) remote() bool { return st.opened == nil && st.d.Remote() }

// prefetch loads and locks what is needed: what can be told from the call alone in one
// go, and then what turns out to be needed besides.
func (b *batch) prefetch(n *needs) error {
	if !b.st.d.Remote() {
		return nil
	}
	b.latest, b.answers, b.byPK = map[string]*row{}, map[string]answer{}, map[int64]*row{}
	if n == nil {
		return nil
	}
	if err := b.lock(slices.Sorted(maps.Keys(n.instances)), b.foreseen(n)...); err != nil {
		return err
	}
	for _, load := range []func(*needs) error{b.lockTold, b.loadInboxes, b.loadTokens} {
		if err := load(n); err != nil {
			return err
		}
	}
	return nil
}

// lock loads the latest executions of InstanceIDs, which are sorted, and reads the clock
// after the last lock. Then it asks more.
func (b *batch) lock(ids []string, more ...Question) error {
	columns, clock := rowColumns, b.st.d.Clock()
	if clock != "" {
		columns += ", " + clock
	}
	var questions []Question
	_ = keys(ids, func(chunk []string) error {
		for _, id := range chunk {
			b.latest[id] = nil
		}
		questions = append(questions, Question{
			"SELECT " + columns + " FROM instances" + b.st.d.ByID() + " WHERE superseded = 0 AND instance_id IN (" + marks(len(chunk)) +
				") ORDER BY instance_id" + b.st.d.ForUpdate(), anys(chunk), func(r *Row) {
				x := b.adopt(scanRow(r))
				b.latest[x.inst.InstanceID], b.byPK[x.pk] = x, x
				if clock != "" {
					b.now = max(b.now, r.Int())
				}
			},
		})
		return nil
	})
	return b.s.QueryAll(b.ctx, append(questions, more...))
}

// foreseen are questions about executions that are just being locked.
func (b *batch) foreseen(n *needs) (questions []Question) {
	if clock := b.st.d.Clock(); n.creates && clock != "" { // and locks nothing, most often
		questions = append(questions, Question{"SELECT " + clock, nil, func(r *Row) { b.now = max(b.now, r.Int()) }})
	}
	_ = keys(n.deliveries, func(chunk []string) error {
		for _, id := range chunk {
			b.answers[id] = answer{}
		}
		questions = append(questions, Question{"SELECT id, answer FROM deliveries WHERE id IN (" + marks(len(chunk)) + ")", anys(chunk), func(r *Row) {
			b.answers[r.Text()] = answer{known: true, text: r.Text()}
		}})
		return nil
	})
	var ending, reading, timing []string
	for _, to := range n.finals {
		ending = append(ending, to.InstanceID)
	}
	for _, c := range n.commits {
		id := c.Instance.InstanceID
		if c.Status.Final() {
			ending = append(ending, id)
		}
		if len(c.Consume) > 0 {
			reading = append(reading, id)
		}
		if len(c.AddTimers)+len(c.DropTimers) > 0 {
			timing = append(timing, id)
		}
	}
	return slices.Concat(questions, b.closingsOf(ending), b.inboxesOf(reading), b.timersOf(timing))
}

// closingsOf puts the closings in their order itself: a server would write rows with
// long texts to its disk to sort them.
func (b *batch) closingsOf(ids []string) []Question {
	order := map[*row][]int64{}
	return b.belongings(ids, "t.pk, "+closingColumns, "closings", "", func(x *row, r *Row, some bool) {
		if x.known.closed = true; some {
			pk := r.Int()
			at, _ := slices.BinarySearch(order[x], pk)
			order[x] = slices.Insert(order[x], at, pk)
			x.known.closings = slices.Insert(x.known.closings, at, scanClosing(r))
		}
	})
}

func (b *batch) inboxesOf(ids []string) []Question {
	short := " AND inbox_count <= " + strconv.Itoa(bulkInbox)
	return b.belongings(ids, "id, quiet", "inbox", short, func(x *row, r *Row, some bool) {
		if x.known.inbox == nil {
			x.known.inbox = map[int64]bool{}
		}
		if some {
			x.known.inbox[r.Int()] = r.Bool()
		}
	})
}

func (b *batch) timersOf(ids []string) []Question {
	return b.belongings(ids, "ref, slot, due", "timers", "", func(x *row, r *Row, some bool) {
		if x.known.timers == nil {
			x.known.timers = map[backend.TimerKey]int64{}
		}
		if some {
			x.known.timers[backend.TimerKey{Ref: r.Int(), Slot: backend.TimerSlot(r.Int())}] = r.Int()
		}
	})
}

// belongings asks for the rows that belong to the latest executions of InstanceIDs, in
// any order. Who has none comes once too, for the reader to know; this kind of join
// also makes servers begin with the executions. Who was not locked, because it was
// created since then, is left out.
func (b *batch) belongings(ids []string, columns, table, condition string, read func(x *row, r *Row, some bool)) (questions []Question) {
	slices.Sort(ids)
	_ = keys(slices.Compact(ids), func(chunk []string) error {
		questions = append(questions, Question{
			"SELECT i.pk, t.instance IS NOT NULL, " + columns + " FROM instances AS i" + b.st.d.ByID() + " LEFT JOIN " + table + " AS t ON t.instance = i.pk" +
				" WHERE i.superseded = 0 AND i.instance_id IN (" + marks(len(chunk)) + ")" + condition, anys(chunk),
			func(r *Row) {
				if x, some := b.byPK[r.Int()], r.Bool(); x != nil {
					read(x, r, some)
				}
			},
		})
		return nil
	})
	return questions
}

// each reads rows that belong to executions, in order. The first column is the
// execution's pk.
func (b *batch) each(xs []*row, columns, table, order string, read func(x *row, r *Row)) error {
	byPK := make(map[int64]*row, len(xs))
	for _, x := range xs {
		byPK[x.pk] = x
	}
	return keys(slices.Collect(maps.Keys(byPK)), func(chunk []int64) error {
		return b.query("SELECT instance, "+columns+" FROM "+table+" WHERE instance IN ("+marks(len(chunk))+") ORDER BY "+order,
			func(r *Row) { read(byPK[r.Int()], r) }, anys(chunk)...)
	})
}

// lockTold locks who will be told that an execution has ended.
func (b *batch) lockTold(*needs) error {
	told := map[string]struct{}{}
	for _, x := range b.rows {
		for _, c := range x.known.closings {
			if _, ok := b.latest[c.To.InstanceID]; !ok {
				told[c.To.InstanceID] = struct{}{}
			}
		}
	}
	return b.lock(slices.Sorted(maps.Keys(told)))
}

// loadInboxes is for steps that leave something unread.
func (b *batch) loadInboxes(n *needs) error {
	var xs []*row
	for _, c := range n.commits {
		if x := b.byKey[c.Instance]; x != nil && x.wakeAt != 0 && x.inbox <= bulkInbox && x.known.inbox == nil {
			x.known.inbox = map[int64]bool{}
			xs = append(xs, x)
		}
	}
	return b.each(xs, "id, quiet", "inbox", "instance, id", func(x *row, r *Row) { x.known.inbox[r.Int()] = r.Bool() })
}

// loadTokens locks the activities too: their claims don't lock the execution.
func (b *batch) loadTokens(n *needs) error {
	byPK := map[int64]*row{}
	var wanted [][2]int64
	for _, a := range n.activities {
		x := b.byKey[a.instance]
		if x == nil {
			continue
		}
		byPK[x.pk] = x
		if x.known.tokens == nil {
			x.known.tokens = map[int64]string{}
		}
		x.known.tokens[a.ref] = ""
		wanted = append(wanted, [2]int64{x.pk, a.ref})
	}
	slices.SortFunc(wanted, func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) })
	return keys(wanted, func(chunk [][2]int64) error {
		condition, args := "", []any{}
		for i, k := range chunk {
			if i > 0 {
				condition += " OR "
			}
			condition += "instance = ? AND ref = ?"
			args = append(args, k[0], k[1])
		}
		return b.query("SELECT instance, ref, token FROM activities WHERE "+condition+" ORDER BY instance, ref"+b.st.d.ForUpdate(),
			func(r *Row) { byPK[r.Int()].known.tokens[r.Int()] = r.Text() }, args...)
	})
}

// loadArrivals reads what has come in for several executions at once.
func (b *batch) loadArrivals(xs []*row) error {
	if !b.st.d.Remote() {
		return nil
	}
	var inboxes, timers []*row
	for _, x := range xs {
		if x == nil || !x.open() {
			continue
		}
		if x.inbox > 0 && x.inbox <= bulkInbox {
			x.known.arrived, x.known.hasArrived = nil, true
			inboxes = append(inboxes, x)
		}
		if x.nextTimer != 0 && x.nextTimer <= b.now {
			x.known.fired, x.known.hasFired = nil, true
			timers = append(timers, x)
		}
	}
	err := b.each(inboxes, "id, event", "inbox", "instance, id", func(x *row, r *Row) {
		x.known.arrived = append(x.known.arrived, backend.InboxRow{ID: r.Int(), Event: r.Bytes()})
	})
	if err != nil {
		return err
	}
	return b.each(timers, "ref, slot, due, event", "timers", "instance, due, ref, slot", func(x *row, r *Row) {
		x.known.fired = append(x.known.fired, scanTimer(r))
	})
}
