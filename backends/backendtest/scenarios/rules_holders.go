package scenarios

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// held starts a worker and an instance that it holds for an hour, because an
// activity is running there, while its code waits for two signals.
func (s *system) held(line backend.Backend, told *atomic.Value) *engine.Instance {
	s.Helper()
	s.startOn(line, functions(map[string]any{"w": func(ctx workflow.Context) ([]int, error) {
		workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act")
		return collect(ctx, 2)
	}}, map[string]any{"act": func(ctx context.Context) (int, error) {
		<-ctx.Done()
		told.Store(context.Cause(ctx))
		return 0, ctx.Err()
	}}), lease(time.Hour))
	i := s.create("a", "w")
	s.waiting(i, engine.WaitSignal)
	s.rest()
	equal(s, "activities at the holder", s.summary(i).Local, 1)
	return i
}

// soon is long before a lease of an hour is prolonged.
const soon = 5 * time.Second

// told returns why an activity was told to stop.
func (s *system) told(v *atomic.Value) error {
	s.Helper()
	s.until("the activity is told to stop", func() bool { return v.Load() != nil }, s.log.String)
	err, _ := v.Load().(error)
	return err
}

var holdersHear = []sentence{
	{"OfSignals", func(s *system) {
		line := tapOn(s.b)
		var told atomic.Value
		i := s.held(line, &told)
		s.signal("a", "n", 1)
		s.pass(soon)
		equal(s, "signals in history", s.count(*i, history.KindSignalReceived), 1)
		s.signal("a", "n", 2)
		want(s, i, upTo(2))
		if n := len(line.heard().claims); n > 1 { // none if it was taken eagerly
			s.Errorf("%d claims", n)
		}
	}},
	{"OfAPause", func(s *system) {
		var told atomic.Value
		i := s.held(s.b, &told)
		if err := s.c.Pause(s.ctx, i, ""); err != nil {
			s.Fatal(err)
		}
		s.signal("a", "n", 1)
		s.pass(soon)
		equal(s, "signals in history", s.count(*i, history.KindSignalReceived), 0)
	}},
	{"OfATermination", func(s *system) {
		var told atomic.Value
		i := s.held(s.b, &told)
		begun := time.Now()
		if err := s.c.TerminateWorkflowInstance(s.ctx, i, "enough"); err != nil {
			s.Fatal(err)
		}
		s.is(s.told(&told), activity.ErrCanceled, "the cause")
		if d := time.Since(begun); d > soon {
			s.Errorf("the activity was told after %s", d)
		}
	}},
	{"OfDueTimers", func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act")
			return 7, workflow.Sleep(ctx, 30*time.Second)
		}}, map[string]any{"act": untilTold}), lease(time.Hour))
		begun := time.Now()
		want(s, s.create("a", "w"), 7)
		if d := time.Since(begun); d < 30*time.Second || d > 30*time.Second+soon {
			s.Errorf("it ended after %s", d)
		}
	}},
}

var lastWorkerPreferred = []sentence{
	{"SignalsAreNoColdReplays", func(s *system) {
		first, second := tapOn(s.b), tapOn(s.b)
		reg := functions(map[string]any{"collect": collect}, nil)
		s.startOn(first, reg)
		s.startOn(second, reg)
		const n = 30
		i := s.create("a", "collect", n)
		for _, v := range upTo(n) {
			s.pass(300 * time.Millisecond)
			s.signal("a", "n", v)
		}
		want(s, i, upTo(n))
		equal(s, "replays", first.heard().replays+second.heard().replays, 0)
	}},
	{"OthersTakeOverSoonWhenItIsGone", func(s *system) {
		line := breakableOn(s.b)
		reg := functions(map[string]any{"collect": collect}, nil)
		gone := s.startOn(line, reg)
		i := s.create("a", "collect", 1)
		s.waiting(i, engine.WaitSignal)
		line.sever(io.ErrUnexpectedEOF)
		s.start(reg)
		s.pass(time.Second)
		begun := time.Now()
		s.signal("a", "n", 1)
		want(s, i, upTo(1))
		if d := time.Since(begun); d > 2*time.Second {
			s.Errorf("another worker took over after %s", d)
		}
		s.abort(gone)
	}},
}

var unreadSignals = []sentence{
	{"TravelInOrderBeforeTheInbox", func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context, again bool) ([]int, error) {
			if again {
				workflow.NewSignalChannel[bool](ctx, "go").Receive(ctx)
				return collect(ctx, 6)
			}
			workflow.NewSignalChannel[bool](ctx, "go").Receive(ctx)
			return nil, workflow.ContinueAsNew(ctx, true)
		}}, nil))
		i := s.create("a", "w", false)
		s.sendUpTo("a", 3)
		s.rest()
		s.signal("a", "go", true)
		s.await(*i, "continued", status(engine.StatusContinuedAsNew))
		next := s.summary(&engine.Instance{InstanceID: "a"}).Instance
		s.waiting(&next, engine.WaitSignal)
		started := bodies[history.WorkflowStarted](s, &next)[0]
		equal(s, "signals that traveled", len(started.Signals), 3)
		for _, v := range []int{4, 5, 6} {
			s.signal("a", "n", v)
		}
		s.signal("a", "go", true)
		want(s, i, upTo(6))
	}},
	{"ThoseInTheInboxFollow", func(s *system) {
		line := tapOn(s.b)
		line.around(func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			if c.Status == engine.StatusContinuedAsNew { // they come while this step is on its way
				s.signal("a", "n", 4)
				s.signal("a", "n", 5)
			}
			return send()
		})
		i := s.create("a", "relay", []int{}, 5)
		s.sendUpTo("a", 3)
		s.startOn(line, functions(map[string]any{"relay": relay}, nil))
		want(s, i, upTo(5))
	}},
	{"AreCountedWhenTheInstanceEnds", func(s *system) {
		line := tapOn(s.b)
		line.around(func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			if c.Status.Final() { // they come while the last step is on its way
				s.sendUpTo("a", 3)
			}
			return send()
		})
		s.startOn(line, functions(map[string]any{"w": says("done")}, nil))
		i := s.create("a", "w")
		want(s, i, "done")
		equal(s, "unread", s.summary(i).Unread, 3)
		equal(s, "inbox", len(s.pending(i).Inbox), 0)
	}},
}

// closedAt continues as new with a child of that policy, and expects the child to end so.
func closedAt(policy workflow.ParentClosePolicy, end engine.Status) sentence {
	return sentence{"PolicyOfChildren_" + string(policy), func(s *system) {
		s.start(functions(map[string]any{"child": sleep(time.Hour), "w": func(ctx workflow.Context, again bool) ([]int, error) {
			if again {
				return collect(ctx, 1)
			}
			o := workflow.SubWorkflowOptions{InstanceID: "child", ParentClosePolicy: policy}
			workflow.CreateSubWorkflowInstance[any](ctx, o, "child")
			if _, err := collect(ctx, 1); err != nil {
				return nil, err
			}
			return nil, workflow.ContinueAsNew(ctx, true)
		}}, nil))
		i := s.create("a", "w", false)
		child := engine.Instance{InstanceID: "child"}
		s.waiting(i, engine.WaitSignal)
		s.waiting(&child, engine.WaitTimer)
		s.signal("a", "n", 1)
		s.await(*i, "continued", status(engine.StatusContinuedAsNew))
		s.pass(soon)
		equal(s, "status of the child", s.summary(&child).Status, end)
		s.signal("a", "n", 1)
		want(s, i, upTo(1))
	}}
}

var continueAsNewEnds = []sentence{
	{"ActivitiesAndTimers", func(s *system) {
		var told atomic.Value
		act := func(ctx context.Context) (int, error) {
			<-ctx.Done()
			told.Store(context.Cause(ctx))
			return 0, ctx.Err()
		}
		s.start(functions(map[string]any{"w": func(ctx workflow.Context, again bool) ([]int, error) {
			if !again {
				workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act")
				workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{Queue: nowhere}, "act")
				workflow.ScheduleTimer(ctx, time.Hour)
			}
			got, err := collect(ctx, 1)
			if again || err != nil {
				return got, err
			}
			return nil, workflow.ContinueAsNew(ctx, true)
		}}, map[string]any{"act": act}))
		i := s.create("a", "w", false)
		s.waiting(i, engine.WaitSignal)
		s.signal("a", "n", 1)
		s.await(*i, "continued", status(engine.StatusContinuedAsNew))
		s.is(s.told(&told), activity.ErrCanceled, "the cause")
		if p := s.pending(i); len(p.Activities)+len(p.Timers)+len(p.Inbox) > 0 {
			s.Errorf("left behind are %+v", p)
		}
		s.signal("a", "n", 1)
		want(s, i, upTo(1))
	}},
	closedAt(workflow.ParentCloseCancel, engine.StatusCanceled),
	closedAt(workflow.ParentCloseTerminate, engine.StatusTerminated),
	closedAt(workflow.ParentCloseAbandon, engine.StatusRunning),
}

// pause pauses an instance.
func (s *system) pause(i *engine.Instance) {
	s.Helper()
	if err := s.c.Pause(s.ctx, i, ""); err != nil {
		s.Fatal(err)
	}
}

func (s *system) resume(i *engine.Instance) {
	s.Helper()
	if err := s.c.Resume(s.ctx, i, ""); err != nil {
		s.Fatal(err)
	}
}

var paused = []sentence{
	{"HolderCommitsItsStepAndLetsGo", func(s *system) {
		line := tapOn(s.b)
		i := s.create("a", "collect", 2)
		line.around(func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			if c.ExpectSeq == 0 {
				s.pause(i)
				s.signal("a", "n", 1)
			}
			return send()
		})
		s.startOn(line, functions(map[string]any{"collect": collect}, nil), lease(time.Hour))
		s.pass(soon)
		equal(s, "events", s.summary(i).HistoryLength, 2) // TaskStarted, WorkflowStarted
		equal(s, "holder", s.pending(i).Holder, "")
		s.resume(i)
		s.signal("a", "n", 2)
		want(s, i, upTo(2))
	}},
	{"RunningActivitiesFinishIntoTheInbox", func(s *system) {
		goOn := make(chan struct{})
		s.start(functions(map[string]any{"w": doing(workflow.DefaultActivityOptions, 0)},
			map[string]any{"act": func(context.Context) (int, error) { s.hold(goOn); return 7, nil }}))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		s.pause(i)
		s.pass(soon)
		close(goOn)
		s.pass(soon)
		p := s.pending(i)
		if len(p.Inbox) != 1 || p.Holder != "" || s.count(*i, history.KindActivityCompleted) != 0 {
			s.Errorf("pending are %+v\n%s", p, s.story(*i))
		}
		s.resume(i)
		want(s, i, 7)
	}},
	noNewAttempt("NoNewAttempt", 0),
	noNewAttempt("NoNewAttemptOfARow", 10*time.Second),
	{"TimersWait", func(s *system) {
		s.start(functions(map[string]any{"w": sleep(20 * time.Second)}, nil))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitTimer)
		s.pause(i)
		s.pass(time.Minute)
		equal(s, "status", s.summary(i).Status, engine.StatusRunning)
		s.resume(i)
		if _, err := result[any](s, i); err != nil {
			s.Error(err)
		}
	}},
}

// noNewAttempt pauses an instance while the first attempt of an activity is
// running, which fails.
func noNewAttempt(name string, delay time.Duration) sentence {
	return sentence{name, func(s *system) {
		goOn := make(chan struct{})
		var runs atomic.Int32
		act := func(context.Context) (int, error) {
			if n := runs.Add(1); n > 1 {
				return int(n), nil
			}
			s.hold(goOn)
			return 0, plain()
		}
		o := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 2, FirstRetryInterval: delay}}
		s.start(functions(map[string]any{"w": doing(o, 0)}, map[string]any{"act": act}))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		s.pause(i)
		s.pass(soon)
		close(goOn)
		s.pass(30 * time.Second)
		equal(s, "attempts while paused", runs.Load(), 1)
		equal(s, "holder", s.pending(i).Holder, "")
		s.resume(i)
		want(s, i, 2)
		equal(s, "failed attempts in history", s.count(*i, history.KindActivityAttemptFailed), 1)
	}}
}
