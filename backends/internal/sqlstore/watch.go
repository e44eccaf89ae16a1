package sqlstore

import (
	"context"
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// A store with subscribers looks for the writes of other processes every watchIdle.
// Processes that work together write in turns, so that after one write the next
// follows soon: the store looks again after watchBusy, and then less and less often.
const (
	watchIdle = 200 * time.Millisecond
	watchBusy = 5 * time.Millisecond
)

// Subscribe implements backend.Read. Hints about this process come from its
// commits; those about others from a goroutine that runs while there are
// subscribers.
func (st *Store) Subscribe(topics ...backend.Topic) *backend.Subscription {
	sub := st.hub.Subscribe(topics...)
	switch {
	case st.opened != nil:
	case st.cfg.Changed != nil:
		st.watcher.start(st.watch)
	case st.cfg.Poll:
		st.watcher.start(st.poll)
	}
	if st.opened == nil && st.cfg.Listen != nil {
		st.listener.start(func(ctx context.Context) { st.cfg.Listen(ctx, st.hub.Publish, st.hears.Store) })
	}
	return sub
}

// watcher runs a function in a goroutine, one at a time.
type watcher struct {
	mu      sync.Mutex
	cancel  context.CancelFunc
	done    chan struct{}
	stopped bool
}

func (w *watcher) start(run func(context.Context)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped || w.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.done = cancel, make(chan struct{})
	go func() {
		defer close(w.done)
		run(ctx)
	}()
}

// stop ends the function for good and waits for it.
func (w *watcher) stop() {
	w.mu.Lock()
	w.stopped = true
	cancel, done := w.cancel, w.done
	w.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}

// watch publishes hints when another process has written. Errors are left to the
// calls that do the work: hints are not promised.
func (st *Store) watch(ctx context.Context) {
	var seen int64
	for wait := watchIdle; ; wait = min(2*wait, watchIdle) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		topics := st.hub.Topics()
		if len(topics) == 0 {
			continue
		}
		hints, last, err := st.changes(ctx, topics, seen)
		if err != nil || len(hints) == 0 {
			continue
		}
		seen, wait = last, watchBusy/2
		st.hub.Publish(hints...)
	}
}

// changes returns hints for the topics if another process has written. seen is the
// last row of wakes that was looked at.
func (st *Store) changes(ctx context.Context, topics []backend.Topic, seen int64) (hints []backend.Hint, last int64, err error) {
	last = seen
	if err := st.enter(); err != nil {
		return nil, last, err
	}
	defer st.leave()
	err = st.writers.with(ctx, func(s *Session) error {
		changed, err := st.cfg.Changed(ctx, s)
		if err != nil || !changed {
			return err
		}
		for _, t := range topics {
			if hints, err = topicHints(ctx, s, t, hints); err != nil {
				return err
			}
		}
		hints, last, err = holderHints(ctx, s, hints, seen)
		return err
	})
	return hints, last, err
}

// topicHints adds a hint for what may have changed about a topic, as far as the
// topic alone tells.
func topicHints(ctx context.Context, s *Session, t backend.Topic, hints []backend.Hint) ([]backend.Hint, error) {
	switch t.Kind {
	case backend.TopicWorkflows, backend.TopicActivities:
		hints = append(hints, backend.Hint{Topic: t})
	case backend.TopicFinished:
		err := s.Query(ctx, "SELECT execution_id FROM instances WHERE "+latest+" AND finished <> 0",
			func(r *Row) {
				hints = append(hints, backend.Hint{Topic: t, Instance: engine.Instance{InstanceID: t.Name, ExecutionID: r.Text()}})
			}, t.Name)
		if err != nil {
			return hints, err
		}
	case backend.TopicHolder: // has rows of its own
	}
	return hints, nil
}

// holderHints adds what other processes have left for holders in this one.
func holderHints(ctx context.Context, s *Session, hints []backend.Hint, seen int64) ([]backend.Hint, int64, error) {
	err := s.Query(ctx, "SELECT pk, holder, instance_id, execution_id FROM wakes WHERE pk > ? ORDER BY pk", func(r *Row) {
		seen = r.Int()
		hints = append(hints, backend.Hint{
			Topic:    backend.Topic{Kind: backend.TopicHolder, Name: r.Text()},
			Instance: engine.Instance{InstanceID: r.Text(), ExecutionID: r.Text()},
		})
	}, seen)
	return hints, seen, err
}
