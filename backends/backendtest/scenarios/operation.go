package scenarios

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

var limits = []sentence{
	{"ReachingTheLimitOfEventsBlocks", func(s *system) {
		s.start(functions(map[string]any{"loop": loop}, echoes), func(o *worker.Options) { o.Settings.Limits.HistoryEvents = 50 })
		i := s.create("a", "loop")
		sum := s.blocked(i, engine.BlockHistoryLimit)
		if sum.HistoryLength > 50 {
			s.Errorf("history has %d events", sum.HistoryLength)
		}
	}},
	{"ReachingTheLimitOfBytesBlocks", func(s *system) {
		s.start(functions(map[string]any{"loop": loop}, echoes), func(o *worker.Options) { o.Settings.Limits.HistoryBytes = 10_000 })
		s.blocked(s.create("a", "loop"), engine.BlockHistoryLimit)
	}},
	{"WarningAtAFifth", func(s *system) {
		s.start(functions(map[string]any{"loop": loop}, echoes), func(o *worker.Options) { o.Settings.Limits.HistoryEvents = 50 })
		s.blocked(s.create("a", "loop"), engine.BlockHistoryLimit)
		s.until("a warning is logged", func() bool { return s.log.has("a fifth of its limit") }, s.log.String)
	}},
	{"PayloadOverTheLimitIsRefusedNamingTheArgument", func(s *system) {
		big := strings.Repeat("x", engine.MaxPayloadBytes)
		_, err := s.c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, "w", "small", big)
		s.is(err, engine.ErrInvalidArgument, "creating with a large argument")
		if err != nil && !strings.Contains(err.Error(), "argument 2") {
			s.Errorf("the error does not name the argument: %v", err)
		}
		_, err = s.b.Get(s.ctx, engine.Instance{InstanceID: "a"})
		s.is(err, engine.ErrInstanceNotFound, "reading what was refused")
	}},
}

func loop(ctx workflow.Context) error {
	for {
		if err := echo(ctx, "again"); err != nil {
			return err
		}
	}
}

var removal = []sentence{
	{"RemovesEveryTrace", func(s *system) {
		i := s.finished()
		if err := s.c.RemoveWorkflowInstance(s.ctx, i); err != nil {
			s.Fatal(err)
		}
		_, err := s.b.Get(s.ctx, *i)
		s.is(err, engine.ErrInstanceNotFound, "reading it")
		_, err = s.b.History(s.ctx, *i, 0, 0)
		s.is(err, engine.ErrInstanceNotFound, "reading its history")
		o := client.WorkflowInstanceOptions{InstanceID: i.InstanceID, IDReuse: client.IDReuseReject}
		if _, err := s.c.CreateWorkflowInstance(s.ctx, o, "nothing"); err != nil {
			s.Errorf("its id is still taken: %v", err)
		}
	}},
	{"NeverOneThatIsOpen", func(s *system) {
		s.is(s.c.RemoveWorkflowInstance(s.ctx, s.create("a", "w")), engine.ErrInstanceNotFinished, "removing an open instance")
	}},
	{"BulkWorksInBatchesAndSparesOpenOnes", func(s *system) {
		s.ends("many")
		open := s.create("open", "else")
		if err := s.c.RemoveWorkflowInstances(s.ctx, backend.RemoveBatchSize(7)); err != nil {
			s.Fatal(err)
		}
		page, err := s.b.List(s.ctx, backend.Query{})
		if err != nil || len(page.Items) != 1 || page.Items[0].Instance != *open {
			s.Errorf("left are %+v, %v", page.Items, err)
		}
	}},
	{"BulkCanBeInterrupted", func(s *system) {
		s.ends("many")
		ctx, stop := context.WithCancel(s.ctx)
		stop()
		if err := s.c.RemoveWorkflowInstances(ctx, backend.RemoveBatchSize(7)); !errors.Is(err, context.Canceled) {
			s.Errorf("an interrupted removal answers %v", err)
		}
		if err := s.c.RemoveWorkflowInstances(s.ctx); err != nil {
			s.Errorf("going on with it: %v", err)
		}
	}},
}

// ends runs some instances to their end.
func (s *system) ends(workflow string) {
	s.Helper()
	s.start(functions(map[string]any{workflow: says("done")}, nil))
	for _, id := range manyIDs(20) {
		want(s, s.create(id, workflow), "done")
	}
}

var stop = []sentence{
	{"StopsClaimingAtOnce", func(s *system) {
		w := s.start(functions(map[string]any{"w": says("done")}, nil))
		s.halt(w)
		i := s.create("a", "w")
		s.start(functions(map[string]any{"w": says("other")}, nil))
		want(s, i, "other")
	}},
	{"LetsRunningTasksFinish", func(s *system) {
		started, release := make(chan struct{}), make(chan struct{})
		w := s.start(functions(map[string]any{"w": func(ctx workflow.Context) error { return echoAs(ctx, "held") }},
			map[string]any{"held": func(context.Context) error { close(started); <-release; return nil }}))
		i := s.create("a", "w")
		<-started
		ctx := &watched{Context: s.ctx, looked: func() { close(release) }}
		if err := w.Stop(ctx); err != nil {
			s.Errorf("stopping: %v", err)
		}
		// It need not be in history yet: a worker that stops leaves that to others.
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) error { return echoAs(ctx, "held") }}, nil))
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}},
	{"CancelsAtTheDeadlineAndReports", func(s *system) {
		var cause atomic.Value
		started := make(chan struct{})
		w := s.start(functions(map[string]any{"w": func(ctx workflow.Context) error { return echoAs(ctx, "wait") }},
			map[string]any{"wait": func(ctx context.Context) error {
				close(started)
				<-ctx.Done()
				cause.Store(context.Cause(ctx).Error())
				return ctx.Err()
			}}))
		s.create("a", "w")
		<-started
		ctx, stop := context.WithCancel(s.ctx)
		stop()
		if err := w.Stop(ctx); err == nil || !strings.Contains(err.Error(), "wait") {
			s.Errorf("Stop does not name what was cut off: %v", err)
		}
		s.canceledFor(&cause, activity.ErrShutdown)
	}},
	{"SecondWorkerTakesReleasedWorkAtOnce", func(s *system) {
		long := lease(time.Hour)
		wf := map[string]any{"w": func(ctx workflow.Context) error { return echoAs(ctx, "wait") }}
		started := make(chan struct{})
		w := s.start(functions(wf, map[string]any{"wait": func(ctx context.Context) error {
			close(started)
			<-ctx.Done()
			return ctx.Err()
		}}), long)
		i := s.create("a", "w")
		<-started
		ctx, stop := context.WithCancel(s.ctx)
		stop()
		if err := w.Stop(ctx); err == nil {
			s.Error("Stop cut an activity off and said nothing")
		}
		s.start(functions(wf, map[string]any{"wait": func(context.Context) error { return nil }}), long)
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}},
	{"KilledWorkersWorkIsTakenAfterTheLease", func(s *system) {
		short := lease(time.Second)
		wf := map[string]any{"w": func(ctx workflow.Context) error { return echoAs(ctx, "wait") }}
		cut := breakableOn(s.b)
		dying := s.startOn(cut, functions(wf, waiters(nil)), short)
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		cut.sever(io.ErrUnexpectedEOF)
		s.start(functions(wf, map[string]any{"wait": func(context.Context) error { return nil }}), short)
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
		ctx, stop := context.WithCancel(s.ctx)
		stop()
		_ = dying.Stop(ctx) // it has no store any more and says so
	}},
}

// watched tells when somebody begins to wait for its end.
type watched struct {
	context.Context

	once   sync.Once
	looked func()
}

func (w *watched) Done() <-chan struct{} {
	w.once.Do(w.looked)
	return w.Context.Done()
}

func echoAs(ctx workflow.Context, name string) error {
	_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, name).Get(ctx)
	return err
}

var errSentinel = errors.New("out of stock")

type typedError struct{ inner error }

func (e *typedError) Error() string { return "typed: " + e.inner.Error() }
func (e *typedError) Unwrap() error { return e.inner }

var errorsCross = []sentence{
	{"TypeMessageCausesAndStack", func(s *system) {
		err := s.fails(func() error { return &typedError{errSentinel} })
		var f *workflow.Error
		if !errors.As(err, &f) {
			s.Fatalf("%v is no *workflow.Error", err)
		}
		if f.Type != "typedError" || f.Message != "typed: out of stock" || len(f.Causes) != 1 || f.Causes[0].Message != "out of stock" {
			s.Errorf("the failure is %+v", f)
		}
	}},
	{"StackOfAPanic", func(s *system) {
		err := s.fails(func() error { panic("boom") })
		var p *workflow.PanicError
		if !errors.As(err, &p) || !strings.Contains(p.Stack(), "operation.go") {
			s.Errorf("%v has no stack of the place that panicked", err)
		}
	}},
	{"RegisteredSentinels", func(s *system) {
		s.is(s.fails(func() error { return &typedError{errSentinel} }), errSentinel, "the error of the activity")
	}},
}

// fails returns what a client gets of an activity's error.
func (s *system) fails(f func() error) error {
	s.Helper()
	set := s.settings()
	set.Errors = engine.Sentinels{"shop.out_of_stock": errSentinel}
	s.c = client.New(s.grouped(s.b), client.WithSettings(set))
	s.start(functions(map[string]any{"w": func(ctx workflow.Context) error { return echoAs(ctx, "fail") }},
		map[string]any{"fail": func(context.Context) error { return f() }}), func(o *worker.Options) { o.Settings.Errors = set.Errors })
	_, err := result[any](s, s.create("a", "w"))
	if err == nil {
		s.Fatal("the instance did not fail")
	}
	return err
}

var storeErrors = []sentence{
	{"NeitherDroppedNorRenamed", func(s *system) {
		broken := breakableOn(s.b)
		broken.sever(io.ErrUnexpectedEOF)
		c := client.New(broken)
		ctx, stop := context.WithTimeout(s.ctx, 200*time.Millisecond)
		defer stop()
		for doing, err := range map[string]error{
			"signal": c.SignalWorkflow(ctx, "a", "n", 1),
			"get": func() error {
				_, err := c.GetWorkflowInstanceState(ctx, &engine.Instance{InstanceID: "a", ExecutionID: "b"})
				return err
			}(),
		} {
			s.is(err, io.ErrUnexpectedEOF, doing)
			if errors.Is(err, engine.ErrInstanceNotFound) {
				s.Errorf("%s: a broken connection is reported as %v", doing, err)
			}
		}
	}},
	{"OurSentinelIsFound", func(s *system) {
		if err := s.b.Close(); err != nil {
			s.Fatal(err)
		}
		_, err := s.c.GetWorkflowInstanceState(s.ctx, &engine.Instance{InstanceID: "a", ExecutionID: "b"})
		s.is(err, engine.ErrClosed, "using a closed store")
	}},
}
