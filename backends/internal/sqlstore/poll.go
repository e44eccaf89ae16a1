package sqlstore

import (
	"context"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// A store that polls looks for wake-ups after the least wait while it writes or
// finds some. Each look in vain makes the next wait longer, up to the most.
const (
	leastWait = 20 * time.Millisecond
	mostWait  = time.Second
	// finishedWait is the least time between two looks for instances that have ended,
	// which cost more.
	finishedWait = 100 * time.Millisecond
	// wakeWindow is how many keys before the last one that was seen are looked at
	// again: keys are given out in one order and become visible in another.
	wakeWindow = 200
)

// wakeKey is what the table of wake-ups calls a topic. That of a holder is its id,
// which does not begin with a line break.
func wakeKey(t backend.Topic) string {
	if t.Kind == backend.TopicHolder {
		return t.Name
	}
	return "\n" + string(t.Kind) + "\n" + t.Name
}

func wakeTopic(key string) backend.Topic {
	if rest, ok := strings.CutPrefix(key, "\n"); ok {
		kind, name, _ := strings.Cut(rest, "\n")
		return backend.Topic{Kind: backend.TopicKind(kind), Name: name}
	}
	return backend.Topic{Kind: backend.TopicHolder, Name: key}
}

func (b *batch) leaveWake(key string, i engine.Instance) error {
	return b.send("INSERT INTO wakes (holder, instance_id, execution_id, created) VALUES (?, ?, ?, ?)",
		key, i.InstanceID, i.ExecutionID, b.now)
}

// tellQueues leaves a wake-up for each queue with new work that nobody in this
// process serves. Where somebody does, others find what he leaves when they look for
// work anyway.
func (b *batch) tellQueues() error {
	if !b.st.cfg.Poll || b.st.cfg.Notify != nil {
		return nil
	}
	for _, h := range b.hints {
		if h.Topic.Kind != backend.TopicWorkflows && h.Topic.Kind != backend.TopicActivities || b.told[h.Topic] || b.st.hub.Subscribed(h.Topic) {
			continue
		}
		if b.told == nil {
			b.told = map[backend.Topic]bool{}
		}
		b.told[h.Topic] = true
		if err := b.leaveWake(wakeKey(h.Topic), engine.Instance{}); err != nil {
			return err
		}
	}
	return nil
}

// poller is what a store remembers from one look to the next.
type poller struct {
	begun    bool
	last     int64 // key
	seen     map[int64]bool
	finished time.Time // when it looked for ended instances
}

// poll publishes the wake-ups that other processes have left. Errors are left to the
// calls that do the work: hints are not promised.
func (st *Store) poll(ctx context.Context) {
	p := poller{seen: map[int64]bool{}}
	wait := leastWait
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		topics := st.hub.Topics()
		if len(topics) == 0 {
			wait = min(wait*5/4, mostWait)
			continue
		}
		hints, err := st.look(ctx, &p, topics)
		st.hub.Publish(hints...)
		if wrote := st.wrote.Swap(false); err == nil && !st.hears.Load() && (len(hints) > 0 || wrote) {
			wait = leastWait
		} else {
			wait = min(wait*5/4, mostWait)
		}
	}
}

func (st *Store) look(ctx context.Context, p *poller, topics []backend.Topic) (hints []backend.Hint, err error) {
	err = st.read(ctx, "looking for wake-ups", func(s *Session) error {
		if !p.begun { // the last ones are read too: they may be news to a new subscriber
			_, err := s.QueryRow(ctx, "SELECT MAX(pk) FROM wakes", func(r *Row) { p.last = r.Int() })
			if err != nil {
				return err
			}
			p.begun = true
		}
		if hints, err = p.wakes(ctx, s); err != nil {
			return err
		}
		if time.Since(p.finished) < finishedWait {
			return nil
		}
		p.finished = time.Now()
		ended, err := ended(ctx, s, topics)
		hints = append(hints, ended...)
		return err
	})
	return hints, err
}

// wakes reads the rows that were not seen before.
func (p *poller) wakes(ctx context.Context, s *Session) (hints []backend.Hint, err error) {
	err = s.Query(ctx, "SELECT pk, holder, instance_id, execution_id FROM wakes WHERE pk > ? ORDER BY pk", func(r *Row) {
		pk := r.Int()
		if p.seen[pk] {
			return
		}
		p.seen[pk] = true
		p.last = max(p.last, pk)
		hints = append(hints, backend.Hint{
			Topic:    wakeTopic(r.Text()),
			Instance: engine.Instance{InstanceID: r.Text(), ExecutionID: r.Text()},
		})
	}, p.last-wakeWindow)
	for pk := range p.seen {
		if pk <= p.last-wakeWindow {
			delete(p.seen, pk)
		}
	}
	return hints, err
}

// ended returns hints for the instances that somebody waits for and that have ended.
func ended(ctx context.Context, s *Session, topics []backend.Topic) (hints []backend.Hint, err error) {
	var ids []string
	for _, t := range topics {
		if t.Kind == backend.TopicFinished {
			ids = append(ids, t.Name)
		}
	}
	err = keys(ids, func(chunk []string) error {
		return s.Query(ctx, "SELECT instance_id, execution_id FROM instances WHERE superseded = 0 AND finished <> 0 AND instance_id IN ("+
			marks(len(chunk))+")", func(r *Row) {
			i := engine.Instance{InstanceID: r.Text(), ExecutionID: r.Text()}
			hints = append(hints, backend.Hint{Topic: backend.Topic{Kind: backend.TopicFinished, Name: i.InstanceID}, Instance: i})
		}, anys(chunk)...)
	})
	return hints, err
}
