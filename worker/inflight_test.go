package worker

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

// payAndListen runs one activity, which must not be made again, and takes a signal.
func payAndListen(ctx workflow.Context) (int, error) {
	f := workflow.ExecuteActivity[int](ctx, attempts(1), "act")
	v, _ := workflow.NewSignalChannel[int](ctx, "add").Receive(ctx)
	n, err := f.Get(ctx)
	return n + v, err
}

// A worker that is out of time blocks what it could not go on with although an
// activity runs. A result that comes in while that commit is under way is in neither
// the commit nor a mailbox that anybody looks at again.
func TestResultDuringABlockingCommit(t *testing.T) {
	inWorld(t, func(w *world) {
		var runs atomic.Int32
		finish := make(chan struct{})
		x := w.worker(Options{BuildID: "old"}, payAndListen, act(func(context.Context) (int, error) {
			<-finish
			return int(runs.Add(1)), nil
		}))
		i := w.start("i", payAndListen)
		synctest.Wait()
		w.store.set(func(s *hooked) {
			s.before = func(c *backend.WorkflowCommit) error {
				if c.Status == engine.StatusBlocked {
					s.clear()
					close(finish)
					sleep(time.Second) // the activity ends
				}
				return nil
			}
		})
		w.signal("i", "add", "no number")
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		if err := x.Stop(ctx); err == nil {
			w.Fatal("nothing was cut off")
		}
		equal(w, "status", w.summary(i).Status, engine.StatusBlocked)
		for _, row := range w.pending(i).Inbox {
			if ev, err := row.Event.DecodeOne(); err == nil && ev.Kind() == history.KindSignalReceived {
				drop := backend.RetryRequest{To: exactly(*i), DropInbox: row.ID}
				drop.Dropped, err = history.Encode(history.Event{Body: history.EventDropped{Event: row.Event}})
				if err != nil {
					w.Fatal(err)
				}
				if err := w.store.Retry(w.Context(), []backend.RetryRequest{drop})[0]; err != nil {
					w.Fatal(err)
				}
			}
		}
		w.signal("i", "add", 10)
		w.worker(Options{BuildID: "new"}, payAndListen)
		equal(w, "result", result[int](w, i), 11)
		equal(w, "runs", runs.Load(), 1)
	})
}

// The result of a row is kept for as long as nobody else has claimed the row, also
// if the store is out of reach for longer than the lease.
func TestRowResultOutlivesItsLease(t *testing.T) {
	inWorld(t, func(w *world) {
		var runs atomic.Int32
		w.worker(Options{Roles: WorkflowsOnly}, once1)
		w.worker(Options{Roles: ActivitiesOnly, LeaseDuration: 5 * time.Second}, act(func(context.Context) (int, error) {
			sleep(time.Second)
			return int(runs.Add(1)), nil
		}))
		down := time.Now().Add(30 * time.Second)
		cut := func() error {
			if time.Now().Before(down) {
				return errCut
			}
			return nil
		}
		i := w.start("i", once1)
		synctest.Wait()
		w.store.set(func(s *hooked) {
			s.activity = func(*backend.ActivityCommit) error { return cut() }
			s.extend = cut
			s.claimActivities = func(*backend.ActivityClaim) error { return cut() }
		})
		w.pass(29 * time.Second)
		w.store.set(func(s *hooked) { s.claimActivities = func(*backend.ActivityClaim) error { return errCut } })
		equal(w, "result", result[int](w, i), 1)
		equal(w, "runs", runs.Load(), 1)
	})
}

// Activities that were lost with the last holder are told from those that this
// holder has written rows for while it was still reading the inbox.
func TestRowsWrittenBeforeTheWholeInboxIsKnown(t *testing.T) {
	inWorld(t, func(w *world) {
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			a := workflow.ExecuteActivity[int](ctx, attempts(3), "act", 1)
			workflow.NewSignalChannel[int](ctx, "noise").Receive(ctx)
			o := attempts(3)
			o.Queue = "elsewhere"
			b := workflow.ExecuteActivity[int](ctx, o, "act", 10)
			n, err := a.Get(ctx)
			if err != nil {
				return 0, err
			}
			m, err := b.Get(ctx)
			return n + m, err
		}}
		hang := named{"act", func(ctx context.Context, n int) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}}
		first := w.worker(Options{LeaseDuration: 2 * time.Second}, wf, hang)
		i := w.start("i", "wf")
		synctest.Wait()
		held := first.holds.all()[0]
		w.kill(first)
		for range backend.MaxInbox + 10 {
			w.signal("i", "noise", 1)
		}
		add := named{"act", func(ctx context.Context, n int) (int, error) { return n * activity.Info(ctx).Attempt, nil }}
		w.worker(Options{}, wf, add)
		w.pass(10 * time.Second)
		w.worker(Options{Roles: ActivitiesOnly, ActivityWorkerOptions: ActivityWorkerOptions{ActivityQueues: []engine.Queue{"elsewhere"}}}, add)
		equal(w, "1 in the second attempt and 10 in the first", result[int](w, i), 12)
		equal(w, "failed attempts", len(bodies[history.ActivityAttemptFailed](w, i)), 1)
		held.lose(nil)
	})
}

// A hold that gives its lease back starts nothing that only the lease would cover,
// whatever it learns meanwhile.
func TestLettingGoStartsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		x := w.worker(Options{}, once1, act(func(context.Context) (int, error) { return 1, nil }))
		again := start{ref: 1, body: &history.ActivityScheduled{Name: "act"}, attempt: 2}
		h := &hold{w: x, local: map[int64]*localRun{1: {}}, owed: []start{again}}
		st := executor.Step{Status: engine.StatusRunning}
		leaving, staying := turn{step: st}, turn{step: st}
		h.plan(&leaving, true)
		h.plan(&staying, false)
		x.acts.leave(len(staying.here))
		equal(w, "leaving", fmt.Sprint(len(leaving.here), len(leaving.rows), leaving.local), "0 1 0")
		equal(w, "staying", fmt.Sprint(len(staying.here), len(staying.rows), staying.local), "1 0 1")
	})
}

// moody is a codec whose output differs each time, and that panics at times.
type moody struct{ panics *atomic.Bool }

func (c moody) Seal(p engine.Payload) (engine.Payload, error) {
	return engine.Payload(engine.NewID()[24:] + string(p)), nil
}

func (c moody) Open(p engine.Payload) (engine.Payload, error) {
	if c.panics.Load() {
		panic("moody")
	}
	return p[8:], nil
}

// When a step panics, a result that it took is not lost with it.
func TestResultOfAStepThatPanics(t *testing.T) {
	inWorld(t, func(w *world) {
		var runs atomic.Int32
		var panics atomic.Bool
		set := settings.Settings{Codec: moody{&panics}}
		w.worker(Options{CacheBytes: -1, LeaseDuration: 10 * time.Second, Settings: set}, named{"wf", func(ctx workflow.Context) (int, error) {
			return workflow.ExecuteActivity[int](ctx, attempts(1), "act", 1).Get(ctx)
		}}, named{"act", func(context.Context, int) (int, error) {
			sleep(time.Second)
			panics.Store(true) // when the history is compared with the code
			return int(runs.Add(1)), nil
		}})
		w.c = client.New(w.store, client.WithSettings(set))
		i := w.start("i", "wf")
		w.pass(2 * time.Second)
		equal(w, "panics", len(w.log.matching("running an instance panicked")), 1)
		equal(w, "inbox", len(w.pending(i).Inbox), 1)
		panics.Store(false)
		equal(w, "result", result[int](w, i), 1)
		equal(w, "runs", runs.Load(), 1)
	})
}

// rude is a propagator that panics.
type rude struct{ workflow.ContextPropagator }

func (rude) Inject(context.Context, *workflow.Metadata) error { return nil }

func (rude) InjectFromWorkflow(workflow.Context, *workflow.Metadata) error { return nil }

func (rude) Extract(context.Context, *workflow.Metadata) (context.Context, error) { panic("rude") }

func (rude) ExtractToWorkflow(ctx workflow.Context, _ *workflow.Metadata) (workflow.Context, error) {
	return ctx, nil
}

// A propagator is foreign code: its panic fails the activity, not the process.
func TestPropagatorPanics(t *testing.T) {
	inWorld(t, func(w *world) {
		o := Options{Settings: settings.Settings{Propagators: []workflow.ContextPropagator{rude{}}}}
		w.worker(o, named{"wf", func(ctx workflow.Context) (string, error) {
			_, err := workflow.ExecuteActivity[int](ctx, attempts(3), "act").Get(ctx)
			return err.Error(), nil
		}}, act(func(context.Context) (int, error) { return 1, nil }))
		equal(w, "the activity failed with", result[string](w, w.start("i", "wf")), "panic: rude")
	})
}

// A request to cancel that arrives behind what makes the workflow continue as new
// reaches the next execution: it is addressed to the instance.
func TestCancelRacesWithContinueAsNew(t *testing.T) {
	inWorld(t, func(w *world) {
		wf := named{"wf", func(ctx workflow.Context, second bool) (int, error) {
			if second {
				return 0, workflow.Sleep(ctx, time.Hour)
			}
			workflow.NewSignalChannel[int](ctx, "next").Receive(ctx)
			return 0, workflow.ContinueAsNew(ctx, true)
		}}
		i := w.start("i", "wf", false)
		w.signal("i", "next", 1)
		if err := w.c.CancelWorkflowInstance(w.Context(), i); err != nil {
			w.Fatal(err)
		}
		w.worker(Options{}, wf)
		s, err := w.store.Get(w.Context(), engine.Instance{InstanceID: "i"})
		if err != nil {
			w.Fatal(err)
		}
		equal(w, "status of the next execution", s.Status, engine.StatusCanceled)
		equal(w, "it is the next", s.Instance != *i, true)
	})
}

// The answer to a commit was lost, and before it was sent again the execution was
// terminated. The store says that the step is durable; what it scheduled must not
// begin all the same.
func TestTerminatedBeforeTheAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		var runs atomic.Int32
		x := w.worker(Options{}, once1, act(func(context.Context) (int, error) { return int(runs.Add(1)), nil }))
		w.store.set(func(s *hooked) {
			s.after = func(c *backend.WorkflowCommit) error {
				s.clear()
				if err := w.c.TerminateWorkflowInstance(w.Context(), &c.Instance, "enough"); err != nil {
					w.Error(err)
				}
				return errCut
			}
		})
		i := w.start("i", once1)
		w.pass(time.Minute)
		equal(w, "status", w.summary(i).Status, engine.StatusTerminated)
		equal(w, "runs", runs.Load(), 0)
		equal(w, "slots in use", x.acts.count()+x.steps.count(), 0)
		equal(w, "held", x.holds.count(), 0)
	})
}
