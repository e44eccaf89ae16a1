package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

var blockingKeeps = []sentence{
	{"ResultsThatWereOnlyInMemory", func(s *system) {
		var paid atomic.Int32
		act := map[string]any{"act": counting(&paid)}
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			_, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "act").Get(ctx) // it returns a number
			return 0, err
		}}, act), build("wrong"))
		i := s.create("a", "w")
		s.blocked(i, engine.BlockDecode)
		equal(s, "kept rows", len(s.pending(i).Inbox), 1)
		equal(s, "results in history", s.count(*i, history.KindActivityCompleted), 0)
		s.start(functions(map[string]any{"w": doing(workflow.DefaultActivityOptions, 0)}, act), build("right"))
		want(s, i, 1)
		equal(s, "payments", paid.Load(), 1)
	}},
	{"ResultsOfActivitiesThatRunOn", func(s *system) {
		var paid atomic.Int32
		goOn := make(chan struct{})
		act := map[string]any{
			"act": counting(&paid),
			"slow": func(context.Context) (int, error) {
				s.hold(goOn)
				return int(paid.Add(1)), nil
			},
		}
		both := func(decode func(workflow.Context) error) any {
			return func(ctx workflow.Context) (int, error) {
				slow := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "slow")
				if err := decode(ctx); err != nil {
					return 0, err
				}
				return slow.Get(ctx)
			}
		}
		s.start(functions(map[string]any{"w": both(func(ctx workflow.Context) error {
			_, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
			return err
		})}, act), build("wrong"))
		i := s.create("a", "w")
		s.pass(soon)
		close(goOn)
		s.blocked(i, engine.BlockDecode)
		s.pass(soon)
		equal(s, "kept rows", len(s.pending(i).Inbox), 2)
		s.start(functions(map[string]any{"w": both(func(ctx workflow.Context) error {
			_, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
			return err
		})}, act), build("right"))
		want(s, i, 2)
		equal(s, "payments", paid.Load(), 2)
	}},
}

// wrongBuild is code that agrees with no other.
func wrongBuild(n int) any {
	return sequence(func(ctx workflow.Context) error {
		_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, fmt.Sprintf("wrong-%d", n)).Get(ctx)
		return err
	}, pass)
}

var buildsThatCant = []sentence{
	{"TheLastEightAreRemembered", func(s *system) {
		w := s.start(functions(map[string]any{"w": sequence(do(echo, "x"), pass)}, echoes), build("good"))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.halt(w)
		s.signal("a", "go", 1)
		for n := range 9 {
			w := s.start(functions(map[string]any{"w": wrongBuild(n)}, nil), build(fmt.Sprint("wrong-", n)))
			s.until("it is blocked by this build", func() bool {
				builds := s.summary(i).BlockedBuilds
				return len(builds) == min(n+1, 8) && builds[len(builds)-1] == fmt.Sprint("wrong-", n)
			}, s.log.String)
			s.halt(w)
		}
		line := tapOn(s.b)
		again := s.startOn(line, functions(map[string]any{"w": wrongBuild(8)}, nil), build("wrong-8"))
		s.pass(time.Minute)
		equal(s, "claims of a build that is known to fail", len(line.heard().claims), 0)
		s.halt(again)
		s.start(functions(map[string]any{"w": sequence(do(echo, "x"), pass)}, echoes), build("good"))
		if _, err := result[any](s, i); err != nil {
			s.Error(err)
		}
	}},
	{"ADeployDoesNotReplayAllAtOnce", func(s *system) {
		const n = 100
		w := s.start(functions(map[string]any{"w": sequence(pass)}, echoes), build("old"))
		var all []*engine.Instance
		for k := range n {
			all = append(all, s.create(fmt.Sprint("i", k), "w"))
		}
		for _, i := range all {
			s.waiting(i, engine.WaitSignal)
		}
		s.halt(w)
		for _, i := range all {
			s.signal(i.InstanceID, "go", 1)
		}
		w = s.start(functions(map[string]any{"w": sequence(do(echo, "x"), pass)}, echoes), build("bad"))
		for _, i := range all {
			s.blocked(i, engine.BlockNondeterminism)
		}
		s.halt(w)
		begun := time.Now()
		s.start(functions(map[string]any{"w": sequence(pass)}, echoes), build("old"))
		for _, i := range all {
			if _, err := result[any](s, i); err != nil {
				s.Error(err)
			}
		}
		if d := time.Since(begun); d < 3*time.Second || d > 20*time.Second {
			s.Errorf("%d blocked instances were tried within %s", n, d)
		}
	}},
	{"OldAndNewDontUndoEachOthersVerdict", func(s *system) {
		two := func(first func(workflow.Context, string) error) any { return sequence(do(first, "x"), pass, pass) }
		w := s.start(functions(map[string]any{"w": two(echo)}, echoes), build("new"))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.halt(w)
		old := tapOn(s.b)
		s.startOn(old, functions(map[string]any{"w": two(other)}, echoes), build("old"))
		s.signal("a", "go", 1)
		s.blocked(i, engine.BlockNondeterminism)
		w = s.start(functions(map[string]any{"w": two(echo)}, echoes), build("new"))
		s.await(*i, "running again", status(engine.StatusRunning))
		s.halt(w)
		s.signal("a", "go", 2)
		s.pass(time.Minute)
		equal(s, "status while only the old build is there", s.summary(i).Status, engine.StatusRunning)
		s.start(functions(map[string]any{"w": two(echo)}, echoes), build("new"))
		if _, err := result[any](s, i); err != nil {
			s.Error(err)
		}
		equal(s, "claims of the old build", len(old.heard().claims), 1)
	}},
}

// stuckUnless is workflow code that blocks outside the engine unless let.
func stuckUnless(let *atomic.Bool, release <-chan struct{}) func(workflow.Context) error {
	return func(ctx workflow.Context) error {
		if !let.Load() {
			<-release
		}
		return workflow.Sleep(ctx, time.Millisecond)
	}
}

var hangsAreTransient = []sentence{
	{"TriedAgainByTheSameBuild", func(s *system) {
		release := make(chan struct{})
		var let atomic.Bool
		s.start(functions(map[string]any{"w": stuckUnless(&let, release)}, nil), build("same"))
		begun := time.Now()
		i := s.create("a", "w")
		s.blocked(i, engine.BlockHang)
		let.Store(true)
		close(release)
		if _, err := result[any](s, i); err != nil {
			s.Error(err)
		}
		if d := time.Since(begun); d < 5*time.Second || d > 30*time.Second {
			s.Errorf("it ended after %s, want some seconds after it was blocked", d)
		}
	}},
	{"DeadlineIsForEachResumeNotForTheReplay", func(s *system) {
		slow := func(o *worker.Options) { o.Settings.StepDeadline, o.CacheBytes = time.Second, -1 }
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) error {
			for range 8 {
				wait(300 * time.Millisecond) // of thinking
				if _, err := collect(ctx, 1); err != nil {
					return err
				}
			}
			return nil
		}}, nil), slow)
		i := s.create("a", "w")
		for range 8 {
			s.signal("a", "n", 1)
			s.pass(5 * time.Second)
		}
		if _, err := result[any](s, i); err != nil {
			s.Error(err)
		}
	}},
}

var stuckCoroutines = []sentence{
	{"StopTheirTypeAndAreReported", func(s *system) {
		release := make(chan struct{})
		var let atomic.Bool
		s.start(functions(map[string]any{"hang": stuckUnless(&let, release), "fine": says("done")}, nil),
			func(o *worker.Options) { o.WorkerID = "w" })
		unhealthy := func() string {
			ws, err := s.b.Workers(s.ctx)
			if err != nil || len(ws) != 1 {
				s.Fatalf("workers are %+v, %v", ws, err)
			}
			return ws[0].Unhealthy
		}
		var all []*engine.Instance
		for k := range 200 { // more than it takes on any machine
			i := s.create(fmt.Sprint("i", k), "hang")
			s.pass(10 * time.Second)
			if s.summary(i).Status == engine.StatusRunning {
				all = append(all, i)
				break
			}
		}
		if len(all) == 0 {
			s.Fatal("it goes on to claim a workflow whose coroutines get stuck")
		}
		if line := unhealthy(); !strings.Contains(line, "hang") {
			s.Errorf("the worker says %q", line)
		}
		want(s, s.create("fine", "fine"), "done")
		let.Store(true)
		close(release)
		if _, err := result[any](s, all[0]); err != nil {
			s.Error(err)
		}
		s.pass(10 * time.Second)
		equal(s, "what the worker says", unhealthy(), "")
	}},
	{"EndWithTheirNextCallIntoTheEngine", func(s *system) {
		release, after := make(chan struct{}), make(chan struct{})
		var let, went atomic.Bool
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) error {
			if let.Load() {
				return nil
			}
			defer close(after)
			<-release
			err := workflow.Sleep(ctx, time.Millisecond)
			went.Store(true)
			return err
		}}, nil), build("stuck"))
		i := s.create("a", "w")
		s.blocked(i, engine.BlockHang)
		let.Store(true)
		close(release)
		<-after
		if _, err := result[any](s, i); err != nil {
			s.Error(err)
		}
		equal(s, "it went on", went.Load(), false)
	}},
}

var nowIsTheStores = []sentence{
	{"NeverBeforeTheLastEvent", func(s *system) {
		i := s.create("a", "w")
		ahead := time.Now().Add(time.Hour).UTC()
		ev, err := history.Encode(history.Event{At: ahead, Body: history.SignalReceived{Name: "n", Arg: engine.Payload("1")}})
		if err != nil {
			s.Fatal(err)
		}
		if err := errors.Join(s.b.Deliver(s.ctx, []backend.Delivery{{ID: engine.NewID(), To: backend.Address{InstanceID: "a"}, Event: ev}})...); err != nil {
			s.Fatal(err)
		}
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (bool, error) {
			_, err := collect(ctx, 2)
			return workflow.Now(ctx).Before(ahead), err
		}}, nil))
		s.waiting(i, engine.WaitSignal)
		s.signal("a", "n", 2)
		want(s, i, false)
		last := time.Time{}
		for _, ev := range s.history(*i) {
			if ev.Kind() == history.KindTaskStarted && ev.At.Before(last) {
				s.Errorf("a task began at %s, after an event of %s", ev.At, last)
			}
			last = later(last, ev.At)
		}
	}},
	{"MovesOnlyWhenATaskStarts", func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) ([]bool, error) {
			before := workflow.Now(ctx)
			wait(100 * time.Millisecond) // of thinking
			same := workflow.Now(ctx).Equal(before)
			if _, err := collect(ctx, 1); err != nil {
				return nil, err
			}
			return []bool{same, workflow.Now(ctx).After(before)}, nil
		}}, nil))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.pass(time.Minute)
		s.signal("a", "n", 1)
		want(s, i, []bool{true, true})
	}},
	{"IsThatOfTheStore", func(s *system) {
		s.start(functions(map[string]any{"w": func(ctx workflow.Context) (time.Time, error) {
			_, err := collect(ctx, 1)
			return workflow.Now(ctx), err
		}}, nil))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.pass(time.Minute)
		before, err := s.b.Info(s.ctx)
		if err != nil {
			s.Fatal(err)
		}
		s.signal("a", "n", 1)
		got, err := result[time.Time](s, i)
		if err != nil || got.Before(before.Now.Add(-time.Millisecond)) || got.After(before.Now.Add(time.Second)) {
			s.Errorf("the workflow saw %s, the store %s, %v", got, before.Now, err)
		}
	}},
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
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
