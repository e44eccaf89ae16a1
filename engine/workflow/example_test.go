package workflow_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

func ExampleNewPermanentError() {
	err := workflow.NewPermanentError(errors.New("no such account"))
	fmt.Println(err, workflow.CanRetry(err))
	fmt.Println(workflow.CanRetry(errors.New("connection refused")))
	// Output:
	// no such account false
	// true
}

func ExampleError() {
	// What an activity returned, as the workflow gets it.
	err := fmt.Errorf("paying: %w", workflow.NewError(&InsufficientFunds{Missing: 12}))

	var failure *workflow.Error
	if errors.As(err, &failure) && failure.Type == "InsufficientFunds" {
		fmt.Println(failure.Message)
	}
	// Output: 12 missing
}

type InsufficientFunds struct{ Missing int }

func (e *InsufficientFunds) Error() string { return fmt.Sprint(e.Missing, " missing") }

// A propagator carries a value along: from the client's context to the workflow,
// and from there to its activities.
func ExampleContextPropagator() {
	var p workflow.ContextPropagator = tenants{}
	var m workflow.Metadata
	_ = p.Inject(context.WithValue(context.Background(), tenant{}, "acme"), &m)
	ctx, _ := p.Extract(context.Background(), &m)
	fmt.Println(ctx.Value(tenant{}))
	// Output: acme
}

type tenant struct{}

type tenants struct{}

func (tenants) Inject(ctx context.Context, m *workflow.Metadata) error {
	m.Set("tenant", ctx.Value(tenant{}).(string))
	return nil
}

func (tenants) Extract(ctx context.Context, m *workflow.Metadata) (context.Context, error) {
	return context.WithValue(ctx, tenant{}, m.Get("tenant")), nil
}

func (tenants) InjectFromWorkflow(ctx workflow.Context, m *workflow.Metadata) error {
	m.Set("tenant", ctx.Value(tenant{}).(string))
	return nil
}

func (tenants) ExtractToWorkflow(ctx workflow.Context, m *workflow.Metadata) (workflow.Context, error) {
	return workflow.WithValue(ctx, tenant{}, m.Get("tenant")), nil
}

func ExampleExecuteActivity_wrongArguments() {
	// Arguments are checked where the call is made.
	fmt.Println(registry.CheckArgs(Workflow1, []any{42}))
	// Output: invalid argument: workflow "Workflow1": argument 1 is of type int, want string
}
