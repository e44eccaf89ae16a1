package sqlstore

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
)

// shard is a range of an index that claims go by. For executions it is one workflow
// of a queue with the same list of builds that can't run it; for activities, one
// name in a queue, without builds. Whatever a claim may not take is a whole shard,
// so that it steps over none of its rows, be they 100,000.
type shard struct {
	queue  engine.Queue
	name   string
	builds string // see joinBuilds
	first  int64  // the time of its earliest row, or before
}

// shardIndex is one of these indexes.
type shardIndex struct {
	table string
	keys  []string // the columns between the queue and the time
	at    string   // the time that the rows of a shard are ordered by
	holds string   // the column that is NULL in rows that are not in the index
}

var (
	readyIndex    = shardIndex{"instances", []string{"workflow", "blocked_builds"}, "ready_at", "ready_at"}
	parkedIndex   = shardIndex{"instances", []string{"workflow", "parked"}, "wake_at", "parked"}
	retryIndex    = shardIndex{"instances", []string{"workflow", "parked"}, "retry_at", "retry_at"}
	activityIndex = shardIndex{"activities", []string{"name"}, "ready_at", "ready_at"}
)

// list returns the statement for the shards of a queue, for an engine that hops from
// one to the next, so that its cost is their number.
func (ix *shardIndex) list() string {
	keys, same, holds := strings.Join(ix.keys, ", "), "", ix.holds+" IS NOT NULL"
	for _, key := range ix.keys {
		same += " AND t." + key + " = known." + key
	}
	return "SELECT (SELECT MIN(" + ix.at + ") FROM " + ix.table + " AS t WHERE queue = ?" + same + " AND " + holds + "), " + keys +
		" FROM (SELECT DISTINCT " + keys + " FROM " + ix.table + " WHERE queue = ? AND " + holds + ") AS known"
}

// in is the condition for one shard, see args.
func (ix *shardIndex) in(d Dialect) string {
	return d.InQueue(ix.holds) + " AND " + strings.Join(ix.keys, " = ? AND ") + " = ?"
}

// read returns a statement that reads n shards, merged in the order of their times.
// Each of them is a range of the index in that order, so that an engine merges them
// as it goes, and reads little more than it returns.
func (ix *shardIndex) read(d Dialect, n int, columns, condition string) string {
	one := "SELECT " + columns + " FROM " + ix.table + " WHERE " + ix.in(d) + " AND " + condition
	return one + strings.Repeat(" UNION ALL "+one, n-1) + " ORDER BY " + ix.at
}

// args are the arguments of read for some shards, and for condition.
func (ix *shardIndex) args(part []shard, more ...any) (args []any) {
	for _, sh := range part {
		args = append(args, sh.queue, sh.name)
		if len(ix.keys) > 1 {
			args = append(args, sh.builds)
		}
		args = append(args, more...)
	}
	return args
}

// claim returns a statement for columns of the first rows of some shards that
// condition is true of, and its arguments. table is the name that columns know the
// table by. On a server it locks them, and takes others instead of those that are
// locked already; no engine does that for several ranges.
func (ix *shardIndex) claim(d Dialect, part []shard, table, columns, condition string, limit int, more ...any) (query string, args []any) {
	query = "SELECT " + columns + " FROM " + ix.table + " AS " + table + " WHERE "
	if d.Remote() {
		query += ix.in(d) + " AND " + condition + " ORDER BY " + ix.at + ", pk LIMIT ?" + d.SkipLocked()
	} else {
		query += "pk IN (SELECT pk FROM (" + ix.read(d, len(part), ix.at+", pk", condition) + ", pk LIMIT ?) AS earliest)"
	}
	return query, append(ix.args(part, more...), limit)
}

// wanted is what a claim looks for in an index.
type wanted struct {
	ix     *shardIndex
	queues []engine.Queue
	names  []string
	// can tells of a list of builds whether the claim may take what has it.
	can func(builds string) bool

	found []shard // with the earliest rows first
}

// findShards looks for the shards of a claim.
func (b *batch) findShards(all ...*wanted) error {
	for _, w := range all {
		w.found = nil
	}
	if err := b.look(all); err != nil {
		return err
	}
	for _, w := range all {
		slices.SortFunc(w.found, func(x, y shard) int { return cmp.Compare(x.first, y.first) })
	}
	return nil
}

// list finds the shards in an engine in this process.
func (b *batch) list(w *wanted) error {
	names := setOf(w.names)
	for _, q := range w.queues {
		err := b.query(w.ix.list(), func(r *Row) {
			sh := shard{queue: q.OrDefault(), first: r.Int(), name: r.Text()}
			if len(w.ix.keys) > 1 {
				sh.builds = r.Text()
			}
			if names[sh.name] && w.can(sh.builds) {
				w.found = append(w.found, sh)
			}
		}, q.OrDefault(), q.OrDefault())
		if err != nil {
			return err
		}
	}
	return nil
}

// maxMerged is how many ranges one statement merges, unless it locks them.
const maxMerged = 50

// inTurn has shards read that hold rows until now, as many at a time as one claim
// takes, until enough says that rows from a time on are not needed any more.
func (b *batch) inTurn(from []shard, read func(part []shard) error, enough func(next int64) bool) error {
	size := maxMerged
	if b.st.d.Remote() {
		size = 1
	}
	for len(from) > 0 && from[0].first <= b.now {
		part := from[:min(len(from), size)]
		if err := read(part); err != nil {
			return err
		}
		if from = from[len(part):]; len(from) > 0 && enough(from[0].first) {
			return nil
		}
	}
	return nil
}

// due reports whether there is something to claim.
func (w *wanted) due(now int64) bool { return len(w.found) > 0 && w.found[0].first <= now }

// nextIn is when more will be ready in the shards than is now, or 0. What is found
// between after and now counts too.
func (b *batch) nextIn(w *wanted, after int64) (next int64, err error) {
	due := len(w.found)
	for i, sh := range w.found {
		if sh.first > b.now {
			due, next = i, sh.first
			break
		}
	}
	for part := range slices.Chunk(w.found[:due], maxMerged) {
		query := w.ix.read(b.st.d, len(part), w.ix.at, w.ix.at+" > ?") + " LIMIT 1"
		if b.st.d.Remote() { // which would sort all of several shards
			query = strings.TrimSuffix(strings.Repeat("SELECT MIN("+w.ix.at+") FROM "+w.ix.table+" WHERE "+w.ix.in(b.st.d)+
				" AND "+w.ix.at+" > ? UNION ALL ", len(part)), " UNION ALL ")
		}
		err := b.query(query, func(r *Row) { next = earliest(next, r.Int()) }, w.ix.args(part, after)...)
		if err != nil {
			return 0, err
		}
	}
	return next, nil
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}
