package tester

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// WorkflowTester runs one instance of a workflow, with all that belongs to it.
// Execute is called once. The other methods may be called before, after, and while
// it runs: by callbacks, by activities and by other goroutines, but not by
// workflow code.
type WorkflowTester[TResult any] interface {
	// Now returns the current time of the tester's clock.
	Now() time.Time

	// Execute starts the workflow under test with args and returns when it has
	// ended, when it can't go on, or after the test timeout. Values of ctx reach the
	// workflow by context propagators, and real activities directly. When ctx is
	// canceled it returns, too.
	Execute(ctx context.Context, args ...any)

	// Registry returns the registry, in which real activities and sub-workflows are
	// registered. The workflow under test is registered already.
	Registry() *registry.Registry
	// ActivityMock returns the mock that is called for activities, as a method of
	// the activity's name.
	ActivityMock() *mock.Mock

	// OnActivity mocks an activity, registered or not. args are matched with those
	// of the call, the context included if the function takes one. What the mock
	// returns must fit the function; or give Return one function of the same type,
	// and it is called instead. A function that is registered under another name
	// than its own must be registered before.
	OnActivity(activity workflow.Activity, args ...any) *mock.Call
	// OnActivityByName is OnActivity for the name that the workflow uses. activity
	// is a function of the activity's type.
	OnActivityByName(name string, activity workflow.Activity, args ...any) *mock.Call
	// OnSubWorkflow is OnActivity for a sub-workflow. The mock runs as a workflow,
	// with a Context, an instance, and the limits to what workflow code may do.
	OnSubWorkflow(workflow workflow.Workflow, args ...any) *mock.Call
	// OnSubWorkflowByName is OnSubWorkflow for the name that the workflow uses.
	OnSubWorkflowByName(name string, workflow workflow.Workflow, args ...any) *mock.Call

	// CancelWorkflow asks the workflow under test to cancel.
	CancelWorkflow()
	// CancelWorkflowInstance asks an instance to cancel. Its error wraps
	// engine.ErrInstanceNotFound if it is not open.
	CancelWorkflowInstance(wfi *workflow.Instance) error
	// SignalWorkflow signals the workflow under test. A signal that is sent before
	// Execute is delivered with the start.
	SignalWorkflow(signalName string, value any)
	// SignalWorkflowInstance signals an instance. Its error wraps
	// engine.ErrInstanceNotFound if it is not open.
	SignalWorkflowInstance(wfi *workflow.Instance, signalName string, value any) error

	// WorkflowFinished reports whether the workflow under test has ended. If it
	// continued as new that is the end of its last execution.
	WorkflowFinished() bool
	// WorkflowResult returns what the workflow under test returned; or, if it has
	// not ended, why not. Errors are as a client gets them: of type *workflow.Error,
	// and errors.Is finds the engine's and registered sentinels.
	WorkflowResult() (TResult, error)
	// AssertExpectations fails t unless all mocks were called as expected.
	AssertExpectations(t *testing.T)

	// ScheduleCallback calls callback when delay has passed on the tester's clock:
	// since the start if Execute was not called yet, or else from now. Callbacks that
	// are not due when the workflow ends are not called.
	ScheduleCallback(delay time.Duration, callback func())
	// ListenSubWorkflow calls listener for each sub-workflow that is started, with
	// its name, before its first step.
	ListenSubWorkflow(listener func(instance *workflow.Instance, name string))
}

// NewWorkflowTester returns a tester of a workflow function, which it registers, or
// of a name that is to be registered in its Registry.
func NewWorkflowTester[TResult any](wf workflow.Workflow, opts ...WorkflowTesterOption) WorkflowTester[TResult] {
	o := defaults()
	for _, opt := range opts {
		opt(&o)
	}
	return &workflowTester[TResult]{newWorld(wf, o)}
}

type workflowTester[TResult any] struct{ *world }

func (t *workflowTester[TResult]) WorkflowResult() (TResult, error) {
	var result TResult
	p, err := t.result()
	if err != nil {
		return result, err
	}
	if err := t.payloads.Decode(p, &result); err != nil {
		return *new(TResult), fmt.Errorf("result of workflow %q: %w", t.rootName(), err)
	}
	return result, nil
}
