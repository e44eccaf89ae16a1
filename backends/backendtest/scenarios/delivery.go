package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// collect reads n numbers from the signal channel "n".
func collect(ctx workflow.Context, n int) ([]int, error) {
	c := workflow.NewSignalChannel[int](ctx, "n")
	got := make([]int, 0, n)
	for range n {
		v, _ := c.Receive(ctx)
		got = append(got, v)
	}
	return got, nil
}

func upTo(n int) []int {
	vs := make([]int, n)
	for i := range vs {
		vs[i] = i + 1
	}
	return vs
}

func (s *system) sendUpTo(id string, n int) {
	s.Helper()
	for _, v := range upTo(n) {
		s.signal(id, "n", v)
	}
}

// deliverUpTo is sendUpTo in few calls of the store.
func (s *system) deliverUpTo(id string, n int) {
	s.Helper()
	for batch := range slices.Chunk(upTo(n), 1000) {
		ds := make([]backend.Delivery, len(batch))
		for k, v := range batch {
			ev, err := history.Encode(history.Event{At: time.Now(), Body: history.SignalReceived{Name: "n", Arg: engine.Payload(fmt.Sprint(v))}})
			if err != nil {
				s.Fatal(err)
			}
			ds[k] = backend.Delivery{ID: engine.NewID(), To: backend.Address{InstanceID: id}, Event: ev}
		}
		if err := errors.Join(s.b.Deliver(s.ctx, ds)...); err != nil {
			s.Fatal(err)
		}
	}
}

var signalOrder = []sentence{
	{"ReceivedInTheOrderSent", func(s *system) {
		s.start(functions(map[string]any{"collect": collect}, nil))
		i := s.create("a", "collect", 20)
		s.sendUpTo("a", 20)
		want(s, i, upTo(20))
	}},
	{"SentBeforeTheChannelWasOpened", func(s *system) {
		s.start(functions(map[string]any{"late": func(ctx workflow.Context) ([]int, error) {
			workflow.NewSignalChannel[bool](ctx, "open").Receive(ctx)
			return collect(ctx, 5)
		}}, nil))
		i := s.create("a", "late")
		s.waiting(i, engine.WaitSignal)
		s.sendUpTo("a", 5)
		s.signal("a", "open", true)
		want(s, i, upTo(5))
	}},
	{"SentBeforeTheInstanceStarted", func(s *system) {
		i := s.create("a", "collect", 5)
		s.sendUpTo("a", 5)
		s.start(functions(map[string]any{"collect": collect}, nil))
		want(s, i, upTo(5))
	}},
	{"TenThousandBufferedNoneDropped", func(s *system) {
		const n = 10_000
		i := s.create("a", "sum", n)
		s.deliverUpTo("a", n)
		s.start(functions(map[string]any{"sum": func(ctx workflow.Context, n int) (int, error) {
			got, err := collect(ctx, n)
			for k, v := range got {
				if v != k+1 {
					return 0, fmt.Errorf("signal %d is %d", k+1, v)
				}
			}
			return len(got), err
		}}, nil))
		want(s, i, n)
	}},
}

// relay collects signals over many executions, three in each.
func relay(ctx workflow.Context, got []int, n int) ([]int, error) {
	c := workflow.NewSignalChannel[int](ctx, "n")
	for range 3 {
		v, _ := c.Receive(ctx)
		if got = append(got, v); len(got) == n {
			return got, nil
		}
	}
	return nil, workflow.ContinueAsNew(ctx, got, n)
}

var signalsAndContinueAsNew = []sentence{
	{"UnreadMoveOverInOrder", func(s *system) {
		i := s.create("a", "relay", []int{}, 10)
		s.sendUpTo("a", 10)
		s.start(functions(map[string]any{"relay": relay}, nil))
		want(s, i, upTo(10))
	}},
	{"RacingSignalIsNeverLost", func(s *system) {
		const n = 60
		s.start(functions(map[string]any{"relay": relay}, nil))
		i := s.create("a", "relay", []int{}, n)
		s.sendUpTo("a", n)
		want(s, i, upTo(n))
	}},
}

var undecodable = []sentence{
	{"SignalBlocksNamingEventAndType", func(s *system) {
		s.start(functions(map[string]any{"collect": collect}, nil))
		i := s.create("a", "collect", 1)
		s.signal("a", "n", "not a number")
		sum := s.blocked(i, engine.BlockDecode)
		for _, part := range []string{"SignalReceived", "int"} {
			if !strings.Contains(string(sum.Block), part) {
				s.Errorf("the reason does not name %s: %s", part, sum.Block)
			}
		}
		if strings.Contains(string(sum.Block), "not a number") {
			s.Errorf("the reason holds the value: %s", sum.Block)
		}
	}},
	{"ResultBlocks", func(s *system) {
		s.start(functions(map[string]any{"wrong": func(ctx workflow.Context) (int, error) {
			return workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "text").Get(ctx)
		}}, map[string]any{"text": func(context.Context) (string, error) { return "text", nil }}))
		s.blocked(s.create("a", "wrong"), engine.BlockDecode)
	}},
	{"InputIsRejectedAtCreate", func(s *system) {
		_, err := s.c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, collect, "five")
		s.is(err, engine.ErrInvalidArgument, "creating with a wrong argument")
		_, err = s.b.Get(s.ctx, engine.Instance{InstanceID: "a"})
		s.is(err, engine.ErrInstanceNotFound, "reading what was refused")
	}},
	{"WorkerLivesOnAndOthersAreNotDelayed", func(s *system) {
		s.start(functions(map[string]any{"collect": collect}, nil))
		bad := s.create("bad", "collect", 1)
		good := s.create("good", "collect", 1)
		s.signal("bad", "n", "not a number")
		s.blocked(bad, engine.BlockDecode)
		s.signal("good", "n", 1)
		want(s, good, upTo(1))
	}},
}

var activityResults = []sentence{
	{"AppliedExactlyOnceThoughItRanTwice", func(s *system) {
		s.start(functions(map[string]any{"twice": func(ctx workflow.Context) ([]int, error) {
			first, err := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{Queue: "elsewhere"}, "answer").Get(ctx)
			second, _ := workflow.NewSignalChannel[int](ctx, "n").Receive(ctx)
			return []int{first, second}, err
		}}, nil))
		i := s.create("a", "twice")
		s.waiting(i, engine.WaitActivity)
		var ds []backend.Delivery
		for _, v := range []string{"1", "2"} {
			ev, err := history.Encode(history.Event{At: time.Now(), Ref: 1, Body: history.ActivityCompleted{Result: engine.Payload(v)}})
			if err != nil {
				s.Fatal(err)
			}
			ds = append(ds, backend.Delivery{ID: engine.NewID(), To: backend.Address{InstanceID: "a", ExecutionID: i.ExecutionID}, Event: ev})
		}
		if err := errors.Join(s.b.Deliver(s.ctx, ds)...); err != nil {
			s.Fatal(err)
		}
		s.signal("a", "n", 3)
		want(s, i, []int{1, 3})
	}},
	{"NeverAgainAfterItsResultWasCommitted", func(s *system) {
		var runs atomic.Int32
		reg := functions(map[string]any{"w": func(ctx workflow.Context) (int, error) {
			v, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "count").Get(ctx)
			workflow.NewSignalChannel[int](ctx, "n").Receive(ctx)
			return v, err
		}}, map[string]any{"count": func(context.Context) (int, error) { return int(runs.Add(1)), nil }})
		w := s.start(reg)
		i := s.create("a", "w")
		s.waiting(i, engine.WaitSignal)
		s.halt(w)
		s.start(reg)
		s.signal("a", "n", 1)
		want(s, i, 1)
		if n := runs.Load(); n != 1 {
			s.Errorf("the activity ran %d times", n)
		}
	}},
	{"RunsAtLeastOnce", func(s *system) {
		var runs atomic.Int32
		reg := func(hang bool) func(ctx context.Context) (int, error) {
			return func(ctx context.Context) (int, error) {
				runs.Add(1)
				if hang {
					<-ctx.Done()
					return 0, ctx.Err()
				}
				return 7, nil
			}
		}
		wf := map[string]any{"w": func(ctx workflow.Context) (int, error) {
			return workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "slow").Get(ctx)
		}}
		w := s.start(functions(wf, map[string]any{"slow": reg(true)}))
		i := s.create("a", "w")
		s.until("the first attempt", func() bool { return runs.Load() == 1 }, func() string { return s.story(*i) })
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		if err := w.Stop(ctx); err == nil {
			s.Error("Stop cut an activity off and said nothing")
		}
		s.start(functions(wf, map[string]any{"slow": reg(false)}))
		want(s, i, 7)
	}},
}

var sentinels = []sentence{
	{"SignalToAnUnknownInstance", func(s *system) {
		s.is(s.c.SignalWorkflow(s.ctx, "nobody", "n", 1), engine.ErrInstanceNotFound, "signaling nobody")
	}},
	{"SignalToAFinishedInstance", func(s *system) {
		s.is(s.c.SignalWorkflow(s.ctx, s.finished().InstanceID, "n", 1), engine.ErrInstanceNotFound, "signaling a finished instance")
	}},
	{"CancelOfAFinishedInstance", func(s *system) {
		s.is(s.c.CancelWorkflowInstance(s.ctx, s.finished()), engine.ErrInstanceNotFound, "canceling a finished instance")
	}},
	{"CreateOfARunningID", func(s *system) {
		s.create("a", "collect", 1)
		_, err := s.c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, "collect", 1)
		s.is(err, engine.ErrInstanceAlreadyExists, "creating it again")
	}},
	{"StoreErrorIsNeverReportedAsOneOfThese", func(s *system) {
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		for doing, err := range map[string]error{
			"signal": s.c.SignalWorkflow(ctx, "a", "n", 1),
			"create": func() error {
				_, err := s.c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, "collect", 1)
				return err
			}(),
		} {
			if err == nil || errors.Is(err, engine.ErrInstanceNotFound) || errors.Is(err, engine.ErrInstanceAlreadyExists) {
				s.Errorf("%s with a canceled context: %v", doing, err)
			}
		}
	}},
}

// finished returns an instance that has ended.
func (s *system) finished() *engine.Instance {
	s.Helper()
	s.start(functions(map[string]any{"nothing": func(workflow.Context) error { return nil }}, nil))
	i := s.create("finished", "nothing")
	if _, err := result[any](s, i); err != nil {
		s.Fatal(err)
	}
	return i
}
