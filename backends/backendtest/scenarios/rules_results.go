package scenarios

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

var secondResult = []sentence{
	{"OfAFormerHolder", func(s *system) {
		line := breakableOn(s.b)
		goOn := make(chan struct{})
		wf := map[string]any{"w": doing(workflow.DefaultActivityOptions, 1)}
		former := s.startOn(line, functions(wf, map[string]any{"act": func(context.Context) (int, error) { s.hold(goOn); return 1, nil }}), lease(time.Second))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		line.sever(io.ErrUnexpectedEOF)
		s.start(functions(wf, map[string]any{"act": func(context.Context) (int, error) { return 2, nil }}))
		s.waiting(i, engine.WaitSignal)
		line.mend()
		close(goOn)
		s.until("the late result is in history", func() bool { return s.count(*i, history.KindActivityCompleted) == 2 }, func() string { return s.story(*i) })
		s.signal("a", "n", 1)
		want(s, i, 2)
		s.halt(former)
	}},
	{"ForAnExecutionThatContinuedAsNew", func(s *system) {
		goOn := make(chan struct{})
		act := func(context.Context) (int, error) { s.hold(goOn); return 1, nil }
		s.start(functions(map[string]any{"w": func(ctx workflow.Context, again bool) (int, error) {
			f := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act")
			if _, err := collect(ctx, 1); err != nil || again {
				return 2, err
			}
			_ = f
			return 0, workflow.ContinueAsNew(ctx, true)
		}}, map[string]any{"act": act}))
		i := s.create("a", "w", false)
		s.waiting(i, engine.WaitSignal)
		s.signal("a", "n", 1)
		s.await(*i, "continued", status(engine.StatusContinuedAsNew))
		close(goOn)
		s.pass(time.Second)
		s.signal("a", "n", 2)
		want(s, i, 2)
	}},
	{"ForACommandThatHistoryDoesNotHave", func(s *system) {
		reg := functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			if _, err := collect(ctx, 1); err != nil {
				return 0, err
			}
			return workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
		}}, map[string]any{"act": func(context.Context) (int, error) { return 2, nil }})
		w := s.start(reg)
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		stray, err := history.Encode(history.Event{At: time.Now(), Ref: 1, Body: history.ActivityCompleted{Result: engine.Payload("9")}})
		if err != nil {
			s.Fatal(err)
		}
		to := backend.Address{InstanceID: i.InstanceID, ExecutionID: i.ExecutionID}
		if err := s.b.Deliver(s.ctx, []backend.Delivery{{ID: engine.NewID(), To: to, Event: stray}})[0]; err != nil {
			s.Fatal(err)
		}
		s.until("it is consumed", func() bool { return s.count(*i, history.KindActivityCompleted) == 1 }, func() string { return s.story(*i) })
		s.halt(w)
		s.start(reg, build("another")) // it replays
		s.signal("a", "n", 1)
		want(s, i, 2)
	}},
}

var canceledActivities = []sentence{
	{"ResolveAtOnceThoughTheFunctionRuns", func(s *system) {
		goOn := make(chan struct{})
		var told atomic.Value
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			inner, stop := workflow.WithCancel(ctx)
			f := workflow.ExecuteActivity[int](inner, workflow.DefaultActivityOptions, "act")
			_, err := collect(ctx, 1)
			stop()
			if _, canceled := f.Get(ctx); !errors.Is(canceled, workflow.Canceled) {
				return 0, errors.Join(err, canceled)
			}
			_, err = collect(ctx, 1)
			return 7, err
		}}, map[string]any{"act": func(ctx context.Context) (int, error) {
			<-ctx.Done()
			told.Store(context.Cause(ctx))
			s.hold(goOn)
			return 1, nil
		}}))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.signal("a", "n", 1)
		s.rest()
		equal(s, "cancellations in history", s.count(*i, history.KindActivityCanceled), 1)
		if err, _ := told.Load().(error); !errors.Is(err, activity.ErrCanceled) {
			s.Errorf("the function was told %v", err)
		}
		close(goOn)
		s.rest()
		s.signal("a", "n", 2)
		want(s, i, 7)
		equal(s, "results in history", s.count(*i, history.KindActivityCompleted), 0)
	}},
	{"TheirRowsAndTimersGo", func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) ([]int, error) {
			inner, stop := workflow.WithCancel(ctx)
			workflow.ExecuteActivity[int](inner, workflow.ActivityOptions{Queue: nowhere, ScheduleToStart: time.Hour, ScheduleToClose: time.Hour}, "act")
			workflow.ExecuteActivity[int](inner, workflow.ActivityOptions{ScheduleToClose: time.Hour}, "act")
			workflow.ScheduleTimer(inner, time.Hour)
			if _, err := collect(ctx, 1); err != nil {
				return nil, err
			}
			stop()
			return collect(ctx, 1)
		}}, map[string]any{"act": untilTold}))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.rest()
		p := s.pending(i)
		equal(s, "rows before", len(p.Activities), 1)
		equal(s, "timers before", len(p.Timers), 4)
		s.signal("a", "n", 1)
		s.pass(time.Second)
		p = s.pending(i)
		equal(s, "rows after", len(p.Activities), 0)
		equal(s, "timers after", len(p.Timers), 0)
		equal(s, "activities at the holder", s.summary(i).Local, 0)
		s.signal("a", "n", 1)
		want(s, i, []int{1})
	}},
	{"HoldersOfRowsLearnThatTheExecutionEnded", func(s *system) {
		var told atomic.Value
		acts := map[string]any{"act": func(ctx context.Context) (int, error) {
			<-ctx.Done()
			told.Store(context.Cause(ctx))
			return 0, ctx.Err()
		}}
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{Queue: elsewhere}, "act")
			_, err := collect(ctx, 1)
			return 7, err
		}}, nil))
		s.start(functions(nil, acts), serving(elsewhere))
		i := s.create("a", "w")
		s.until("the row is leased", func() bool { return s.hasRow(i).Holder != "" }, s.log.String)
		s.signal("a", "n", 1)
		want(s, i, 7)
		s.until("the holder is told", func() bool { return told.Load() != nil }, s.log.String)
		if err, _ := told.Load().(error); !errors.Is(err, activity.ErrCanceled) {
			s.Errorf("the holder was told %v", err)
		}
	}},
}

// attemptsOf runs an activity that fails twice, ten seconds apart, with the workflow's
// code at one worker and the activity at that or another one.
func attemptsOf(name string, q engine.Queue) sentence {
	return sentence{name, func(s *system) {
		var runs atomic.Int32
		acts := map[string]any{"act": func(context.Context) (int, error) {
			if n := runs.Add(1); n > 2 {
				return int(n), nil
			}
			return 0, plain()
		}}
		o := workflow.ActivityOptions{Queue: q, RetryOptions: workflow.RetryOptions{MaxAttempts: 3, FirstRetryInterval: 10 * time.Second}}
		line := tapOn(s.b)
		var steps atomic.Int32
		s.startOn(line, functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			return workflow.ExecuteActivity[int](ctx, o, "act").Get(ctx)
		}}, acts), func(w *worker.Options) { w.Observers = []worker.Observer{counter{&steps}} })
		if q != "" {
			s.start(functions(nil, acts), serving(q))
		}
		i := s.create("a", "w")
		s.hasRow(i)
		want(s, i, 3)
		failed := bodies[history.ActivityAttemptFailed](s, i)
		if len(failed) != 2 {
			s.Fatalf("history has %d failed attempts\n%s", len(failed), s.story(*i))
		}
		for k, f := range failed {
			if f.Run.Attempt != k+1 || f.Run.Worker == "" || f.Run.Started.IsZero() || f.Failure.Message != plain().Error() || !f.Next.After(f.Run.Started) {
				s.Errorf("attempt %d is recorded as %+v", k+1, f)
			}
		}
		if q != "" {
			equal(s, "steps", steps.Load(), 2) // failures at another worker wake nobody
		}
	}}
}

// counter counts durable steps.
type counter struct{ n *atomic.Int32 }

func (c counter) Committed(worker.Committed) { c.n.Add(1) }

var failedAttempts = []sentence{
	attemptsOf("Here", ""),
	attemptsOf("AtAnotherWorker", elsewhere),
}
