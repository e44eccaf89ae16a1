package worker

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// once1 runs one activity.
func once1(ctx workflow.Context) (int, error) {
	return workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
}

// act makes an activity of a function.
func act(f func(ctx context.Context) (int, error)) named { return named{"act", f} }

// named is a function to register under a name.
type named struct {
	name string
	fn   any
}

// takeSignals returns the sum of n signals.
func takeSignals(ctx workflow.Context, n int) (int, error) {
	c := workflow.NewSignalChannel[int](ctx, "add")
	sum := 0
	for range n {
		v, _ := c.Receive(ctx)
		sum += v
	}
	return sum, nil
}

// While a step is being committed, what comes in for the instance waits.
func TestRule01OneUndurableStep(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{}, takeSignals)
		var under, most atomic.Int32
		w.store.set(func(s *hooked) {
			s.before = func(*backend.WorkflowCommit) error {
				most.Store(max(most.Load(), under.Add(1)))
				sleep(time.Second)
				under.Add(-1)
				return nil
			}
		})
		i := w.start("i", takeSignals, 20)
		for range 20 {
			sleep(300 * time.Millisecond)
			w.signal("i", "add", 1)
		}
		equal(w, "sum", result[int](w, i), 20)
		equal(w, "commits at a time", most.Load(), 1)
		if n := len(w.store.seen(i)); n > 8 {
			w.Errorf("%d steps for 20 signals in 6 s with commits of 1 s", n)
		}
	})
}

// Activities that end together share steps, also when a commit takes no time.
func TestResultsThatComeTogetherShareSteps(t *testing.T) {
	const width = 200
	all := func(ctx workflow.Context) (int, error) {
		var fs [width]workflow.Future[int]
		for i := range fs {
			fs[i] = workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act")
		}
		sum := 0
		for _, f := range fs {
			v, _ := f.Get(ctx)
			sum += v
		}
		return sum, nil
	}
	inWorld(t, func(w *world) {
		end := make(chan struct{})
		w.worker(Options{}, all, act(func(context.Context) (int, error) { <-end; return 1, nil }))
		i := w.start("i", all)
		synctest.Wait()
		close(end)
		equal(w, "result", result[int](w, i), width)
		// Most often 3. A busy machine may take the lead away from an activity halfway.
		if n := len(w.store.seen(i)); n > width/3 {
			w.Errorf("%d results took %d steps", width, n)
		}
	})
}

// Nothing that a step schedules starts before its commit is acknowledged.
func TestRule02NothingStartsBeforeTheAcknowledgment(t *testing.T) {
	for _, mode := range []string{"local", "row"} {
		t.Run(mode, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var ran atomic.Bool
				o := Options{}
				if mode == "row" {
					o.Roles = WorkflowsOnly
					w.worker(Options{Roles: ActivitiesOnly}, act(func(context.Context) (int, error) { ran.Store(true); return 7, nil }))
				}
				w.worker(o, once1, act(func(context.Context) (int, error) { ran.Store(true); return 7, nil }))
				early := false
				w.store.set(func(s *hooked) {
					s.before = func(c *backend.WorkflowCommit) error {
						if c.ExpectSeq == 0 {
							sleep(10 * time.Second)
							early = ran.Load()
						}
						return nil
					}
				})
				equal(w, "result", result[int](w, w.start("i", once1)), 7)
				equal(w, "started before the acknowledgment", early, false)
			})
		})
	}
}

// A commit is sent again, unchanged, while nobody knows what became of it.
func TestRule03UnknownOutcomesAreSentAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		applied bool
	}{{"not applied", false}, {"answer lost", true}} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var runs atomic.Int32
				w.worker(Options{}, once1, act(func(context.Context) (int, error) { return int(runs.Add(1)), nil }))
				tries := map[string]int{}
				fail := func(c *backend.WorkflowCommit) error {
					tries[c.StepID]++
					if tries[c.StepID] <= 3 {
						return errCut
					}
					return nil
				}
				w.store.set(func(s *hooked) {
					if c.applied {
						s.after = fail
					} else {
						s.before = fail
					}
				})
				i := w.start("i", once1)
				equal(w, "result", result[int](w, i), 1)
				w.pass(time.Second) // the last answer was lost too
				equal(w, "steps", len(tries), 2)
				for id, n := range tries {
					equal(w, "tries of "+id, n, 4)
				}
				want := []history.Kind{
					history.KindTaskStarted, history.KindWorkflowStarted, history.KindActivityScheduled,
					history.KindTaskStarted, history.KindActivityCompleted, history.KindWorkflowCompleted,
				}
				if got := w.kinds(i); !slices.Equal(got, want) {
					w.Errorf("history is %v, want %v", got, want)
				}
			})
		})
	}
}

// A commit is given up when the lease has run out, before the store thinks so, and
// the execution is claimed again.
func TestRule03GivesUpWithTheLease(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{LeaseDuration: 10 * time.Second}, once1, act(func(context.Context) (int, error) { return 7, nil }))
		down := time.Now().Add(time.Minute)
		var steps []string
		w.store.set(func(s *hooked) {
			s.before = func(c *backend.WorkflowCommit) error {
				if time.Now().Before(down) {
					if !slices.Contains(steps, c.StepID) {
						steps = append(steps, c.StepID)
					}
					return errCut
				}
				return nil
			}
			s.extend = func() error {
				if time.Now().Before(down) {
					return errCut
				}
				return nil
			}
		})
		equal(w, "result", result[int](w, w.start("i", once1)), 7)
		if n := len(steps); n < 5 || n > 7 {
			w.Errorf("%d steps were tried in a minute with leases of 10 s", n)
		}
	})
}

// After a refusal the executor is thrown away, and a result that only this worker
// knows is delivered on its own: the activity does not run again.
func TestRule04RefusedCommit(t *testing.T) {
	inWorld(t, func(w *world) {
		var runs atomic.Int32
		w.worker(Options{}, once1, act(func(context.Context) (int, error) { return int(runs.Add(1)), nil }))
		refused, delivered := false, 0
		w.store.set(func(s *hooked) {
			s.before = func(c *backend.WorkflowCommit) error {
				if c.ExpectSeq > 0 && !refused {
					refused = true
					return engine.ErrLeaseLost
				}
				return nil
			}
			s.deliver = func(d *backend.Delivery) error {
				delivered++
				if delivered == 1 {
					return errCut // the outcome of this is unknown too
				}
				return nil
			}
		})
		i := w.start("i", once1)
		equal(w, "result", result[int](w, i), 1)
		equal(w, "runs", runs.Load(), 1)
		equal(w, "deliveries", delivered, 2)
		equal(w, "replays", w.store.histories, 1)
	})
}

// An activity that is running when the lease is lost is told so. What it returns
// all the same is delivered; what it fails with because of that is not.
func TestRule04RunningActivities(t *testing.T) {
	for _, c := range []struct {
		name     string
		succeeds bool
		runs     int32
	}{{"succeeds", true, 1}, {"fails", false, 2}} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var runs atomic.Int32
				var cause error
				w.worker(Options{LeaseDuration: 10 * time.Second}, once1, act(func(ctx context.Context) (int, error) {
					n := runs.Add(1)
					if n > 1 {
						return int(n), nil
					}
					<-ctx.Done()
					cause = context.Cause(ctx)
					if c.succeeds {
						return int(n), nil
					}
					return 0, ctx.Err()
				}))
				lost := time.Now().Add(3 * time.Second)
				w.store.set(func(s *hooked) {
					s.extend = func() error {
						if time.Now().After(lost) && cause == nil {
							return engine.ErrLeaseLost
						}
						return nil
					}
				})
				i := w.start("i", once1)
				equal(w, "result", int32(result[int](w, i)), c.runs)
				equal(w, "runs", runs.Load(), c.runs)
				if !errors.Is(cause, engine.ErrCanceled) { // there was time left: the store has no use for it
					w.Errorf("the activity was told %v", cause)
				}
			})
		})
	}
}

// An activity whose lease is lost is watched no longer, but its time goes on: what
// comes after that is no result.
func TestRule04OverrunAfterTheLeaseWasLost(t *testing.T) {
	inWorld(t, func(w *world) {
		timed := func(ctx workflow.Context) (int, error) {
			o := workflow.ActivityOptions{StartToClose: 5 * time.Second}
			return workflow.ExecuteActivity[int](ctx, o, "act").Get(ctx)
		}
		var runs atomic.Int32
		w.worker(Options{LeaseDuration: 10 * time.Second}, timed, act(func(context.Context) (int, error) {
			n := runs.Add(1)
			if n == 1 {
				sleep(8 * time.Second)
			}
			return int(n), nil
		}))
		lost := time.Now().Add(3 * time.Second)
		w.store.set(func(s *hooked) {
			s.extend = func() error {
				if time.Now().After(lost) && runs.Load() == 1 {
					return engine.ErrLeaseLost
				}
				return nil
			}
		})
		equal(w, "result", result[int](w, w.start("i", timed)), 2)
	})
}

// A cached executor is used only if sequence number and step id are the store's.
func TestRule05TheFenceOfTheCache(t *testing.T) {
	for _, c := range []struct {
		name string
		seq  int64
		step string
		want bool
	}{
		{"the same", 7, "a", true},
		{"another step with the same number", 7, "b", false},
		{"more events", 8, "a", false},
	} {
		if got := (&warm{seq: 7, step: "a"}).matches(c.seq, c.step); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	inWorld(t, func(w *world) {
		x := w.worker(Options{}, takeSignals)
		i := w.start("i", takeSignals, 3)
		synctest.Wait()
		w.signal("i", "add", 1)
		synctest.Wait()
		equal(w, "replays while warm", w.store.histories, 0)
		body := x.cache.take(*i)
		body.step = "of another store"
		x.cache.put(*i, body)
		w.signal("i", "add", 2)
		synctest.Wait()
		equal(w, "replays with a wrong step id", w.store.histories, 1)
		w.signal("i", "add", 4)
		synctest.Wait()
		equal(w, "replays once warm again", w.store.histories, 1)
		equal(w, "sum", result[int](w, i), 7)
	})
}

// Of a group of commits a refused one fails alone.
func TestRule06OneRefusedItem(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{}, takeSignals)
		a, b := w.start("a", takeSignals, 1), w.start("b", takeSignals, 1)
		synctest.Wait()
		refused := false
		w.store.set(func(s *hooked) {
			s.before = func(c *backend.WorkflowCommit) error {
				if c.Instance == *a && !refused {
					refused = true
					return engine.ErrLeaseLost
				}
				return nil
			}
		})
		w.signal("a", "add", 1)
		w.signal("b", "add", 2)
		start := time.Now()
		equal(w, "b", result[int](w, b), 2)
		equal(w, "time until b was through", time.Since(start), 0)
		equal(w, "a", result[int](w, a), 1)
	})
}
