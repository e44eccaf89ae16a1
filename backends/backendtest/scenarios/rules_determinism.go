package scenarios

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

var orderOfCancellation = []sentence{
	{"TimersThenActivitiesThenChildren", func(s *system) {
		s.start(functions(map[string]any{"child": sleep(time.Hour), "w": func(ctx workflow.Context) error {
			inner, stop := workflow.WithCancel(ctx)
			var order []string
			note := func(ctx workflow.Context, what string, get func(workflow.Context) error) {
				workflow.Go(ctx, func(ctx workflow.Context) {
					if errors.Is(get(ctx), workflow.Canceled) {
						order = append(order, what)
					}
				})
			}
			for range 2 {
				child := workflow.CreateSubWorkflowInstance[any](inner, workflow.SubWorkflowOptions{}, "child")
				act := workflow.ExecuteActivity[int](inner, workflow.ActivityOptions{Queue: nowhere}, "act")
				timer := workflow.ScheduleTimer(inner, time.Hour)
				note(ctx, "child", func(ctx workflow.Context) error { _, err := child.Get(ctx); return err })
				note(ctx, "activity", func(ctx workflow.Context) error { _, err := act.Get(ctx); return err })
				note(ctx, "timer", func(ctx workflow.Context) error { _, err := timer.Get(ctx); return err })
			}
			_, err := collect(ctx, 1)
			stop()
			if len(order) > 0 {
				return errors.New("coroutines were woken while the cancellation went on")
			}
			return errors.Join(err, workflow.AwaitCondition(ctx, func() bool { return len(order) == 6 }))
		}}, nil))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.signal("a", "n", 1)
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
		var kinds []history.Kind
		var refs []int64
		for _, ev := range s.history(*i) {
			switch ev.Kind() {
			case history.KindTimerCanceled, history.KindActivityCanceled, history.KindChildCancelRequested:
				kinds, refs = append(kinds, ev.Kind()), append(refs, ev.Ref)
			}
		}
		if want := []history.Kind{
			history.KindTimerCanceled, history.KindTimerCanceled, history.KindActivityCanceled, history.KindActivityCanceled,
			history.KindChildCancelRequested, history.KindChildCancelRequested,
		}; !slices.Equal(kinds, want) || !slices.Equal(refs, []int64{3, 6, 2, 5, 1, 4}) {
			s.Errorf("canceled were %v of commands %v", kinds, refs)
		}
	}},
}

// inCondition runs f as a condition and expects it to fail.
func inCondition(name string, f func(workflow.Context)) sentence {
	return sentence{name, func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) error {
			return workflow.AwaitCondition(ctx, func() bool { f(ctx); return true })
		}}, echoes))
		i := s.create("a", "w")
		_, err := result[any](s, i)
		s.is(err, engine.ErrInvalidArgument, "the condition")
		if err != nil && !strings.Contains(err.Error(), "a condition must not") {
			s.Errorf("the error does not say so: %v", err)
		}
		equal(s, "events", s.summary(i).HistoryLength, 3) // TaskStarted, WorkflowStarted, WorkflowFailed
	}}
}

var conditions = []sentence{
	inCondition("MustNotStartActivities", func(ctx workflow.Context) {
		workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "echo", "x")
	}),
	inCondition("MustNotStartTimers", func(ctx workflow.Context) { workflow.ScheduleTimer(ctx, time.Hour) }),
	inCondition("MustNotSignal", func(ctx workflow.Context) { workflow.SignalWorkflow(ctx, "b", "n", 1) }),
	inCondition("MustNotWait", func(ctx workflow.Context) { gate(ctx) }),
	inCondition("MustNotStartCoroutines", func(ctx workflow.Context) { workflow.Go(ctx, gate) }),
}

// noisy seals the same value differently each time.
type noisy struct{ n atomic.Int64 }

func (c *noisy) Seal(p engine.Payload) (engine.Payload, error) {
	return fmt.Appendf(nil, "%d:%s", c.n.Add(1), p), nil
}

func (c *noisy) Open(sealed engine.Payload) (engine.Payload, error) {
	_, plain, ok := strings.Cut(string(sealed), ":")
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	return engine.Payload(plain), nil
}

// vague is JSON that does not promise to write equal values alike.
type vague struct{ engine.JSON }

func (vague) Deterministic() bool { return false }

// replaced gives client and workers the same settings, and runs an instance whose
// code at first passes one argument and after a while another.
func (s *system) replaced(set settings.Settings, before, after string) *engine.Instance {
	s.Helper()
	set.Logger = s.settings().Logger
	set.Strictness = map[string]settings.Strictness{"": settings.Block}
	s.c = client.New(s.b, client.WithSettings(set))
	all := func(o *worker.Options) { o.Settings = set }
	w := s.start(functions(map[string]any{"w": sequence(do(echo, before), pass)}, echoes), all, build("old"))
	i := s.create("a", "w")
	s.waiting(i, engine.WaitSignal)
	s.halt(w)
	s.start(functions(map[string]any{"w": sequence(do(echo, after), pass)}, echoes), all, build("new"))
	s.signal("a", "go", 1)
	return i
}

var comparedArguments = []sentence{
	{"AsTheyWereBeforeTheCodec", func(s *system) {
		if _, err := result[any](s, s.replaced(settings.Settings{Codec: &noisy{}}, "x", "x")); err != nil {
			s.Error(err)
		}
	}},
	{"AlsoBehindTheCodec", func(s *system) {
		s.blocked(s.replaced(settings.Settings{Codec: &noisy{}}, "x", "y"), engine.BlockNondeterminism)
	}},
	{"NotIfTheConverterIsNotDeterministic", func(s *system) {
		if _, err := result[any](s, s.replaced(settings.Settings{Converter: vague{}}, "x", "y")); err != nil {
			s.Error(err)
		}
	}},
	{"OneWarningPerInstanceAndBuild", func(s *system) {
		i := s.changed(sequence(do(echo, "x"), pass, pass, pass), sequence(do(echo, "y"), pass, pass, pass), func(o *worker.Options) { o.CacheBytes = -1 })
		for range 2 {
			s.rest()
			s.signal("a", "go", 1)
		}
		if _, err := result[any](s, i); err != nil {
			s.Error(err)
		}
		equal(s, "warnings", strings.Count(s.log.String(), "with changed arguments"), 1)
	}},
}
