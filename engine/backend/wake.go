package backend

import (
	"maps"
	"slices"
	"sync"

	"github.com/wfops/wfops/engine"
)

// Topic is something to be woken for.
type Topic struct {
	Kind TopicKind
	// Name is the queue, the worker or the InstanceID.
	Name string
}

// TopicKind is what kind of change a Topic is about.
type TopicKind string

// The closed set of topics.
const (
	// TopicWorkflows: an execution of this queue became ready.
	TopicWorkflows TopicKind = "workflows"
	// TopicActivities: an activity row of this queue became ready.
	TopicActivities TopicKind = "activities"
	// TopicHolder: something came in for an execution that this worker holds.
	TopicHolder TopicKind = "holder"
	// TopicFinished: an execution of this InstanceID ended.
	TopicFinished TopicKind = "finished"
)

// Hint says that something has changed.
type Hint struct {
	Topic Topic
	// Instance is set for TopicHolder and TopicFinished.
	Instance engine.Instance
	// End may come with TopicFinished: who waits need not ask then.
	End *End
}

// End is how an execution ended. It is durable, and as final as that.
type End struct {
	Status engine.Status
	// Last is the chunk of history that ends with the last event.
	Last Chunk
}

// Finished is the hint that an execution ended. last is what the write that ended it
// added to its history, if anything.
func Finished(i engine.Instance, status engine.Status, last Chunk) Hint {
	h := Hint{Topic: Topic{TopicFinished, i.InstanceID}, Instance: i}
	if last.Count > 0 {
		h.End = &End{Status: status, Last: last}
	}
	return h
}

// Subscription receives hints.
type Subscription struct {
	hub    *Hub
	topics []Topic
	wake   chan struct{}
	taker  Taker // guarded by the hub's lock

	mu    sync.Mutex
	hints []Hint
	seen  map[Hint]struct{}
}

// Wake is signaled when hints are waiting. Signals coalesce.
func (s *Subscription) Wake() <-chan struct{} { return s.wake }

// Take returns the hints since the last call, each once, in order.
func (s *Subscription) Take() []Hint {
	s.mu.Lock()
	defer s.mu.Unlock()
	hints := s.hints
	s.hints = nil
	clear(s.seen)
	return hints
}

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() { s.hub.remove(s) }

// Hub passes hints from the writes of one process to its subscribers. Adapters
// embed it by value and publish after a write was committed. The zero Hub is
// ready to use. It never blocks a publisher.
type Hub struct {
	mu   sync.RWMutex
	subs map[Topic][]*Subscription
}

// Subscribe implements the method of Read.
func (h *Hub) Subscribe(topics ...Topic) *Subscription {
	s := &Subscription{hub: h, topics: slices.Clone(topics), wake: make(chan struct{}, 1), seen: map[Hint]struct{}{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[Topic][]*Subscription{}
	}
	for _, t := range s.topics {
		h.subs[t] = append(h.subs[t], s)
	}
	return s
}

// Publish hands out hints.
func (h *Hub) Publish(hints ...Hint) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, hint := range hints {
		for _, s := range h.subs[hint.Topic] {
			s.add(hint)
		}
	}
}

// Subscribed reports whether anybody listens to t.
func (h *Hub) Subscribed(t Topic) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.subs[t]) > 0
}

// Topics returns what anybody listens to, in no order. An adapter that only learns
// that something has changed elsewhere can look for what.
func (h *Hub) Topics() []Topic {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Collect(maps.Keys(h.subs))
}

func (h *Hub) remove(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range s.topics {
		rest := slices.DeleteFunc(slices.Clone(h.subs[t]), func(o *Subscription) bool { return o == s })
		if len(rest) == 0 {
			delete(h.subs, t)
			continue
		}
		h.subs[t] = rest
	}
}

func (s *Subscription) add(hint Hint) {
	s.mu.Lock()
	if _, dup := s.seen[hint]; !dup {
		s.seen[hint] = struct{}{}
		s.hints = append(s.hints, hint)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
