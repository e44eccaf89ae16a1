package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
)

// An attempt that Stop gives away has started once: the time that it may wait for a
// start is not counted again.
func TestGivenAwayAttemptsHaveStarted(t *testing.T) {
	inWorld(t, func(w *world) {
		o := attempts(1)
		o.ScheduleToStart = 5 * time.Second
		first := w.worker(Options{}, with(o), act(func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}))
		i := w.start("i", "wf")
		w.pass(time.Minute)
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		var cut *CutOffError
		if err := first.Stop(ctx); !errors.As(err, &cut) {
			w.Fatalf("Stop answered %v", err)
		}
		equal(w, "timers", len(w.pending(i).Timers), 0)
		w.worker(Options{}, with(o), act(func(ctx context.Context) (int, error) { return 7, nil }))
		equal(w, "result", result[int](w, i), 7)
	})
}

// What an activity returns while Stop is giving it away keeps it from being run
// again.
func TestResultDuringTheHandOver(t *testing.T) {
	inWorld(t, func(w *world) {
		var runs atomic.Int32
		ends := make(chan struct{})
		first := w.worker(Options{}, once1, act(func(context.Context) (int, error) {
			<-ends
			return int(runs.Add(1)), nil
		}))
		i := w.start("i", once1)
		synctest.Wait()
		w.store.set(func(s *hooked) {
			s.before = func(c *backend.WorkflowCommit) error {
				s.clear()
				close(ends)
				sleep(time.Second)
				return nil
			}
		})
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		if err := first.Stop(ctx); err == nil {
			w.Fatal("nothing was cut off")
		}
		equal(w, "inbox", len(w.pending(i).Inbox), 1)
		w.worker(Options{Roles: WorkflowsOnly}, once1)
		equal(w, "result", result[int](w, i), 1)
		equal(w, "activity rows that are left", len(w.pending(i).Activities), 0)
	})
}

// Stop waits for results of instances that the worker has lost: nobody else knows
// them.
func TestStopWaitsForResultsOfLostInstances(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.worker(Options{}, once1, act(func(ctx context.Context) (int, error) {
			<-ctx.Done()
			sleep(time.Second)
			return 7, nil
		}))
		i := w.start("i", once1)
		synctest.Wait()
		w.store.set(func(s *hooked) {
			s.deliver = func(*backend.Delivery) error {
				sleep(time.Second)
				return nil
			}
		})
		x.holds.all()[0].lose(nil)
		if err := x.Stop(w.Context()); err != nil {
			w.Fatal(err)
		}
		equal(w, "inbox", len(w.pending(i).Inbox), 1)
	})
}

// Details that an activity reported just before it failed, or before its worker
// stopped, are there for the next attempt.
func TestDetailsReportedLast(t *testing.T) {
	for _, stops := range []bool{false, true} {
		t.Run(fmt.Sprint("the worker stops ", stops), func(t *testing.T) {
			inWorld(t, func(w *world) {
				o := attempts(2)
				o.Heartbeat = time.Minute
				f := act(func(ctx context.Context) (int, error) {
					if n, ok, err := activity.LastHeartbeat[int](ctx); ok || err != nil {
						return n, err
					}
					err := activity.Heartbeat(ctx, 42)
					if stops {
						<-ctx.Done()
					}
					return 0, errors.Join(err, errors.New("again"))
				})
				w.worker(Options{Roles: WorkflowsOnly}, with(o))
				first := w.worker(Options{Roles: ActivitiesOnly}, f)
				i := w.start("i", "wf")
				synctest.Wait()
				if stops {
					ctx, cancel := context.WithCancel(w.Context())
					cancel()
					if err := first.Stop(ctx); err == nil {
						w.Fatal("nothing was cut off")
					}
					w.worker(Options{Roles: ActivitiesOnly}, f)
				}
				equal(w, "details", result[int](w, i), 42)
			})
		})
	}
}

// slowHeartbeats takes its time to answer.
type slowHeartbeats struct{ backend.Backend }

func (s slowHeartbeats) Heartbeat(ctx context.Context, b backend.Worker) error {
	err := s.Backend.Heartbeat(ctx, b)
	time.Sleep(heartbeatEvery - time.Second) //nolint:forbidigo // it takes no time
	return err
}

// The heartbeat that says that a worker has stopped is its last.
func TestStoppedIsTheLastHeartbeat(t *testing.T) {
	inWorld(t, func(w *world) {
		w.store.Backend = slowHeartbeats{w.store.Backend}
		x := w.worker(Options{})
		w.pass(3*heartbeatEvery - 2*time.Second) // the next one is due during the last one
		if err := x.Stop(w.Context()); err != nil {
			w.Fatal(err)
		}
		left, err := w.store.Workers(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		equal(w, "workers", len(left), 0)
	})
}
