package worker

import (
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
)

// warm is an executor and what its worker knows of the execution besides. It has
// one owner at a time: the goroutine that runs the execution, or the cache.
type warm struct {
	x *executor.Executor
	// seq and step are the fence: they tell which state of the store the
	// executor is in.
	seq  int64
	step string
	// activities are those without an answer.
	activities map[int64]placed
	// open holds the events of commands without an answer, for observers; nil if
	// there are none.
	open *openCommands
	// started is when the execution did, for observers too.
	started time.Time
	// followers observe this execution alone, from when it was introduced to them.
	followers  []Observer
	introduced bool
	// replayed counts the events replayed since the last step.
	replayed int

	// The rest belongs to the cache while it is there.
	instance     engine.Instance
	bytes        int64
	put          time.Time
	newer, older *warm // neighbors in the order of put
}

// placed is what the store holds for an activity.
type placed struct {
	row    bool
	timers bool
}

// matches reports whether w is the state that the store has. After a store that
// lost its last second a sequence number can be used again, a step id can't.
func (w *warm) matches(seq int64, step string) bool { return w.seq == seq && w.step == step }

// advance takes in a step that is durable.
func (w *warm) advance(t *turn, seq int64, step string) {
	w.seq, w.step = seq, step
	for _, ref := range t.step.DropActivities {
		delete(w.activities, ref)
	}
	for i := range t.rows {
		s := &t.rows[i]
		w.activities[s.ref] = placed{row: true, timers: hasTimers(s.body.Timeouts)}
	}
	for i := range t.here {
		s := &t.here[i]
		w.activities[s.ref] = placed{timers: hasTimers(s.body.Timeouts)}
	}
}

// cache keeps executors that nothing is running on. It is bounded by the bytes
// and the number of these alone: what runs is not in it and can't be evicted.
type cache struct {
	maxBytes int64
	maxCount int

	mu    sync.Mutex
	bytes int64
	byID  map[engine.Instance]*warm
	// newest was put last, oldest first; nil if there is none.
	newest, oldest *warm
	// over refuses what comes after close: a hold that a stopped worker could not
	// wait for still ends at some time.
	over bool
}

func newCache(maxBytes int64, maxCount int) *cache {
	return &cache{maxBytes: maxBytes, maxCount: maxCount, byID: map[engine.Instance]*warm{}}
}

// take removes the executor of an execution and returns it, or nil.
func (c *cache) take(i engine.Instance) *warm {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.byID[i]
	if w != nil {
		c.remove(w)
	}
	return w
}

// put takes over an executor. It returns those that there is no room for; the
// caller closes them when it holds no lock.
func (c *cache) put(i engine.Instance, w *warm) (out []*warm) {
	size := w.x.Size()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return []*warm{w}
	}
	if old := c.byID[i]; old != nil {
		out = c.evict(out, old)
	}
	w.instance, w.bytes, w.put = i, size, time.Now()
	c.add(w)
	for c.oldest != nil && (c.bytes > c.maxBytes || len(c.byID) > c.maxCount) {
		out = c.evict(out, c.oldest)
	}
	return out
}

// expire closes what was put before t.
func (c *cache) expire(t time.Time) {
	var out []*warm
	c.mu.Lock()
	for c.oldest != nil && c.oldest.put.Before(t) {
		out = c.evict(out, c.oldest)
	}
	c.mu.Unlock()
	closeAll(out)
}

// clear closes everything.
func (c *cache) clear() { c.expire(time.Now().Add(time.Hour)) }

// close closes everything, and what is put from then on.
func (c *cache) close() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.clear()
}

func (c *cache) count() int {
	n, _ := c.size()
	return n
}

func (c *cache) size() (count int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byID), c.bytes
}

func (c *cache) evict(out []*warm, w *warm) []*warm {
	c.remove(w)
	return append(out, w)
}

func (c *cache) add(w *warm) {
	w.older = c.newest
	if c.newest != nil {
		c.newest.newer = w
	} else {
		c.oldest = w
	}
	c.newest = w
	c.byID[w.instance] = w
	c.bytes += w.bytes
}

func (c *cache) remove(w *warm) {
	if w.newer != nil {
		w.newer.older = w.older
	} else {
		c.newest = w.older
	}
	if w.older != nil {
		w.older.newer = w.newer
	} else {
		c.oldest = w.newer
	}
	w.newer, w.older = nil, nil
	delete(c.byID, w.instance)
	c.bytes -= w.bytes
}

func closeAll(ws []*warm) {
	for _, w := range ws {
		w.x.Close()
	}
}
