package codec

import (
	"crypto/sha256"
	"sync"
)

// Bounds of what is remembered.
const (
	mostBytes   = 32 << 20
	mostAnswers = 50_000
)

// cache remembers answers by the hash of what was asked, the latest of them. It is safe
// for concurrent use.
type cache struct {
	mu    sync.Mutex
	by    map[[sha256.Size]byte]answer
	order [][sha256.Size]byte
	bytes int
}

func (c *cache) get(key [sha256.Size]byte) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.by[key]
	return a, ok
}

func (c *cache) put(key [sha256.Size]byte, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, had := c.by[key]; had || len(a.plain) > mostBytes {
		return
	}
	if c.by == nil {
		c.by = map[[sha256.Size]byte]answer{}
	}
	c.by[key] = a
	c.order = append(c.order, key)
	for c.bytes += len(a.plain); c.bytes > mostBytes || len(c.order) > mostAnswers; c.order = c.order[1:] {
		c.bytes -= len(c.by[c.order[0]].plain)
		delete(c.by, c.order[0])
	}
}
