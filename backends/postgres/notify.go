package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Wake-ups between processes are notifications on a channel of the schema. They are
// sent after the commits that they are about, in transactions of their own: the server
// lets transactions with notifications commit one after the other, each with its
// write to disk. What gets lost when a process dies in between is found by those who
// look now and then.
const (
	// notifyEvery bounds how many transactions are spent on notifications.
	notifyEvery = 20 * time.Millisecond
	// maxPayload is below what the server allows, 8000 bytes.
	maxPayload = 7500
	// lastWords is how long a store that is closed takes for what is still to be sent.
	lastWords = 2 * time.Second
	// maxPending bounds what is kept while the server can't be reached.
	maxPending = 10_000
	// echoWait is how long a listener waits for what it has said itself, and echoEvery
	// how often it tries.
	echoWait  = 5 * time.Second
	echoEvery = 20 * time.Second
	// retryListen and mostRetryListen are how long it waits before it connects again.
	retryListen     = 100 * time.Millisecond
	mostRetryListen = 10 * time.Second
)

// message is the payload of a notification.
type message struct {
	From string `json:"from"`
	// Echo is set instead of Hints in what a listener says to itself.
	Echo  string `json:"echo,omitempty"`
	Hints []note `json:"hints,omitempty"`
}

// note is a hint on the wire.
type note struct {
	Kind      backend.TopicKind `json:"k"`
	Name      string            `json:"n"`
	Instance  string            `json:"i,omitempty"`
	Execution string            `json:"e,omitempty"`
}

func (n note) hint() backend.Hint {
	return backend.Hint{
		Topic:    backend.Topic{Kind: n.Kind, Name: n.Name},
		Instance: engine.Instance{InstanceID: n.Instance, ExecutionID: n.Execution},
	}
}

func noteOf(h backend.Hint) note {
	return note{Kind: h.Topic.Kind, Name: h.Topic.Name, Instance: h.Instance.InstanceID, Execution: h.Instance.ExecutionID}
}

// bell sends and receives wake-ups.
type bell struct {
	d  *dialect
	me string // so that a process does not wake itself
	// connect makes a connection for each direction.
	send   sqlstore.Opener
	listen func(context.Context) (conn *pgx.Conn, release func() error, err error)

	wake chan struct{} // there is something pending
	quit chan struct{} // closed by close

	mu      sync.Mutex
	pending map[note]struct{}
	cancel  context.CancelFunc // of the sender, once it runs
	done    chan struct{}
	closed  bool
}

func newBell(d *dialect) *bell {
	return &bell{d: d, me: engine.NewID(), pending: map[note]struct{}{}, wake: make(chan struct{}, 1), quit: make(chan struct{})}
}

// notify queues hints for the sender and starts it when it is first needed. While one
// notification is on its way the next ones gather.
func (b *bell) notify(hints []backend.Hint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	for _, h := range hints {
		b.keep(noteOf(h))
	}
	if b.cancel == nil {
		var ctx context.Context
		ctx, b.cancel = context.WithCancel(context.Background())
		b.done = make(chan struct{})
		go b.sender(ctx)
	}
	b.ring()
}

func (b *bell) keep(n note) {
	if len(b.pending) < maxPending {
		b.pending[n] = struct{}{}
	}
}

func (b *bell) ring() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// close sends what is pending and stops the sender.
func (b *bell) close() error {
	b.mu.Lock()
	b.closed = true
	cancel, done := b.cancel, b.done
	b.mu.Unlock()
	if cancel == nil {
		return nil
	}
	close(b.quit)
	t := time.AfterFunc(lastWords, cancel)
	<-done
	t.Stop()
	cancel()
	return nil
}

// sender sends until the store is closed. Its errors say nothing that the calls that
// do the work would not say.
func (b *bell) sender(ctx context.Context) {
	defer close(b.done)
	for wait := retryListen; ; wait = min(2*wait, mostRetryListen) {
		begun := time.Now()
		err := sqlstore.Once(ctx, b.d, b.send, func(s *sqlstore.Session) error { return b.sendAll(ctx, s) })
		select {
		case <-b.quit:
			return
		default:
		}
		if err != nil && time.Since(begun) > mostRetryListen {
			wait = retryListen
		}
		b.pause(ctx, wait)
	}
}

// pause waits, unless the store is closed.
func (b *bell) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-b.quit:
	case <-t.C:
	}
}

// sendAll sends what is pending until an error, or until the store is closed.
func (b *bell) sendAll(ctx context.Context, s *sqlstore.Session) error {
	for last := false; ; {
		select {
		case <-b.wake:
		case <-b.quit:
			last = true
		}
		b.mu.Lock()
		notes := b.pending
		b.pending = map[note]struct{}{}
		b.mu.Unlock()
		if err := b.tell(ctx, s, notes); err != nil {
			b.keepAll(notes)
			return err
		}
		if last {
			return nil
		}
		b.pause(ctx, notifyEvery)
	}
}

// keepAll puts notes back that could not be sent.
func (b *bell) keepAll(notes map[note]struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := range notes {
		b.keep(n)
	}
	b.ring()
}

// channel is an expression for the channel of a schema. Its length is fixed, because a
// channel's name can be no longer than a schema's.
const channel = "'wfops_' || left(encode(sha256(convert_to(current_schema(), 'UTF8')), 'hex'), 24)"

const notifyQuery = "SELECT pg_notify(" + channel + ", ?) IS NULL"

// tell sends notes in as few notifications as hold them.
func (b *bell) tell(ctx context.Context, s *sqlstore.Session, notes map[note]struct{}) error {
	m, size := message{From: b.me}, 0
	flush := func() error {
		if len(m.Hints) == 0 {
			return nil
		}
		text, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("encoding a notification: %w", err)
		}
		m.Hints, size = m.Hints[:0], 0
		return s.Query(ctx, notifyQuery, func(*sqlstore.Row) {}, string(text))
	}
	for n := range notes {
		text, err := json.Marshal(n)
		if err != nil {
			return fmt.Errorf("encoding a notification: %w", err)
		}
		if size += len(text) + 1; size > maxPayload-100 {
			if err := flush(); err != nil {
				return err
			}
			size = len(text) + 1
		}
		m.Hints = append(m.Hints, n)
	}
	return flush()
}

// listenFor publishes what other processes tell until ctx is done. It connects again
// when the connection is lost. It gives up where notifications don't arrive: then the
// store polls.
func (b *bell) listenFor(ctx context.Context, publish func(...backend.Hint), hears func(bool)) {
	for wait := retryListen; ctx.Err() == nil && !b.d.pooled.Load(); wait = min(2*wait, mostRetryListen) {
		begun := time.Now()
		err := b.session(ctx, publish, func() { hears(true) })
		hears(false)
		if errors.Is(err, errDeaf) {
			return
		}
		if time.Since(begun) > mostRetryListen {
			wait = retryListen
		}
		b.pause(ctx, wait)
	}
}

// errDeaf: the server took the LISTEN, and then nothing arrived.
var errDeaf = errors.New("no notifications arrive on this connection")

// session listens on one connection until it is lost.
func (b *bell) session(ctx context.Context, publish func(...backend.Hint), heard func()) (err error) {
	conn, release, err := b.listen(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if b.d.schema != "" {
		if _, err := conn.Exec(ctx, "SELECT set_config('search_path', $1, false)", quoted(b.d.schema)); err != nil {
			return fmt.Errorf("setting the schema: %w", err)
		}
	}
	var name string
	if err := conn.QueryRow(ctx, "SELECT "+channel).Scan(&name); err != nil {
		return fmt.Errorf("asking for the channel: %w", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+name); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	for first := true; ; first = false {
		ok, err := b.echo(ctx, conn, publish)
		switch {
		case err != nil:
			return err
		case !ok && first:
			return errDeaf
		case !ok:
			return errors.New("notifications do not arrive any more")
		}
		heard()
		if err := b.receive(ctx, conn, echoEvery, publish, ""); err != nil && !errors.Is(err, errQuiet) {
			return err
		}
	}
}

// errQuiet: the time is over in which a notification was waited for.
var errQuiet = errors.New("nothing was heard")

// echo finds out whether notifications arrive, and keeps the connection busy for
// those who close idle ones.
func (b *bell) echo(ctx context.Context, conn *pgx.Conn, publish func(...backend.Hint)) (bool, error) {
	word := engine.NewID()
	text, err := json.Marshal(message{From: b.me, Echo: word})
	if err != nil {
		return false, fmt.Errorf("encoding a notification: %w", err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_notify("+channel+", $1)", string(text)); err != nil {
		return false, fmt.Errorf("notifying: %w", err)
	}
	err = b.receive(ctx, conn, echoWait, publish, word)
	if errors.Is(err, errQuiet) {
		return false, nil
	}
	return err == nil, err
}

// receive publishes what arrives, until it hears the word or the time is over.
func (b *bell) receive(ctx context.Context, conn *pgx.Conn, d time.Duration, publish func(...backend.Hint), word string) error {
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		n, err := conn.WaitForNotification(limited)
		switch {
		case err != nil && limited.Err() != nil && !conn.IsClosed():
			return errQuiet
		case err != nil:
			return fmt.Errorf("waiting for a notification: %w", err)
		}
		var m message
		if json.Unmarshal([]byte(n.Payload), &m) != nil {
			continue // somebody else's
		}
		if word != "" && m.Echo == word {
			return nil
		}
		if m.From == b.me {
			continue
		}
		hints := make([]backend.Hint, len(m.Hints))
		for i, x := range m.Hints {
			hints[i] = x.hint()
		}
		publish(hints...)
	}
}
