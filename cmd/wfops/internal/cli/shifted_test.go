package cli_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/cmd/wfops/internal/servertest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// timeline turns the time of a server, which no test can set, into that of a clock
// which stands still but for the times that a test sets: all that a server has stamped
// since the clock was set has the time that it was set to. So every store can be
// seeded alike, and answers alike.
//
// What lies behind the clock's last time is shifted by room, in which the test has to
// be over.
type timeline struct {
	clock *opstest.Clock
	end   time.Time // the clock's last time

	mu    sync.Mutex
	marks []mark
	ready map[string]time.Time // of activities, by the clock
}

// mark says that the server's time was real when the clock was set to shown.
type mark struct{ real, shown time.Time }

const room = time.Hour

// at makes a mark if the clock was set since the last one. The server's time has to
// move on for that by more than it rounds to.
func (l *timeline) at(ctx context.Context, b backend.Backend) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	shown := l.clock.Now()
	if n := len(l.marks); n > 0 && l.marks[n-1].shown.Equal(shown) {
		return nil
	}
	for {
		info, err := b.Info(ctx)
		if err != nil {
			return err
		}
		if n := len(l.marks); n == 0 || info.Now.After(l.marks[n-1].real.Add(2*time.Millisecond)) {
			l.marks = append(l.marks, mark{info.Now, shown})
			return nil
		}
	}
}

func (l *timeline) shown(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	if ahead := t.Sub(l.marks[0].real.Add(room)); ahead >= 0 {
		return l.end.Add(ahead)
	}
	i := len(l.marks) - 1
	for i > 0 && l.marks[i].real.After(t) {
		i--
	}
	return l.marks[i].shown
}

func (l *timeline) real(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	if ahead := t.Sub(l.end); ahead > 0 {
		return l.marks[0].real.Add(room + ahead)
	}
	for _, m := range l.marks {
		if !m.shown.Before(t) {
			return m.real
		}
	}
	return l.marks[0].real.Add(room)
}

// shifted is a store on a server, seen through a timeline.
type shifted struct {
	backend.Backend

	*timeline
}

func (s shifted) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	if err := s.at(ctx, s.Backend); err != nil {
		return []backend.CreateResult{{Err: err}}
	}
	return s.Backend.Create(ctx, cs)
}

func (s shifted) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	if err := s.at(ctx, s.Backend); err != nil {
		return []backend.WorkflowCommitted{{Err: err}}
	}
	cs = slices.Clone(cs)
	for i := range cs {
		c := &cs[i]
		c.AddTimers, c.AddActivities = slices.Clone(c.AddTimers), slices.Clone(c.AddActivities)
		for j := range c.AddTimers {
			c.AddTimers[j].Due = s.real(c.AddTimers[j].Due)
		}
		for j, a := range c.AddActivities {
			s.ready[fmt.Sprint(c.Instance, a.Ref)] = s.clock.Now().Add(a.After)
			if a.After > 0 {
				c.AddActivities[j].After += room
			}
		}
	}
	return s.Backend.CommitWorkflows(ctx, cs)
}

func (s shifted) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	if err := s.at(ctx, s.Backend); err != nil {
		return []error{err}
	}
	return s.Backend.Deliver(ctx, ds)
}

func (s shifted) Pause(ctx context.Context, ps []backend.PauseChange) []error {
	if err := s.at(ctx, s.Backend); err != nil {
		return []error{err}
	}
	return s.Backend.Pause(ctx, ps)
}

func (s shifted) Retry(ctx context.Context, rs []backend.RetryRequest) []error {
	if err := s.at(ctx, s.Backend); err != nil {
		return []error{err}
	}
	return s.Backend.Retry(ctx, rs)
}

func (s shifted) Heartbeat(ctx context.Context, w backend.Worker) error {
	if err := s.at(ctx, s.Backend); err != nil {
		return err
	}
	return s.Backend.Heartbeat(ctx, w)
}

func (s shifted) Info(ctx context.Context) (backend.Info, error) {
	if err := s.at(ctx, s.Backend); err != nil {
		return backend.Info{}, err
	}
	info, err := s.Backend.Info(ctx)
	info.Now = s.shown(info.Now)
	return info, err
}

func (s shifted) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	got, err := s.Backend.Get(ctx, i)
	s.summary(&got)
	return got, err
}

func (s shifted) summary(of *backend.Summary) {
	of.Created, of.Updated, of.Finished = s.shown(of.Created), s.shown(of.Updated), s.shown(of.Finished)
	if of.Note != nil {
		of.Note.At = s.shown(of.Note.At)
	}
}

func (s shifted) List(ctx context.Context, q backend.Query) (backend.Page, error) {
	page, err := s.Backend.List(ctx, s.query(q))
	for i := range page.Items {
		s.summary(&page.Items[i])
	}
	page.Now = s.shown(page.Now)
	return page, err
}

func (s shifted) Count(ctx context.Context, q backend.Query) (map[engine.Status]int64, error) {
	return s.Backend.Count(ctx, s.query(q))
}

func (s shifted) query(q backend.Query) backend.Query {
	for _, t := range []*time.Time{&q.CreatedAfter, &q.CreatedBefore, &q.UpdatedAfter, &q.UpdatedBefore, &q.FinishedBefore} {
		*t = s.real(*t)
	}
	return q
}

func (s shifted) Pending(ctx context.Context, i engine.Instance, limit int) (backend.Pending, error) {
	p, err := s.Backend.Pending(ctx, i, limit)
	p.LeaseUntil, p.ReadyAt = s.shown(p.LeaseUntil), s.shown(p.ReadyAt)
	for j := range p.Timers {
		p.Timers[j].Due = s.shown(p.Timers[j].Due)
	}
	for j := range p.Activities {
		a := &p.Activities[j]
		a.ReadyAt, a.Started, a.LeaseUntil = s.ready[fmt.Sprint(i, a.Ref)], s.shown(a.Started), s.shown(a.LeaseUntil)
	}
	return p, err
}

func (s shifted) Workers(ctx context.Context) ([]backend.Worker, error) {
	workers, err := s.Backend.Workers(ctx)
	for i := range workers {
		workers[i].Seen = s.shown(workers[i].Seen)
	}
	return workers, err
}

func (s shifted) Queues(ctx context.Context) ([]backend.QueueStats, error) {
	queues, err := s.Backend.Queues(ctx)
	for i := range queues {
		queues[i].OldestReady = s.shown(queues[i].OldestReady)
	}
	return queues, err
}

// server makes an empty store on a server. Connections are kept for the next command:
// there are many.
func (w *world) server(string) opener {
	w.Helper()
	dsn := servertest.DSN(w.T, w.kind)
	b, err := backends.Open(w.Context(), dsn)
	if err != nil {
		w.Fatal(err)
	}
	if err := b.Close(); err != nil {
		w.Fatal(err)
	}
	l := &timeline{clock: w.clock, end: now, ready: map[string]time.Time{}}
	open := map[connect.Mode]backend.Backend{}
	w.Cleanup(func() {
		for _, b := range open {
			if err := b.Close(); err != nil {
				w.Error(err)
			}
		}
	})
	return func(ctx context.Context, target connect.Target) (backend.Backend, error) {
		mode, _ := target.Mode()
		if b, ok := open[mode]; ok {
			return kept{b}, nil
		}
		own, err := connect.Parse(dsn, connect.Options{Write: mode == connect.ReadWrite, ReadOnly: mode == connect.ReadOnly})
		if err != nil {
			return nil, err
		}
		b, err := own.Open(ctx)
		if err != nil {
			return nil, err
		}
		open[mode] = shifted{b, l}
		return kept{open[mode]}, nil
	}
}
