package worker

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// alarm is a watcher that keeps what it is told, and when the executions began that
// it is told of.
type alarm struct {
	mu    sync.Mutex
	said  []string
	began []time.Time
}

func (a *alarm) Started(*Worker) func() { return nil }

func (a *alarm) Committed(c Committed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.began = append(a.began, c.StartedAt)
}

func (a *alarm) Incident(i Incident) {
	a.mu.Lock()
	defer a.mu.Unlock()
	what := map[IncidentKind]string{
		IncidentBlocked: "blocked", IncidentLeaseLost: "lost", IncidentRefused: "refused", IncidentDiffered: "differed",
	}
	a.said = append(a.said, strings.Join([]string{what[i.Kind], i.Workflow, i.Activity}, " "))
}

func (a *alarm) expect(w *world, what ...string) {
	w.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.said, what) {
		w.Errorf("the watcher was told %q, want %q", a.said, what)
	}
}

// Only a lease whose time ran out is lost, and not one whose execution was ended.
func TestWhichLeasesAreLost(t *testing.T) {
	for _, c := range []struct {
		name       string
		row, ended bool
		want       []string
	}{
		{"an execution", false, false, []string{"lost once1 "}},
		{"an activity", true, false, []string{"lost once1 act"}},
		{"a terminated execution", false, true, nil},
		{"an activity of one", true, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a := &alarm{}
				o := Options{Observers: []Observer{a}, LeaseDuration: 10 * time.Second}
				if c.row {
					w.worker(Options{Roles: WorkflowsOnly}, once1)
					o.Roles = ActivitiesOnly
				}
				w.worker(o, once1, act(func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }))
				i := w.start("i", once1)
				synctest.Wait()
				if c.ended {
					if err := w.c.TerminateWorkflowInstance(w.Context(), i, "no use"); err != nil {
						w.Fatal(err)
					}
				} else {
					w.store.set(func(s *hooked) { s.extend = func() error { return errCut } })
				}
				w.pass(11 * time.Second)
				a.mu.Lock()
				a.said = slices.DeleteFunc(a.said, func(s string) bool { return !strings.HasPrefix(s, "lost ") })
				a.mu.Unlock()
				a.expect(w, c.want...)
			})
		})
	}
}

// Code that passes another argument whenever it runs is let pass, with an incident.
// The time at which the execution began is known to every step, also to those that
// follow a replay.
func TestDifferencesThatPass(t *testing.T) {
	inWorld(t, func(w *world) {
		a := &alarm{}
		var runs atomic.Int32
		fickle := named{"wf", func(ctx workflow.Context) (int, error) {
			return workflow.ExecuteActivity[int](ctx, attempts(1), "act", int(runs.Add(1))).Get(ctx)
		}}
		w.worker(Options{Observers: []Observer{a}, CacheBytes: -1}, fickle,
			named{"act", func(context.Context, int) (int, error) { sleep(time.Second); return 1, nil }})
		i := w.start("i", "wf")
		equal(w, "result", result[int](w, i), 1)
		a.expect(w, "differed wf ")
		var started time.Time
		for _, ev := range w.history(i) {
			if ev.Kind() == history.KindWorkflowStarted {
				started = ev.At
			}
		}
		if !slices.Equal(a.began, []time.Time{started, started}) {
			w.Errorf("the execution began at %v, the watcher was told %v", started, a.began)
		}
	})
}
