package redis

import (
	"context"
	"errors"
	"time"
)

// letter is the head of an outbox: pairs of sequence number and message, in order.
type letter struct {
	from, to string
	list     answer
}

// deliverLetters carries messages to their partitions, and what those send because
// of them, until nothing is left. Each outbox is read from its beginning, and the
// receiver skips what it has applied, so that it does no harm when several carry the
// same letter, and what one leaves behind another takes along.
//
// An error means that something stays where it is. It does not concern the caller of
// a write, which is durable: housekeep tries again.
func (b *Backend) deliverLetters(ctx context.Context, letters []letter) (err error) {
	for len(letters) > 0 {
		received := make([]job, len(letters))
		for i, l := range letters {
			received[i] = job{script: writeScript, tag: l.to, args: [][]byte{packReceive(l)}}
		}
		var next []letter
		var acknowledged []job
		for i, r := range b.run(ctx, received) {
			if r.err != nil {
				err = r.err
				continue
			}
			next = append(next, b.heard(letters[i].to, r.answer)...)
			acknowledged = append(acknowledged, job{script: writeScript, tag: letters[i].from, args: [][]byte{packAcknowledge(letters[i])}})
		}
		for i, r := range b.run(ctx, acknowledged) {
			if r.err != nil {
				err = r.err
				continue
			}
			next = append(next, b.heard(acknowledged[i].tag, r.answer)...)
		}
		letters = next
	}
	return err
}

func packReceive(l letter) []byte {
	p := &packer{}
	m := p.begin()
	p.setText("op", "receive")
	p.setText("p", l.to)
	p.setText("from", l.from)
	p.key("list")
	p.array(len(l.list))
	for i := range l.list {
		p.value(l.list.text(i))
	}
	p.end(m)
	return p.b
}

func packAcknowledge(l letter) []byte {
	p := &packer{}
	m := p.begin()
	p.setText("op", "acknowledge")
	p.setText("p", l.from)
	p.setText("to", l.to)
	p.setText("seq", l.list.text(len(l.list)-2))
	p.end(m)
	return p.b
}

// tryAgain tells housekeep that an outbox was not emptied.
func (b *Backend) tryAgain() {
	select {
	case b.kick <- struct{}{}:
	default:
	}
}

// How often every store looks after what others may have left behind, and how soon
// after a failure.
const (
	pumpPeriod  = 2 * time.Second
	pumpRetry   = 100 * time.Millisecond
	sweepPeriod = time.Minute
)

// housekeep empties outboxes that somebody has left, and removes what is too old. It
// says once that it can't, and once that it can again.
func (b *Backend) housekeep() {
	period := pumpPeriod
	if b.near { // nothing new comes into an outbox
		period = sweepPeriod
	}
	tick := time.NewTicker(period)
	defer tick.Stop()
	swept, failing := time.Time{}, false
	for {
		err := b.pumpAll(b.life)
		if err == nil && b.opts.retention > 0 && time.Since(swept) >= sweepPeriod {
			swept = time.Now()
			err = b.sweep(b.life)
		}
		if b.life.Err() != nil {
			return
		}
		if failed := err != nil; failed != failing {
			failing = failed
			b.opts.logger.WarnContext(b.life, "redis: housekeeping", "failing", failing, "error", err)
		}
		select {
		case <-b.life.Done():
			return
		case <-tick.C:
		case <-b.kick:
			select {
			case <-b.life.Done():
				return
			case <-time.After(pumpRetry):
			}
		}
	}
}

// pumpAll empties all outboxes.
func (b *Backend) pumpAll(ctx context.Context) error {
	jobs := make([]job, len(b.tags))
	for i, tag := range b.tags {
		p := &packer{}
		m := p.begin()
		p.setText("op", "pump")
		p.setText("p", tag)
		p.end(m)
		jobs[i] = job{script: writeScript, tag: tag, args: [][]byte{p.b}}
	}
	var letters []letter
	var failed error
	for i, r := range b.run(ctx, jobs) {
		if r.err != nil {
			failed = r.err
			continue
		}
		letters = append(letters, b.heard(b.tags[i], r.answer)...)
	}
	return errors.Join(failed, b.deliverLetters(ctx, letters))
}
