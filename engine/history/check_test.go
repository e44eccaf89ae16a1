package history

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

// number gives events their place and, unless they have one, a time.
func number(events ...Event) []Event {
	for i := range events {
		events[i].Seq = int64(i) + 1
		if events[i].At.IsZero() {
			events[i].At = at
		}
	}
	return events
}

func begun(more ...Event) []Event {
	return number(append([]Event{{Body: TaskStarted{}}, {Body: WorkflowStarted{}}}, more...)...)
}

func TestCheckAccepts(t *testing.T) {
	long := begun(
		Event{Body: SignalReceived{}}, Event{Body: VersionMarked{}},
		Event{Ref: 1, Body: ActivityScheduled{}}, Event{Ref: 2, Body: TimerScheduled{}}, Event{Ref: 3, Body: ChildScheduled{}},
		Event{Ref: 4, Body: SignalSent{}}, Event{Ref: 5, Body: SideEffectRecorded{}}, Event{Ref: 6, Body: MutableSideEffectRecorded{}},
		Event{Ref: 7, Body: ActivityScheduled{}}, Event{Ref: 7, Body: ActivityCanceled{}}, Event{Ref: 8, Body: TimerScheduled{}}, Event{Ref: 8, Body: TimerCanceled{}},
		Event{Body: TaskStarted{}, At: at.Add(time.Second)},
		Event{Ref: 1, Body: ActivityAttemptFailed{}}, Event{Ref: 1, Body: ActivityFailed{}}, Event{Ref: 7, Body: ActivityCompleted{}},
		Event{Ref: 2, Body: TimerFired{}}, Event{Ref: 4, Body: SignalFailed{}}, Event{Ref: 3, Body: ChildCancelRequested{}},
		Event{Body: TaskStarted{}, At: at.Add(time.Second)},
		Event{Body: CancelRequested{}}, Event{Body: WorkflowTimedOut{}}, Event{Ref: 3, Body: ChildFailed{}},
		Event{Ref: 1, Body: ActivityCompleted{}}, // a second answer
		Event{Ref: 4, Body: SignalDelivered{}}, Event{Ref: 3, Body: ChildCompleted{}},
		Event{Ref: 9, Body: ActivityCompleted{}}, // of a step that was lost
		Event{Ref: 9, Body: ActivityScheduled{}},
		Event{Body: WorkflowCompleted{}},
	)
	for name, events := range map[string][]Event{
		"nothing":                             nil,
		"first step":                          begun(),
		"first event":                         begun()[:1],
		"everything":                          long,
		"terminated before the first step":    number(Event{Body: WorkflowTerminated{}}),
		"terminated without a task":           begun(Event{Ref: 1, Body: TimerScheduled{}}, Event{Body: WorkflowTerminated{}}),
		"an answer that is older than a step": begun(Event{Ref: 1, Body: TimerScheduled{}}, Event{Body: TaskStarted{}}, Event{Ref: 1, Body: TimerFired{}, At: at.Add(-time.Hour)}),
	} {
		if err := Check(events); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	renumbered := func(seq int64, events []Event) []Event {
		events[len(events)-1].Seq = seq
		return events
	}
	for name, tc := range map[string]struct {
		events []Event
		seq    int64
		want   string
	}{
		"gap":                      {renumbered(4, begun(Event{Body: CancelRequested{}})), 3, "numbered 4"},
		"same number twice":        {renumbered(2, begun(Event{Body: CancelRequested{}})), 3, "numbered 2"},
		"does not begin at 1":      {renumbered(2, number(Event{Body: TaskStarted{}})), 1, "numbered 2"},
		"inbox events":             {[]Event{{Body: TaskStarted{}}}, 1, "numbered 0"},
		"no body":                  {begun(Event{}), 3, "no body"},
		"no task first":            {number(Event{Body: WorkflowStarted{}}), 1, "begins with TaskStarted"},
		"signal first":             {number(Event{Body: SignalReceived{}}), 1, "begins with TaskStarted"},
		"signal before the start":  {number(Event{Body: TaskStarted{}}, Event{Body: SignalReceived{}}), 2, "WorkflowStarted follows"},
		"two tasks":                {number(Event{Body: TaskStarted{}}, Event{Body: TaskStarted{}}), 2, "WorkflowStarted follows"},
		"terminated, not started":  {number(Event{Body: TaskStarted{}}, Event{Body: WorkflowTerminated{}}), 2, "WorkflowStarted follows"},
		"started twice":            {begun(Event{Body: WorkflowStarted{}}), 3, "second event"},
		"after completed":          {begun(Event{Body: WorkflowCompleted{}}, Event{Body: TaskStarted{}}), 4, "after the final WorkflowCompleted"},
		"two ends":                 {begun(Event{Body: WorkflowFailed{}}, Event{Body: WorkflowTerminated{}}), 4, "after the final WorkflowFailed"},
		"time goes back":           {begun(Event{Body: TaskStarted{}, At: at.Add(-1)}), 3, "before the step before it"},
		"command 2 first":          {begun(Event{Ref: 2, Body: TimerScheduled{}}), 3, "next command is 1"},
		"command 1 twice":          {begun(Event{Ref: 1, Body: TimerScheduled{}}, Event{Ref: 1, Body: SideEffectRecorded{}}), 4, "next command is 2"},
		"command without ref":      {begun(Event{Body: ActivityScheduled{}}), 3, "next command is 1"},
		"cancel of nothing":        {begun(Event{Ref: 1, Body: TimerCanceled{}}), 3, "not issued"},
		"answer without ref":       {begun(Event{Body: ChildCompleted{}}), 3, "not issued"},
		"negative ref":             {begun(Event{Ref: -1, Body: ChildCompleted{}}), 3, "not issued"},
		"answer of another kind":   {begun(Event{Ref: 1, Body: TimerScheduled{}}, Event{Ref: 1, Body: ActivityCompleted{}}), 4, "TimerScheduled and not ActivityScheduled"},
		"cancel of another kind":   {begun(Event{Ref: 1, Body: SideEffectRecorded{}}, Event{Ref: 1, Body: TimerCanceled{}}), 4, "SideEffectRecorded and not TimerScheduled"},
		"marker with ref":          {begun(Event{Ref: 1, Body: VersionMarked{}}), 3, "belongs to no command"},
		"signal received with ref": {begun(Event{Ref: 1, Body: SignalReceived{}}), 3, "belongs to no command"},
		"final with ref":           {begun(Event{Ref: 1, Body: WorkflowCompleted{}}), 3, "belongs to no command"},
	} {
		t.Run(name, func(t *testing.T) {
			var bad *CheckError
			if err := Check(tc.events); !errors.As(err, &bad) || bad.Seq != tc.seq || !strings.Contains(bad.Problem, tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestClassesAgree(t *testing.T) {
	count := map[Class]int{}
	ends := map[engine.Status]bool{}
	for _, k := range kinds() {
		body := zeroBody(k)
		class := ClassOf(body)
		count[class]++
		if IsCommand(body) != (class == ClassCommand) || IsFinal(body) != (class == ClassFinal) {
			t.Errorf("%s: IsCommand or IsFinal is not what its class is", k)
		}
		status, final := FinalStatus(body)
		if final != IsFinal(body) || final != status.Final() {
			t.Errorf("%s: FinalStatus is %q, %t", k, status, final)
		}
		if final {
			ends[status] = true
		}
		target := Target(body)
		if refers := class == ClassCancel || class == ClassAnswer; refers != (target != "") {
			t.Errorf("%s: target is %q", k, target)
		}
		if target != "" && !IsCommand(zeroBody(target)) {
			t.Errorf("%s: its target %s is no command", k, target)
		}
	}
	want := map[Class]int{ClassExecution: 6, ClassFinal: 5, ClassCommand: 6, ClassCancel: 3, ClassAnswer: 8, ClassMarker: 1}
	for class, n := range want {
		if count[class] != n {
			t.Errorf("class %d has %d kinds, want %d", class, count[class], n)
		}
	}
	if len(ends) != 5 {
		t.Errorf("final events lead to %d statuses", len(ends))
	}
	if ClassOf(nil) != ClassExecution || Target(nil) != "" || IsFinal(nil) {
		t.Error("no body is nothing special")
	}
}
