package diagnostics_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

func ExampleBundle() {
	dir, err := os.MkdirTemp("", "bundles")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	name := filepath.Join(dir, "order-8702.wfh.gz")

	b := diagnostics.NewBundle(engine.Instance{InstanceID: "order-8702", ExecutionID: engine.NewID()}, []history.Event{
		{Seq: 1, Body: history.TaskStarted{Build: "4f1c"}},
		{Seq: 2, Body: history.WorkflowStarted{Workflow: "Order", Args: []engine.Payload{engine.Payload(`{"card":"4111"}`)}}},
	})
	if err := diagnostics.WriteFile(name, diagnostics.Redact(b)); err != nil {
		fmt.Println(err)
		return
	}
	read, err := diagnostics.ReadFile(name)
	fmt.Println(read.Workflow, read.Status, read.Builds, len(read.Events), read.Redacted, err)
	// Output: Order running [4f1c] 2 true <nil>
}

func fulfill(ctx workflow.Context, order int) error {
	_, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, "ChargeCard", order).Get(ctx)
	return err
}

func ExampleReplay() {
	// A worker of the last release has recorded this; the activity was called Charge.
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	b := diagnostics.NewBundle(engine.Instance{InstanceID: "order-8702", ExecutionID: "0123456789abcdef0123456789abcdef"}, []history.Event{
		{Seq: 1, At: at, Body: history.TaskStarted{Build: "4f1c"}},
		{Seq: 2, At: at, Body: history.WorkflowStarted{Workflow: "fulfill", Args: []engine.Payload{engine.Payload("8702")}}},
		{Seq: 3, At: at, Ref: 1, Body: history.ActivityScheduled{
			Name: "Charge", Args: []engine.Payload{engine.Payload("8702")}, Site: history.Site{File: "fulfill.go", Line: 31},
		}},
	})
	reg := registry.New()
	if err := reg.RegisterWorkflow(fulfill); err != nil {
		fmt.Println(err)
		return
	}
	r := diagnostics.Replay(b, reg, diagnostics.Options{})
	fmt.Println(r.Verdict, "at event", r.Divergence.Seq)
	fmt.Println("history:", r.Divergence.History.Name, r.Divergence.History.File, r.Divergence.History.Line)
	fmt.Println("code:   ", r.Divergence.Code.Name, r.Divergence.At().File)
	fmt.Println(r.Cause.Class, "see", r.Cause.Page)
	// Output:
	// diverged at event 3
	// history: Charge fulfill.go 31
	// code:    ChargeCard example_test.go
	// NAME see docs/nondeterminism/NAME.md
}

func ExampleExplanation() {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	b := diagnostics.NewBundle(engine.Instance{InstanceID: "order-8702", ExecutionID: "0123456789abcdef0123456789abcdef"}, []history.Event{
		{Seq: 1, At: at, Body: history.TaskStarted{}},
		{Seq: 2, At: at, Body: history.WorkflowStarted{Workflow: "fulfill", Args: []engine.Payload{engine.Payload("8702")}}},
		{Seq: 3, At: at, Ref: 1, Body: history.TimerScheduled{Name: "sla", Duration: time.Minute}},
		{Seq: 4, At: at, Ref: 2, Body: history.ActivityScheduled{Name: "ChargeCard", Args: []engine.Payload{engine.Payload("8702")}}},
	})
	reg := registry.New()
	if err := reg.RegisterWorkflow(fulfill); err != nil {
		fmt.Println(err)
		return
	}
	why := diagnostics.Replay(b, reg, diagnostics.Options{Passes: 3}).Cause
	fmt.Println(why.Class, "-", why.Cause)
	fmt.Println("after that,", why.After)
	for _, c := range why.RuledOut {
		fmt.Println("not", c.Class, "-", c.Finding)
	}
	fmt.Println("1.", why.Fixes[0])
	// Output:
	// MISSING - history has timer "sla", which the code does not ask for any more
	// after that, all other commands agree
	// not RANDOM - the code did the same in all passes
	// not VERSION - history has no version markers
	// not ORDER - no command comes at another time than in history
	// not EXTRA - taken for that, more differences follow
	// not KIND - taken for that, more differences follow
	// 1. put it back for executions under way: leave it out only where workflow.Version(ctx, "sla", workflow.DefaultVersion, 1) is 1
}

func ExampleRadius() {
	var r diagnostics.Radius
	one := diagnostics.Report{Verdict: diagnostics.VerdictOK}
	for n := range 3 {
		one.Instance.InstanceID = fmt.Sprintf("order-%d", n)
		r.Add(one.Group(), one, time.Date(2030, 1, 1, n, 0, 0, 0, time.UTC))
	}
	fmt.Printf("%d of %d, the oldest is %s\n", r.Same, r.Total, r.Oldest.Instance.InstanceID)
	// Output: 3 of 3, the oldest is order-0
}

func ExampleDiff() {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	run := func(shipped time.Duration, attempts int) []diagnostics.Step {
		return []diagnostics.Step{
			{Kind: diagnostics.StepActivity, Name: "Charge", Outcome: diagnostics.OutcomeCompleted, Attempts: 1, Began: at, Ended: at.Add(time.Second)},
			{
				Kind: diagnostics.StepActivity, Name: "Ship", Outcome: diagnostics.OutcomeCompleted, Attempts: attempts,
				Began: at.Add(time.Second), Ended: at.Add(time.Second + shipped),
			},
		}
	}
	r := diagnostics.Diff(run(41*time.Second, 5), run(3200*time.Millisecond, 1), diagnostics.Rules{})
	fmt.Println(r.Summary)
	for _, row := range r.Rows {
		fmt.Println(row.Op, row.Key)
		for _, c := range row.Changes {
			fmt.Println("  ", c.Path, c.A, c.B)
		}
	}
	// Output:
	// the same work except activity Ship: A completed after 41s in 5 attempts, B completed after 3.2s
	// same activity Charge
	// changed activity Ship
	//    attempts 5 1
	//    took 41s 3.2s
}

func ExampleNewTimeline() {
	at := func(s int) time.Time { return time.Date(2030, 1, 1, 0, 0, s, 0, time.UTC) }
	tl := diagnostics.NewTimeline([]history.Event{
		{Seq: 1, At: at(0), Body: history.TaskStarted{}},
		{Seq: 2, At: at(0), Body: history.WorkflowStarted{Workflow: "Order"}},
		{Seq: 3, At: at(0), Ref: 1, Body: history.ActivityScheduled{Name: "Ship"}},
		{Seq: 4, At: at(4), Body: history.TaskStarted{}},
		{Seq: 5, At: at(4), Ref: 1, Body: history.ActivityCompleted{Run: history.Run{Attempt: 1, Started: at(1)}}},
		{Seq: 6, At: at(4), Body: history.WorkflowCompleted{}},
	}, at(9))
	for _, s := range tl.Path.Shares {
		fmt.Printf("%s %s %v %d %%\n", s.Name, s.Kind, s.Took, s.Percent)
	}
	scale := diagnostics.NewScale(diagnostics.Interval{From: tl.From, To: tl.To}, 8, tl.Idle())
	fmt.Println(scale.Project(at(2)))
	// Output:
	// Ship running 3s 75 %
	// Ship queued 1s 25 %
	// 4
}

func ExampleWaiting() {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	r := diagnostics.Waiting(diagnostics.Facts{
		Now: now, Status: engine.StatusRunning,
		Waiting: &engine.Waiting{Kind: engine.WaitSignal, Name: "decision", Since: now.Add(-129 * time.Minute)},
	})
	fmt.Println(r.Text(now))
	// Output: signal "decision", for 2h09m
}

func ExampleDebugger() {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	b := diagnostics.NewBundle(engine.Instance{InstanceID: "order-8702", ExecutionID: "0123456789abcdef0123456789abcdef"}, []history.Event{
		{Seq: 1, At: at, Body: history.TaskStarted{}},
		{Seq: 2, At: at, Body: history.WorkflowStarted{Workflow: "fulfill", Args: []engine.Payload{engine.Payload("8702")}}},
		{Seq: 3, At: at, Ref: 1, Body: history.ActivityScheduled{Name: "ChargeCard", Args: []engine.Payload{engine.Payload("8702")}}},
	})
	reg := registry.New()
	if err := reg.RegisterWorkflow(fulfill); err != nil {
		fmt.Println(err)
		return
	}
	d, err := diagnostics.Open(b, reg, diagnostics.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	s, err := d.To(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := s.Coroutines[0]
	fmt.Println(c.Name, "waits for", c.Waits[0].Kind, c.Waits[0].Name, "in", c.Stack[0].File)
	// Output: main waits for activity ChargeCard in example_test.go
}
