package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

var earlyReturn = []sentence{
	{"CompletesThoughCoroutinesAreBlocked", func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			workflow.Go(ctx, gate)
			return 1, nil
		}}, nil))
		want(s, s.create("a", "w"), 1)
	}},
	{"CompletesThoughFuturesWereNotRead", func(s *system) {
		s.start(functions(map[string]any{"w": abandon}, waiters(nil)))
		want(s, s.create("a", "w"), 1)
	}},
	{"AbandonedIsLogged", func(s *system) {
		s.start(functions(map[string]any{"w": abandon}, waiters(nil)))
		want(s, s.create("a", "w"), 1)
		s.until("the log names the activity", func() bool { return s.log.has("wait") && s.log.has("abandoned") }, s.log.String)
	}},
	{"AbandonedIsCanceled", func(s *system) {
		var cause atomic.Value
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, "wait")
			return 1, workflow.Sleep(ctx, 50*time.Millisecond)
		}}, waiters(&cause)))
		want(s, s.create("a", "w"), 1)
		s.canceledFor(&cause, activity.ErrCanceled)
	}},
}

func abandon(ctx workflow.Context) (int, error) {
	workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, "wait")
	return 1, nil
}

// waiters is an activity that waits until it is canceled, and notes why it was.
func waiters(cause *atomic.Value) map[string]any {
	return map[string]any{"wait": func(ctx context.Context) error {
		<-ctx.Done()
		if cause != nil {
			cause.Store(context.Cause(ctx).Error())
		}
		return ctx.Err()
	}}
}

func (s *system) canceledFor(cause *atomic.Value, want error) {
	s.Helper()
	s.until("the activity's context is canceled", func() bool { return cause.Load() != nil }, s.log.String)
	if got := cause.Load().(string); got != want.Error() {
		s.Errorf("the activity was canceled for %q, want %q", got, want)
	}
}

var cancel = []sentence{
	{"ReachesARunningActivity", func(s *system) {
		var cause atomic.Value
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) error {
			_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, "wait").Get(ctx)
			return err
		}}, waiters(&cause)))
		s.cancels(s.create("a", "w"), engine.WaitActivity)
		s.canceledFor(&cause, activity.ErrCanceled)
	}},
	{"ReachesTimers", func(s *system) {
		s.start(functions(map[string]any{"w": sleep(time.Hour)}, nil))
		i := s.create("a", "w")
		s.cancels(i, engine.WaitTimer)
		if n := s.count(*i, history.KindTimerCanceled); n != 1 {
			s.Errorf("%d timers were canceled", n)
		}
	}},
	{"ReachesSubWorkflows", func(s *system) {
		s.start(functions(map[string]any{"w": parentOf("child", workflow.ParentCloseCancel), "child": sleep(time.Hour)}, nil))
		i := s.create("a", "w")
		s.cancels(i, engine.WaitChild)
		s.await(engine.Instance{InstanceID: "child"}, "the child is canceled", status(engine.StatusCanceled))
	}},
	{"CleanupInADisconnectedContextRunsToItsEnd", func(s *system) {
		var cleaned atomic.Bool
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) error {
			err := workflow.Sleep(ctx, time.Hour)
			if err != nil {
				clean := workflow.NewDisconnectedContext(ctx)
				_, e := workflow.ExecuteActivity[any](clean, workflow.DefaultActivityOptions, "clean").Get(clean)
				err = joinErrors(err, e, workflow.Sleep(clean, time.Millisecond))
			}
			return err
		}}, map[string]any{"clean": func(context.Context) error { cleaned.Store(true); return nil }}))
		s.cancels(s.create("a", "w"), engine.WaitTimer)
		if !cleaned.Load() {
			s.Error("the cleanup did not run")
		}
	}},
	{"StatusIsCanceledNotFailed", func(s *system) {
		s.start(functions(map[string]any{"w": pass2}, nil))
		i := s.create("a", "w")
		s.cancels(i, engine.WaitTimer)
		_, err := result[any](s, i)
		s.is(err, client.ErrWorkflowCanceled, "the result")
	}},
}

func pass2(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) }

// cancels cancels an instance once it waits for something of that kind, and waits
// until it is canceled.
func (s *system) cancels(i *engine.Instance, kind engine.WaitKind) {
	s.Helper()
	s.waiting(i, kind)
	if err := s.c.CancelWorkflowInstance(s.ctx, i); err != nil {
		s.Fatal(err)
	}
	s.await(*i, "canceled", func(sum backend.Summary) bool {
		if sum.Status.Final() && sum.Status != engine.StatusCanceled {
			s.Fatalf("%s is %s, want it canceled\n%s", i, sum.Status, s.story(*i))
		}
		return sum.Status == engine.StatusCanceled
	})
}

var resultFollows = []sentence{
	{"ToTheLastExecution", func(s *system) {
		s.start(functions(map[string]any{"count": func(ctx workflow.Context, n int) (int, error) {
			if n < 5 {
				return 0, workflow.ContinueAsNew(ctx, n+1)
			}
			return n, nil
		}}, nil))
		want(s, s.create("a", "count", 1), 5)
	}},
}

// attempts runs an activity that fails n times, and returns its attempts' times.
func attempts(n int, failure func() error) (act any, starts *stamps) {
	starts = &stamps{}
	return func(ctx context.Context) (int, error) {
		if k := starts.add(); k <= n {
			return 0, failure()
		}
		return activity.Attempt(ctx), nil
	}, starts
}

func retrying(o workflow.RetryOptions) any {
	return func(ctx workflow.Context) (int, error) {
		return workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{RetryOptions: o}, "flaky").Get(ctx)
	}
}

func (s *system) retry(o workflow.RetryOptions, fails int, failure func() error) (*engine.Instance, *stamps) {
	s.Helper()
	act, starts := attempts(fails, failure)
	s.start(functions(map[string]any{"w": retrying(o)}, map[string]any{"flaky": act}))
	return s.create("a", "w"), starts
}

func plain() error { return errors.New("flaky") }

var retries = []sentence{
	{"FirstIntervalIsTheFirstDelay", func(s *system) {
		const first = 150 * time.Millisecond
		i, starts := s.retry(workflow.RetryOptions{MaxAttempts: 2, FirstRetryInterval: first, BackoffCoefficient: 10}, 1, plain)
		want(s, i, 1)
		if d := starts.gap(0); d < first-5*time.Millisecond || d > 8*first {
			s.Errorf("the second attempt began after %s, want about %s", d, first)
		}
	}},
	{"ThenCoefficientAndCap", func(s *system) {
		i, starts := s.retry(workflow.RetryOptions{
			MaxAttempts: 4, FirstRetryInterval: 20 * time.Millisecond, BackoffCoefficient: 5, MaxRetryInterval: 100 * time.Millisecond,
		}, 3, plain)
		want(s, i, 3)
		for k, least := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond} {
			if d := starts.gap(k); d < least-5*time.Millisecond {
				s.Errorf("delay %d was %s, want at least %s", k+1, d, least)
			}
		}
	}},
	{"WithoutDelayItCostsNoTimerEvent", func(s *system) {
		i, _ := s.retry(workflow.RetryOptions{MaxAttempts: 3}, 2, plain)
		want(s, i, 2)
		if n := s.count(*i, history.KindTimerScheduled); n != 0 {
			s.Errorf("history has %d timers", n)
		}
	}},
	{"AttemptIsVisible", func(s *system) {
		i, _ := s.retry(workflow.RetryOptions{MaxAttempts: 3, FirstRetryInterval: time.Millisecond}, 2, plain)
		want(s, i, 2)
		if n := s.count(*i, history.KindActivityAttemptFailed); n != 2 {
			s.Errorf("history has %d failed attempts, want 2\n%s", n, s.story(*i))
		}
	}},
	{"PanicsAreNotRetried", func(s *system) {
		i, starts := s.retry(workflow.RetryOptions{MaxAttempts: 3}, 3, func() error { panic("boom") })
		_, err := result[int](s, i)
		var p *workflow.PanicError
		if !errors.As(err, &p) || starts.len() != 1 {
			s.Errorf("%d attempts, %v; want 1 and a *PanicError", starts.len(), err)
		}
	}},
	{"PermanentErrorsAreNotRetried", func(s *system) {
		i, starts := s.retry(workflow.RetryOptions{MaxAttempts: 3}, 3, func() error { return workflow.NewPermanentError(plain()) })
		if _, err := result[int](s, i); err == nil || starts.len() != 1 {
			s.Errorf("%d attempts, %v; want 1 and an error", starts.len(), err)
		}
	}},
}

// parentOf starts a child under its own name and waits for it.
func parentOf(child string, policy workflow.ParentClosePolicy) func(workflow.Context) error {
	return func(ctx workflow.Context) error {
		o := workflow.SubWorkflowOptions{InstanceID: child, ParentClosePolicy: policy}
		_, err := workflow.CreateSubWorkflowInstance[any](ctx, o, child).Get(ctx)
		return err
	}
}

func closes(policy workflow.ParentClosePolicy, end engine.Status) sentence {
	return sentence{"TerminatingTheParent_" + string(policy), func(s *system) {
		s.start(functions(map[string]any{"w": parentOf("child", policy), "child": sleep(time.Hour)}, nil))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitChild)
		child := engine.Instance{InstanceID: "child"}
		s.waiting(&child, engine.WaitTimer)
		if err := s.c.TerminateWorkflowInstance(s.ctx, i, "enough"); err != nil {
			s.Fatal(err)
		}
		s.await(*i, "terminated", status(engine.StatusTerminated))
		s.await(child, "the child is "+string(end), status(end))
	}}
}

var subWorkflows = []sentence{
	{"TakenIDFailsTheCall", func(s *system) {
		s.start(functions(map[string]any{"w": parentOf("child", workflow.ParentCloseCancel), "child": sleep(time.Hour)}, nil))
		child := s.create("child", "child")
		_, err := result[any](s, s.create("a", "w"))
		s.is(err, engine.ErrInstanceAlreadyExists, "the call")
		if err != nil && !strings.Contains(err.Error(), "child") {
			s.Errorf("the error does not name the id: %v", err)
		}
		s.waiting(child, engine.WaitTimer)
	}},
	closes(workflow.ParentCloseCancel, engine.StatusCanceled),
	closes(workflow.ParentCloseTerminate, engine.StatusTerminated),
	closes(workflow.ParentCloseAbandon, engine.StatusRunning),
}

var names = []sentence{
	{"AreCaseSensitive", func(s *system) {
		s.start(functions(map[string]any{"Say": says("upper"), "say": says("lower")}, nil))
		upper, lower := s.create("ID", "Say"), s.create("id", "say")
		want(s, upper, "upper")
		want(s, lower, "lower")
	}},
	{"AnyCharacterUpTo255Bytes", func(s *system) {
		s.start(functions(map[string]any{"w": says("done")}, nil))
		for _, id := range []string{"a b", "100%_'\"`;--", "line\nbreak", "日本語", "👩‍👩‍👧", strings.Repeat("é", 127) + "x", "../..", "{p07}"} {
			want(s, s.create(id, "w"), "done")
		}
	}},
	{"OverLongOnesAreRefusedAtTheCall", func(s *system) {
		for what, o := range map[string]client.WorkflowInstanceOptions{
			"id":    {InstanceID: strings.Repeat("x", 256)},
			"queue": {InstanceID: "a", Queue: engine.Queue(strings.Repeat("q", 256))},
		} {
			_, err := s.c.CreateWorkflowInstance(s.ctx, o, "w")
			s.is(err, engine.ErrInvalidArgument, "creating with an over-long "+what)
		}
		_, err := s.c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, strings.Repeat("w", 256))
		s.is(err, engine.ErrInvalidArgument, "creating with an over-long workflow name")
		page, err := s.b.List(s.ctx, backend.Query{})
		if err != nil || len(page.Items) != 0 {
			s.Errorf("%d instances were written, %v", len(page.Items), err)
		}
	}},
}

func says(word string) any {
	return func(workflow.Context) (string, error) { return word, nil }
}

// stamps are the times at which something happened.
type stamps struct {
	n  atomic.Int32
	at [16]atomic.Int64
}

// add notes the present and returns how many times there are now.
func (t *stamps) add() int {
	n := int(t.n.Add(1))
	t.at[n-1].Store(time.Now().UnixNano())
	return n
}

func (t *stamps) len() int { return int(t.n.Load()) }

// gap is the time between the k-th and the one after it.
func (t *stamps) gap(k int) time.Duration { return time.Duration(t.at[k+1].Load() - t.at[k].Load()) }

func joinErrors(errs ...error) error { return errors.Join(errs...) }

func manyIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("many-%03d", i)
	}
	return ids
}
