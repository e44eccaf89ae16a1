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
	holds string   // the condition on the rows in the index
}

var (
	readyIndex    = shardIndex{"instances", []string{"workflow", "blocked_builds"}, "ready_at", "ready_at IS NOT NULL"}
	parkedIndex   = shardIndex{"instances", []string{"workflow", "parked"}, "wake_at", "parked IS NOT NULL"}
	retryIndex    = shardIndex{"instances", []string{"workflow", "parked"}, "retry_at", "retry_at IS NOT NULL"}
	activityIndex = shardIndex{"activities", []string{"name"}, "ready_at", "ready_at IS NOT NULL"}
)

// list returns the statement for the shards of a queue. Engines hop from one to the
// next, so that its cost is their number.
func (ix *shardIndex) list() string {
	keys, same := strings.Join(ix.keys, ", "), ""
	for _, key := range ix.keys {
		same += " AND t." + key + " = known." + key
	}
	return "SELECT (SELECT MIN(" + ix.at + ") FROM " + ix.table + " AS t WHERE queue = ?" + same + " AND " + ix.holds + "), " + keys +
		" FROM (SELECT DISTINCT " + keys + " FROM " + ix.table + " WHERE queue = ? AND " + ix.holds + ") AS known"
}

// read returns a statement that reads n shards, merged in the order of their times.
// Each of them is a range of the index in that order, so that an engine merges them
// as it goes, and reads little more than it returns.
func (ix *shardIndex) read(n int, columns, condition string) string {
	one := "SELECT " + columns + " FROM " + ix.table + " WHERE queue = ? AND " + strings.Join(ix.keys, " = ? AND ") + " = ? AND " + condition
	return one + strings.Repeat(" UNION ALL "+one, n-1) + " ORDER BY " + ix.at
}

// readArgs are the arguments of read for some shards, and for condition.
func (ix *shardIndex) readArgs(part []shard, more ...any) (args []any) {
	for _, sh := range part {
		args = append(args, sh.queue, sh.name)
		if len(ix.keys) > 1 {
			args = append(args, sh.builds)
		}
		args = append(args, more...)
	}
	return args
}

// shards returns those of the queues that take accepts, with the earliest rows
// first.
func (b *batch) shards(ix *shardIndex, queues []engine.Queue, take func(name, builds string) bool) (all []shard, err error) {
	for _, q := range queues {
		err = b.query(ix.list(), func(r *Row) {
			sh := shard{queue: q.OrDefault(), first: r.Int(), name: r.Text()}
			if len(ix.keys) > 1 {
				sh.builds = r.Text()
			}
			if take(sh.name, sh.builds) {
				all = append(all, sh)
			}
		}, q.OrDefault(), q.OrDefault())
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(x, y shard) int { return cmp.Compare(x.first, y.first) })
	return all, nil
}

// maxMerged is how many ranges one statement merges.
const maxMerged = 50

// inTurn has shards read that hold rows until now, some at a time, until enough says
// that rows from a time on are not needed any more.
func inTurn(from []shard, now int64, read func(part []shard) error, enough func(next int64) bool) error {
	for len(from) > 0 && from[0].first <= now {
		part := from[:min(len(from), maxMerged)]
		if err := read(part); err != nil {
			return err
		}
		if from = from[len(part):]; len(from) > 0 && enough(from[0].first) {
			return nil
		}
	}
	return nil
}

// nextIn is when more will be ready in the shards than is now, or 0. What is found
// between after and now counts too.
func (b *batch) nextIn(ix *shardIndex, from []shard, after int64) (next int64, err error) {
	due := len(from)
	for i, sh := range from {
		if sh.first > b.now {
			due, next = i, sh.first
			break
		}
	}
	for part := range slices.Chunk(from[:due], maxMerged) {
		_, err := b.queryRow(ix.read(len(part), ix.at, ix.at+" > ?")+" LIMIT 1",
			func(r *Row) { next = earliest(next, r.Int()) }, ix.readArgs(part, after)...)
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
