package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

func reason(w *world, i *engine.Instance) engine.BlockReason {
	w.Helper()
	var r engine.BlockReason
	if err := json.Unmarshal(w.summary(i).Block, &r); err != nil {
		w.Fatalf("block of %s: %v", i, err)
	}
	return r
}

// The step that blocks an instance keeps what only the worker knew.
func TestRule27ResultsSurviveABlock(t *testing.T) {
	inWorld(t, func(w *world) {
		var mended atomic.Bool
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			n, err := workflow.ExecuteActivity[int](ctx, attempts(1), "act").Get(ctx)
			if !mended.Load() {
				sleep(4 * time.Second)
			}
			return n, err
		}}
		var runs atomic.Int32
		w.worker(Options{WorkerID: "worker"}, wf, act(func(context.Context) (int, error) { return int(runs.Add(1)), nil }))
		i := w.start("i", "wf")
		w.pass(3 * time.Second)
		s := w.summary(i)
		equal(w, "status", s.Status, engine.StatusBlocked)
		equal(w, "class", s.BlockClass, string(engine.BlockHang))
		equal(w, "kept in the inbox", len(w.pending(i).Inbox), 1)
		equal(w, "held", w.pending(i).Holder, "")
		r := reason(w, i)
		if r.Build != "build" || r.Worker != "worker" || r.Stack == "" {
			w.Errorf("reason: %+v", r)
		}
		mended.Store(true)
		equal(w, "result", result[int](w, i), 1)
		equal(w, "runs", runs.Load(), 1)
	})
}

// An activity that runs when its instance turns out to be stuck goes on, and the
// instance is blocked when it has ended: a worker of another build, side by side with
// this one, would take it for lost and run what is still running.
func TestRule27RunningActivitiesEndFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		wf := func(n int) named {
			return named{"wf", func(ctx workflow.Context) (int, error) {
				f := workflow.ExecuteActivity[int](ctx, attempts(1), "act")
				workflow.NewSignalChannel[int](ctx, "s").Receive(ctx)
				if n == 1 {
					workflow.NewSignalChannel[struct{ X int }](ctx, "bad").Receive(ctx)
				}
				return f.Get(ctx)
			}}
		}
		var runs atomic.Int32
		slow := act(func(context.Context) (int, error) {
			sleep(time.Minute)
			return int(runs.Add(1)), nil
		})
		w.worker(Options{BuildID: "old"}, wf(1), slow)
		i, j := w.start("i", "wf"), w.start("j", "wf")
		synctest.Wait()
		for _, id := range []string{"i", "j"} {
			w.signal(id, "s", 1)
			w.signal(id, "bad", "text")
		}
		w.pass(time.Second)
		equal(w, "status while it runs", w.summary(i).Status, engine.StatusRunning)
		equal(w, "running at the holder", w.summary(i).Local, 1)
		if err := w.c.Pause(w.Context(), j, ""); err != nil { // this one is not blocked, but let go
			w.Fatal(err)
		}
		w.pass(time.Minute)
		equal(w, "status", w.summary(i).Status, engine.StatusBlocked)
		equal(w, "running at the holder", w.summary(i).Local, 0)
		equal(w, "status of the paused one", w.summary(j).Status, engine.StatusRunning)
		equal(w, "holder of the paused one", w.pending(j).Holder, "")
		r := reason(w, i)
		equal(w, "class", r.Class, engine.BlockDecode)
		var row int64
		for _, in := range w.pending(i).Inbox {
			ev, err := in.Event.DecodeOne()
			if err != nil {
				w.Fatal(err)
			}
			if b, ok := ev.Body.(history.SignalReceived); ok && b.Name == "bad" {
				row = in.ID
			}
		}
		equal(w, "row that is to blame", r.Inbox, row)
		w.worker(Options{BuildID: "new"}, wf(2), slow)
		if err := w.c.Resume(w.Context(), j, ""); err != nil {
			w.Fatal(err)
		}
		equal(w, "sum of the results", result[int](w, i)+result[int](w, j), 3)
		k := w.start("k", "wf")
		w.signal("k", "s", 1)
		w.signal("k", "bad", "text")
		equal(w, "result with both builds side by side", result[int](w, k), 3)
		equal(w, "runs", runs.Load(), 3)
	})
}

// An inbox row that this build can't read blocks the instance until another build
// comes, and names the row.
func TestUnreadableInboxRow(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{}, takeSignals)
		i := w.start("i", takeSignals, 1)
		synctest.Wait()
		d := backend.Delivery{ID: "d", To: exactly(*i), Event: history.Encoded(`[{"kind":"FromTheFuture","at":"2026-01-01T00:00:00Z"}]`)}
		if err := w.store.Deliver(w.Context(), []backend.Delivery{d})[0]; err != nil {
			w.Fatal(err)
		}
		synctest.Wait()
		r := reason(w, i)
		equal(w, "class", r.Class, engine.BlockDecode)
		equal(w, "event", r.Event, "FromTheFuture")
		equal(w, "row", r.Inbox, w.pending(i).Inbox[0].ID)
		equal(w, "events in history", w.summary(i).HistoryLength, 2)
		j := w.start("j", takeSignals, 0)
		equal(w, "another instance", result[int](w, j), 0)
	})
}

// Only so many blocked instances are tried per second, so that a deploy does not
// replay all of them at once.
func TestRule28UnblockingIsLimited(t *testing.T) {
	inWorld(t, func(w *world) {
		const instances = 10 * unblockRate
		bad := named{"wf", func(ctx workflow.Context) (int, error) {
			v, _ := workflow.NewSignalChannel[struct{ X int }](ctx, "s").Receive(ctx)
			return v.X, nil
		}}
		good := named{"wf", func(ctx workflow.Context) (int, error) {
			v, _ := workflow.NewSignalChannel[int](ctx, "s").Receive(ctx)
			return v, nil
		}}
		old := w.worker(Options{BuildID: "old"}, bad)
		var is []*engine.Instance
		for n := range instances {
			is = append(is, w.start(fmt.Sprint("i", n), "wf"))
			w.signal(fmt.Sprint("i", n), "s", 1)
		}
		w.pass(time.Second)
		for _, i := range is {
			equal(w, "status", w.summary(i).Status, engine.StatusBlocked)
		}
		if err := old.Stop(w.Context()); err != nil {
			w.Fatal(err)
		}
		start := time.Now()
		w.worker(Options{BuildID: "new"}, good)
		for _, i := range is {
			equal(w, "result", result[int](w, i), 1)
		}
		if d := time.Since(start); d < 8*time.Second || d > 13*time.Second {
			w.Errorf("%d instances were unblocked in %v, at %d per second", instances, d, unblockRate)
		}
	})
}

// A transient block is tried again with the same build, later each time.
func TestRule29Backoff(t *testing.T) {
	b := newBlocks(1)
	i := engine.Instance{InstanceID: "i"}
	var last time.Duration
	for n := range 20 {
		d := b.delay(i)
		if n == 0 && d != firstBlockRetry || d < last || d > lastBlockRetry {
			t.Errorf("try %d waits %v after %v", n, d, last)
		}
		last = d
	}
	if last != lastBlockRetry {
		t.Errorf("the last wait is %v", last)
	}
	if d := b.delay(engine.Instance{InstanceID: "j"}); d != firstBlockRetry {
		t.Errorf("another instance waits %v", d)
	}
}

// When too many coroutines of a workflow are stuck the worker leaves it alone, says
// so, and serves the others. It takes it up again once they have ended.
func TestRule30StuckCoroutines(t *testing.T) {
	inWorld(t, func(w *world) {
		free := make(chan struct{})
		var runs atomic.Int32
		wf := named{"stuck", func(workflow.Context) (int, error) {
			runs.Add(1)
			<-free
			return 1, nil
		}}
		x := w.worker(Options{}, wf, takeSignals)
		x.blocks.limit = 2
		a, b := w.start("a", "stuck"), w.start("b", "stuck")
		w.pass(4 * time.Second)
		equal(w, "a", w.summary(a).Status, engine.StatusBlocked)
		equal(w, "b", w.summary(b).Status, engine.StatusBlocked)
		c := w.start("c", "stuck")
		w.pass(time.Minute)
		equal(w, "runs", runs.Load(), 2)
		equal(w, "c", w.summary(c).HistoryLength, 0)
		workers, err := w.store.Workers(w.Context())
		if err != nil || workers[0].Unhealthy == "" {
			w.Errorf("%+v, %v", workers, err)
		}
		equal(w, "another workflow", result[int](w, w.start("d", takeSignals, 0)), 0)
		close(free)
		for _, i := range []*engine.Instance{a, b, c} {
			equal(w, "result", result[int](w, i), 1)
		}
		w.pass(heartbeatEvery)
		if workers, err := w.store.Workers(w.Context()); err != nil || workers[0].Unhealthy != "" {
			w.Errorf("%+v, %v", workers, err)
		}
	})
}

// An instance of a workflow that this worker does not know is left to others.
func TestUnregisteredWorkflow(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{}, takeSignals)
		i := w.start("i", "later", 1)
		w.pass(time.Minute)
		equal(w, "events", w.summary(i).HistoryLength, 0)
		w.worker(Options{}, named{"later", func(_ workflow.Context, n int) (int, error) { return n, nil }})
		equal(w, "result", result[int](w, i), 1)
	})
}

// A panic of ours does not take the worker down: the instance is tried again.
func TestPanicInTheWorker(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{LeaseDuration: 5 * time.Second}, takeSignals)
		first := true
		w.store.set(func(s *hooked) {
			s.history = func() error { return nil }
			s.before = func(*backend.WorkflowCommit) error {
				if first {
					first = false
					panic("store") // group answers with an error; the lease decides
				}
				return nil
			}
		})
		equal(w, "result", result[int](w, w.start("i", takeSignals, 0)), 0)

		h := &hold{w: w.all[0], phase: running, local: map[int64]*localRun{}}
		func() {
			defer h.survive()
			h.mu.Lock()
			defer h.mu.Unlock()
			h.to(workArrived) // illegal
		}()
		equal(w, "phase after a panic", h.phase, gone)
		equal(w, "panics in the log", len(w.log.matching("can't make the move")), 1)
	})
}
