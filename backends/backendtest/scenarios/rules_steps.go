package scenarios

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// doing is a workflow that runs the activity "act" and then waits for n signals.
func doing(o workflow.ActivityOptions, n int) any {
	return func(ctx workflow.Context) (int, error) {
		v, err := workflow.ExecuteActivity[int](ctx, o, "act").Get(ctx)
		if err == nil {
			_, err = collect(ctx, n)
		}
		return v, err
	}
}

// counting is an activity that returns how often it was run.
func counting(runs *atomic.Int32) any {
	return func(context.Context) (int, error) { return int(runs.Add(1)), nil }
}

var oneUndurableStep = []sentence{
	{"WhatComesInMeanwhileWaits", func(s *system) {
		line := tapOn(s.b)
		s.startOn(line, functions(map[string]any{"collect": collect}, nil))
		var under, most atomic.Int32
		line.around(func(_ backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			wait(time.Second)
			return send()
		})
		i := s.create("a", "collect", 20)
		for _, v := range upTo(20) {
			s.pass(300 * time.Millisecond)
			s.signal("a", "n", v)
		}
		want(s, i, upTo(20))
		equal(s, "steps under way at a time", most.Load(), 1)
		if n := len(line.heard().commits); n > 9 {
			s.Errorf("%d steps for signals in 6 s, with commits that take 1 s", n)
		}
	}},
}

// early looks whether an activity runs before the commit of the step that schedules
// it is acknowledged. lost tells that it is applied at once, and only its answer
// takes several tries.
func early(name string, opts workflow.ActivityOptions, lost bool) sentence {
	return sentence{name, func(s *system) {
		var runs atomic.Int32
		acts := map[string]any{"act": counting(&runs)}
		line := tapOn(s.b)
		var before int32
		line.around(func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			if c.ExpectSeq > 0 {
				return send()
			}
			if lost {
				send()
			}
			wait(3 * time.Second)
			before += runs.Load()
			if lost && len(line.heard().commits) < 3 {
				return backend.WorkflowCommitted{Err: io.ErrUnexpectedEOF}
			}
			return send()
		})
		s.startOn(line, functions(map[string]any{"w": doing(opts, 0)}, acts))
		if opts.Queue != "" {
			s.start(functions(nil, acts), serving(opts.Queue))
		}
		want(s, s.create("a", "w"), 1)
		equal(s, "runs before the acknowledgment", before, 0)
	}}
}

var nothingStartsEarly = []sentence{
	early("Here", workflow.DefaultActivityOptions, false),
	early("AtAnotherWorker", workflow.ActivityOptions{Queue: elsewhere}, false),
	early("HereWhenTheAnswerWasLost", workflow.DefaultActivityOptions, true),
	{"TheNextAttempt", func(s *system) {
		line := tapOn(s.b)
		var runs, before atomic.Int32
		line.around(func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			if c.ExpectSeq > 0 && before.Load() == 0 { // the step that has the failed attempt
				wait(3 * time.Second)
				before.Store(runs.Load())
			}
			return send()
		})
		s.startOn(line, functions(map[string]any{"w": doing(workflow.DefaultActivityOptions, 0)}, map[string]any{
			"act": func(context.Context) (int, error) {
				if n := runs.Add(1); n > 1 {
					return int(n), nil
				}
				return 0, plain()
			}}))
		want(s, s.create("a", "w"), 2)
		equal(s, "attempts before the acknowledgment of the failed one", before.Load(), 1)
	}},
}

var sentAgain = []sentence{
	{"UnchangedUntilAcknowledged", func(s *system) {
		line := tapOn(s.b)
		tries := map[string]int{}
		line.around(func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			tries[c.StepID]++
			switch tries[c.StepID] {
			case 1, 2:
				return backend.WorkflowCommitted{Err: io.ErrUnexpectedEOF} // not applied
			case 3, 4:
				send()
				return backend.WorkflowCommitted{Err: io.ErrUnexpectedEOF} // the answer is lost
			}
			return send()
		})
		var runs atomic.Int32
		s.startOn(line, functions(map[string]any{"w": doing(workflow.DefaultActivityOptions, 0)}, map[string]any{"act": counting(&runs)}))
		i := s.create("a", "w")
		want(s, i, 1)
		s.pass(time.Second)
		equal(s, "steps", len(tries), 2)
		first := map[string]backend.WorkflowCommit{}
		for _, c := range line.heard().commits {
			if f, again := first[c.StepID]; again && !reflect.DeepEqual(f, c) {
				s.Errorf("a commit was sent as %+v and then as %+v", f, c)
			} else if !again {
				first[c.StepID] = c
			}
		}
		equal(s, "tries", len(line.heard().commits), 10)
		if err := history.Check(s.history(*i)); err != nil {
			s.Error(err)
		}
		equal(s, "results in history", s.count(*i, history.KindActivityCompleted), 1)
	}},
	{"UntilTheLeaseRunsOut", func(s *system) {
		line := tapOn(s.b)
		w := s.startOn(line, functions(map[string]any{"w": says("first")}, nil), lease(2*time.Second))
		var last atomic.Int64
		line.around(func(backend.WorkflowCommit, func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			line.sever(io.ErrUnexpectedEOF)
			last.Store(time.Now().UnixNano())
			return backend.WorkflowCommitted{Err: io.ErrUnexpectedEOF}
		})
		i := s.create("a", "w")
		s.rest()
		end := s.pending(i).LeaseUntil
		s.pass(3 * time.Second)
		if tries := len(line.heard().commits); tries < 5 || last.Load() >= end.UnixNano() {
			s.Errorf("the commit was sent %d times, at last %s before the lease ended", tries, end.Sub(time.Unix(0, last.Load())))
		}
		s.start(functions(map[string]any{"w": says("second")}, nil))
		want(s, i, "second")
		s.abort(w)
	}},
	{"AStoreThatHasItAnswersWithSuccess", func(s *system) {
		line := tapOn(s.b)
		line.around(func(_ backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
			ans := send()
			for range 2 {
				if again := send(); again.Err != nil {
					s.Errorf("sent again: %v", again.Err)
				}
			}
			return ans
		})
		s.startOn(line, functions(map[string]any{"relay": relay}, nil))
		i := s.create("a", "relay", []int{}, 7)
		s.sendUpTo("a", 7)
		want(s, i, upTo(7))
	}},
}

// abort stops a worker that may have no store any more.
func (s *system) abort(w interface{ Stop(context.Context) error }) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_ = w.Stop(ctx) // it says that it has no store, or what it cut off
}

// refuseOnce refuses one step that has a result, though the store would take it.
func refuseOnce(line *tap) {
	refused := false
	line.around(func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted {
		if c.ExpectSeq > 0 && !refused {
			refused = true
			return backend.WorkflowCommitted{Err: fmt.Errorf("refused: %w", engine.ErrLeaseLost)}
		}
		return send()
	})
}

var afterARefusal = []sentence{
	{"ResultsInMemoryAreDeliveredOnTheirOwn", func(s *system) {
		line := tapOn(s.b)
		refuseOnce(line)
		var runs atomic.Int32
		s.startOn(line, functions(map[string]any{"w": doing(workflow.DefaultActivityOptions, 0)}, map[string]any{"act": counting(&runs)}), lease(time.Second))
		i := s.create("a", "w")
		want(s, i, 1)
		equal(s, "runs", runs.Load(), 1)
		equal(s, "failed attempts", s.count(*i, history.KindActivityAttemptFailed), 0)
		equal(s, "deliveries", len(line.heard().late), 1)
		if d := line.heard().late[0]; d.ID == "" || d.To.ExecutionID != i.ExecutionID {
			s.Errorf("the delivery is %+v, want one with an id to that execution", d)
		}
	}},
	{"TheExecutorIsThrownAway", func(s *system) {
		line := tapOn(s.b)
		refuseOnce(line)
		var begun, runs atomic.Int32
		s.startOn(line, functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			begun.Add(1)
			return workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "act").Get(ctx)
		}}, map[string]any{"act": counting(&runs)}), lease(time.Second))
		want(s, s.create("a", "w"), 1)
		equal(s, "times that the code began", begun.Load(), 2)
		equal(s, "replays", line.heard().replays, 1)
	}},
}

var theFence = []sentence{
	{"CachedExecutorOfAnotherStateIsNotUsed", func(s *system) {
		first, second := tapOn(s.b), tapOn(s.b)
		reg := functions(map[string]any{"collect": collect}, nil)
		s.startOn(first, reg)
		i := s.create("a", "collect", 3)
		s.waiting(i, engine.WaitSignal)
		first.sever(io.ErrUnexpectedEOF) // it keeps its executor
		w := s.startOn(second, reg)
		s.signal("a", "n", 1)
		s.pass(time.Second)
		s.halt(w)
		equal(s, "replays of the second worker", second.heard().replays, 1)
		first.mend()
		s.signal("a", "n", 2)
		s.pass(10 * time.Second)
		equal(s, "replays of the first worker, whose executor is out of date", first.heard().replays, 1)
		s.signal("a", "n", 3)
		want(s, i, upTo(3))
		equal(s, "replays of the first worker, which is warm again", first.heard().replays, 1)
	}},
	{"TokensAreNeverIssuedAgain", func(s *system) {
		line := tapOn(s.b)
		s.startOn(line, functions(map[string]any{"collect": collect}, nil))
		i := s.create("a", "collect", 20)
		for _, v := range upTo(20) {
			s.signal("a", "n", v)
			s.rest()
		}
		want(s, i, upTo(20))
		tokens := map[string]bool{}
		for _, t := range line.heard().claims {
			tokens[t.Token] = true
		}
		if len(tokens) != len(line.heard().claims) || len(tokens) < 10 {
			s.Errorf("%d tokens for %d claims", len(tokens), len(line.heard().claims))
		}
	}},
}
