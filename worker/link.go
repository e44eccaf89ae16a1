package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend/intercept"
)

const (
	// hiccup is how long every call has to fail, and severalCalls how many of them,
	// before the store counts as away. What is over sooner is nobody's concern: calls
	// are made again anyhow. If only one kind of call fails, others are answered in
	// between.
	hiccup       = time.Second
	severalCalls = 5
	// silence is how long no call has to be answered at least if they are few because
	// they hang. The heartbeat is answered more often.
	silence = 2 * heartbeatEvery
	// shortCall is how long a call of the store may take in any case.
	shortCall = 2 * time.Second
	// stubborn is how many failures of one thing in a row are worth a warning, although
	// the store answers others.
	stubborn = 8
)

// link is what a worker knows of the way to its store. It gives every call a
// deadline, and tells once that the store is away and once that it is back, however
// many calls fail meanwhile.
type link struct {
	log *slog.Logger
	// limit is how long the worker waits for one answer. A connection that hangs must
	// not keep a slot for ever, nor until the lease has run out: the write is to be
	// sent again on another one before.
	limit time.Duration
	// life is the context of nearly all calls.
	life context.Context
	span atomic.Pointer[span]

	// troubled tells that calls have failed since the store answered last.
	troubled atomic.Bool
	// answered is when it did, in nanoseconds since epoch.
	answered atomic.Int64
	epoch    time.Time

	mu      sync.Mutex
	failing time.Time // when the first of the calls began that failed; zero unless troubled
	calls   int       // that failed since
	away    bool
	lost    int           // leases, since failing
	back    chan struct{} // closed when the store is back
}

func newLink(life context.Context, log *slog.Logger, lease time.Duration) *link {
	return &link{log: log, limit: callLimit(lease), life: life, epoch: time.Now(), back: make(chan struct{})}
}

// callLimit is a third of a lease, so that two more tries fit in, but not so short
// that a store that is only slow can't do anything.
func callLimit(lease time.Duration) time.Duration { return max(lease/3, min(lease, shortCall)) }

// around is the interceptor of the worker's store.
func (l *link) around(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
	began := time.Now()
	bounded, release := l.bound(ctx, began)
	if release != nil {
		defer release()
	}
	err := next(bounded)
	switch {
	case !transient(err):
		l.answer(began)
	case ctx.Err() == nil: // or else the caller has stopped waiting
		if bounded.Err() != nil {
			err = fmt.Errorf("no answer to %s within %v: %w", m, l.limit, err)
		}
		l.fail(began, err)
	}
	return err
}

// span is a context that calls share which begin at about the same time: one for
// each call would cost more than all that the link does besides.
type span struct {
	ctx    context.Context
	cancel context.CancelFunc // for what created it: it ends by itself
	fresh  time.Time          // calls that begin after this need another one
}

// bound returns a context that ends when a call that begins now has taken too long.
// release, unless nil, has to be called.
func (l *link) bound(ctx context.Context, now time.Time) (bounded context.Context, release context.CancelFunc) {
	if ctx != l.life {
		return context.WithTimeout(ctx, l.limit)
	}
	s := l.span.Load()
	if s == nil || now.After(s.fresh) {
		s = &span{fresh: now.Add(l.limit / 8)}
		s.ctx, s.cancel = context.WithTimeout(ctx, l.limit+l.limit/8)
		l.span.Store(s) // two at once are no harm
	}
	return s.ctx, nil
}

// answer notes that the store answered a call.
func (l *link) answer(began time.Time) {
	l.answered.Store(int64(time.Since(l.epoch)))
	if !l.troubled.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if began.Before(l.failing) {
		return // the answer was on its way already
	}
	if l.away {
		close(l.back)
		l.back = make(chan struct{})
		l.log.Info("the store is back", slog.Duration("after", time.Since(l.failing).Round(time.Millisecond)), slog.Int("leases_lost", l.lost))
	}
	l.troubled.Store(false)
	l.failing, l.away = time.Time{}, false
}

// fail notes that a call got no answer, or one that says nothing. If others were
// answered meanwhile the store is not away.
func (l *link) fail(began time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch.Add(time.Duration(l.answered.Load())).After(began) {
		return
	}
	if l.failing.IsZero() {
		l.failing, l.calls, l.lost = began, 0, 0
		l.troubled.Store(true)
	}
	if began.Before(l.failing) {
		l.failing = began
	}
	l.calls++
	if d := time.Since(l.failing); !l.away && (d >= hiccup && l.calls >= severalCalls || d > silence) {
		l.away = true
		l.log.Warn("the store is out of reach, trying again until it is back", slog.Duration("since", d.Round(time.Millisecond)), slog.Any("error", err))
	}
}

// leaseLost notes that a lease is gone. ranOut tells that its time was over;
// otherwise somebody has ended or canceled what it was for, which is no loss.
func (l *link) leaseLost(ranOut bool, i engine.Instance, attrs ...slog.Attr) {
	level := slog.LevelDebug
	if ranOut {
		level = slog.LevelWarn
		l.mu.Lock()
		l.lost++
		l.mu.Unlock()
	}
	l.log.LogAttrs(context.Background(), level, "lease lost", append(attrs, slog.String("instance", i.String()), slog.Bool("ran_out", ranOut))...)
}

// again logs that something failed and is tried again, after so many failures in a
// row. While the store is away that says nothing about this one.
func (l *link) again(what string, err error, failures int, attrs ...slog.Attr) {
	level := slog.LevelDebug
	switch {
	case failures == 1:
	case failures != stubborn && failures%20 != 0:
		return
	case !l.isAway():
		level = slog.LevelWarn
	}
	l.log.LogAttrs(context.Background(), level, what+", trying again", append(attrs, slog.Int("failures", failures), slog.Any("error", err))...)
}

// pause waits for d, or until stop is closed, or until the store is back: those who
// have waited longest between two tries need not be the last to go on.
func (l *link) pause(stop <-chan struct{}, d time.Duration) {
	l.mu.Lock()
	back := l.back
	l.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-stop:
	case <-back:
	}
}

func (l *link) isAway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away
}
