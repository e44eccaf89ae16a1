package worker

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

var (
	noon   = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	parent = engine.Instance{InstanceID: "parent", ExecutionID: "p1"}
	me     = author{
		instance: engine.Instance{InstanceID: "me", ExecutionID: "e1"}, first: "e0", workflow: "Wf", queue: "q",
		token: "token", worker: "worker", build: "build",
	}
)

// committed translates a step in which nothing but change is set.
func committed(t *testing.T, change func(*turn)) backend.WorkflowCommit {
	t.Helper()
	tn := turn{stepID: "step", seq: 7, at: noon, step: executor.Step{
		Status: engine.StatusRunning, Events: []history.Event{{Seq: 8, At: noon, Body: history.TaskStarted{}}},
	}}
	change(&tn)
	c, err := commitOf(&me, &tn)
	if err != nil {
		t.Fatal(err)
	}
	return c[0]
}

// open returns the only event of what was encoded.
func open(t *testing.T, enc history.Encoded) history.Event {
	t.Helper()
	ev, err := enc.DecodeOne()
	if err != nil {
		t.Fatalf("%s: %v", enc, err)
	}
	return ev
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func TestCommitCarriesTheStep(t *testing.T) {
	line, lastError := "line", "error"
	waiting := &engine.Waiting{Kind: engine.WaitTimer}
	c := committed(t, func(tn *turn) {
		tn.step.Waiting, tn.step.Tags, tn.step.Attempt = waiting, map[string]string{"a": "b"}, 3
		tn.step.StatusLine, tn.step.LastError = &line, &lastError
		tn.local, tn.lease, tn.readyAfter = 2, time.Minute, time.Second
		tn.took = []item{{from: fromInbox, row: 4}, {from: fromHere}, {from: fromTimer, timer: backend.TimerKey{Ref: 5, Slot: 2}}, {from: fromInbox, row: 6}}
		tn.step.DropChildren = []int64{9}
	})
	events := c.Events
	c.Events = nil
	same(t, "commit", c, backend.WorkflowCommit{
		Instance: me.instance, Token: "token", ExpectSeq: 7, StepID: "step", Count: 1,
		Consume: []int64{4, 6}, DropTimers: []backend.TimerKey{{Ref: 5, Slot: 2}}, DropClosings: []int64{9},
		Local: 2, Status: engine.StatusRunning, Lease: time.Minute, ReadyAfter: time.Second,
		Summary: backend.SummaryUpdate{
			Worker: "worker", Build: "build", Waiting: waiting, Tags: map[string]string{"a": "b"}, Attempt: 3,
			StatusLine: &line, LastError: &lastError,
		},
	})
	same(t, "kind of the event", open(t, events).Kind(), history.KindTaskStarted)
}

func TestCommitTimers(t *testing.T) {
	c := committed(t, func(tn *turn) {
		tn.step.StartTimers = []executor.StartTimer{{Ref: 3, Until: noon.Add(time.Hour)}}
		tn.took = []item{{from: fromTimer, timer: backend.TimerKey{Ref: 1}}}
		tn.step.DropTimers = []int64{1, 2} // the first one has fired
	})
	same(t, "dropped", c.DropTimers, []backend.TimerKey{{Ref: 1}, {Ref: 2}})
	same(t, "timers", len(c.AddTimers), 1)
	same(t, "due", c.AddTimers[0].Due, noon.Add(time.Hour))
	same(t, "event", open(t, c.AddTimers[0].Event), history.Event{At: noon.Add(time.Hour), Ref: 3, Body: history.TimerFired{}})
}

func TestCommitActivities(t *testing.T) {
	body := history.ActivityScheduled{
		Name: "act", Timeouts: history.Timeouts{ScheduleToStart: time.Minute, ScheduleToClose: time.Hour},
	}
	ev := history.Event{Seq: 9, At: noon, Ref: 4, Body: body}
	first := start{ref: 4, body: &body, scheduled: noon, attempt: 1, first: true}
	again := start{ref: 5, body: &history.ActivityScheduled{Name: "other", Queue: "x"}, scheduled: noon, attempt: 3, delay: time.Second, lastError: "oops"}
	c := committed(t, func(tn *turn) {
		tn.step.StartActivities = []executor.StartActivity{{Event: ev, Body: body}}
		tn.rows = []start{first, again}
		tn.step.DropActivities = []int64{1, 2, 3}
		tn.placed = map[int64]placed{1: {row: true}, 2: {timers: true}, 3: {}}
	})
	same(t, "rows deleted", c.DropActivities, []int64{1})
	same(t, "timers deleted", c.DropTimers, []backend.TimerKey{{Ref: 2, Slot: backend.AllSlots}})
	for n := range c.AddActivities {
		got := open(t, c.AddActivities[n].Event)
		same(t, "ref in the event", got.Ref, c.AddActivities[n].Ref)
		same(t, "time of the event", got.At, noon)
		c.AddActivities[n].Event = nil
	}
	same(t, "rows", c.AddActivities, []backend.ActivityRow{
		{Ref: 4, Name: "act", Queue: "q", Scheduled: noon, Attempt: 1},
		{Ref: 5, Name: "other", Queue: "x", Scheduled: noon, Attempt: 3, After: time.Second, LastError: "oops"},
	})
	due := map[backend.TimerKey]time.Duration{}
	for _, tm := range c.AddTimers {
		due[backend.TimerKey{Ref: tm.Ref, Slot: tm.Slot}] = tm.Due.Sub(noon)
		if f, ok := open(t, tm.Event).Body.(history.ActivityFailed); !ok || f.Failure == nil {
			t.Errorf("timer %+v does not fail the activity", tm)
		}
	}
	same(t, "timeouts", due, map[backend.TimerKey]time.Duration{
		{Ref: 4, Slot: backend.SlotScheduleToStart}: time.Minute, {Ref: 4, Slot: backend.SlotScheduleToClose}: time.Hour,
	})

	c = committed(t, func(tn *turn) {
		tn.step.StartActivities = []executor.StartActivity{{Event: ev, Body: body}}
		tn.here = []start{first}
	})
	same(t, "rows of what runs here", len(c.AddActivities), 0)
	same(t, "timers of what runs here", len(c.AddTimers), 1)
	same(t, "its slot", c.AddTimers[0].Slot, backend.SlotScheduleToClose)
}

// Every child start writes what is to become of the child when this execution
// ends, and what the child leaves for its parent when it is terminated.
func TestRule24CommitChildren(t *testing.T) {
	child := engine.Instance{InstanceID: "child", ExecutionID: "c1"}
	for _, p := range []history.ParentClosePolicy{history.ParentCloseCancel, history.ParentCloseTerminate, history.ParentCloseAbandon} {
		body := history.ChildScheduled{
			Workflow: "Child", Instance: child, Args: []engine.Payload{engine.Payload("1")}, ParentClose: p,
			Headers: history.Headers{"h": "v"}, Trace: history.Trace{Parent: "00-abc-def-01"},
		}
		c := committed(t, func(tn *turn) {
			tn.step.StartChildren = []executor.StartChild{{Event: history.Event{Ref: 3, Body: body}, Body: body}}
		})
		cr := c.Start[0]
		started, _ := open(t, cr.Started).Body.(history.WorkflowStarted)
		same(t, "started", started, history.WorkflowStarted{
			Workflow: "Child", Args: body.Args, Queue: "q", FirstExecution: "c1", Headers: body.Headers, Trace: body.Trace,
			Parent: &history.Parent{Instance: me.instance, Ref: 3, Workflow: "Wf"},
		})
		taken := open(t, cr.Taken)
		if f, ok := taken.Body.(history.ChildFailed); !ok || taken.Ref != 3 || f.Status != "" {
			t.Errorf("answer to a taken id: %+v", taken)
		}
		told := open(t, cr.Closings[0].Event)
		same(t, "who is told of a termination", cr.Closings[0].To, exactly(me.instance))
		if f, ok := told.Body.(history.ChildFailed); !ok || told.Ref != 3 || f.Status != engine.StatusTerminated {
			t.Errorf("told of a termination: %+v", told)
		}
		cr.Started, cr.Taken, cr.Closings = nil, nil, nil
		same(t, "creation", cr, backend.Creation{
			Instance: child, FirstExecution: "c1", Workflow: "Child", Queue: "q", Parent: &me.instance, TraceID: "abc",
		})
		if p == history.ParentCloseAbandon {
			same(t, "closings of an abandoned child", len(c.AddClosings), 0)
			continue
		}
		cl := c.AddClosings[0]
		wantKind := map[history.ParentClosePolicy]history.Kind{
			history.ParentCloseCancel: history.KindCancelRequested, history.ParentCloseTerminate: history.KindWorkflowTerminated,
		}[p]
		same(t, "closing event", open(t, cl.Event).Kind(), wantKind)
		cl.Event = nil
		same(t, "closing", cl, backend.Closing{
			Ref: 3, On: backend.OnEnd, To: chain(child), Terminate: p == history.ParentCloseTerminate,
		})
	}
}

// Signals and cancels are addressed to an instance, or to a child and what it
// continues as; answers to one execution.
func TestRule19CommitDeliveries(t *testing.T) {
	child := engine.Instance{InstanceID: "child", ExecutionID: "c1"}
	signal := history.SignalSent{InstanceID: "other", Name: "s", Arg: engine.Payload("1")}
	c := committed(t, func(tn *turn) {
		tn.step.Signals = []executor.SendSignal{{Event: history.Event{Ref: 2, Body: signal}, Body: signal}}
		tn.step.CancelChildren = []executor.CancelChild{{Ref: 3, Child: child}}
		tn.step.Parent = &executor.Answer{To: parent, Event: history.Event{At: noon, Ref: 6, Body: history.ChildCompleted{}}}
	})
	var to []backend.Address
	var kinds []history.Kind
	for _, d := range c.Deliver {
		to, kinds = append(to, d.To), append(kinds, open(t, d.Event).Kind())
	}
	same(t, "addresses", to, []backend.Address{
		{InstanceID: "child", FirstExecution: "c1"}, {InstanceID: "other"}, {InstanceID: "parent", ExecutionID: "p1"},
	})
	same(t, "kinds", kinds, []history.Kind{history.KindCancelRequested, history.KindSignalReceived, history.KindChildCompleted})
	i := slices.Index(kinds, history.KindSignalReceived)
	same(t, "sender", *open(t, c.Deliver[i].Event).Body.(history.SignalReceived).Sender, me.instance)
	same(t, "accepted", open(t, c.Deliver[i].Accepted), history.Event{At: noon, Ref: 2, Body: history.SignalDelivered{}})
	same(t, "refused", open(t, c.Deliver[i].Refused).Kind(), history.KindSignalFailed)
}

// Continue-as-new sets up again what belongs to the whole chain: the deadline, and
// the word to the parent. Pending timers and activities are the store's to delete.
func TestRule21CommitContinueAsNew(t *testing.T) {
	deadline := noon.Add(time.Hour)
	c := committed(t, func(tn *turn) {
		tn.step.Status = engine.StatusContinuedAsNew
		tn.step.Next = &executor.Next{
			Instance: engine.Instance{InstanceID: "me", ExecutionID: "e2"},
			Started: history.WorkflowStarted{
				Workflow: "Wf", Queue: "q", FirstExecution: "e0", ContinuedFrom: "e1", Tags: map[string]string{"a": "b"},
				Deadline: deadline, Parent: &history.Parent{Instance: parent, Ref: 6},
			},
		}
		tn.step.DropActivities = []int64{1}
		tn.placed = map[int64]placed{1: {row: true, timers: true}}
	})
	same(t, "rows deleted one by one", len(c.DropActivities)+len(c.DropTimers), 0)
	n := *c.Next
	same(t, "kind of the timeout", open(t, n.Timers[0].Event).Kind(), history.KindWorkflowTimedOut)
	same(t, "due", n.Timers[0].Due, deadline)
	same(t, "who is told of a termination", n.Closings[0].To, exactly(parent))
	same(t, "ref it is told with", open(t, n.Closings[0].Event).Ref, 6)
	n.Timers, n.Closings, n.Started = nil, nil, nil
	same(t, "next", n, backend.Creation{
		Instance: engine.Instance{InstanceID: "me", ExecutionID: "e2"}, FirstExecution: "e0", Workflow: "Wf", Queue: "q",
		Parent: &parent, Tags: map[string]string{"a": "b"},
	})
}

// A step that can't be written is an error, not a panic and not half a commit.
func TestCommitThatCantBeWritten(t *testing.T) {
	tn := turn{step: executor.Step{
		Status: engine.StatusRunning, StartTimers: []executor.StartTimer{{Ref: 1, Until: time.Date(10_001, 1, 1, 0, 0, 0, 0, time.UTC)}},
	}}
	if _, err := commitOf(&me, &tn); err == nil {
		t.Error("no error")
	}
}
