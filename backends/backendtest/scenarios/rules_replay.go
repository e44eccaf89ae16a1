package scenarios

import (
	"fmt"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// lookout counts signals in one coroutine and has two others look at the count. It
// returns what these saw, each as soon as it could. Each coroutine wakes the one
// that was created before it.
func lookout(ctx workflow.Context) ([]int, error) {
	var saw []int
	n, told := 0, 0
	for _, count := range []*int{&told, &n} {
		workflow.Go(ctx, func(ctx workflow.Context) {
			for turn := 1; turn <= 3; turn++ {
				if workflow.AwaitCondition(ctx, func() bool { return *count >= turn }) != nil {
					return
				}
				saw = append(saw, n)
				told = max(told, turn)
			}
		})
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		for range 3 {
			if _, err := collect(ctx, 1); err != nil {
				return
			}
			n++
		}
	})
	err := workflow.AwaitCondition(ctx, func() bool { return len(saw) == 6 })
	return saw, err
}

// lookouts runs two signals through lookout in one step and a third one in another,
// for which another worker replays the first if restart is set.
func lookouts(restart bool) func(s *system) {
	return func(s *system) {
		reg := functions(map[string]any{"lookout": lookout}, nil)
		i := s.create("a", "lookout")
		s.signal("a", "n", 1)
		s.signal("a", "n", 2)
		w := s.start(reg)
		s.until("two signals are in history", func() bool { return s.count(*i, history.KindSignalReceived) == 2 }, func() string { return s.story(*i) })
		equal(s, "steps for two signals", s.count(*i, history.KindTaskStarted), 1)
		if restart {
			s.halt(w)
			s.start(reg, build("another"))
		}
		s.signal("a", "n", 3)
		want(s, i, []int{1, 1, 2, 2, 3, 3})
	}
}

var afterEachEvent = []sentence{
	{"TheSchedulerRunsToQuiescence", lookouts(false)},
	{"OnReplayAlike", lookouts(true)},
}

// stage is a stretch of a workflow that notes the versions it was told.
type stage func(ctx workflow.Context, saw *[]int) error

func asks(changeID string, lowest, highest int) stage {
	return func(ctx workflow.Context, saw *[]int) error {
		*saw = append(*saw, workflow.Version(ctx, changeID, lowest, highest))
		return nil
	}
}

func does(ctx workflow.Context, _ *[]int) error { return echo(ctx, "x") }

func waits(ctx workflow.Context, _ *[]int) error { return pass(ctx) }

// stages is a workflow that returns the versions that its stages were told.
func stages(all ...stage) any {
	return func(ctx workflow.Context) ([]int, error) {
		saw := []int{}
		for _, run := range all {
			if err := run(ctx, &saw); err != nil {
				return nil, err
			}
		}
		return saw, nil
	}
}

// told expects what the stages after a change of code are told, and the versions
// that are recorded in the end.
func told(name string, before, after any, saw []int, recorded ...string) sentence {
	return sentence{name, func(s *system) {
		i := s.changed(before, after)
		want(s, i, saw)
		var marks []string
		for _, ev := range s.history(*i) {
			if m, ok := ev.Body.(history.VersionMarked); ok {
				marks = append(marks, fmt.Sprint(m.ChangeID, m.Version))
			}
		}
		equal(s, "recorded", fmt.Sprint(marks), fmt.Sprint(recorded))
	}}
}

var versions = []sentence{
	told("AreLookedUpByChangeIDNotByPosition",
		stages(asks("x", -1, 1), asks("y", -1, 2), waits), stages(asks("y", -1, 2), asks("x", -1, 2), waits), []int{2, 1}, "x1", "y2"),
	told("InTheWholeHistory",
		stages(does, asks("x", -1, 1), waits), stages(asks("x", -1, 2), does, waits), []int{1}, "x1"),
	told("ARecordedOneIsTheAnswer",
		stages(asks("x", -1, 1), waits), stages(asks("x", -1, 2), waits), []int{1}, "x1"),
	told("WithoutOneThePastIsMinusOne",
		stages(waits), stages(asks("x", -1, 1), waits), []int{-1}),
	{"WhichBlocksIfItIsBelowMin", func(s *system) {
		s.blocked(s.changed(stages(waits), stages(asks("x", 0, 1), waits)), engine.BlockVersion)
	}},
	told("OtherwiseMaxIsRecorded",
		stages(waits), stages(waits, asks("x", -1, 3)), []int{3}, "x3"),
	told("AMarkerThatNobodyAsksForIsLegal",
		stages(asks("x", -1, 1), does, waits), stages(does, waits), []int{}, "x1"),
	told("OneAnswerPerExecution",
		stages(waits), stages(asks("x", -1, 1), waits, asks("x", -1, 1)), []int{-1, -1}),
	told("OneRecordPerExecution",
		stages(asks("x", -1, 1), waits), stages(asks("x", -1, 2), waits, asks("x", -1, 2)), []int{1, 1}, "x1"),
}
