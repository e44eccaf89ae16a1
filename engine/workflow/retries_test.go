package workflow_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

var errFlaky = errors.New("flaky")

// retried runs WithRetries over activities.
func retried(t *testing.T, o workflow.RetryOptions) *session {
	t.Helper()
	return newSession(t).start(func(ctx workflow.Context) (any, error) {
		return workflow.WithRetries(ctx, o, func(ctx workflow.Context, attempt int) workflow.Future[int] {
			return workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "a", attempt)
		}).Get(ctx)
	})
}

func TestRetryDelays(t *testing.T) {
	s := retried(t, workflow.RetryOptions{
		MaxAttempts: 5, FirstRetryInterval: time.Second, BackoffCoefficient: 3, MaxRetryInterval: 5 * time.Second,
	})
	for _, ref := range []int{1, 3, 5} {
		s.fail(ref, errFlaky)
		s.outcome(ref + 1)
		s.event()
	}
	s.complete(7, 42)
	s.wantLog("1 activity a[0]", "2 timer 1s", "3 activity a[1]", "4 timer 3s", "5 activity a[2]", "6 timer 5s", "7 activity a[3]")
	s.wantResult(42)
}

func TestRetryWithoutDelayCostsNoTimer(t *testing.T) {
	s := retried(t, workflow.DefaultRetryOptions)
	for ref := 1; ref <= 3; ref++ {
		s.fail(ref, errFlaky)
	}
	s.wantLog("1 activity a[0]", "2 activity a[1]", "3 activity a[2]")
	if err := s.completion().Err; err == nil || err.Error() != "flaky" {
		t.Fatal(err)
	}
}

func TestNotRetried(t *testing.T) {
	for name, err := range map[string]error{
		"permanent": workflow.NewPermanentError(errFlaky),
		"panic":     engine.NewPanicError("boom", "stack"),
		"canceled":  engine.ErrCanceled,
	} {
		t.Run(name, func(t *testing.T) {
			s := retried(t, workflow.DefaultRetryOptions)
			s.fail(1, err)
			s.wantLog("1 activity a[0]")
			if s.completion().Err == nil {
				t.Fatal("no error")
			}
		})
	}
	t.Run("one attempt", func(t *testing.T) {
		for _, n := range []int{0, 1} {
			s := retried(t, workflow.RetryOptions{MaxAttempts: n})
			s.fail(1, errFlaky)
			s.wantLog("1 activity a[0]")
		}
	})
	t.Run("timeout", func(t *testing.T) {
		s := retried(t, workflow.RetryOptions{MaxAttempts: 9, FirstRetryInterval: time.Second, RetryTimeout: time.Minute})
		s.now = s.now.Add(time.Minute)
		s.fail(1, errFlaky)
		s.wantLog("1 activity a[0]")
	})
}

func TestCancelEndsRetries(t *testing.T) {
	s := retried(t, workflow.RetryOptions{MaxAttempts: 9, FirstRetryInterval: time.Hour})
	s.fail(1, errFlaky)
	s.cancel(nil)
	s.wantLog("1 activity a[0]", "2 timer 1h0m0s", "cancel 2")
	s.wantError(workflow.Canceled)
}

func TestJitterIsTheSameOnReplay(t *testing.T) {
	run := func() []string {
		s := retried(t, workflow.RetryOptions{MaxAttempts: 2, FirstRetryInterval: time.Hour, Jitter: 0.5})
		s.fail(1, errFlaky)
		return s.log
	}
	a, b := run(), run()
	if len(a) != 2 || a[1] != b[1] || a[1] == "2 timer 1h0m0s" {
		t.Fatalf("delays %v and %v", a, b)
	}
}

func TestInvalidRetryOptionsStartNothing(t *testing.T) {
	s := retried(t, workflow.RetryOptions{MaxAttempts: 2, FirstRetryInterval: -1})
	s.wantError(engine.ErrInvalidArgument)
	s.wantLog()
}
