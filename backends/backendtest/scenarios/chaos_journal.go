package scenarios

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// journal is what really happened in a schedule: when activities ran, and when the
// store had what about them.
type journal struct {
	mu      sync.Mutex
	moment  int64 // counts what happens
	runs    []*run
	running int
	facts   map[command]*facts
}

// command is one command of one execution.
type command struct {
	instance engine.Instance
	ref      int64
}

// run is one run of an activity function.
type run struct {
	number int64 // what it returns; 0 stands for no run
	op     string
	task   activity.Task
	began  time.Time
	moment int64
	ended  bool
	good   bool // it returned a result
}

// facts is when a command and its answer were durable.
type facts struct {
	sent     int64       // the moment at which the step with the command was on its way to the store; 0 if none was
	claimed  []time.Time // when rows of it were leased
	resolved time.Time   // when history had the outcome of a run
}

func newJournal() *journal { return &journal{facts: map[command]*facts{}} }

func (j *journal) begin(ctx context.Context, op string) *run {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.moment++
	j.running++
	r := &run{number: int64(len(j.runs)) + 1, op: op, task: activity.Info(ctx), began: time.Now(), moment: j.moment}
	j.runs = append(j.runs, r)
	return r
}

func (j *journal) end(r *run, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running--
	r.ended, r.good = true, err == nil
}

func (j *journal) busy() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.running > 0
}

// activities are the functions that programs call. Each takes the op's id, how often it
// fails, how long it takes, and whether it is deaf to its context.
func (j *journal) activities() map[string]any {
	logged := func(f func(context.Context, int, time.Duration, bool) error) any {
		return func(ctx context.Context, op string, n int, takes time.Duration, deaf bool) (int64, error) {
			r := j.begin(ctx, op)
			err := f(ctx, n, takes, deaf)
			j.end(r, err)
			return r.number, err
		}
	}
	return map[string]any{
		"work": logged(work),
		"beat": logged(beat),
		"hang": logged(func(ctx context.Context, _ int, _ time.Duration, _ bool) error {
			<-ctx.Done()
			return ctx.Err()
		}),
		"echo": func(_ context.Context, _, v string) (string, error) { return v, nil },
	}
}

func work(ctx context.Context, n int, takes time.Duration, deaf bool) error {
	if err := rest(ctx, takes, deaf); err != nil {
		return err
	}
	switch {
	case n == permanent:
		return engine.NewPermanentError(errors.New("broken"))
	case activity.Attempt(ctx) < n:
		return fmt.Errorf("attempt %d of %d that fail", activity.Attempt(ctx)+1, n)
	}
	return nil
}

// beat goes three steps and reports each, so that it needs not begin anew.
func beat(ctx context.Context, _ int, takes time.Duration, deaf bool) error {
	done, _, err := activity.LastHeartbeat[int](ctx)
	if err != nil {
		return err
	}
	if done < 0 || done > 3 {
		return engine.NewPermanentError(fmt.Errorf("the heartbeat says %d", done))
	}
	for ; done < 3; done++ {
		if err := rest(ctx, takes/3, deaf); err != nil {
			return err
		}
		if err := activity.Heartbeat(ctx, done+1); err != nil && !deaf {
			return err
		}
	}
	return nil
}

// rest waits, and ends early if ctx does.
func rest(ctx context.Context, d time.Duration, deaf bool) error {
	end := ctx.Done()
	if deaf {
		end = nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-end:
		return ctx.Err()
	}
}

// witness is a store that writes down when commands and their answers are durable.
type witness struct {
	backend.Backend

	journal *journal
}

func (w *witness) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	sent := w.journal.pass()
	out := w.Backend.CommitWorkflows(ctx, cs)
	for i := range cs {
		if out[i].Err == nil && cs[i].Count > 0 {
			w.journal.committed(&cs[i], sent)
		}
	}
	return out
}

func (w *witness) ClaimActivities(ctx context.Context, c backend.ActivityClaim) (backend.ActivityClaimed, error) {
	got, err := w.Backend.ClaimActivities(ctx, c)
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	for i := range got.Tasks {
		f := w.journal.about(command{got.Tasks[i].Instance, got.Tasks[i].Ref})
		f.claimed = append(f.claimed, time.Now())
	}
	return got, err
}

// pass returns a moment that nothing else has.
func (j *journal) pass() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.moment++
	return j.moment
}

func (j *journal) committed(c *backend.WorkflowCommit, sent int64) {
	events, err := c.Events.Decode(c.ExpectSeq + 1)
	if err != nil {
		panic(err) // the worker has just encoded them
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, ev := range events {
		key := command{c.Instance, ev.Ref}
		switch b := ev.Body.(type) {
		case history.ActivityScheduled:
			if f := j.about(key); f.sent == 0 { // or else the step was sent twice
				f.sent = sent
			}
		case history.ActivityCompleted:
			j.about(key).resolve()
		case history.ActivityFailed:
			if b.Run.Attempt > 0 { // or else it is a timeout of the whole, while nothing may have run yet
				j.about(key).resolve()
			}
		}
	}
}

// about returns what is known of a command. mu is held.
func (j *journal) about(c command) *facts {
	f := j.facts[c]
	if f == nil {
		f = &facts{}
		j.facts[c] = f
	}
	return f
}

// late reports whether a run was begun after its activity had its result. The
// answer to a claim may be on its way for a while, so a run of a row counts from
// its claim.
func (f *facts) late(r *run) bool {
	if f.resolved.IsZero() || !r.began.After(f.resolved) {
		return false
	}
	begun := r.began
	for _, at := range f.claimed {
		if !at.After(r.began) {
			begun = at
		}
	}
	return begun.After(f.resolved)
}

func (f *facts) resolve() {
	if f.resolved.IsZero() {
		f.resolved = time.Now()
	}
}
