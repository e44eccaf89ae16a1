package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// sleeping is an activity that takes its time.
func sleeping(d time.Duration) named {
	return act(func(ctx context.Context) (int, error) {
		select {
		case <-time.After(d):
			return 1, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
}

// An instance that is held because of a long activity hears of signals and
// cancellations at once, and of its timers when they are due.
func TestRule14WarmInstancesAreNotDeaf(t *testing.T) {
	inWorld(t, func(w *world) {
		var heard []time.Duration
		start := time.Now()
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			note := func() { heard = append(heard, workflow.Now(ctx).Sub(start).Truncate(10*time.Millisecond)) }
			f := workflow.ExecuteActivity[int](ctx, attempts(1), "act")
			workflow.NewSignalChannel[int](ctx, "s").Receive(ctx)
			note()
			if err := workflow.Sleep(ctx, 7*time.Second); err != nil {
				return 0, err
			}
			note()
			_, err := workflow.ScheduleTimer(ctx, time.Hour).Get(ctx)
			note()
			if !errors.Is(err, workflow.Canceled) {
				return 0, err
			}
			_, err = f.Get(ctx)
			return 1, err
		}}
		w.worker(Options{}, wf, sleeping(time.Hour))
		i := w.start("i", "wf")
		w.pass(3 * time.Second)
		w.signal("i", "s", 1)
		w.pass(20 * time.Second)
		if err := w.c.CancelWorkflowInstance(w.Context(), i); err != nil {
			w.Fatal(err)
		}
		synctest.Wait()
		equal(w, "heard", fmt.Sprint(heard), "[3s 10s 23s]")
		equal(w, "status", w.summary(i).Status, engine.StatusCanceled)
		equal(w, "replays", w.store.histories, 0)
	})
}

// A hint that comes in while a commit is under way may be about something that the
// commit's answer does not show.
func TestRule14HintsDuringACommit(t *testing.T) {
	inWorld(t, func(w *world) {
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			f := workflow.ExecuteActivity[int](ctx, attempts(1), "act")
			c := workflow.NewSignalChannel[int](ctx, "s")
			c.Receive(ctx)
			v, _ := c.Receive(ctx)
			_ = f
			return v, nil
		}}
		w.worker(Options{}, wf, sleeping(time.Hour))
		i := w.start("i", "wf")
		synctest.Wait()
		once := true
		w.store.set(func(s *hooked) {
			s.after = func(*backend.WorkflowCommit) error { // the answer has been made, and is on its way
				if once {
					once = false
					w.signal("i", "s", 2)
					sleep(100 * time.Millisecond)
				}
				return nil
			}
		})
		start := time.Now()
		w.signal("i", "s", 1)
		equal(w, "result", result[int](w, i), 2)
		if d := time.Since(start); d > time.Second {
			w.Errorf("the second signal was heard after %v", d)
		}
	})
}

// An answer to an extend that left before a commit shows what the commit consumed.
func TestStaleExtendIsIgnored(t *testing.T) {
	h := &hold{phase: idle, commits: 1, rows: map[int64]struct{}{}, local: map[int64]*localRun{1: {}}}
	x := New(memory.New(), nil)
	h.w = x
	enc, err := history.Encode(history.Event{Body: history.SignalReceived{Name: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	ans := backend.WorkflowCommitted{Arrivals: backend.Arrivals{Inbox: []backend.InboxRow{{ID: 1, Event: enc}}}}
	if h.extended(0, ans) || len(h.box) != 0 {
		t.Errorf("a stale answer was taken in: %v", h.box)
	}
	if !h.extended(1, ans) || len(h.box) != 1 {
		t.Errorf("a fresh answer was not taken in: %v", h.box)
	}
	h.phase = idle
	if h.extended(1, ans); len(h.box) != 1 {
		t.Errorf("a row was taken in twice: %v", h.box)
	}
	x.cancel()
}

// An idle instance gives its lease back with its commit; one with a timer that is
// due soon is kept.
func TestRule16IdleInstancesAreGivenBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		sleep time.Duration
		leads []time.Duration // leases that the commits ask for
		next  string
	}{
		{"a timer far away", time.Minute, []time.Duration{0, 0}, ""},
		{"a timer soon", 100 * time.Millisecond, []time.Duration{defaultLease, 0}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				wf := named{"wf", func(ctx workflow.Context) (int, error) { return 1, workflow.Sleep(ctx, c.sleep) }}
				w.worker(Options{}, wf)
				i := w.start("i", "wf")
				start := time.Now()
				equal(w, "result", result[int](w, i), 1)
				if late := time.Since(start) - c.sleep; late < 0 || late > 50*time.Millisecond {
					w.Errorf("the timer was late by %v", late)
				}
				for n, commit := range w.store.seen(i) {
					kept := commit.Lease
					if commit.OnlyIfReady { // nothing is
						kept = 0
					}
					equal(w, fmt.Sprint("lease after step ", n), kept, c.leads[n])
				}
			})
		})
	}
}

// What comes in while a step is committed is taken in by the next one, without a
// claim, but not for ever: others want to be run too.
func TestStepsThatFollowAtOnceNeedNoClaim(t *testing.T) {
	inWorld(t, func(w *world) {
		const n = 3 * turnsInARow
		w.worker(Options{}, takeSignals)
		i := w.start("i", takeSignals, n)
		synctest.Wait()
		sent := 1
		w.store.set(func(s *hooked) {
			s.before = func(*backend.WorkflowCommit) error {
				if sent < n {
					sent++
					w.signal("i", "add", 1)
				}
				return nil
			}
			s.tasks = 0
		})
		w.signal("i", "add", 1)
		equal(w, "sum", result[int](w, i), n)
		equal(w, "steps", len(w.store.seen(i)), n+1)
		if got := hook(w.store, func(s *hooked) int { return s.tasks }); got < 2 || got > 4 {
			w.Errorf("the instance was claimed %d times for %d steps", got, n)
		}
	})
}

// What was ready in the store again before the lease was given back is claimed
// again, warm.
func TestRule16SignalDuringTheReleasingCommit(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{}, takeSignals)
		i := w.start("i", takeSignals, 3)
		synctest.Wait()
		first := true
		w.store.set(func(s *hooked) {
			s.before = func(*backend.WorkflowCommit) error {
				if first {
					first = false
					w.signal("i", "add", 2)
				}
				return nil
			}
		})
		w.signal("i", "add", 1)
		synctest.Wait()
		equal(w, "replays", w.store.histories, 0)
		w.signal("i", "add", 4)
		equal(w, "sum", result[int](w, i), 7)
	})
}

// A paused instance takes no step. What runs goes on to its end, and its result
// into the inbox; no attempt begins.
func TestRule25Paused(t *testing.T) {
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprint("the activity fails ", fails), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var runs atomic.Int32
				w.worker(Options{}, with(attempts(2)), act(func(ctx context.Context) (int, error) {
					n := int(runs.Add(1))
					sleep(time.Minute)
					if fails && n == 1 {
						return 0, errors.New("again")
					}
					return activity.Info(ctx).Attempt, nil
				}))
				i := w.start("i", "wf")
				synctest.Wait()
				before := w.summary(i).HistoryLength
				if err := w.c.Pause(w.Context(), i, ""); err != nil {
					w.Fatal(err)
				}
				w.pass(30 * time.Second)
				equal(w, "still held", w.pending(i).Holder != "", true)
				w.pass(time.Hour)
				equal(w, "events", w.summary(i).HistoryLength, before)
				equal(w, "inbox", len(w.pending(i).Inbox), 1)
				equal(w, "runs", runs.Load(), 1)
				equal(w, "held", w.pending(i).Holder, "")
				equal(w, "running at the holder", w.summary(i).Local, 0)
				if err := w.c.Resume(w.Context(), i, ""); err != nil {
					w.Fatal(err)
				}
				want := 1
				if fails {
					want = 2
				}
				equal(w, "attempt", result[int](w, i), want)
				equal(w, "runs", int(runs.Load()), want)
				equal(w, "failed attempts", len(bodies[history.ActivityAttemptFailed](w, i)), want-1)
			})
		})
	}
}

// An instance that is resumed while it is still held goes on where it is.
func TestRule25ResumedWhileHeld(t *testing.T) {
	inWorld(t, func(w *world) {
		var runs atomic.Int32
		two := named{"wf", func(ctx workflow.Context) (int, error) {
			a := workflow.ExecuteActivity[int](ctx, attempts(2), "act", 1)
			b := workflow.ExecuteActivity[int](ctx, attempts(2), "act", 2)
			n, err := a.Get(ctx)
			if err != nil {
				return 0, err
			}
			m, err := b.Get(ctx)
			return n + m, err
		}}
		w.worker(Options{}, two, named{"act", func(_ context.Context, minutes int) (int, error) {
			sleep(time.Duration(minutes) * time.Minute)
			if runs.Add(1) == 1 {
				return 0, errors.New("again")
			}
			return minutes, nil
		}})
		i := w.start("i", "wf")
		synctest.Wait()
		if err := w.c.Pause(w.Context(), i, ""); err != nil {
			w.Fatal(err)
		}
		w.pass(90 * time.Second) // the first one has failed, the second one runs
		if err := w.c.Resume(w.Context(), i, ""); err != nil {
			w.Fatal(err)
		}
		equal(w, "sum", result[int](w, i), 3)
		equal(w, "runs", runs.Load(), 3)
		equal(w, "replays", w.store.histories, 0)
	})
}

// The clock of the store rules, whatever the clock of this machine says.
func TestRule33StoreClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		off := 42 * time.Minute
		ask := func(before, after time.Duration) {
			sent := c.mark()
			sleep(before)
			now := time.Now().Add(off)
			sleep(after)
			c.learn(sent, now)
		}
		within := func(what string, want time.Duration) {
			t.Helper()
			if d := c.now().Sub(time.Now().Add(off)); d.Abs() > want {
				t.Errorf("%s: the estimate is wrong by %v", what, d)
			}
		}
		ask(4*time.Second, 0)
		within("a slow answer: half of the round trip", 2*time.Second)
		ask(time.Millisecond, time.Millisecond)
		within("a quick answer", time.Millisecond)
		ask(0, 10*time.Second)
		within("a slow answer after a quick one says less", time.Millisecond)
		off -= time.Hour
		ask(time.Millisecond, time.Millisecond)
		within("the store's clock was set back", time.Millisecond)
		c.learn(c.mark(), time.Time{})
		within("no time in the answer", time.Millisecond)
	})
}

// A holder whose lease can't be prolonged stops before the store thinks it has: its
// activities are told so, and nothing of it is running when another one begins.
func TestRule34StopsBeforeTheLeaseEnds(t *testing.T) {
	for _, roles := range []Roles{WorkflowsAndActivities, WorkflowsOnly} {
		t.Run(fmt.Sprint("roles ", roles), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var running, most atomic.Int32
				var cause error
				f := act(func(ctx context.Context) (int, error) {
					most.Store(max(most.Load(), running.Add(1)))
					defer running.Add(-1)
					if activity.Info(ctx).Attempt > 1 {
						return 2, nil
					}
					<-ctx.Done()
					cause = context.Cause(ctx)
					return 0, ctx.Err()
				})
				o := Options{Roles: roles, LeaseDuration: 10 * time.Second}
				w.worker(o, with(attempts(2)), f)
				if roles == WorkflowsOnly {
					w.worker(Options{Roles: ActivitiesOnly, LeaseDuration: 10 * time.Second}, f)
				}
				i := w.start("i", "wf")
				w.pass(2 * time.Second)
				var mended atomic.Bool
				w.store.set(func(s *hooked) {
					s.extend = func() error {
						if !mended.Load() {
							return errCut
						}
						return nil
					}
				})
				start := time.Now()
				w.pass(10 * time.Second)
				mended.Store(true)
				if cause == nil {
					w.Fatal("the activity was not told to stop within the lease")
				}
				if !errors.Is(cause, activity.ErrLeaseLost) && !errors.Is(cause, activity.ErrCanceled) {
					w.Errorf("the activity was told %v", cause)
				}
				equal(w, "attempt", result[int](w, i), 2)
				equal(w, "running at a time", most.Load(), 1)
				if d := time.Since(start); d > 13*time.Second {
					w.Errorf("the takeover took %v", d)
				}
			})
		})
	}
}

// An instance that is terminated while its activity runs has no use for it.
func TestTerminatedWhileHeld(t *testing.T) {
	inWorld(t, func(w *world) {
		var cause error
		x := w.worker(Options{}, with(attempts(2)), act(func(ctx context.Context) (int, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return 1, nil
		}))
		i := w.start("i", "wf")
		synctest.Wait()
		if err := w.c.TerminateWorkflowInstance(w.Context(), i, "enough"); err != nil {
			w.Fatal(err)
		}
		synctest.Wait()
		if !errors.Is(cause, activity.ErrCanceled) {
			w.Errorf("the activity was told %v", cause)
		}
		equal(w, "held", x.holds.count(), 0)
		if _, err := client.GetWorkflowResult[int](w.Context(), w.c, i, time.Minute); !errors.Is(err, engine.ErrTerminated) {
			w.Errorf("result: %v", err)
		}
	})
}
