package memory

import (
	"container/heap"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// index finds what is ready without looking at anything else. It is divided so
// finely that whatever a claim may not take is a whole shard: a claim never
// steps over an entry that is ready but not for it.
type index[T any] map[groupKey]map[shardKey]*shard[T]

// groupKey is what a claim names.
type groupKey struct {
	queue engine.Queue
	name  string // of the workflow or activity
}

// shardKey is what decides whether a claim may take an entry. It is zero for
// activities.
type shardKey struct {
	kind   shardKind
	worker string // that ran the execution last; for kind ready only
	builds string // that can't run it, see joinBuilds
}

// shardKind is under which condition the entries of a shard can be claimed.
type shardKind int8

const (
	// kindReady: by any build but the shard's.
	kindReady shardKind = iota
	// kindBlocked: blocked; by any build but the shard's.
	kindBlocked
	// kindRetry: blocked for a transient reason; by the shard's builds too.
	kindRetry
)

// joinBuilds makes a key of a list of builds.
func joinBuilds(builds []string) string { return strings.Join(builds, "\x00") }

// excludes reports whether build is one of the shard's.
func (k shardKey) excludes(build string) bool {
	return k.builds != "" && slices.Contains(strings.Split(k.builds, "\x00"), build)
}

// entry is the place of one owner in an index.
type entry[T any] struct {
	owner T
	at    time.Time // when it is ready
	seq   int64     // breaks ties
	shard *shard[T] // nil while it is in none
	pos   int       // in shard.heap
}

func (e *entry[T]) before(o *entry[T]) bool {
	if !e.at.Equal(o.at) {
		return e.at.Before(o.at)
	}
	return e.seq < o.seq
}

// shard is a heap of entries, the one that is ready longest at the top.
type shard[T any] struct {
	group groupKey
	key   shardKey
	heap  entries[T]
}

// entries implements heap.Interface.
type entries[T any] []*entry[T]

func (h entries[T]) Len() int           { return len(h) }
func (h entries[T]) Less(i, j int) bool { return h[i].before(h[j]) }

func (h entries[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}

// Push implements heap.Interface.
func (h *entries[T]) Push(x any) {
	e := x.(*entry[T]) //nolint:errcheck // only put pushes
	e.pos = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *entries[T]) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}

// put moves e to its place for a ready time; the zero time takes it out.
func (ix index[T]) put(e *entry[T], g groupKey, k shardKey, at time.Time) {
	if e.shard != nil && (at.IsZero() || e.shard.group != g || e.shard.key != k) {
		ix.take(e)
	}
	if at.IsZero() {
		return
	}
	if e.shard != nil {
		if !e.at.Equal(at) {
			e.at = at
			heap.Fix(&e.shard.heap, e.pos)
		}
		return
	}
	shards := ix[g]
	if shards == nil {
		shards = map[shardKey]*shard[T]{}
		ix[g] = shards
	}
	sh := shards[k]
	if sh == nil {
		sh = &shard[T]{group: g, key: k}
		shards[k] = sh
	}
	e.at, e.shard = at, sh
	heap.Push(&sh.heap, e)
}

// take removes e, and shards and groups that it leaves empty, so that workers
// and builds of the past cost nothing.
func (ix index[T]) take(e *entry[T]) {
	sh := e.shard
	if sh == nil {
		return
	}
	heap.Remove(&sh.heap, e.pos)
	e.shard = nil
	if len(sh.heap) == 0 {
		delete(ix[sh.group], sh.key)
		if len(ix[sh.group]) == 0 {
			delete(ix, sh.group)
		}
	}
}

// source is a shard that a claim may take from.
type source[T any] struct {
	*shard[T]

	// hold postpones it for this claim.
	hold    time.Duration
	blocked bool
}

// picked is what a claim takes.
type picked[T any] struct {
	entries []*entry[T]
	// next is when more will be ready.
	next time.Time
}

// pick takes up to limit ready entries, at most limitBlocked of them from blocked
// shards, those ready longest first. They are out of the index afterwards, so
// that none can be picked twice.
func pick[T any](ix index[T], from []source[T], now time.Time, limit, limitBlocked int) picked[T] {
	var p picked[T]
	for len(p.entries) < limit {
		best := -1
		for i, s := range from {
			if len(s.heap) == 0 || s.blocked && limitBlocked <= 0 || s.heap[0].at.Add(s.hold).After(now) {
				continue
			}
			if best < 0 || s.heap[0].before(from[best].heap[0]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		if from[best].blocked {
			limitBlocked--
		}
		e := from[best].heap[0]
		ix.take(e)
		p.entries = append(p.entries, e)
	}
	for _, s := range from {
		if len(s.heap) > 0 {
			p.next = earliest(p.next, later(now, s.heap[0].at.Add(s.hold)))
		}
	}
	return p
}

// earliest returns the earlier of two times; zero stands for never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sourcesForWorkflows returns the shards that a claim may take from.
func (s *state) sourcesForWorkflows(c *backend.WorkflowClaim) []source[*execution] {
	var from []source[*execution]
	for _, q := range c.Queues {
		for _, w := range c.Workflows {
			for _, sh := range s.workflows[groupKey{q.OrDefault(), w}] {
				src := source[*execution]{shard: sh, blocked: sh.key.kind != kindReady}
				if src.blocked && c.MaxBlocked <= 0 || sh.key.excludes(c.Build) != (sh.key.kind == kindRetry) {
					continue
				}
				if w := sh.key.worker; w != "" && w != c.Worker && s.fresh(w) {
					src.hold = backend.PreferLastWorker
				}
				from = append(from, src)
			}
		}
	}
	return from
}

// fresh reports whether a worker's heartbeat says that it is alive.
func (s *state) fresh(worker string) bool {
	w, ok := s.workers[worker]
	return ok && s.now.Sub(w.Seen) <= freshHeartbeat
}
