package worker

import "sync"

// slots bounds how much runs at a time. Who finds none free either goes without
// or stands in a queue, oldest first.
type slots struct {
	total int
	// freed is signaled when a slot is free that nobody stands in the queue for.
	freed chan struct{}
	// emptied is signaled when the last one was given back.
	emptied chan struct{}

	mu    sync.Mutex
	used  int
	queue []func()
}

func newSlots(total int) *slots {
	return &slots{total: total, freed: make(chan struct{}, 1), emptied: make(chan struct{}, 1)}
}

// reserve takes up to n slots and returns how many.
func (s *slots) reserve(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, s.total-s.used)
	s.used += n
	return n
}

// try takes a slot if one is free.
func (s *slots) try() bool { return s.reserve(1) == 1 }

// tryBelow takes a slot if fewer than limit are taken.
func (s *slots) tryBelow(limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used >= limit {
		return false
	}
	s.used++
	return true
}

// enter takes a slot, or else runs f in a goroutine of its own once there is one,
// which then belongs to f.
func (s *slots) enter(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used < s.total {
		s.used++
		return true
	}
	s.queue = append(s.queue, f)
	return false
}

// leave gives n slots back.
func (s *slots) leave(n int) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; n > 0 && len(s.queue) > 0; n-- {
		go s.queue[0]()
		s.queue[0] = nil
		s.queue = s.queue[1:]
	}
	s.used -= n
	if n > 0 {
		signal(s.freed)
	}
	if s.used == 0 {
		signal(s.emptied)
	}
}

// count returns how many slots are taken.
func (s *slots) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// gone is signaled when the last slot was given back.
func (s *slots) gone() <-chan struct{} { return s.emptied }
