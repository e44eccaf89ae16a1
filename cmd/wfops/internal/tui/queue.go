package tui

import "sync"

// queue holds what the loop has to do, in order. It never blocks who adds to it, and
// never fills up: what has the same key takes the place of what waits, so that a burst
// of answers costs one drawing. Once closed it drops what comes.
type queue struct {
	mu     sync.Mutex
	items  []item
	closed bool
	wake   chan struct{} // holds a token while something waits
}

type item struct {
	key string
	do  func()
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// post adds something to do. An empty key is like no other.
func (q *queue) post(key string, do func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if key != "" {
		for i := range q.items {
			if q.items[i].key == key {
				q.items[i].do = do
				return
			}
		}
	}
	q.items = append(q.items, item{key, do})
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next takes what waits longest.
func (q *queue) next() (do func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return nil, false
	}
	do, q.items = q.items[0].do, q.items[1:]
	return do, true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.items = true, nil
}
