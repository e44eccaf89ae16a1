package workflow_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/internal/coro"
	"github.com/wfops/wfops/engine/workflow"
)

func TestLoggerIsSilentOnReplay(t *testing.T) {
	var out bytes.Buffer
	s := newSession(t)
	s.settings.Logger = slog.New(slog.NewTextHandler(&out, nil))
	s.do(func(ctx workflow.Context) {
		l := workflow.Logger(ctx).With("k", "v").WithGroup("g")
		s.replaying = true
		l.Info("replayed")
		if !workflow.Replaying(ctx) || l.Enabled(context.Background(), slog.LevelError) {
			t.Error("enabled on replay")
		}
		s.replaying = false
		l.Info("live", "x", 1)
		l.Debug("below the level")
	})
	line := out.String()
	for _, want := range []string{"msg=live", "workflow=W", "instance_id=i", "execution_id=e", "k=v", "g.x=1"} {
		if !strings.Contains(line, want) {
			t.Errorf("the line lacks %s: %s", want, line)
		}
	}
	if strings.Contains(line, "replayed") || strings.Contains(line, "below") {
		t.Errorf("logged %s", line)
	}
}

func TestInfo(t *testing.T) {
	s := newSession(t)
	s.details = command.Details{HistoryLength: 7, HistoryBytes: 8, ContinueAsNewSuggested: true}
	s.do(func(ctx workflow.Context) {
		if i := workflow.WorkflowInstance(ctx); *i != (workflow.Instance{InstanceID: "i", ExecutionID: "e"}) {
			t.Errorf("instance %v", i)
		}
		d := workflow.InstanceExecutionDetails(ctx)
		if d != (workflow.WorkflowInstanceExecutionDetails{HistoryLength: 7, HistoryBytes: 8, ContinueAsNewSuggested: true}) {
			t.Errorf("details %+v", d)
		}
		if err := workflow.SetTags(ctx, map[string]string{"a": "b", "gone": ""}); err != nil {
			t.Error(err)
		}
		workflow.SetStatus(ctx, "busy")
		workflow.Note(ctx, 17)
	})
	s.wantResult(nil)
	if !reflect.DeepEqual(s.tags, map[string]string{"a": "b", "gone": ""}) || s.status != "busy" || !reflect.DeepEqual(s.notes, []any{17}) {
		t.Fatalf("tags %v, status %q, notes %v", s.tags, s.status, s.notes)
	}
}

func TestLocal(t *testing.T) {
	type key struct{}
	s := newSession(t)
	s.do(func(ctx workflow.Context) {
		made := 0
		count := func() *int { made++; return new(int) }
		inner, cancel := workflow.WithCancel(ctx)
		defer cancel()
		*workflow.Local(inner, key{}, count)++
		*workflow.Local(ctx, key{}, count)++
		if n := *workflow.Local(ctx, key{}, count); n != 2 || made != 1 {
			t.Errorf("the value is %d and was made %d times", n, made)
		}
		if other := *workflow.Local(ctx, "key", count); other != 0 {
			t.Errorf("another key has the value %d", other)
		}
		if parent, state := workflow.Trace(ctx); parent != "00-1-2-01" || state != "vendor=1" {
			t.Errorf("trace context %q, %q", parent, state)
		}
	})
	s.wantResult(nil)
}

func TestLoggerLeadsToTheTrace(t *testing.T) {
	var out bytes.Buffer
	s := newSession(t)
	s.settings.Logger = slog.New(slog.NewTextHandler(&out, nil))
	s.settings.Trace = func(engine.Instance, *history.WorkflowStarted, int64) history.Trace { return history.Trace{} }
	s.do(func(ctx workflow.Context) { workflow.Logger(ctx).Info("live") })
	if !strings.Contains(out.String(), "trace_id=1 span_id=2") {
		t.Errorf("logged %s", out.String())
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	err := workflow.NewError(cause)
	var failure *workflow.Error
	if !errors.As(err, &failure) || !errors.Is(err, cause) || failure.Type != "errorString" || !workflow.CanRetry(err) {
		t.Errorf("NewError: %#v", err)
	}
	if workflow.CanRetry(workflow.NewPermanentError(cause)) || workflow.NewError(nil) != nil || workflow.NewPermanentError(nil) != nil {
		t.Error("NewPermanentError")
	}
	if !errors.Is(workflow.Canceled, engine.ErrCanceled) || workflow.CanRetry(workflow.Canceled) {
		t.Error("Canceled")
	}
}

func TestMetadata(t *testing.T) {
	var m workflow.Metadata
	if m.Get("a") != "" {
		t.Error("a value in an empty Metadata")
	}
	m.Set("b", "2")
	m.Set("a", "1")
	if m.Get("a") != "1" || !reflect.DeepEqual(m.Keys(), []string{"a", "b"}) {
		t.Errorf("metadata %v", m)
	}
}

type userKey struct{}

func TestHeaders(t *testing.T) {
	s := newSession(t)
	s.headers = history.Headers{"user": "ann"}
	s.settings.Extract = func(ctx any, h history.Headers) (any, error) {
		return workflow.WithValue(ctx.(workflow.Context), userKey{}, h["user"]), nil
	}
	s.settings.Inject = func(ctx any) (history.Headers, error) {
		return history.Headers{"user": ctx.(workflow.Context).Value(userKey{}).(string)}, nil
	}
	s.do(func(ctx workflow.Context) {
		workflow.ExecuteActivity[int](ctx, opts, "a")
		workflow.CreateSubWorkflowInstance[int](workflow.WithValue(ctx, userKey{}, "bob"), workflow.SubWorkflowOptions{}, "c")
		workflow.SignalWorkflow(ctx, "i", "s", 1)
	})
	s.wantResult(nil)
	got := []string{
		s.commands[0].(command.ScheduleActivity).Headers["user"],
		s.commands[1].(command.StartChild).Headers["user"],
		s.commands[2].(command.SendSignal).Headers["user"],
	}
	if !reflect.DeepEqual(got, []string{"ann", "bob", "ann"}) {
		t.Fatalf("headers %v", got)
	}
}

func TestHeadersThatFail(t *testing.T) {
	bad := errors.New("bad headers")
	t.Run("inject", func(t *testing.T) {
		s := newSession(t)
		s.settings.Inject = func(any) (history.Headers, error) { return nil, bad }
		s.do(func(ctx workflow.Context) {
			for _, err := range []error{
				errOf(workflow.ExecuteActivity[int](ctx, opts, "a").Get(ctx)),
				errOf(workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, "c").Get(ctx)),
				errOf(workflow.SignalWorkflow(ctx, "i", "s", 1).Get(ctx)),
				workflow.ContinueAsNew(ctx),
			} {
				if !errors.Is(err, bad) {
					t.Errorf("error %v", err)
				}
			}
		})
		s.wantResult(nil)
		s.wantLog()
	})
	t.Run("extract", func(t *testing.T) {
		s := newSession(t)
		s.settings.Extract = func(any, history.Headers) (any, error) { return nil, bad }
		s.do(func(workflow.Context) { t.Error("ran") })
		if s.blocked == nil || !strings.Contains(s.blocked.Message, "headers") {
			t.Fatalf("reason %+v", s.blocked)
		}
	})
}

// A goroutine that workflow code started by itself is ended, the instance is
// stopped, and the process lives on.
func TestForeignGoroutine(t *testing.T) {
	s := newSession(t)
	var leaked workflow.Context
	s.do(func(ctx workflow.Context) {
		leaked = ctx
		_ = workflow.Sleep(ctx, 1)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		workflow.ExecuteActivity[int](leaked, opts, "a")
		t.Error("the call returned")
	}()
	<-done
	s.event()
	if _, ok := errors.AsType[*coro.ForeignError](s.failure); !ok {
		t.Fatalf("scheduler: %v", s.failure)
	}
	s.wantLog("1 timer 1ns")
}

func TestContextAfterTheExecutionWasClosed(t *testing.T) {
	s := newSession(t)
	var leaked workflow.Context
	s.do(func(ctx workflow.Context) { leaked = ctx })
	s.sched.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = workflow.Sleep(leaked, 1)
		t.Error("the call returned")
	}()
	<-done
}

func TestCloseRunsDeferredCalls(t *testing.T) {
	s := newSession(t)
	deferred := false
	s.do(func(ctx workflow.Context) {
		defer func() {
			deferred = true
			workflow.ExecuteActivity[int](ctx, opts, "a") // ends here
			t.Error("the call returned")
		}()
		_ = workflow.Sleep(ctx, 1)
	})
	s.sched.Close()
	if !deferred || s.done != nil {
		t.Fatalf("deferred %v, done %v", deferred, s.done)
	}
	s.wantLog("1 timer 1ns")
}
