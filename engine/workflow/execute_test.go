package workflow_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/coro"
	"github.com/wfops/wfops/engine/workflow"
)

func TestPanicFailsTheWorkflow(t *testing.T) {
	s := newSession(t).do(func(workflow.Context) { panic("boom") })
	s.wantPanic("boom")
	var p *workflow.PanicError
	if errors.As(s.done.Err, &p); !strings.Contains(p.Stack(), "TestPanicFailsTheWorkflow") {
		t.Fatalf("stack:\n%s", p.Stack())
	}
}

func TestPanicInCoroutineReachesTheScheduler(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		workflow.Go(ctx, func(workflow.Context) { panic("boom") })
		_ = workflow.Sleep(ctx, 1)
	})
	var p *coro.PanicError
	if !errors.As(s.failure, &p) || p.Value != "boom" || !strings.Contains(p.Name, "TestPanicInCoroutine") {
		t.Fatalf("scheduler: %v", s.failure)
	}
}

func TestGoexitPassesThrough(t *testing.T) {
	s := newSession(t).do(func(workflow.Context) { runtime.Goexit() })
	if !errors.Is(s.failure, coro.ErrGoexit) || s.done != nil {
		t.Fatalf("scheduler: %v, done: %v", s.failure, s.done)
	}
}

func TestUndecodableArgumentBlocks(t *testing.T) {
	s := newSession(t)
	s.startWith(function(func(workflow.Context) (any, error) { t.Error("ran"); return nil, nil }), engine.Payload(`"secret"`))
	want := `workflow "W": argument 1 can't be decoded as int: a JSON string does not fit int`
	if r := s.blocked; r == nil || r.Class != engine.BlockDecode || r.Seq != 1 || r.Event != "WorkflowStarted" || r.Message != want {
		t.Fatalf("reason %+v", s.blocked)
	}
}

func TestUnencodableResultFailsTheWorkflow(t *testing.T) {
	s := newSession(t).start(func(workflow.Context) (any, error) { return make(chan int), nil })
	s.wantError(engine.ErrInvalidArgument)
	if err := s.done.Err; !strings.Contains(err.Error(), "the result") {
		t.Fatal(err)
	}
}

func TestContinueAsNew(t *testing.T) {
	s := newSession(t)
	s.settings.Inject = func(any) (history.Headers, error) { return history.Headers{"h": "v"}, nil }
	s.start(func(ctx workflow.Context) (any, error) {
		return nil, errors.Join(errors.New("wrapped"), workflow.ContinueAsNew(ctx, 1, "two"))
	})
	c := s.completion().ContinueAsNew
	if c == nil || string(c.Args[0]) != "1" || string(c.Args[1]) != `"two"` || c.Headers["h"] != "v" {
		t.Fatalf("completion %+v", s.done)
	}
	if c.Site.File != "execute_test.go" || c.Site.Line == 0 || !strings.Contains(c.Site.Function, "TestContinueAsNew") {
		t.Fatalf("site %+v", c.Site)
	}
}

func TestContinueAsNewDoesNotLoseACancellation(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		_ = workflow.Sleep(ctx, time.Hour)
		return nil, workflow.ContinueAsNew(ctx)
	})
	s.cancel(engine.ErrCanceled)
	s.wantError(workflow.Canceled)
}
