package scenarios

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
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
			func(o *worker.Options) { o.WorkerID, o.Settings.StepDeadline = "w", 50*time.Millisecond })
		unhealthy := func() string {
			ws, err := s.b.Workers(s.ctx)
			if err != nil || len(ws) != 1 {
				s.Fatalf("workers are %+v, %v", ws, err)
			}
			return ws[0].Unhealthy
		}
		var all []*engine.Instance
		for k := range 80 { // each is tried again every now and then: more than it takes on any machine
			i := s.create(fmt.Sprint("i", k), "hang")
			s.pass(time.Second)
			if s.summary(i).Status == engine.StatusRunning {
				all = append(all, i)
				break
			}
		}
		if len(all) == 0 {
			s.Fatal("it goes on to claim a workflow whose coroutines get stuck")
		}
		s.pass(10 * time.Second) // for its heartbeat
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
