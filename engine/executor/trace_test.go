package executor_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// Children and signals carry the trace context of the commands that made them. A
// replay does not ask for it again: history has it.
func TestCommandsCarryTheirTraceContext(t *testing.T) {
	flow := func(ctx workflow.Context) error {
		workflow.CreateSubWorkflowInstance[any](ctx, workflow.SubWorkflowOptions{}, "flow")
		workflow.SignalWorkflow(ctx, "other", "s", 1)
		workflow.NewSignalChannel[int](ctx, "never").Receive(ctx)
		return nil
	}
	reg := newRegistry(t, "flow", flow)
	var asked []int64
	command := commandSettings(reg)
	command.Trace = func(i engine.Instance, s *history.WorkflowStarted, ref int64) history.Trace {
		asked = append(asked, ref)
		return history.Trace{Parent: fmt.Sprint(i.ExecutionID, " ", s.Workflow, " ", ref)}
	}
	o := executor.Options{Instance: engine.Instance{InstanceID: "i", ExecutionID: "e"}, Registry: reg, Command: command}
	x := executor.New(o)
	defer x.Close()
	step, err := x.Apply(executor.Input{Now: epoch, Events: []history.Event{{At: epoch, Body: history.WorkflowStarted{Workflow: "flow"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := step.StartChildren[0].Body.Trace.Parent; got != "e flow 1" {
		t.Errorf("the child carries %q", got)
	}
	if got := step.Signals[0].Body.Trace.Parent; got != "e flow 2" {
		t.Errorf("the signal carries %q", got)
	}
	again := executor.New(o)
	defer again.Close()
	if err := again.Replay(step.Events); err != nil || !slices.Equal(asked, []int64{1, 2}) {
		t.Errorf("asked about %v, %v", asked, err)
	}
}
