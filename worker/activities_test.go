package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// with runs one activity with options.
func with(o workflow.ActivityOptions) named {
	return named{"wf", func(ctx workflow.Context) (int, error) {
		return workflow.ExecuteActivity[int](ctx, o, "act").Get(ctx)
	}}
}

// attempts returns options that allow n attempts.
func attempts(n int) workflow.ActivityOptions {
	return workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: n}}
}

// rowsOf are the activity rows that an instance's commits wrote.
func rowsOf(w *world, i *engine.Instance) (rows []backend.ActivityRow) {
	for _, c := range w.store.seen(i) {
		rows = append(rows, c.AddActivities...)
	}
	return rows
}

// An activity that runs where it was scheduled has no row. The instance counts it,
// and when the worker vanishes the next holder runs it again as the next attempt.
func TestRule08TakeoverOfLocalActivities(t *testing.T) {
	inWorld(t, func(w *world) {
		hang := act(func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		first := w.worker(Options{WorkerID: "first", LeaseDuration: 10 * time.Second}, with(attempts(3)), hang)
		i := w.start("i", "wf")
		synctest.Wait()
		equal(w, "rows", len(rowsOf(w, i)), 0)
		equal(w, "running at the holder", w.summary(i).Local, 1)

		held := first.holds.all()[0]
		w.kill(first)
		start := time.Now()
		w.worker(Options{WorkerID: "second"}, with(attempts(3)), act(func(ctx context.Context) (int, error) {
			return activity.Info(ctx).Attempt, nil
		}))
		equal(w, "attempt", result[int](w, i), 2)
		if d := time.Since(start); d > 12*time.Second {
			w.Errorf("the takeover took %v with a lease of 10 s", d)
		}
		failed := bodies[history.ActivityAttemptFailed](w, i)
		equal(w, "failed attempts", len(failed), 1)
		equal(w, "lost attempt", failed[0].Run.Attempt, 1)
		equal(w, "worker that lost it", failed[0].Run.Worker, "first")
		if err := engine.Sentinels(nil).Bind(failed[0].Failure); !errors.Is(err, engine.ErrWorkerLost) {
			w.Errorf("the attempt failed with %v", err)
		}
		held.lose(nil) // ends the activity that the dead worker left over
	})
}

// An activity that takes its process down each time uses up its attempts.
func TestRule08LostAttemptsAreUsedUp(t *testing.T) {
	for _, c := range []struct {
		name        string
		maxAttempts int
		want        int
	}{{"as many as allowed", 2, 2}, {"three if nothing is said", 0, 3}} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				wf := named{"wf", func(ctx workflow.Context) (string, error) {
					_, err := workflow.ExecuteActivity[int](ctx, attempts(c.maxAttempts), "act").Get(ctx)
					return fmt.Sprint(errors.Is(err, engine.ErrWorkerLost)), nil
				}}
				var runs atomic.Int32
				var ends []func()
				hang := act(func(ctx context.Context) (int, error) {
					runs.Add(1)
					<-ctx.Done()
					return 0, ctx.Err()
				})
				i := w.start("i", "wf")
				for range c.want {
					x := w.worker(Options{LeaseDuration: 2 * time.Second}, wf, hang)
					w.pass(3 * time.Second)
					held := x.holds.all()[0]
					w.kill(x)
					ends = append(ends, func() { held.lose(nil) })
				}
				w.worker(Options{}, wf, hang)
				equal(w, "result", result[string](w, i), "true")
				equal(w, "runs", int(runs.Load()), c.want)
				for _, end := range ends {
					end()
				}
			})
		})
	}
}

// What is unresolved, has no row and no answer was lost; but the answer may stand
// behind more inbox rows than one claim shows.
func TestRule08WaitsForTheWholeInbox(t *testing.T) {
	inWorld(t, func(w *world) {
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			return workflow.ExecuteActivity[int](ctx, attempts(3), "act").Get(ctx)
		}}
		var runs atomic.Int32
		release := make(chan struct{})
		slow := act(func(context.Context) (int, error) {
			n := runs.Add(1)
			<-release
			return int(n), nil
		})
		first := w.worker(Options{LeaseDuration: 2 * time.Second}, wf, slow)
		i := w.start("i", "wf")
		synctest.Wait()
		w.kill(first)
		for range backend.MaxInbox + 200 {
			w.signal("i", "noise", 1)
		}
		w.deliver(i, history.Event{At: time.Now(), Ref: 1, Body: history.ActivityCompleted{Result: []byte("42")}})
		w.worker(Options{}, wf, slow)
		equal(w, "result", result[int](w, i), 42)
		equal(w, "runs", runs.Load(), 1)
		close(release)
		synctest.Wait()
	})
}

// A row is written when another worker shall run it, when it waits for a retry and
// when it reports details.
func TestRule09WhenThereIsARow(t *testing.T) {
	other := attempts(1)
	other.Queue = "other"
	delayed := attempts(2)
	delayed.RetryOptions.FirstRetryInterval = time.Minute
	beating := attempts(1)
	beating.Heartbeat = time.Minute
	for _, c := range []struct {
		name    string
		options workflow.ActivityOptions
		roles   Roles
		rows    int
	}{
		{"here", attempts(1), WorkflowsAndActivities, 0},
		{"a retry without delay", attempts(2), WorkflowsAndActivities, 0},
		{"another queue", other, WorkflowsAndActivities, 1},
		{"this worker runs workflows only", attempts(1), WorkflowsOnly, 1},
		{"waits for a retry", delayed, WorkflowsAndActivities, 1},
		{"heartbeats", beating, WorkflowsAndActivities, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				f := act(func(ctx context.Context) (int, error) {
					if n := activity.Info(ctx).Attempt; n < c.options.RetryOptions.MaxAttempts {
						return 0, errors.New("again")
					}
					return activity.Info(ctx).Attempt, nil
				})
				w.worker(Options{Roles: c.roles}, with(c.options), f)
				w.worker(Options{
					Roles: ActivitiesOnly, ActivityWorkerOptions: ActivityWorkerOptions{ActivityQueues: []engine.Queue{"other", engine.QueueDefault}},
				}, f)
				i := w.start("i", "wf")
				equal(w, "attempt", result[int](w, i), c.options.RetryOptions.MaxAttempts)
				equal(w, "rows", len(rowsOf(w, i)), c.rows)
			})
		})
	}
}

// While rows wait in the queue, what is scheduled now goes to its end.
func TestRule10OlderRowsFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		var order []string
		wf := named{"wf", func(ctx workflow.Context, name string) (int, error) {
			return workflow.ExecuteActivity[int](ctx, attempts(1), "act", name).Get(ctx)
		}}
		slow := named{"act", func(_ context.Context, name string) (int, error) {
			order = append(order, name)
			sleep(time.Minute)
			return 0, nil
		}}
		only := w.worker(Options{Roles: WorkflowsOnly}, wf)
		var old []*engine.Instance
		for n := range 3 {
			old = append(old, w.start(fmt.Sprint("old", n), "wf", "old"))
		}
		synctest.Wait()
		if err := only.Stop(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.worker(Options{ActivityWorkerOptions: ActivityWorkerOptions{MaxParallelActivityTasks: 1}}, wf, slow)
		i := w.start("new", "wf", "new")
		for _, i := range append(old, i) {
			result[int](w, i)
		}
		if want := []string{"old", "old", "old", "new"}; !slices.Equal(order, want) {
			w.Errorf("the order was %v", order)
		}
	})
}

// Two workers can both finish an activity. The second result is consumed, and
// changes nothing.
func TestRule11SecondResult(t *testing.T) {
	inWorld(t, func(w *world) {
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			n, err := workflow.ExecuteActivity[int](ctx, attempts(1), "act").Get(ctx)
			workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
			return n, err
		}}
		w.worker(Options{}, wf, act(func(context.Context) (int, error) { return 1, nil }))
		i := w.start("i", "wf")
		synctest.Wait()
		w.deliver(i, history.Event{At: time.Now(), Ref: 1, Body: history.ActivityCompleted{Result: []byte("2")}})
		w.deliver(i, history.Event{At: time.Now(), Ref: 1, Body: history.ActivityFailed{Failure: &engine.Failure{Message: "no"}}})
		synctest.Wait()
		equal(w, "inbox", len(w.pending(i).Inbox), 0)
		w.signal("i", "go", 1)
		equal(w, "result", result[int](w, i), 1)
	})
}

// cancelable waits for an activity or a signal, and cancels the activity then.
func cancelable(o workflow.ActivityOptions) named {
	return named{"wf", func(ctx workflow.Context) (string, error) {
		actx, cancel := workflow.WithCancel(ctx)
		f := workflow.ExecuteActivity[int](actx, o, "act")
		workflow.NewSignalChannel[int](ctx, "cancel").Receive(ctx)
		cancel()
		_, err := f.Get(ctx)
		workflow.NewSignalChannel[int](ctx, "end").Receive(ctx)
		return fmt.Sprint(errors.Is(err, workflow.Canceled)), nil
	}}
}

// Canceling an activity resolves its future at once. The function sees its context
// canceled, and what it returns is dropped.
func TestRule12Cancel(t *testing.T) {
	for _, roles := range []Roles{WorkflowsAndActivities, WorkflowsOnly} {
		t.Run(fmt.Sprint("roles ", roles), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var cause error
				f := act(func(ctx context.Context) (int, error) {
					<-ctx.Done()
					cause = context.Cause(ctx)
					return 1, nil
				})
				w.worker(Options{Roles: roles}, cancelable(attempts(3)), f)
				if roles == WorkflowsOnly {
					w.worker(Options{Roles: ActivitiesOnly}, f)
				}
				i := w.start("i", "wf")
				synctest.Wait()
				w.signal("i", "cancel", 1)
				w.pass(15 * time.Second) // a row's holder learns of it when it prolongs its lease
				if !errors.Is(cause, activity.ErrCanceled) {
					w.Errorf("the function was told %v", cause)
				}
				w.signal("i", "end", 1)
				equal(w, "result", result[string](w, i), "true")
				if got := bodies[history.ActivityCompleted](w, i); len(got) != 0 {
					w.Errorf("the late result is in history: %v", got)
				}
			})
		})
	}
}

// A canceled activity whose outcome waits in the mailbox leaves nothing.
func TestRule12OutcomeOfACanceledActivity(t *testing.T) {
	inWorld(t, func(w *world) {
		finish := make(chan struct{})
		w.worker(Options{}, cancelable(attempts(3)), act(func(context.Context) (int, error) {
			<-finish
			return 0, errors.New("again")
		}))
		i := w.start("i", "wf")
		synctest.Wait()
		w.store.set(func(s *hooked) {
			s.before = func(c *backend.WorkflowCommit) error {
				close(finish) // the outcome comes in while the step that cancels is being committed
				s.clear()
				sleep(time.Second)
				return nil
			}
		})
		w.signal("i", "cancel", 1)
		w.pass(2 * time.Second)
		equal(w, "running at the holder", w.summary(i).Local, 0)
		w.signal("i", "end", 1)
		equal(w, "result", result[string](w, i), "true")
		equal(w, "failed attempts in history", len(bodies[history.ActivityAttemptFailed](w, i)), 0)
	})
}

// The final commit ends what is still running.
func TestRule12FinalCommit(t *testing.T) {
	for _, roles := range []Roles{WorkflowsAndActivities, WorkflowsOnly} {
		t.Run(fmt.Sprint("roles ", roles), func(t *testing.T) {
			inWorld(t, func(w *world) {
				wf := named{"wf", func(ctx workflow.Context) (int, error) {
					workflow.ExecuteActivity[int](ctx, attempts(3), "act")
					workflow.NewSignalChannel[int](ctx, "end").Receive(ctx)
					return 1, nil
				}}
				var cause error
				f := act(func(ctx context.Context) (int, error) {
					<-ctx.Done()
					cause = context.Cause(ctx)
					return 1, nil
				})
				w.worker(Options{Roles: roles}, wf, f)
				if roles == WorkflowsOnly {
					w.worker(Options{Roles: ActivitiesOnly}, f)
				}
				i := w.start("i", "wf")
				synctest.Wait()
				w.signal("i", "end", 1)
				equal(w, "result", result[int](w, i), 1)
				w.pass(15 * time.Second)
				if !errors.Is(cause, activity.ErrCanceled) {
					w.Errorf("the function was told %v", cause)
				}
				equal(w, "abandoned work was logged", len(w.log.matching("still pending")), 1)
			})
		})
	}
}

// Each failed attempt is an event, and runs no workflow code.
func TestRule13FailedAttempts(t *testing.T) {
	for _, roles := range []Roles{WorkflowsAndActivities, WorkflowsOnly} {
		t.Run(fmt.Sprint("roles ", roles), func(t *testing.T) {
			inWorld(t, func(w *world) {
				f := act(func(ctx context.Context) (int, error) {
					n := activity.Info(ctx).Attempt
					if n < 4 {
						return 0, fmt.Errorf("attempt %d", n)
					}
					return n, nil
				})
				o := attempts(5)
				o.RetryOptions.FirstRetryInterval, o.RetryOptions.BackoffCoefficient = time.Second, 2
				w.worker(Options{Roles: roles, WorkerID: "worker"}, with(o), f)
				if roles == WorkflowsOnly {
					w.worker(Options{Roles: ActivitiesOnly, WorkerID: "worker2"}, f)
				}
				start := time.Now()
				i := w.start("i", "wf")
				equal(w, "attempt", result[int](w, i), 4)
				if d := time.Since(start).Truncate(time.Second); d != 7*time.Second {
					w.Errorf("1 s + 2 s + 4 s of backoff took %v", d)
				}
				failed := bodies[history.ActivityAttemptFailed](w, i)
				equal(w, "failed attempts", len(failed), 3)
				for n, b := range failed {
					equal(w, "attempt", b.Run.Attempt, n+1)
					equal(w, "message", b.Failure.Message, fmt.Sprintf("attempt %d", n+1))
					if b.Run.Started.IsZero() || b.Run.Scheduled.IsZero() || b.Run.Worker == "" || b.Run.Build != "build" || !b.Next.After(b.Run.Started) {
						w.Errorf("run %+v, next %v", b.Run, b.Next)
					}
				}
				equal(w, "attempt of the result", bodies[history.ActivityCompleted](w, i)[0].Run.Attempt, 4)
			})
		})
	}
}

// A row whose worker vanished is run again as the next attempt, and the lost one is
// accounted for.
func TestLostRow(t *testing.T) {
	for _, c := range []struct {
		name     string
		attempts int
		failed   bool
	}{{"again", 2, false}, {"used up", 1, true}} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				wf := named{"wf", func(ctx workflow.Context) (string, error) {
					n, err := workflow.ExecuteActivity[int](ctx, attempts(c.attempts), "act").Get(ctx)
					return fmt.Sprint(n, errors.Is(err, engine.ErrWorkerLost)), nil
				}}
				w.worker(Options{Roles: WorkflowsOnly}, wf)
				first := w.worker(Options{Roles: ActivitiesOnly, WorkerID: "first", LeaseDuration: 5 * time.Second}, act(func(ctx context.Context) (int, error) {
					<-ctx.Done()
					return 0, ctx.Err()
				}))
				i := w.start("i", "wf")
				synctest.Wait()
				left := first.rows.all()[0]
				w.kill(first)
				w.worker(Options{Roles: ActivitiesOnly}, act(func(ctx context.Context) (int, error) {
					return activity.Info(ctx).Attempt, nil
				}))
				got := result[string](w, i)
				if c.failed {
					equal(w, "result", got, "0 true")
				} else {
					equal(w, "result", got, "2 false")
					equal(w, "lost attempts", bodies[history.ActivityAttemptFailed](w, i)[0].Run.Worker, "first")
				}
				left.stop(activity.ErrLeaseLost)
				synctest.Wait()
			})
		})
	}
}

// A commit of an activity is sent again while its outcome is unknown; one that was
// applied is refused the second time, and that is as good.
func TestActivityCommitOfUnknownOutcome(t *testing.T) {
	for _, applied := range []bool{false, true} {
		t.Run(fmt.Sprint("applied ", applied), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var runs atomic.Int32
				w.worker(Options{Roles: WorkflowsOnly}, with(attempts(1)))
				w.worker(Options{Roles: ActivitiesOnly}, act(func(context.Context) (int, error) { return int(runs.Add(1)), nil }))
				n := 0
				fail := func(*backend.ActivityCommit) error {
					if n++; n <= 3 {
						return errCut
					}
					return nil
				}
				w.store.set(func(s *hooked) {
					if applied {
						s.activityAfter = fail
					} else {
						s.activity = fail
					}
				})
				i := w.start("i", "wf")
				equal(w, "result", result[int](w, i), 1)
				w.pass(time.Second)
				equal(w, "runs", runs.Load(), 1)
				equal(w, "results in history", len(bodies[history.ActivityCompleted](w, i)), 1)
			})
		})
	}
}
