package scenarios

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// serving makes a worker run the activities of that queue only.
func serving(q engine.Queue) options {
	return func(o *worker.Options) { o.Roles, o.ActivityQueues = worker.ActivitiesOnly, []engine.Queue{q} }
}

// pending returns what an execution has outside its history.
func (s *system) pending(i *engine.Instance) backend.Pending {
	s.Helper()
	p, err := s.b.Pending(s.ctx, *i, 0)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// summary returns the summary of an execution.
func (s *system) summary(i *engine.Instance) backend.Summary {
	s.Helper()
	sum, err := s.b.Get(s.ctx, *i)
	if err != nil {
		s.Fatal(err)
	}
	return sum
}

// bodies returns the events of one type.
func bodies[B history.Body](s *system, i *engine.Instance) []B {
	s.Helper()
	var bs []B
	for _, ev := range s.history(*i) {
		if b, ok := ev.Body.(B); ok {
			bs = append(bs, b)
		}
	}
	return bs
}

// untilTold is an activity that waits until it is told to stop.
func untilTold(ctx context.Context) (int, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

var withoutARow = []sentence{
	{"AreCountedAndCoveredByTheLease", func(s *system) {
		s.start(functions(map[string]any{"w": doing(workflow.DefaultActivityOptions, 0)}, map[string]any{"act": untilTold}))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		p := s.pending(i)
		equal(s, "rows", len(p.Activities), 0)
		equal(s, "activities at the holder", s.summary(i).Local, 1)
		s.pass(time.Minute)
		if until := s.pending(i).LeaseUntil; !until.After(time.Now()) || s.pending(i).Holder == "" {
			s.Errorf("the lease ended at %s, now it is %s", until, time.Now())
		}
	}},
	{"AreReissuedWithTheNextAttempt", func(s *system) {
		line := breakableOn(s.b)
		wf := map[string]any{"w": doing(workflow.DefaultActivityOptions, 0)}
		dying := s.startOn(line, functions(wf, map[string]any{"act": untilTold}), lease(time.Second))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		line.sever(io.ErrUnexpectedEOF)
		s.start(functions(wf, map[string]any{"act": func(ctx context.Context) (int, error) { return activity.Info(ctx).Attempt, nil }}))
		want(s, i, 2)
		failed := bodies[history.ActivityAttemptFailed](s, i)
		if len(failed) != 1 || !errors.Is(failed[0].Failure, engine.ErrWorkerLost) || failed[0].Run.Attempt != 1 {
			s.Errorf("history has the failed attempts %+v", failed)
		}
		s.abort(dying)
	}},
	answeredLate("NotIfTheAnswerIsInTheInbox", 3),
	answeredLate("NotIfTheAnswerIsFarDownInTheInbox", 2*backend.MaxInbox),
	{"UseUpTheirAttemptsIfTheyKillTheirProcess", func(s *system) {
		var runs atomic.Int32
		var dead []*worker.Worker
		i := s.create("a", "w")
		for range 4 {
			line := breakableOn(s.b)
			dead = append(dead, s.startOn(line, functions(
				map[string]any{"w": doing(workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 2}}, 0)},
				map[string]any{"act": func(ctx context.Context) (int, error) {
					runs.Add(1)
					line.sever(io.ErrUnexpectedEOF)
					<-ctx.Done()
					return 0, ctx.Err()
				}}), lease(time.Second)))
			s.pass(3 * time.Second)
		}
		_, err := result[int](s, i)
		s.is(err, engine.ErrWorkerLost, "an activity that kills its worker")
		equal(s, "attempts", runs.Load(), 2)
		for _, w := range dead {
			s.abort(w)
		}
	}},
}

// answeredLate cuts off a holder while its activity runs, puts n signals into the
// inbox, and then lets the result follow them: the next holder must find it.
func answeredLate(name string, n int) sentence {
	return sentence{name, func(s *system) {
		line := breakableOn(s.b)
		goOn := make(chan struct{})
		var runs atomic.Int32
		wf := map[string]any{"w": doing(workflow.DefaultActivityOptions, n)}
		former := s.startOn(line, functions(wf, map[string]any{"act": func(context.Context) (int, error) {
			s.hold(goOn)
			return int(runs.Add(1)), nil
		}}), lease(time.Second))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		line.sever(io.ErrUnexpectedEOF)
		s.pass(soon)
		s.deliverUpTo("a", n)
		line.retire()
		close(goOn)
		s.until("the result is in the inbox", func() bool { return len(s.pending(i).Inbox) == n+1 }, s.log.String)
		s.halt(former)
		s.start(functions(wf, map[string]any{"act": counting(&runs)}))
		want(s, i, 1)
		equal(s, "runs", runs.Load(), 1)
	}}
}

// hasRow waits for the activity's row.
func (s *system) hasRow(i *engine.Instance) backend.PendingActivity {
	s.Helper()
	s.until("the activity has a row", func() bool { return len(s.pending(i).Activities) == 1 }, func() string { return s.story(*i) })
	return s.pending(i).Activities[0]
}

var withARow = []sentence{
	{"WhenAnotherWorkerShallRunThem", func(s *system) {
		acts := map[string]any{"act": untilTold}
		s.start(functions(map[string]any{"w": doing(workflow.ActivityOptions{Queue: elsewhere}, 0)}, acts))
		equal(s, "queue", s.hasRow(s.create("a", "w")).Queue, elsewhere)
	}},
	{"WhenTheyWaitForARetry", func(s *system) {
		o := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 2, FirstRetryInterval: time.Hour}}
		s.start(functions(map[string]any{"w": doing(o, 0)}, map[string]any{"act": func(context.Context) (int, error) { return 0, plain() }}))
		row := s.hasRow(s.create("a", "w"))
		equal(s, "attempt", row.Attempt, 2)
		equal(s, "last error", row.LastError, plain().Error())
	}},
	{"WhenTheyHeartbeat", func(s *system) {
		o := workflow.ActivityOptions{Heartbeat: time.Minute}
		s.start(functions(map[string]any{"w": doing(o, 0)}, map[string]any{"act": func(ctx context.Context) (int, error) {
			if err := activity.Heartbeat(ctx, "half"); err != nil {
				return 0, err
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}}))
		i := s.create("a", "w")
		s.hasRow(i)
		s.until("details are stored", func() bool { return string(s.hasRow(i).Details) == `"half"` }, s.log.String)
	}},
	{"WhenTheirWorkerStops", func(s *system) {
		w := s.start(functions(map[string]any{"w": doing(workflow.ActivityOptions{}, 0)}, map[string]any{"act": untilTold}), lease(time.Hour))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		s.abort(w)
		row := s.hasRow(i)
		equal(s, "attempt", row.Attempt, 1)
		equal(s, "holder", row.Holder, "")
		if row.ReadyAt.After(time.Now()) {
			s.Errorf("the row is ready at %s, now it is %s", row.ReadyAt, time.Now())
		}
		equal(s, "activities at the holder", s.summary(i).Local, 0)
	}},
}

var olderRowsFirst = []sentence{
	{"WhatIsScheduledLaterDoesNotOvertake", func(s *system) {
		var mu sync.Mutex
		var order []string
		acts := map[string]any{"act": func(ctx context.Context, round string) error {
			mu.Lock()
			order = append(order, round+activity.Info(ctx).Instance.InstanceID)
			mu.Unlock()
			return rest(ctx, time.Second, false)
		}}
		wf := map[string]any{"w": func(ctx workflow.Context) error {
			for _, round := range []string{"first ", "second "} {
				if _, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, "act", round).Get(ctx); err != nil {
					return err
				}
			}
			return nil
		}}
		only := s.start(functions(wf, nil), func(o *worker.Options) { o.Roles = worker.WorkflowsOnly })
		var all []*engine.Instance
		for _, id := range []string{"a", "b", "c"} {
			i := s.create(id, "w")
			s.hasRow(i)
			s.pass(time.Millisecond)
			all = append(all, i)
		}
		s.halt(only)
		s.start(functions(wf, acts), func(o *worker.Options) { o.MaxParallelActivityTasks = 1 })
		for _, i := range all {
			if _, err := result[any](s, i); err != nil {
				s.Error(err)
			}
		}
		if !slices.Equal(order, []string{"first a", "first b", "first c", "second a", "second b", "second c"}) {
			s.Errorf("activities ran in the order %q", order)
		}
	}},
}
