package redis

import (
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Subscribe implements backend.Read. The first one begins to listen to what other
// processes do.
func (b *Backend) Subscribe(topics ...backend.Topic) *backend.Subscription {
	s := b.hub.Subscribe(topics...)
	if b.failed != nil || b.opts.deaf {
		return s
	}
	b.listen.Do(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.closed {
			b.work.Go(b.listenToOthers)
		}
	})
	return s
}

// listenToOthers passes on hints of other processes. After a connection was lost,
// nobody knows what was missed: then every topic is hinted at.
func (b *Backend) listenToOthers() {
	ps := b.client.Subscribe(b.life, b.opts.prefix+":hints")
	defer func() { _ = ps.Close() }()
	b.listening.Store(true)
	again := false
	messages := ps.ChannelWithSubscriptions(redis.WithChannelSize(1000))
	for {
		select {
		case <-b.life.Done():
			return
		case m, ok := <-messages:
			if !ok {
				return
			}
			switch m := m.(type) {
			case *redis.Message:
				caller, text, _ := strings.Cut(m.Payload, "\x01")
				if caller != b.caller {
					b.hintTexts(strings.Split(text, "\x01"))
				}
			case *redis.Subscription:
				if again {
					b.hintEverything()
				}
				again = true
			}
		}
	}
}

func (b *Backend) hintEverything() {
	for _, t := range b.hub.Topics() {
		b.hub.Publish(backend.Hint{Topic: t})
	}
}

// hintAll passes on the hints of our own write.
func (b *Backend) hintAll(a answer) {
	if len(a) == 0 {
		return
	}
	texts := make([]string, len(a))
	for i := range a {
		texts[i] = a.text(i)
	}
	b.hintTexts(texts)
}

// hintTexts reads kind, name, instance and execution, with NULs between.
func (b *Backend) hintTexts(texts []string) {
	var hints []backend.Hint
	for _, text := range texts {
		part := strings.Split(text, "\x00")
		if len(part) != 4 || !slices.Contains(kinds, backend.TopicKind(part[0])) {
			continue // of a newer build
		}
		hints = append(hints, backend.Hint{
			Topic:    backend.Topic{Kind: backend.TopicKind(part[0]), Name: part[1]},
			Instance: engine.Instance{InstanceID: part[2], ExecutionID: part[3]},
		})
	}
	b.hub.Publish(hints...)
}

var kinds = []backend.TopicKind{backend.TopicWorkflows, backend.TopicActivities, backend.TopicHolder, backend.TopicFinished}

// askAgain is how long we take for granted that nobody else listens. Who comes
// meanwhile misses hints for that long.
const askAgain = 100 * time.Millisecond

// countListeners saves the next writes their hints to others if there are no others.
// In a cluster a server knows its own listeners only.
func (b *Backend) countListeners(n int64) {
	if n < 0 || !b.near || b.opts.outboxes {
		return
	}
	others := n > 0
	if b.listening.Load() {
		others = n > 1
	}
	if !others {
		b.alone.Store(time.Now().Add(askAgain).UnixNano())
	}
}
