package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// gate stands between a worker and its store.
type gate struct {
	shut  atomic.Bool // calls fail with errCut
	hangs atomic.Bool // calls hang until their callers give up
}

func (g *gate) around(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
	switch {
	case g.shut.Load():
		return errCut
	case g.hangs.Load():
		<-ctx.Done()
		return ctx.Err()
	}
	return next(ctx)
}

// gated puts a gate between the workers that start from now on and the store.
func (w *world) gated() *gate {
	g := &gate{}
	w.store = &hooked{Backend: intercept.New(w.store.Backend, g.around)}
	return g
}

// lines counts what was logged at a level.
func (w *world) lines(level slog.Level) int { return len(w.log.matching("level=" + level.String())) }

// An outage is logged once, however much fails, and once that it is over. Everything
// goes on by itself, and nothing runs twice if it was shorter than the leases.
func TestOutageIsLoggedOnce(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		t.Run(fmt.Sprint("hangs ", hangs), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.level = slog.LevelInfo
				g := w.gated()
				var runs atomic.Int64
				w.worker(Options{LeaseDuration: time.Minute}, chainOf(3), act(func(context.Context) (int, error) {
					runs.Add(1)
					sleep(5 * time.Second)
					return 1, nil
				}))
				var is []*engine.Instance
				for n := range 20 {
					is = append(is, w.start(fmt.Sprint("i", n), "wf"))
				}
				w.pass(time.Second)
				down := &g.shut
				if hangs {
					down = &g.hangs
				}
				down.Store(true)
				w.pass(30 * time.Second)
				equal(w, "warnings during the outage", w.lines(slog.LevelWarn), 1)
				down.Store(false)
				for _, i := range is {
					equal(w, "result", result[int](w, i), 3)
				}
				equal(w, "runs", runs.Load(), 60)
				equal(w, "warnings", w.lines(slog.LevelWarn)+w.lines(slog.LevelError), 1)
				equal(w, "lines in all", len(w.log.matching("")), 2)
				back := w.log.matching("the store is back")
				if len(back) != 1 || !strings.Contains(back[0], "leases_lost=0") || !strings.Contains(back[0], map[bool]string{false: "after=30", true: "after=4"}[hangs]) {
					t.Errorf("the log tells of the end by %q", back)
				}
			})
		})
	}
}

// What fails for a moment is made again, and nobody needs to know.
func TestHiccupsAreNotLogged(t *testing.T) {
	inWorld(t, func(w *world) {
		w.level = slog.LevelInfo
		g := w.gated()
		w.worker(Options{}, chainOf(30), act(func(context.Context) (int, error) { return 1, nil }))
		i := w.start("i", "wf")
		for range 5 {
			g.shut.Store(true)
			w.pass(hiccup / 2)
			g.shut.Store(false)
			w.pass(time.Second)
		}
		equal(w, "result", result[int](w, i), 30)
		equal(w, "lines", len(w.log.matching("")), 0)
	})
}

// A step that the store chokes on is another matter than an outage: it is warned of
// with its name.
func TestOneStepThatFails(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.start("poor", once1)
		w.store.set(func(s *hooked) {
			s.before = func(c *backend.WorkflowCommit) error {
				if c.Instance == *i {
					return errCut
				}
				return nil
			}
		})
		w.worker(Options{}, once1, act(func(context.Context) (int, error) { return 1, nil }))
		for n := range 20 {
			w.start(fmt.Sprint("i", n), once1)
			w.pass(time.Second / 2)
		}
		if lines := w.log.matching("committing a step failed"); len(lines) != 1 || !strings.Contains(lines[0], i.String()) {
			t.Errorf("the log says %q", lines)
		}
		equal(w, "outages", len(w.log.matching("out of reach")), 0)
	})
}

// A connection that hangs costs a third of a lease, and no lease.
func TestCallsThatHang(t *testing.T) {
	for _, m := range []intercept.Method{
		intercept.ClaimWorkflows, intercept.CommitWorkflows, intercept.ExtendWorkflows,
		intercept.ClaimActivities, intercept.CommitActivities, intercept.ExtendActivities, intercept.Heartbeat,
	} {
		t.Run(string(m), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var calls atomic.Int64
				w.store = &hooked{Backend: intercept.New(w.store.Backend, func(ctx context.Context, made intercept.Method, next func(context.Context) error) error {
					if made == m && calls.Add(1) == 3 {
						<-ctx.Done()
						return ctx.Err()
					}
					return next(ctx)
				})}
				w.worker(Options{Roles: WorkflowsOnly}, chainOf(3))
				w.worker(Options{Roles: ActivitiesOnly}, act(func(context.Context) (int, error) {
					sleep(time.Minute)
					return 1, nil
				}))
				start := time.Now()
				equal(w, "result", result[int](w, w.start("i", "wf")), 3)
				if d := time.Since(start); d > 3*time.Minute+15*time.Second {
					t.Errorf("it took %v", d)
				}
				equal(w, "leases lost", len(w.log.matching("lease lost")), 0)
			})
		})
	}
}

// A worker that is cut off for longer than its lease stops what it runs before the
// store gives it to another one, says so once, and commits nothing when it is back.
func TestCutOffForLongerThanTheLease(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		for _, row := range []bool{false, true} {
			t.Run(fmt.Sprintf("hangs %v, with a row %v", hangs, row), func(t *testing.T) {
				inWorld(t, func(w *world) { cutOff(w, hangs, row) })
			})
		}
	}
}

func cutOff(w *world, hangs, row bool) {
	const lease = 10 * time.Second
	store := w.store
	g := w.gated()
	near := w.store
	w.store = store
	first, second := Options{LeaseDuration: lease}, Options{}
	if row {
		w.worker(Options{Roles: WorkflowsOnly}, with(attempts(2)))
		first.Roles, second.Roles = ActivitiesOnly, ActivitiesOnly
	}
	w.store = near
	start := time.Now()
	var told atomic.Value
	w.worker(first, with(attempts(2)), act(func(ctx context.Context) (int, error) {
		<-ctx.Done()
		told.Store(context.Cause(ctx))
		if d := time.Since(start); d >= lease {
			w.Errorf("it was told after %v", d)
		}
		return 1, nil
	}))
	w.store = store
	i := w.start("i", "wf")
	synctest.Wait()
	g.shut.Store(!hangs)
	g.hangs.Store(hangs)
	w.worker(second, with(attempts(2)), act(func(context.Context) (int, error) {
		sleep(10 * time.Second)
		return 2, nil
	}))
	w.pass(lease + 5*time.Second) // it has taken over
	near.set(func(s *hooked) {
		s.after = func(c *backend.WorkflowCommit) error { w.Errorf("a commit of %s was applied", c.Instance); return nil }
		s.activityAfter = func(c *backend.ActivityCommit) error {
			w.Errorf("a commit of an activity of %s was applied", c.Instance)
			return nil
		}
	})
	g.shut.Store(false)
	g.hangs.Store(false)
	got := result[int](w, i)
	if cause, _ := told.Load().(error); !errors.Is(cause, activity.ErrLeaseLost) {
		w.Errorf("the activity was told %v", cause)
	}
	equal(w, "results in the history", len(bodies[history.ActivityCompleted](w, i)), 1)
	if row { // what the first returned is worth nothing, for its row is another's
		equal(w, "result", got, 2)
	}
	if lines := w.log.matching("lease lost"); len(lines) != 1 || !strings.Contains(lines[0], i.String()) {
		w.Errorf("the log says %q", lines)
	}
}

// chainOf is a workflow of n activities, one after another.
func chainOf(n int) named {
	return named{"wf", func(ctx workflow.Context) (int, error) {
		sum := 0
		for range n {
			one, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
			if err != nil {
				return 0, err
			}
			sum += one
		}
		return sum, nil
	}}
}
