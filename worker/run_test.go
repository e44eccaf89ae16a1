package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// caught returns what an activity with options failed with.
func caught(o workflow.ActivityOptions) named {
	return named{"wf", func(ctx workflow.Context) (string, error) {
		start := workflow.Now(ctx)
		_, err := workflow.ExecuteActivity[int](ctx, o, "act").Get(ctx)
		took := workflow.Now(ctx).Sub(start).Round(time.Second)
		return fmt.Sprintf("%v after %v", errors.Is(err, engine.ErrTimeout), took), nil
	}}
}

// Each timeout ends the attempt, or all of them, also if the function does not heed
// its context.
func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		name    string
		options workflow.ActivityOptions
		runs    int32
		want    string
		cause   error
	}{
		{"StartToClose", workflow.ActivityOptions{StartToClose: 5 * time.Second}, 1, "true after 5s", activity.ErrTimedOut},
		{
			"StartToClose of each attempt",
			workflow.ActivityOptions{StartToClose: 5 * time.Second, RetryOptions: workflow.RetryOptions{MaxAttempts: 3}},
			3, "true after 15s", activity.ErrTimedOut,
		},
		{"Heartbeat", workflow.ActivityOptions{Heartbeat: 4 * time.Second}, 1, "true after 4s", activity.ErrTimedOut},
		{
			"ScheduleToClose", workflow.ActivityOptions{ScheduleToClose: 12 * time.Second, StartToClose: 5 * time.Second, RetryOptions: workflow.RetryOptions{MaxAttempts: 9}},
			3, "true after 12s", activity.ErrTimedOut,
		},
	} {
		for _, roles := range []Roles{WorkflowsAndActivities, WorkflowsOnly} {
			for _, heeds := range []bool{true, false} {
				t.Run(fmt.Sprint(c.name, " roles ", roles, " heeds ", heeds), func(t *testing.T) {
					inWorld(t, func(w *world) {
						var runs atomic.Int32
						var cause error
						free := make(chan struct{})
						f := act(func(ctx context.Context) (int, error) {
							runs.Add(1)
							if heeds {
								<-ctx.Done()
								cause = context.Cause(ctx)
								return 0, ctx.Err()
							}
							<-free
							return 7, nil
						})
						w.worker(Options{Roles: roles}, caught(c.options), f)
						if roles == WorkflowsOnly {
							w.worker(Options{Roles: ActivitiesOnly}, f)
						}
						equal(w, "result", result[string](w, w.start("i", "wf")), c.want)
						equal(w, "runs", runs.Load(), c.runs)
						close(free)
						w.pass(15 * time.Second)
						if heeds && !errors.Is(cause, c.cause) && !errors.Is(cause, activity.ErrCanceled) {
							t.Errorf("the activity was told %v", cause)
						}
						for _, x := range w.all {
							equal(w, "slots in use", x.acts.count(), 0)
						}
					})
				})
			}
		}
	}
}

// An activity that nobody starts in time fails.
func TestScheduleToStart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{Roles: WorkflowsOnly}, caught(workflow.ActivityOptions{ScheduleToStart: 8 * time.Second}))
		equal(w, "result", result[string](w, w.start("i", "wf")), "true after 8s")
	})
	inWorld(t, func(w *world) {
		w.worker(Options{Roles: WorkflowsOnly}, caught(workflow.ActivityOptions{ScheduleToStart: 8 * time.Second}))
		w.worker(Options{Roles: ActivitiesOnly}, sleeping(time.Minute))
		equal(w, "one that was started", result[string](w, w.start("i", "wf")), "false after 1m0s")
	})
}

// Heartbeats keep an activity alive, and what they report reaches the next attempt,
// also if the worker was lost.
func TestHeartbeatDetails(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("lost ", lost), func(t *testing.T) {
			inWorld(t, func(w *world) {
				o := attempts(2)
				o.Heartbeat = 3 * time.Second
				f := act(func(ctx context.Context) (int, error) {
					if n, ok, err := activity.LastHeartbeat[int](ctx); ok || err != nil {
						return n, err
					}
					for n := range 10 {
						if err := activity.Heartbeat(ctx, n+1); err != nil {
							return 0, err
						}
						sleep(2 * time.Second)
					}
					if lost {
						<-ctx.Done()
					}
					return 0, errors.New("again")
				})
				w.worker(Options{Roles: WorkflowsOnly}, with(o))
				first := w.worker(Options{Roles: ActivitiesOnly, LeaseDuration: 5 * time.Second}, f)
				i := w.start("i", "wf")
				if lost {
					w.pass(19 * time.Second)
					w.kill(first)
					w.worker(Options{Roles: ActivitiesOnly}, f)
				}
				equal(w, "details", result[int](w, i), 10)
			})
		})
	}
}

// Details of an activity without a heartbeat timeout are there for the next attempt
// at this worker.
func TestLocalHeartbeatDetails(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{}, with(attempts(2)), act(func(ctx context.Context) (int, error) {
			if n, ok, err := activity.LastHeartbeat[int](ctx); ok || err != nil {
				return n, err
			}
			return 0, errors.Join(activity.Heartbeat(ctx, 42), errors.New("again"))
		}))
		i := w.start("i", "wf")
		equal(w, "details", result[int](w, i), 42)
		equal(w, "rows", len(rowsOf(w, i)), 0)
	})
}

// What an activity does to its goroutine stays its own affair.
func TestActivitiesThatMisbehave(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(context.Context) (int, error)
		want string
	}{
		{"panics", func(context.Context) (int, error) { panic("ouch") }, "panic: ouch"},
		{"ends its goroutine", func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, "runtime.Goexit"},
	} {
		for _, roles := range []Roles{WorkflowsAndActivities, WorkflowsOnly} {
			t.Run(fmt.Sprint(c.name, " roles ", roles), func(t *testing.T) {
				inWorld(t, func(w *world) {
					var runs atomic.Int32
					f := act(func(ctx context.Context) (int, error) { runs.Add(1); return c.f(ctx) })
					w.worker(Options{Roles: roles}, with(attempts(3)), f)
					if roles == WorkflowsOnly {
						w.worker(Options{Roles: ActivitiesOnly}, f)
					}
					i := w.start("i", "wf")
					synctest.Wait()
					failed := bodies[history.ActivityFailed](w, i)
					equal(w, "failures", len(failed), 1)
					equal(w, "runs", runs.Load(), 1)
					if msg := failed[0].Failure.Message; !strings.Contains(msg, c.want) {
						t.Errorf("failed with %q", msg)
					}
					for _, x := range w.all {
						equal(w, "slots in use", x.acts.count(), 0)
					}
				})
			})
		}
	}
}

// An activity knows what it is.
func TestActivityInfo(t *testing.T) {
	for _, roles := range []Roles{WorkflowsAndActivities, WorkflowsOnly} {
		t.Run(fmt.Sprint("roles ", roles), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var got activity.Task
				f := act(func(ctx context.Context) (int, error) { got = activity.Info(ctx); return 0, nil })
				o := attempts(1)
				o.ID, o.StartToClose = "id", time.Minute
				w.worker(Options{Roles: roles, WorkerID: "x"}, with(o), f)
				if roles == WorkflowsOnly {
					w.worker(Options{Roles: ActivitiesOnly, WorkerID: "x2"}, f)
				}
				now := time.Now()
				i := w.start("i", "wf")
				result[int](w, i)
				want := activity.Task{
					Instance: *i, Workflow: "wf", Activity: "act", ID: "id", Ref: 1, Attempt: 1, Queue: engine.QueueDefault,
					Worker: got.Worker, Build: "build",
				}
				if !got.Scheduled.Equal(now) || !got.Started.Equal(now) || !got.Deadline.Equal(now.Add(time.Minute)) || got.Worker == "" {
					t.Errorf("times of %+v, now is %v", got, now)
				}
				got.Scheduled, got.Started, got.Deadline = time.Time{}, time.Time{}, time.Time{}
				equal(w, "task", got, want)
			})
		})
	}
}
