package worker

import "sync"

// table is what a worker has in its hands, by key: executions and activity rows.
type table[K, V comparable] struct {
	// emptied is signaled when the last entry goes.
	emptied chan struct{}

	mu      sync.Mutex
	entries map[K]V
}

func newTable[K, V comparable]() *table[K, V] {
	return &table[K, V]{emptied: make(chan struct{}, 1), entries: map[K]V{}}
}

// add puts v in place of what k stood for, which it returns.
func (t *table[K, V]) add(k K, v V) (old V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old = t.entries[k]
	t.entries[k] = v
	return old
}

// remove takes v out, unless something else has its place.
func (t *table[K, V]) remove(k K, v V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[k] != v {
		return
	}
	delete(t.entries, k)
	if len(t.entries) == 0 {
		signal(t.emptied)
	}
}

func (t *table[K, V]) get(k K) V {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries[k]
}

func (t *table[K, V]) all() []V {
	t.mu.Lock()
	defer t.mu.Unlock()
	vs := make([]V, 0, len(t.entries))
	for _, v := range t.entries {
		vs = append(vs, v)
	}
	return vs
}

// gone is signaled when the last entry goes.
func (t *table[K, V]) gone() <-chan struct{} { return t.emptied }

func (t *table[K, V]) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.entries)
}
