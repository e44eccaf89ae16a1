package executor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// recordedBase is the history of base3, with all activities answered.
func recordedBase(t *testing.T) *session {
	t.Helper()
	s := newSession(t, "flow", base3, options{})
	runToEnd(t, s)
	return s
}

// pairs are written as history/code, with a star for what moved.
func pairs(ps []*executor.Pair) string {
	var words []string
	for _, p := range ps {
		l, r := "-", "-"
		if p.Recorded != nil {
			l = history.Subject(p.Recorded.Body)
			if history.IsFinal(p.Recorded.Body) {
				l = "end"
			}
		}
		if p.Issued != nil {
			r = history.Subject(p.Issued.Body)
			if history.IsFinal(p.Issued.Body) {
				r = "end"
			}
		}
		w := l + "/" + r
		if p.Moved {
			w += "*"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func TestExploreGoesOn(t *testing.T) {
	s := recordedBase(t)
	for _, c := range []struct {
		name  string
		flow  any
		guess executor.Guess
		want  string
	}{
		{"the same", base3, executor.Removed, "a/a b/b c/c end/end"},
		{"another name", baseName, executor.Replaced, "a/a b/other c/c end/end"},
		{"removed", baseRemoved, executor.Removed, "a/a b/- c/c* end/end"},
		{"one more", baseBefore, executor.Added, "a/a -/more b/b c/c end/end"},
		{"one more at the end of a task", baseExtra, executor.Added, "a/a b/b -/more c/c end/end"},
		{"swapped", baseSwapped, executor.Removed, "a/a* b/b* c/c end/end"},
		// A wrong guess leaves more differences.
		{"removed, taken for another name", baseRemoved, executor.Replaced, "a/a b/c c/- end/end*"},
		{"one more, taken for another name", baseBefore, executor.Replaced, "a/a b/more -/b c/c end/end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := s.executor(c.flow)
			defer x.Close()
			found, err := x.Explore(s.history, c.guess)
			if err != nil || found.Blocked != nil {
				t.Fatalf("%v %v", err, found.Blocked)
			}
			if got := pairs(found.Pairs); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if !found.Ended || found.Panicked || len(found.Waiting) > 0 {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestExploreKnowsCallSites(t *testing.T) {
	s := recordedBase(t)
	x := s.executor(baseRemoved)
	defer x.Close()
	found, err := x.Explore(s.history, executor.Removed)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found.Pairs {
		if p.Issued == nil || history.IsFinal(p.Issued.Body) {
			continue
		}
		stack := p.Issued.Stack()
		if p.Issued.Coroutine != "main" || p.Issued.Site.File == "" || len(stack) < 2 || stack[0] != p.Issued.Site || !strings.HasSuffix(stack[len(stack)-1].Function, "baseRemoved") {
			t.Errorf("%s: %+v, stack %+v", pairs([]*executor.Pair{p}), p.Issued, stack)
		}
	}
}

// Side effects and versions are those of history; what history lacks is the zero
// value, and the functions are not called.
func TestExploreHasNoSideEffects(t *testing.T) {
	effects := func(n int) any {
		return func(ctx workflow.Context) error {
			for i := range n {
				v, _ := workflow.SideEffect(ctx, func(workflow.Context) int { outside++; return i + 1 }).Get(ctx)
				m, _ := workflow.MutableSideEffect(ctx, fmt.Sprint(i), func(workflow.Context) int { outside++; return i + 1 }, nil).Get(ctx)
				if want := i + 1; i < 2 && (v != want || m != want) || i >= 2 && (v != 0 || m != 0) {
					panic(fmt.Sprintf("effect %d is %d and %d", i, v, m))
				}
			}
			return nil
		}
	}
	s := newSession(t, "flow", effects(2), options{})
	s.start()
	before := outside
	x := s.executor(effects(3))
	defer x.Close()
	found, err := x.Explore(s.history, executor.Added)
	if err != nil || !found.Ended || found.Panicked || outside != before {
		t.Errorf("%v %+v, %d functions called", err, found, outside-before)
	}
}

// Code that polls for an answer of its liking must not keep Explore for ever.
func TestExploreEndsWithALoopThatDoesNot(t *testing.T) {
	s := recordedBase(t)
	x := s.executor(func(ctx workflow.Context) (int, error) {
		for {
			if v, err := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "poll").Get(ctx); v == 42 {
				return v, err
			}
		}
	})
	defer x.Close()
	found, err := x.Explore(s.history, executor.Added)
	if err != nil || found.Ended {
		t.Fatalf("%v, ended %v", err, found.Ended)
	}
	if len(found.Waiting) != 1 || len(found.Waiting[0].Waits) != 1 || found.Waiting[0].Waits[0].Name != "poll" {
		t.Errorf("waiting: %+v", found.Waiting)
	}
}

func TestWatchSeesWhatIsIssued(t *testing.T) {
	s := recordedBase(t)
	var names []string
	reg := newRegistry(t, "flow", base3)
	x := executor.New(executor.Options{
		Instance: s.inst, Registry: reg, Command: commandSettings(reg), Stacks: executor.StacksNever,
		Watch: func(i executor.Issued) {
			names = append(names, fmt.Sprintf("%d:%s@%d", i.Ref, history.Subject(i.Body), i.Seq))
		},
	})
	defer x.Close()
	if err := x.Replay(s.history); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1:a@2", "2:b@5", "3:c@8"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func TestReplayToStopsThere(t *testing.T) {
	s := recordedBase(t)
	for _, c := range []struct {
		seq   int64
		waits string
	}{{1, ""}, {2, "a"}, {4, "a"}, {5, "b"}, {8, "c"}, {11, ""}} {
		reg := newRegistry(t, "flow", base3)
		x := executor.New(executor.Options{Instance: s.inst, Registry: reg, Command: commandSettings(reg), Stacks: executor.StacksAlways})
		if err := x.ReplayTo(s.history, c.seq); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, co := range x.Coroutines() {
			for _, w := range co.Waits {
				got += w.Name
				if w.Kind != engine.WaitActivity || co.Name != "main" || len(co.Stack) == 0 || co.Stack[len(co.Stack)-1].Line == 0 {
					t.Errorf("event %d: %+v", c.seq, co)
				}
			}
		}
		if got != c.waits || x.LastSeq() != c.seq {
			t.Errorf("event %d: waits for %q, want %q; LastSeq %d", c.seq, got, c.waits, x.LastSeq())
		}
		x.Close()
	}
}

// A mismatch in which the code asked for nothing shows where the code waits.
func TestMismatchShowsWhereCodeWaits(t *testing.T) {
	s := recordedBase(t)
	_, b := s.replay(func(ctx workflow.Context) (int, error) {
		_ = workflow.Sleep(ctx, time.Second)
		return 0, nil
	}, nil)
	if b != nil {
		t.Fatal(b)
	}
	_, b = s.replay(func(ctx workflow.Context) (int, error) {
		run(ctx, "a", 1)
		return 0, forever(ctx)
	}, s.history)
	if b == nil || b.Reason.Issued != nil || !strings.Contains(b.Reason.Stack, "executor_test.forever\n\t") {
		t.Errorf("%+v", b)
	}
}

// Two fans that have nothing in common are compared in bounded time.
func TestExploreOfLargeFansEnds(t *testing.T) {
	wide := func(kind string, n int) any {
		return func(ctx workflow.Context) error {
			for i := range n {
				if kind == "child" {
					workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, "c", i)
					continue
				}
				workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, kind, -i)
			}
			return forever(ctx)
		}
	}
	s := newSession(t, "flow", wide("a", 5000), options{})
	step := s.start()
	for _, a := range step.StartActivities[:50] {
		s.mustApply(s.event(a.Event.Ref, history.ActivityCompleted{Result: engine.Payload("1")}))
	}
	for _, g := range []executor.Guess{executor.Removed, executor.Added, executor.Replaced} {
		x := s.executor(wide("child", 5000))
		found, err := x.Explore(s.history, g)
		if err != nil || len(found.Pairs) < 5000 {
			t.Errorf("guess %d: %v, %d pairs", g, err, len(found.Pairs))
		}
		x.Close()
	}
}
