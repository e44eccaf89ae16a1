package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

// everything observes all there is to observe.
type everything struct {
	*testing.T

	mu        sync.Mutex
	steps     int
	followed  []string // "replayed events: sequence numbers it was told of"
	incidents []Incident
	workers   int
	load      Load
	late      Committed
}

func (o *everything) Committed(c Committed) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.steps++
	o.late = c
}

func (o *everything) Follow(e Execution, past []history.Event) Observer {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.Started == nil {
		o.Errorf("%s has not begun", e.Instance)
	}
	o.followed = append(o.followed, fmt.Sprint(len(past), ":"))
	return &followed{o, len(o.followed) - 1}
}

func (o *everything) Started(w *Worker) func() {
	o.workers++
	o.load = w.Load()
	return func() { o.workers-- }
}

func (o *everything) Incident(i Incident) {
	o.incidents = append(o.incidents, i)
	panic("a watcher must not take the worker down")
}

type followed struct {
	all *everything
	n   int
}

func (f *followed) Committed(c Committed) {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	for _, ev := range c.Events {
		f.all.followed[f.n] += fmt.Sprint(" ", ev.Seq)
	}
}

// A follower hears of every step once, also if the one before it has followed another
// executor.
func TestFollowers(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"warm", Options{}, "[0: 1 2 3 4 5 6 7 8 9]"},
		{"cold", Options{CacheBytes: -1}, "[0: 1 2 3 3: 4 5 6 6: 7 8 9]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				o := &everything{T: t}
				c.o.Observers = []Observer{o}
				w.worker(c.o, chainOf(2), sleeping(time.Minute))
				result[int](w, w.start("i", "wf"))
				equal(w, "told", fmt.Sprint(o.followed), c.want)
				equal(w, "steps", o.steps, 3)
				equal(w, "a step takes no time", o.late.Ended.Sub(o.late.Began), 0)
				equal(w, "queue", o.late.Queue, engine.QueueDefault)
			})
		})
	}
}

func TestWatchers(t *testing.T) {
	inWorld(t, func(w *world) {
		o := &everything{T: t}
		wf := named{"wf", func(ctx workflow.Context) (int, error) {
			f := workflow.ExecuteActivity[int](ctx, attempts(1), "act")
			workflow.NewSignalChannel[struct{ X int }](ctx, "bad").Receive(ctx)
			return f.Get(ctx)
		}}
		x := w.worker(Options{Observers: []Observer{o}, Roles: WorkflowsOnly, WorkerID: "me"}, wf)
		equal(w, "workers", o.workers, 1)
		equal(w, "slots", o.load, Load{WorkflowSlots: 1000})
		equal(w, "id", x.ID(), "me")
		refused := false
		w.store.set(func(s *hooked) {
			s.before = func(*backend.WorkflowCommit) error {
				if !refused {
					refused = true
					return engine.ErrLeaseLost
				}
				return nil
			}
		})
		i := w.start("i", "wf")
		w.pass(time.Minute)
		w.signal("i", "bad", "no number")
		w.pass(time.Second)
		equal(w, "status", w.summary(i).Status, engine.StatusBlocked)
		equal(w, "incidents", fmt.Sprint(o.incidents), fmt.Sprint([]Incident{
			{Kind: IncidentRefused, Instance: *i, Workflow: "wf"},
			{Kind: IncidentBlocked, Instance: *i, Workflow: "wf", Class: engine.BlockDecode},
		}))
		if err := x.Stop(w.Context()); err != nil {
			t.Error(err)
		}
		equal(w, "workers", o.workers, 0)
	})
}

func TestLeaseThatRunsOutIsAnIncident(t *testing.T) {
	inWorld(t, func(w *world) {
		o := &everything{T: t}
		g := w.gated()
		x := w.worker(Options{Observers: []Observer{o}, LeaseDuration: time.Second}, chainOf(1), sleeping(time.Hour))
		i := w.start("i", "wf")
		w.pass(time.Second)
		equal(w, "activities", x.Load().ActivitiesUsed, 1)
		equal(w, "leases", x.Load().Leases, 1)
		if l := x.Load(); l.Warm != 1 || l.WarmBytes == 0 {
			t.Errorf("load %+v", l)
		}
		g.shut.Store(true)
		w.pass(time.Minute)
		g.shut.Store(false)
		equal(w, "incidents", fmt.Sprint(o.incidents), fmt.Sprint([]Incident{{Kind: IncidentLeaseLost, Instance: *i, Workflow: "wf"}}))
	})
}

// traces is a Telemetry whose trace contexts tell where they were made.
type traces struct{ everything }

func (*traces) Creating(ctx context.Context, i engine.Instance, wf string) (context.Context, settings.Call) {
	return settings.Settings{}.Creating(ctx, i, wf)
}

func (*traces) Signaling(ctx context.Context, id, name string) (context.Context, settings.Call) {
	return settings.Settings{}.Signaling(ctx, id, name)
}

func (*traces) Trace(_ engine.Instance, s *history.WorkflowStarted, ref int64) history.Trace {
	return history.Trace{Parent: fmt.Sprintf("00-%s%s-%d-00", s.Workflow, s.ContinuedFrom[:min(1, len(s.ContinuedFrom))], ref)}
}

func (*traces) Continued(_ *history.WorkflowStarted, own history.Trace) history.Trace {
	own.State = "continued"
	return own
}

type attemptKey struct{}

func (*traces) Attempt(ctx context.Context, _ engine.Instance, t history.Trace, ref int64, attempt int) context.Context {
	return context.WithValue(ctx, attemptKey{}, fmt.Sprint(t.Parent, " ", ref, " ", attempt))
}

func (*traces) LogAttrs(ctx context.Context) []slog.Attr {
	return []slog.Attr{slog.Any("attempt_context", ctx.Value(attemptKey{}))}
}

// The trace context of an execution reaches its attempts, with a row or without,
// children, signals, the next execution and what lists show. Settings are enough to
// observe.
func TestTraceContextsTravel(t *testing.T) {
	for _, split := range []bool{false, true} {
		t.Run(fmt.Sprint("split ", split), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.level = slog.LevelInfo
				tel := &traces{everything: everything{T: t}}
				set := settings.Settings{Telemetry: tel}
				child := named{"child", func(ctx workflow.Context) (int, error) {
					workflow.Logger(ctx).Info("here")
					v, _ := workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
					return v, nil
				}}
				wf := named{"wf", func(ctx workflow.Context, again bool) (int, error) {
					f := workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{InstanceID: fmt.Sprint("child", again)}, "child")
					if _, err := workflow.ExecuteActivity[int](ctx, attempts(1), "act").Get(ctx); err != nil {
						return 0, err
					}
					if _, err := workflow.SignalWorkflow(ctx, fmt.Sprint("child", again), "go", 7).Get(ctx); err != nil {
						return 0, err
					}
					if again {
						return 0, workflow.ContinueAsNew(ctx, false)
					}
					return f.Get(ctx)
				}}
				f := act(func(ctx context.Context) (int, error) {
					activity.Logger(ctx).Info("there")
					return 1, nil
				})
				if split {
					w.worker(Options{Settings: set, Roles: WorkflowsOnly, WorkerID: "workflows"}, wf, child)
					w.worker(Options{Settings: settings.Settings{Telemetry: tel}, Roles: ActivitiesOnly, WorkerID: "activities"}, f)
				} else {
					w.worker(Options{Settings: set}, wf, child, f)
				}
				i := w.start("i", "wf", true)
				result[int](w, i)
				equal(w, "attempts in the log", len(w.log.matching(`attempt_context="00-wf-0-00 2 1"`)), 1)
				equal(w, "workflows in the log", len(w.log.matching("trace_id=child span_id=0")), 2)
				kid := w.history(&engine.Instance{InstanceID: "childtrue"})
				equal(w, "trace of the child", kid[1].Body.(history.WorkflowStarted).Trace.Parent, "00-wf-1-00")
				equal(w, "trace of the signal", bodies[history.SignalReceived](w, &engine.Instance{InstanceID: "childtrue"})[0].Trace.Parent, "00-wf-3-00")
				final := bodies[history.WorkflowContinuedAsNew](w, i)
				next := &engine.Instance{InstanceID: "i", ExecutionID: final[0].NewExecution}
				equal(w, "trace of the next execution", bodies[history.WorkflowStarted](w, next)[0].Trace, history.Trace{Parent: "00-wf-0-00", State: "continued"})
				equal(w, "trace that lists show", w.summary(next).TraceID, "wf0")
				if tel.steps == 0 || tel.workers == 0 {
					t.Error("telemetry in the settings is no observer")
				}
			})
		})
	}
}
