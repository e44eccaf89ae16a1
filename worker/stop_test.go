package worker

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// Stop lets what runs end, and then everything is given back.
func TestStopLetsActivitiesEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			n, err := workflow.ExecuteActivity[int](ctx, attempts(1), "act").Get(ctx)
			if err != nil {
				return 0, err
			}
			m, err := workflow.ExecuteActivity[int](ctx, attempts(1), "act").Get(ctx)
			return n + m, err
		}}
		slow := act(func(context.Context) (int, error) {
			sleep(time.Minute)
			return 1, nil
		})
		first := w.worker(Options{WorkerID: "first"}, wf, slow)
		i := w.start("i", "wf")
		synctest.Wait()
		start := time.Now()
		if err := first.Stop(w.Context()); err != nil {
			t.Fatal(err)
		}
		equal(w, "time to stop", time.Since(start), time.Minute)
		equal(w, "results in history", len(bodies[history.ActivityCompleted](w, i)), 1)
		equal(w, "held", w.pending(i).Holder, "")
		p := w.pending(i)
		equal(w, "the next activity has a row", len(p.Activities), 1)
		workers, err := w.store.Workers(w.Context())
		if err != nil || len(workers) != 0 {
			t.Errorf("workers after Stop: %+v, %v", workers, err)
		}
		w.worker(Options{}, wf, slow)
		equal(w, "result", result[int](w, i), 2)
	})
}

// What is not done by the deadline is told to stop, and starts elsewhere at once, as
// the same attempt.
func TestStopCutsOff(t *testing.T) {
	for _, roles := range []Roles{WorkflowsAndActivities, ActivitiesOnly} {
		t.Run(map[Roles]string{WorkflowsAndActivities: "local", ActivitiesOnly: "row"}[roles], func(t *testing.T) {
			inWorld(t, func(w *world) {
				var cause atomic.Value
				hang := act(func(ctx context.Context) (int, error) {
					<-ctx.Done()
					cause.Store(context.Cause(ctx))
					return 0, ctx.Err()
				})
				if roles == ActivitiesOnly {
					w.worker(Options{Roles: WorkflowsOnly}, with(attempts(1)))
				}
				first := w.worker(Options{Roles: roles}, with(attempts(1)), hang)
				i := w.start("i", "wf")
				synctest.Wait()
				ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				err := first.Stop(ctx)
				var cut *CutOffError
				if !errors.As(err, &cut) || len(cut.Activities) != 1 || !strings.Contains(err.Error(), "act of i/") {
					t.Fatalf("Stop: %v", err)
				}
				equal(w, "time to stop", time.Since(start), 10*time.Second)
				synctest.Wait() // Stop does not wait until the function has heard of it
				if err, _ := cause.Load().(error); !errors.Is(err, activity.ErrShutdown) {
					t.Errorf("the activity was told %v", err)
				}
				w.worker(Options{}, with(attempts(1)), act(func(ctx context.Context) (int, error) {
					return activity.Info(ctx).Attempt, nil
				}))
				equal(w, "attempt", result[int](w, i), 1)
				equal(w, "takeover", time.Since(start) < 11*time.Second, true)
			})
		})
	}
}

// A worker that gives a lost row back has accounted for the attempt that was lost,
// whether it was running the next one or had just claimed the row.
func TestRule13LostRowGivenBack(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(map[bool]string{false: "running", true: "just claimed"}[late], func(t *testing.T) {
			inWorld(t, func(w *world) {
				hang := act(func(ctx context.Context) (int, error) {
					<-ctx.Done()
					return 0, ctx.Err()
				})
				w.worker(Options{Roles: WorkflowsOnly}, with(attempts(2)))
				first := w.worker(Options{Roles: ActivitiesOnly, WorkerID: "first", LeaseDuration: 5 * time.Second}, hang)
				i := w.start("i", "wf")
				synctest.Wait()
				left := first.rows.all()[0]
				defer left.stop(activity.ErrLeaseLost)
				w.kill(first)
				second := w.worker(Options{Roles: ActivitiesOnly, WorkerID: "second"}, hang)
				if late {
					w.store.set(func(s *hooked) {
						s.claimActivities = func(*backend.ActivityClaim) error {
							for !second.cutoff.Load() {
								sleep(100 * time.Millisecond)
							}
							return nil
						}
					})
				}
				w.pass(8 * time.Second) // it claims, or is about to
				ctx, cancel := context.WithTimeout(w.Context(), time.Second)
				defer cancel()
				equal(w, "something was cut off", second.Stop(ctx) != nil, !late)
				w.store.clear()
				row := w.pending(i).Activities[0]
				equal(w, "attempt of the row", row.Attempt, 2)
				equal(w, "its last error tells of the worker", strings.Contains(row.LastError, "first"), true)
				w.worker(Options{Roles: ActivitiesOnly}, act(func(ctx context.Context) (int, error) {
					return activity.Info(ctx).Attempt, nil
				}))
				equal(w, "result", result[int](w, i), 2)
				lost := bodies[history.ActivityAttemptFailed](w, i)
				if len(lost) != 1 || lost[0].Run.Worker != "first" || lost[0].Run.Attempt != 1 {
					t.Errorf("history tells of the failed attempts %+v", lost)
				}
			})
		})
	}
}

// An activity that ignores its context does not keep Stop.
func TestStopLeavesTheDeafBehind(t *testing.T) {
	inWorld(t, func(w *world) {
		free := make(chan struct{})
		first := w.worker(Options{StopTimeout: time.Second}, with(attempts(1)), act(func(context.Context) (int, error) {
			<-free
			return 1, nil
		}))
		i := w.start("i", "wf")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		var cut *CutOffError
		if err := first.Stop(ctx); !errors.As(err, &cut) {
			t.Errorf("Stop: %v", err)
		}
		close(free)
		w.worker(Options{}, with(attempts(1)), act(func(context.Context) (int, error) { return 2, nil }))
		equal(w, "result", result[int](w, i), 2)
	})
}

// The end of Start's context stops the worker too.
func TestStopByContext(t *testing.T) {
	inWorld(t, func(w *world) {
		x := New(w.store, &Options{BuildID: "b", StopTimeout: 7 * time.Second})
		must(t, x.RegisterWorkflow(with(attempts(1)).fn))
		ctx, cancel := context.WithCancel(w.Context())
		must(t, x.Start(ctx))
		cancel()
		must(t, x.WaitForCompletion())
		if err := x.Start(w.Context()); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Start after Stop: %v", err)
		}
		must(t, x.Stop(w.Context()))
	})
}

// A worker that was never started can be stopped.
func TestStopBeforeStart(t *testing.T) {
	inWorld(t, func(w *world) {
		x := New(w.store, nil)
		must(t, x.Stop(w.Context()))
		must(t, x.WaitForCompletion())
	})
}

// A store that does not answer does not keep Stop for ever.
func TestStopWithADeadStore(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.worker(Options{}, once1, act(func(context.Context) (int, error) { return 1, nil }))
		w.store.set(func(s *hooked) {
			s.before = func(*backend.WorkflowCommit) error { return errCut }
		})
		w.start("i", once1)
		w.pass(time.Second)
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_ = x.Stop(ctx)
		if d := time.Since(start); d > 7*time.Second {
			t.Errorf("Stop took %v", d)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
