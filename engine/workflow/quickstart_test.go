package workflow_test

import (
	"context"
	"log"
	"testing"

	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// The functions of the quickstart.

func Workflow1(ctx workflow.Context, input string) error {
	r1, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, Activity1, 35, 12).Get(ctx)
	if err != nil {
		panic("error getting activity 1 result")
	}
	log.Println("A1 result:", r1)
	r2, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, Activity2).Get(ctx)
	if err != nil {
		panic("error getting activity 1 result")
	}
	log.Println("A2 result:", r2)
	return nil
}

func Activity1(_ context.Context, a, b int) (int, error) { return a + b, nil }

func Activity2(context.Context) (int, error) { return 12, nil }

func TestQuickstart(t *testing.T) {
	r := registry.New()
	if err := r.RegisterWorkflow(Workflow1); err != nil {
		t.Fatal(err)
	}
	for _, a := range []workflow.Activity{Activity1, Activity2} {
		if err := r.RegisterActivity(a); err != nil {
			t.Fatal(err)
		}
	}
	fn, err := r.Workflow("Workflow1")
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t)
	s.settings.ActivityName = r.ResolveActivity
	s.startWith(fn, []byte(`"input-for-workflow"`))
	s.complete(1, 47)
	s.complete(2, 12)
	s.wantLog("1 activity Activity1[35 12]", "2 activity Activity2[]")
	if s.completion().Err != nil || s.done.Result != nil {
		t.Fatalf("completion %+v", s.done)
	}
}

// What is documented can be written as it is documented.
var (
	_ func(workflow.Context, ...workflow.SelectCase)                                                                       = workflow.Select
	_ func(workflow.Context) (workflow.Context, workflow.CancelFunc)                                                       = workflow.WithCancel
	_ func(workflow.Context) (workflow.Context, workflow.CancelCauseFunc)                                                  = workflow.WithCancelCause
	_ func(workflow.Context) (workflow.Context, workflow.ErrGroup)                                                         = workflow.WithErrGroup
	_ func(workflow.Context, workflow.ActivityOptions, workflow.Activity, ...any) workflow.Future[int]                     = workflow.ExecuteActivity[int]
	_ func(workflow.Context, workflow.SubWorkflowOptions, workflow.Workflow, ...any) workflow.Future[int]                  = workflow.CreateSubWorkflowInstance[int]
	_ func(workflow.Context, string, string, int) workflow.Future[any]                                                     = workflow.SignalWorkflow[int]
	_ func(workflow.Context, func(workflow.Context) int) workflow.Future[int]                                              = workflow.SideEffect[int]
	_ func(workflow.Context, workflow.RetryOptions, func(workflow.Context, int) workflow.Future[int]) workflow.Future[int] = workflow.WithRetries[int]
	_ func(workflow.Future[int], func(workflow.Context, workflow.Future[int])) workflow.SelectCase                         = workflow.Await[int]
	_ func(workflow.Channel[int], func(workflow.Context, int, bool)) workflow.SelectCase                                   = workflow.Receive[int]
	_ func(workflow.Channel[int], *int, func(workflow.Context)) workflow.SelectCase                                        = workflow.Send[int]
	_ func(func(workflow.Context)) workflow.SelectCase                                                                     = workflow.Default
	_ func(workflow.Context) *workflow.Instance                                                                            = workflow.WorkflowInstance
	_ func(workflow.Context) workflow.WorkflowInstanceExecutionDetails                                                     = workflow.InstanceExecutionDetails
	_ func(workflow.Context, string) workflow.Channel[int]                                                                 = workflow.NewSignalChannel[int]
	_ func() workflow.WaitGroup                                                                                            = workflow.NewWaitGroup
	_                                                                                                                      = []workflow.Queue{workflow.QueueDefault}
)
