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

var nowIsTheStores = []sentence{
	{"NeverBeforeTheLastEvent", func(s *system) {
		i := s.create("a", "w")
		ahead := time.Now().Add(time.Hour).UTC()
		ev, err := history.Encode(history.Event{At: ahead, Body: history.SignalReceived{Name: "n", Arg: engine.Payload("1")}})
		if err != nil {
			s.Fatal(err)
		}
		if err := errors.Join(s.b.Deliver(s.ctx, []backend.Delivery{{ID: engine.NewID(), To: backend.Address{InstanceID: "a"}, Event: ev}})...); err != nil {
			s.Fatal(err)
		}
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (bool, error) {
			_, err := collect(ctx, 2)
			return workflow.Now(ctx).Before(ahead), err
		}}, nil))
		s.waiting(i, engine.WaitSignal)
		s.signal("a", "n", 2)
		want(s, i, false)
		last := time.Time{}
		for _, ev := range s.history(*i) {
			if ev.Kind() == history.KindTaskStarted && ev.At.Before(last) {
				s.Errorf("a task began at %s, after an event of %s", ev.At, last)
			}
			last = later(last, ev.At)
		}
	}},
	{"MovesOnlyWhenATaskStarts", func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) ([]bool, error) {
			before := workflow.Now(ctx)
			wait(100 * time.Millisecond) // of thinking
			same := workflow.Now(ctx).Equal(before)
			if _, err := collect(ctx, 1); err != nil {
				return nil, err
			}
			return []bool{same, workflow.Now(ctx).After(before)}, nil
		}}, nil))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.pass(time.Minute)
		s.signal("a", "n", 1)
		want(s, i, []bool{true, true})
	}},
	{"IsThatOfTheStore", func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (time.Time, error) {
			_, err := collect(ctx, 1)
			return workflow.Now(ctx), err
		}}, nil))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.pass(time.Minute)
		before, err := s.b.Info(s.ctx)
		if err != nil {
			s.Fatal(err)
		}
		s.signal("a", "n", 1)
		got, err := result[time.Time](s, i)
		if err != nil || got.Before(before.Now.Add(-time.Millisecond)) || got.After(before.Now.Add(time.Second)) {
			s.Errorf("the workflow saw %s, the store %s, %v", got, before.Now, err)
		}
	}},
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

var holdersStopInTime = []sentence{
	stopsInTime("Here", "", time.Second),
	stopsInTime("WithARow", elsewhere, 10*time.Second),
	{"WhileACommitHangs", func(s *system) {
		line := tapOn(s.b)
		line.around(func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			if c.ExpectSeq == 0 {
				return send()
			}
			line.sever(io.ErrUnexpectedEOF)
			<-s.ctx.Done()
			return backend.WorkflowCommitted{Err: io.ErrUnexpectedEOF}
		})
		s.stopsBeside(line, func(*engine.Instance) {})
	}},
	{"WhileTheResultsOfAPausedInstanceCantBeDelivered", func(s *system) {
		line := tapOn(s.b)
		s.stopsBeside(line, func(i *engine.Instance) {
			s.pause(i)
			s.rest()
			line.sever(io.ErrUnexpectedEOF)
		})
	}},
}

// stopsBeside runs two activities, of which one ends after trouble began, and
// expects the other to be told to stop within the lease.
func (s *system) stopsBeside(line backend.Backend, trouble func(*engine.Instance)) {
	s.Helper()
	const length = 2 * time.Second
	goOn := make(chan struct{})
	var told atomic.Value
	cut := s.startOn(line, functions(map[string]any{"w": func(ctx workflow.Context) error {
		workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act")
		_, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "other").Get(ctx)
		return errors.Join(err, workflow.Sleep(ctx, time.Hour))
	}}, map[string]any{
		"act": func(ctx context.Context) (int, error) {
			<-ctx.Done()
			told.Store(context.Cause(ctx))
			return 0, ctx.Err()
		},
		"other": func(context.Context) (int, error) { s.hold(goOn); return 1, nil },
	}), lease(length))
	i := s.create("a", "w")
	s.waiting(i, engine.WaitActivity)
	s.rest()
	trouble(i)
	close(goOn)
	s.pass(length)
	if err, _ := told.Load().(error); !errors.Is(err, activity.ErrLeaseLost) {
		s.Errorf("when the lease ended, the activity beside had been told %v", err)
	}
	s.abort(cut)
}

// stopsInTime cuts off the worker that runs an activity: the activity must be told
// to stop before the store lets anybody else run it.
func stopsInTime(name string, q engine.Queue, length time.Duration) sentence {
	return sentence{name, func(s *system) {
		line := tapOn(s.b)
		wf := map[string]any{"w": doing(workflow.ActivityOptions{Queue: q, RetryOptions: workflow.RetryOptions{MaxAttempts: 3}}, 0)}
		var told atomic.Value
		var stopped, begun time.Time
		all := func(o *worker.Options) { o.ActivityQueues = []engine.Queue{"", elsewhere} }
		if q != "" {
			s.start(functions(wf, nil))
			all = serving(q)
		}
		cut := s.startOn(line, functions(wf, map[string]any{"act": func(ctx context.Context) (int, error) {
			<-ctx.Done()
			stopped = time.Now()
			told.Store(context.Cause(ctx))
			return 0, ctx.Err()
		}}), all, lease(length))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		s.pass(length / 2)
		line.sever(io.ErrUnexpectedEOF)
		s.start(functions(wf, map[string]any{"act": func(context.Context) (int, error) {
			begun = time.Now()
			return 7, nil
		}}), func(o *worker.Options) { o.ActivityQueues = []engine.Queue{"", elsewhere} })
		want(s, i, 7)
		s.is(s.told(&told), activity.ErrLeaseLost, "the cause")
		if !stopped.Before(begun) {
			s.Errorf("it was told to stop %s after the next attempt began", stopped.Sub(begun))
		}
		s.abort(cut)
	}}
}
