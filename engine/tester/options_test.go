package tester_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/tester"
	"github.com/wfops/wfops/engine/workflow"
)

func TestNondeterminismFailsTheTest(t *testing.T) {
	calls := 0
	for name, c := range map[string]struct {
		wf   any
		says string
	}{
		"other commands": {func(ctx workflow.Context) error {
			calls++
			if calls%2 == 1 {
				return workflow.Sleep(ctx, time.Second)
			}
			return nil
		}, "TimerScheduled"},
		"other arguments": {func(ctx workflow.Context) error {
			_, err := workflow.ExecuteActivity[any](ctx, once, "act", rand.Int64()).Get(ctx)
			return err
		}, "arguments"},
		"other durations": {func(ctx workflow.Context) error {
			return workflow.Sleep(ctx, time.Duration(rand.Int64N(1<<40)))
		}, "duration"},
		"another end": {func(workflow.Context) error {
			if calls++; calls%2 == 0 {
				return nil
			}
			return errors.New("odd")
		}, "Workflow"},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(opts ...tester.WorkflowTesterOption) tester.WorkflowTester[any] {
				wt := tester.NewWorkflowTester[any](c.wf, opts...)
				wt.OnActivityByName("act", func(context.Context, int64) error { return nil }, mock.Anything, mock.Anything).Return(nil)
				return wt
			}
			wt := build()
			mustPanic(t, func() { wt.Execute(t.Context()) }, "not deterministic", c.says)
			if wt.WorkflowFinished() {
				t.Error("finished")
			}
			r := &recorder{TB: t}
			wt = build(tester.WithTesting(r))
			wt.Execute(t.Context())
			if len(r.errors) != 1 || !strings.Contains(r.errors[0], "not deterministic") {
				t.Errorf("reported %q", r.errors)
			}
			wt = build(tester.WithoutReplay(), tester.WithTesting(t))
			wt.Execute(t.Context())
			if !wt.WorkflowFinished() {
				t.Error("not finished without the replay")
			}
		})
	}
}

func TestNondeterminismOfSubWorkflowsIsFound(t *testing.T) {
	wt := tester.NewWorkflowTester[string](parent)
	register(t, wt, "kid", func(ctx workflow.Context, _ string) (string, error) {
		return "", workflow.Sleep(ctx, time.Duration(rand.Int64N(1<<40)))
	})
	mustPanic(t, func() { wt.Execute(t.Context(), "bob") }, `workflow "kid" is not deterministic`)
}

func TestWhatCannotGoOn(t *testing.T) {
	for name, c := range map[string]struct {
		wf   any
		says []string
	}{
		"signal": {func(ctx workflow.Context) error { _, err := receive(ctx, 1); return err }, []string{`waits for signal "go"`, "nothing is left"}},
		"condition": {func(ctx workflow.Context) error {
			return workflow.AwaitCondition(ctx, func() bool { return false })
		}, []string{"waits for a condition"}},
		"sub-workflow": {func(ctx workflow.Context) error {
			_, err := workflow.CreateSubWorkflowInstance[[]int](ctx, workflow.SubWorkflowOptions{InstanceID: "kid-1"}, "receive", 1).Get(ctx)
			return err
		}, []string{`waits for child "receive"`, `kid-1 (receive) waits for signal "go"`}},
		"blocked": {func(ctx workflow.Context) error {
			workflow.NewSignalChannel[string](ctx, "go").Receive(ctx)
			return nil
		}, []string{"is blocked", "DECODE", `signal "go"`}},
		"hang": {func(workflow.Context) error {
			<-time.After(200 * time.Millisecond)
			return nil
		}, []string{"is blocked", "HANG", "TestWhatCannotGoOn"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := settings.Settings{StepDeadline: 20 * time.Millisecond}
			wt := tester.NewWorkflowTester[any](c.wf, tester.WithSettings(o), tester.WithTesting(t))
			register(t, wt, "receive", receive)
			if name == "blocked" {
				wt.SignalWorkflow("go", 1)
			}
			wt.Execute(t.Context())
			if wt.WorkflowFinished() {
				t.Error("finished")
			}
			_, err := wt.WorkflowResult()
			mustSay(t, err, c.says...)
			wt.AssertExpectations(t)
		})
	}
}

func TestTestTimeout(t *testing.T) {
	released := make(chan struct{})
	defer close(released)
	for _, c := range []struct {
		patience time.Duration
		hangs    func(context.Context) error
		says     string
	}{
		{time.Millisecond, func(context.Context) error { <-released; return nil }, `activity "hangs", attempt 1, of test-instance is running`},
		{0, func(ctx context.Context) error { <-ctx.Done(); return nil }, "waits for activity"},
		{-1, func(ctx context.Context) error { <-ctx.Done(); return nil }, "waits for activity"},
	} {
		wt := tester.NewWorkflowTester[any](only[any](once, "hangs"), tester.WithTestTimeout(50*time.Millisecond), tester.WithPatience(c.patience))
		if err := wt.Registry().RegisterActivity(c.hangs, named("hangs")); err != nil {
			t.Fatal(err)
		}
		wt.Execute(t.Context())
		_, err := wt.WorkflowResult()
		mustSay(t, err, "did not finish within 50ms", c.says)
	}
}

func TestContextOfExecute(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	wt := tester.NewWorkflowTester[any](func(ctx workflow.Context) error { _, err := receive(ctx, 1); return err }, tester.WithTestTimeout(-1))
	why := errors.New("enough")
	wt.ScheduleCallback(time.Hour, func() { cancel(why) })
	wt.Execute(ctx)
	if _, err := wt.WorkflowResult(); !errors.Is(err, why) || wt.WorkflowFinished() {
		t.Errorf("finished %v: %v", wt.WorkflowFinished(), err)
	}
}

// hidden is a converter and a codec that leave their marks.
type hidden struct{ engine.JSON }

func (hidden) Encode(v any) (engine.Payload, error) {
	p, err := engine.JSON{}.Encode(v)
	return engine.Payload(base64.StdEncoding.EncodeToString(p)), err
}

func (hidden) Decode(p engine.Payload, ptr any) error {
	plain, err := base64.StdEncoding.DecodeString(string(p))
	if err != nil {
		return err
	}
	return engine.JSON{}.Decode(plain, ptr)
}

func (hidden) Seal(p engine.Payload) (engine.Payload, error) {
	return append(slices.Clone(p), '!'), nil
}

func (hidden) Open(p engine.Payload) (engine.Payload, error) {
	plain, ok := bytes.CutSuffix(p, []byte("!"))
	if !ok {
		return nil, errors.New("not sealed")
	}
	return plain, nil
}

func TestConverterAndCodec(t *testing.T) {
	for name, opt := range map[string]tester.WorkflowTesterOption{
		"converter": tester.WithConverter(hidden{}),
		"codec":     tester.WithSettings(settings.Settings{Codec: hidden{}, Converter: hidden{}}),
	} {
		t.Run(name, func(t *testing.T) {
			wt := tester.NewWorkflowTester[int](func(ctx workflow.Context, base int) (int, error) {
				got, err := receive(ctx, 1)
				if err != nil {
					return 0, err
				}
				return sum(ctx, base, got[0])
			}, tester.WithTesting(t), opt)
			if err := wt.Registry().RegisterActivity(add); err != nil {
				t.Fatal(err)
			}
			wt.SignalWorkflow("go", 4)
			wt.Execute(t.Context(), 3)
			if got := result(t, wt); got != 7 {
				t.Errorf("result %d", got)
			}
		})
	}
}

func TestRegisteredErrors(t *testing.T) {
	errMoney := errors.New("no money")
	wt := tester.NewWorkflowTester[any](func(workflow.Context) error { return errMoney },
		tester.WithSettings(settings.Settings{Errors: engine.Sentinels{"money": errMoney}}))
	wt.Execute(t.Context())
	if _, err := wt.WorkflowResult(); !errors.Is(err, errMoney) {
		t.Errorf("error %v", err)
	}
}

type userKey struct{}

// propagator carries the user from context to context.
type propagator struct{}

func (propagator) Inject(ctx context.Context, m *workflow.Metadata) error {
	user, _ := ctx.Value(userKey{}).(string)
	m.Set("user", user)
	m.Set("traceparent", "00-"+user+"-x-01")
	return nil
}

func (propagator) Extract(ctx context.Context, m *workflow.Metadata) (context.Context, error) {
	return context.WithValue(ctx, userKey{}, m.Get("user")+" via "+m.Get("traceparent")), nil
}

func (propagator) InjectFromWorkflow(ctx workflow.Context, m *workflow.Metadata) error {
	user, _ := ctx.Value(userKey{}).(string)
	m.Set("user", user)
	m.Set("traceparent", "00-"+user+"-y-01")
	return nil
}

func (propagator) ExtractToWorkflow(ctx workflow.Context, m *workflow.Metadata) (workflow.Context, error) {
	if m.Get("traceparent") == "" {
		return ctx, errors.New("the trace is lost")
	}
	return workflow.WithValue(ctx, userKey{}, m.Get("user")), nil
}

func TestContextPropagator(t *testing.T) {
	act := func(ctx context.Context) (string, error) { return ctx.Value(userKey{}).(string), nil }
	asks := func(ctx workflow.Context) (string, error) {
		return workflow.ExecuteActivity[string](ctx, once, "act").Get(ctx)
	}
	wt := tester.NewWorkflowTester[string](func(ctx workflow.Context) (string, error) {
		return workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{}, "asks").Get(ctx)
	}, tester.WithContextPropagator(propagator{}), tester.WithTesting(t))
	register(t, wt, "asks", asks)
	if err := wt.Registry().RegisterActivity(act, named("act")); err != nil {
		t.Fatal(err)
	}
	wt.Execute(context.WithValue(t.Context(), userKey{}, "ann"))
	if got := result(t, wt); got != "ann via 00-ann-y-01" {
		t.Errorf("the activity sees %q", got)
	}
}

func TestLogger(t *testing.T) {
	var text bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&text, nil))
	act := func(ctx context.Context) error { activity.Logger(ctx).Info("in the activity"); return nil }
	wt := tester.NewWorkflowTester[any](func(ctx workflow.Context) error {
		workflow.Logger(ctx).Info("in the workflow")
		workflow.ScheduleTimer(ctx, time.Hour)
		_, err := workflow.ExecuteActivity[any](ctx, once, "act").Get(ctx)
		return err
	}, tester.WithLogger(logger), tester.WithTesting(t))
	if err := wt.Registry().RegisterActivity(act, named("act")); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context())
	for _, line := range []string{"in the workflow", "in the activity", "TimerScheduled"} {
		if n := strings.Count(text.String(), line); n != 1 { // the replay is silent
			t.Errorf("%q was logged %d times:\n%s", line, n, text.String())
		}
	}
}

func TestMaxHistorySize(t *testing.T) {
	wt := tester.NewWorkflowTester[int](sum, tester.WithMaxHistorySize(20), tester.WithSingleWorkerMode(true))
	if err := wt.Registry().RegisterActivity(add); err != nil {
		t.Fatal(err)
	}
	wt.Execute(t.Context(), 1, 2, 3, 4, 5, 6, 7, 8, 9)
	_, err := wt.WorkflowResult()
	mustSay(t, err, "blocked", "HISTORY_LIMIT")
}

func TestWallClock(t *testing.T) {
	var both atomic.Int32
	meet := func(ctx context.Context) error { // returns when two of them run
		both.Add(1)
		for both.Load() < 2 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	}
	wt := tester.NewWorkflowTester[time.Duration](func(ctx workflow.Context) (time.Duration, error) {
		a := workflow.ExecuteActivity[any](ctx, once, "meet")
		b := workflow.ExecuteActivity[any](ctx, once, "meet")
		_, errA := a.Get(ctx)
		_, errB := b.Get(ctx)
		began := workflow.Now(ctx)
		err := workflow.Sleep(ctx, 30*time.Millisecond)
		_, _ = receive(ctx, 1)
		return workflow.Now(ctx).Sub(began), errors.Join(errA, errB, err)
	}, tester.WithTimeMode(tester.TM_WallClock), tester.WithTesting(t))
	if err := wt.Registry().RegisterActivity(meet, named("meet")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if d := wt.Now().Sub(began); d < 0 || d > time.Minute {
		t.Errorf("the clock is off by %v", d)
	}
	wt.ScheduleCallback(50*time.Millisecond, func() { go wt.SignalWorkflow("go", 1) })
	wt.Execute(t.Context())
	if got := result(t, wt); got < 30*time.Millisecond || time.Since(began) < 50*time.Millisecond {
		t.Errorf("slept %v in %v", got, time.Since(began))
	}
}

func TestWallClockFromAnotherTime(t *testing.T) {
	start := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
	wt := tester.NewWorkflowTester[time.Time](func(ctx workflow.Context) (time.Time, error) { return workflow.Now(ctx), nil },
		tester.WithTimeMode(tester.TM_WallClock), tester.WithInitialTime(start))
	wt.Execute(t.Context())
	if d := result(t, wt).Sub(start); d < 0 || d > time.Minute {
		t.Errorf("it runs %v after the start", d)
	}
}

// Everything happens in the same order in every run, jitter included.
func TestEveryRunIsTheSame(t *testing.T) {
	once := func() string {
		var trace []string
		note := func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
		var wt tester.WorkflowTester[string]
		flaky := func(ctx context.Context, n int) (int, error) {
			note("%d/%d at %s", n, activity.Attempt(ctx), wt.Now())
			if activity.Attempt(ctx) < n%3 {
				return 0, errors.New("again")
			}
			return n, tester.Sleep(ctx, time.Duration(n)*time.Second)
		}
		fan := func(ctx workflow.Context, from int) (string, error) {
			gctx, g := workflow.WithErrGroup(ctx)
			order := ""
			for n := range 5 {
				g.Go(func(ctx workflow.Context) error {
					o := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 3, FirstRetryInterval: time.Second, Jitter: 1}}
					v, err := workflow.ExecuteActivity[int](ctx, o, "flaky", from+n).Get(ctx)
					order += fmt.Sprint(v, " ")
					return err
				})
			}
			err := g.Wait(gctx)
			return order, err
		}
		wt = tester.NewWorkflowTester[string](func(ctx workflow.Context) (string, error) {
			a := workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{}, "fan", 0)
			b := workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{}, "fan", 5)
			x, errA := a.Get(ctx)
			y, errB := b.Get(ctx)
			return x + y, errors.Join(errA, errB)
		}, tester.WithTesting(t))
		register(t, wt, "fan", fan)
		if err := wt.Registry().RegisterActivity(flaky, named("flaky")); err != nil {
			t.Fatal(err)
		}
		wt.ScheduleCallback(2*time.Second, func() { note("callback") })
		wt.Execute(t.Context())
		return strings.Join(append(trace, result(t, wt)), "\n")
	}
	first := once()
	for range 10 {
		if again := once(); again != first {
			t.Fatalf("another run\n%s\nthe first\n%s", again, first)
		}
	}
}
