package workflow_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/workflow"
)

var (
	typeOfInt = reflect.TypeFor[int]()
	opts      = workflow.DefaultActivityOptions
)

func TestActivity(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		f := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{
			Queue: "q", ID: "id", RetryOptions: workflow.RetryOptions{MaxAttempts: 7},
			ScheduleToStart: 1, StartToClose: 2, ScheduleToClose: 3, Heartbeat: 4,
		}, "add", 1, nil)
		return f.Get(ctx)
	})
	s.wantOpen()
	s.wantLog(`1 activity add[1 null]`)
	want := command.ScheduleActivity{
		Name: "add", ID: "id", Queue: "q", Args: []engine.Payload{engine.Payload("1"), engine.Payload("null")},
		Retry:    engine.RetryPolicy{MaxAttempts: 7},
		Timeouts: history.Timeouts{ScheduleToStart: 1, StartToClose: 2, ScheduleToClose: 3, Heartbeat: 4},
	}
	if !reflect.DeepEqual(s.commands[0], want) {
		t.Fatalf("issued %+v", s.commands[0])
	}
	if w := s.waits[0]; len(w) != 1 || w[0].Kind != command.WaitOutcome || w[0].Outcome != s.outcomes[0] || w[0].Name != "add" {
		t.Fatalf("waits for %+v", w)
	}
	s.complete(1, 3)
	s.wantResult(3)
}

func TestFailedActivity(t *testing.T) {
	sentinel := errors.New("no funds")
	s := newSession(t)
	s.settings.Sentinels = engine.Sentinels{"funds": sentinel}
	s.do(func(ctx workflow.Context) {
		_, err := workflow.ExecuteActivity[int](ctx, opts, "pay").Get(ctx)
		var failure *workflow.Error
		if !errors.As(err, &failure) || failure.Message != "no funds" || !errors.Is(err, sentinel) {
			t.Errorf("error %#v", err)
		}
	})
	s.outcome(1).Failure = &engine.Failure{Message: "no funds", Code: "funds"}
	s.event()
	s.wantResult(nil)
}

func TestGetRepeatedlyAndFromSeveralCoroutines(t *testing.T) {
	var got []int
	s := newSession(t).do(func(ctx workflow.Context) {
		f := workflow.ExecuteActivity[int](ctx, opts, "a")
		wg := workflow.NewWaitGroup()
		for range 3 {
			wg.Add(1)
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer wg.Done()
				for range 2 {
					v, err := f.Get(ctx)
					if err != nil {
						t.Error(err)
					}
					got = append(got, v)
				}
			})
		}
		wg.Wait(ctx)
	})
	s.complete(1, 5)
	s.wantResult(nil)
	if !reflect.DeepEqual(got, []int{5, 5, 5, 5, 5, 5}) {
		t.Fatalf("got %v", got)
	}
}

func TestGetOfResolvedFutureDoesNotSwitch(t *testing.T) {
	var order []string
	s := newSession(t).do(func(ctx workflow.Context) {
		f := workflow.ExecuteActivity[int](ctx, opts, "a")
		_, _ = f.Get(ctx)
		workflow.Go(ctx, func(workflow.Context) { order = append(order, "other") })
		_, _ = f.Get(ctx)
		order = append(order, "main")
	})
	s.complete(1, 0)
	if strings.Join(order, " ") != "main other" {
		t.Fatalf("order %v", order)
	}
}

// Each call is refused at once, without a command.
func TestInvalidRequests(t *testing.T) {
	long := strings.Repeat("x", 256)
	big := strings.Repeat("x", 2<<20)
	get := func(f workflow.Future[any]) func(workflow.Context) error {
		return func(ctx workflow.Context) error { _, err := f.Get(ctx); return err }
	}
	activity := func(ctx workflow.Context, o workflow.ActivityOptions, name any, args ...any) error {
		return get(workflow.ExecuteActivity[any](ctx, o, name, args...))(ctx)
	}
	child := func(ctx workflow.Context, o workflow.SubWorkflowOptions, name any, args ...any) error {
		return get(workflow.CreateSubWorkflowInstance[any](ctx, o, name, args...))(ctx)
	}
	for name, c := range map[string]struct {
		call func(workflow.Context) error
		says string
	}{
		"activity args":      {func(ctx workflow.Context) error { return activity(ctx, opts, "a", 1, 2, 3, 4) }, "activity a"},
		"activity payload":   {func(ctx workflow.Context) error { return activity(ctx, opts, "a", 1, big) }, `activity "a": argument 2`},
		"activity unencoded": {func(ctx workflow.Context) error { return activity(ctx, opts, "a", make(chan int)) }, `activity "a": argument 1`},
		"activity queue": {func(ctx workflow.Context) error {
			return activity(ctx, workflow.ActivityOptions{Queue: workflow.Queue(long)}, "a")
		}, "ActivityOptions.Queue"},
		"activity id":      {func(ctx workflow.Context) error { return activity(ctx, workflow.ActivityOptions{ID: long}, "a") }, "ActivityOptions.ID"},
		"activity timeout": {func(ctx workflow.Context) error { return activity(ctx, workflow.ActivityOptions{Heartbeat: -1}, "a") }, "timeout"},
		"activity retries": {func(ctx workflow.Context) error {
			return activity(ctx, workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: -1}}, "a")
		}, "MaxAttempts"},
		"child args":    {func(ctx workflow.Context) error { return child(ctx, workflow.DefaultSubWorkflowOptions, 17) }, "workflow 17"},
		"child payload": {func(ctx workflow.Context) error { return child(ctx, workflow.DefaultSubWorkflowOptions, "c", big) }, `sub-workflow "c": argument 1`},
		"child payload, retried": {func(ctx workflow.Context) error {
			return child(ctx, workflow.SubWorkflowOptions{RetryOptions: workflow.DefaultRetryOptions}, "c", big)
		}, `sub-workflow "c": argument 1`},
		"child id": {func(ctx workflow.Context) error {
			return child(ctx, workflow.SubWorkflowOptions{InstanceID: long}, "c")
		}, "InstanceID"},
		"child queue": {func(ctx workflow.Context) error { return child(ctx, workflow.SubWorkflowOptions{Queue: "\x00"}, "c") }, "Queue"},
		"child policy": {func(ctx workflow.Context) error {
			return child(ctx, workflow.SubWorkflowOptions{ParentClosePolicy: "x"}, "c")
		}, "ParentClosePolicy"},
		"child retries": {func(ctx workflow.Context) error {
			return child(ctx, workflow.SubWorkflowOptions{RetryOptions: workflow.RetryOptions{Jitter: 2}}, "c")
		}, "Jitter"},
		"timer name": {func(ctx workflow.Context) error {
			return get(workflow.ScheduleTimer(ctx, 1, workflow.WithTimerName(long)))(ctx)
		}, "timer name"},
		"signal name":     {func(ctx workflow.Context) error { return get(workflow.SignalWorkflow(ctx, "i", "", 1))(ctx) }, "signal name"},
		"signal instance": {func(ctx workflow.Context) error { return get(workflow.SignalWorkflow(ctx, "", "s", 1))(ctx) }, "InstanceID"},
		"signal payload":  {func(ctx workflow.Context) error { return get(workflow.SignalWorkflow(ctx, "i", "s", big))(ctx) }, `signal "s"`},
		"tag":             {func(ctx workflow.Context) error { return workflow.SetTags(ctx, map[string]string{"": "x"}) }, "tag key"},
		"tag value":       {func(ctx workflow.Context) error { return workflow.SetTags(ctx, map[string]string{"k": long}) }, `value of tag "k"`},
		"continue":        {func(ctx workflow.Context) error { return workflow.ContinueAsNew(ctx, big) }, `continuing "W" as new: argument 1`},
		"continue args":   {func(ctx workflow.Context) error { return workflow.ContinueAsNew(ctx, 1, 2, 3, 4) }, "continuing as new"},
		"mutable id": {func(ctx workflow.Context) error {
			_, err := workflow.MutableSideEffect(ctx, "", func(workflow.Context) int { return 1 }, nil).Get(ctx)
			return err
		}, "MutableSideEffect"},
	} {
		t.Run(name, func(t *testing.T) {
			var got error
			s := newSession(t).do(func(ctx workflow.Context) { got = c.call(ctx) })
			s.wantResult(nil)
			s.wantLog()
			if !errors.Is(got, engine.ErrInvalidArgument) || !strings.Contains(got.Error(), c.says) {
				t.Fatalf("error %v, want one that says %q", got, c.says)
			}
		})
	}
}

func TestUndecodableAnswersBlock(t *testing.T) {
	for name, c := range map[string]struct {
		call  func(workflow.Context) error
		says  string
		event history.Kind
	}{
		"activity": {func(ctx workflow.Context) error {
			_, err := workflow.ExecuteActivity[int](ctx, opts, "a").Get(ctx)
			return err
		}, `the result of activity "a" (command 1) can't be decoded as int: a JSON string does not fit int`, history.KindActivityCompleted},
		"child": {func(ctx workflow.Context) error {
			_, err := workflow.CreateSubWorkflowInstance[struct{ X int }](ctx, workflow.DefaultSubWorkflowOptions, "c").Get(ctx)
			return err
		}, `the result of sub-workflow "c" (command 1)`, history.KindChildCompleted},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t).start(func(ctx workflow.Context) (any, error) { return nil, c.call(ctx) })
			s.complete(1, "secret")
			if s.done != nil || s.blocked == nil {
				t.Fatalf("not blocked: %+v", s.done)
			}
			r := s.blocked
			if r.Class != engine.BlockDecode || r.Event != string(c.event) || !strings.Contains(r.Message, c.says) {
				t.Fatalf("reason %+v", r)
			}
			if strings.Contains(r.Message, "secret") {
				t.Fatalf("the reason holds the payload: %s", r.Message)
			}
		})
	}
}

type panicsWhenDecoded struct{}

func (*panicsWhenDecoded) UnmarshalJSON(b []byte) error { panic(string(b)) }

func TestDecodingThatPanicsBlocks(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		_, _ = workflow.ExecuteActivity[panicsWhenDecoded](ctx, opts, "a").Get(ctx)
	})
	s.complete(1, "secret")
	if s.blocked == nil || !strings.Contains(s.blocked.Message, "decoding panicked") || strings.Contains(s.blocked.Message, "secret") {
		t.Fatalf("reason %+v", s.blocked)
	}
}

func TestAnswersWithoutValue(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		return workflow.ExecuteActivity[int](ctx, opts, "a").Get(ctx)
	})
	s.outcome(1)
	s.event()
	s.wantResult(0)
}

func TestTimer(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return nil, err
		}
		if err := workflow.Sleep(ctx, -time.Minute); err != nil {
			return nil, err
		}
		return workflow.ScheduleTimer(ctx, time.Second, workflow.WithTimerName("tick")).Get(ctx)
	})
	for ref := range 3 {
		s.outcome(ref + 1)
		s.event()
	}
	s.wantLog("1 timer 1m0s", "2 timer 0s", "3 timer tick1s")
	s.wantResult(nil)
}

func TestNow(t *testing.T) {
	s := newSession(t)
	s.start(func(ctx workflow.Context) (any, error) { return workflow.Now(ctx), nil })
	s.wantResult(s.now)
}

func TestChild(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		return workflow.CreateSubWorkflowInstance[string](ctx, workflow.SubWorkflowOptions{
			InstanceID: "x", Queue: "q", ParentClosePolicy: workflow.ParentCloseAbandon,
		}, "c", "arg").Get(ctx)
	})
	want := command.StartChild{
		Workflow: "c", InstanceID: "x", Queue: "q", Args: []engine.Payload{engine.Payload(`"arg"`)},
		ParentClose: history.ParentCloseAbandon, Attempt: 1,
	}
	if !reflect.DeepEqual(s.commands[0], want) {
		t.Fatalf("issued %+v", s.commands[0])
	}
	s.complete(1, "r")
	s.wantResult("r")
}

func TestChildrenAreCanceledWithTheirParentByDefault(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		workflow.CreateSubWorkflowInstance[any](ctx, workflow.DefaultSubWorkflowOptions, "c")
	})
	if p := s.commands[0].(command.StartChild).ParentClose; p != history.ParentCloseCancel {
		t.Fatalf("policy %q", p)
	}
}

func TestChildIsRetriedByTheWorkflow(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		return workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{
			RetryOptions: workflow.RetryOptions{MaxAttempts: 3, FirstRetryInterval: time.Second},
		}, "c").Get(ctx)
	})
	s.fail(1, errors.New("first"))
	s.outcome(2)
	s.event()
	s.complete(3, 9)
	s.wantLog("1 child c[] attempt 1", "2 timer 1s", "3 child c[] attempt 2")
	s.wantResult(9)
}

func TestSignalsKeepTheirOrder(t *testing.T) {
	const n = 10_000
	s := newSession(t)
	for i := range n / 2 {
		s.signal("s", i)
	}
	s.start(func(ctx workflow.Context) (any, error) {
		c := workflow.NewSignalChannel[int](ctx, "s")
		if c.Len() != n/2 {
			t.Errorf("%d wait in the channel", c.Len())
		}
		for i := range n {
			if v, ok := c.Receive(ctx); v != i || !ok {
				t.Errorf("received %d, want %d", v, i)
				break
			}
		}
		_, more := c.ReceiveNonBlocking()
		return more, nil
	})
	for i := range n / 2 {
		s.signal("s", i+n/2)
	}
	s.wantResult(false)
}

func TestSignalChannelsOfOneNameShareTheirSignals(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		a, _ := workflow.NewSignalChannel[int](ctx, "s").Receive(ctx)
		b, _ := workflow.NewSignalChannel[int](ctx, "s").Receive(ctx)
		return []int{a, b}, nil
	})
	if w := s.waits[0][0]; w.Kind != command.WaitSignal || w.Name != "s" {
		t.Fatalf("waits for %+v", w)
	}
	s.signal("other", 0)
	s.wantOpen()
	s.signal("s", 1)
	s.signal("s", 2)
	s.wantResult([]int{1, 2})
}

func TestUndecodableSignalBlocks(t *testing.T) {
	s := newSession(t).do(func(ctx workflow.Context) {
		workflow.NewSignalChannel[int](ctx, "s").Receive(ctx)
	})
	s.signal("s", "secret")
	r := s.blocked
	if r == nil || r.Class != engine.BlockDecode || r.Seq != 2 || r.Event != "SignalReceived" || !strings.Contains(r.Message, `signal "s" (event 2) can't be decoded as int`) {
		t.Fatalf("reason %+v", r)
	}
}

func TestSignalChannelIsReadOnly(t *testing.T) {
	for name, use := range map[string]func(workflow.Context, workflow.Channel[int]){
		"Send":            func(ctx workflow.Context, c workflow.Channel[int]) { c.Send(ctx, 1) },
		"SendNonblocking": func(_ workflow.Context, c workflow.Channel[int]) { c.SendNonblocking(1) },
		"Close":           func(_ workflow.Context, c workflow.Channel[int]) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t).do(func(ctx workflow.Context) { use(ctx, workflow.NewSignalChannel[int](ctx, "s")) })
			s.wantPanic(`signal "s" can't be`)
		})
	}
}

func TestSignalWorkflow(t *testing.T) {
	s := newSession(t).start(func(ctx workflow.Context) (any, error) {
		return workflow.SignalWorkflow(ctx, "other", "s", 7).Get(ctx)
	})
	s.wantLog("1 signal other.s 7")
	s.fail(1, engine.ErrInstanceNotFound)
	s.wantError(engine.ErrInstanceNotFound)
}
