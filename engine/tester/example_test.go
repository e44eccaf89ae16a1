package tester_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/tester"
	"github.com/wfops/wfops/engine/workflow"
)

func Withdraw(_ context.Context, account string, cents int) (int, error) {
	return 0, errors.New("the bank is not reachable from a unit test")
}

// Transfer withdraws, and remembers the balance.
func Transfer(ctx workflow.Context, account string, cents int) (string, error) {
	balance, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, Withdraw, account, cents).Get(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s has %d left", account, balance), nil
}

// In a test, pass WithTesting(t), and t.Context() to Execute.
func Example() {
	wt := tester.NewWorkflowTester[string](Transfer)
	wt.OnActivity(Withdraw, mock.Anything, "alice", 100).Return(0, errors.New("busy")).Once()
	wt.OnActivity(Withdraw, mock.Anything, "alice", 100).Return(900, nil)

	wt.Execute(context.Background(), "alice", 100)

	result, err := wt.WorkflowResult()
	fmt.Println(wt.WorkflowFinished(), result, err)
	// Output: true alice has 900 left <nil>
}

// Reminder waits for an answer, and reminds once a day.
func Reminder(ctx workflow.Context) (reminders int, err error) {
	answer := workflow.NewSignalChannel[string](ctx, "answer")
	for answered := false; !answered; {
		tctx, cancel := workflow.WithCancel(ctx)
		workflow.Select(ctx,
			workflow.Receive(answer, func(workflow.Context, string, bool) { answered = true }),
			workflow.Await(workflow.ScheduleTimer(tctx, 24*time.Hour), func(workflow.Context, workflow.Future[any]) { reminders++ }),
		)
		cancel()
	}
	return reminders, nil
}

// The clock jumps to what is due next. Callbacks act from outside at a given time.
func ExampleWorkflowTester_timeTravel() {
	wt := tester.NewWorkflowTester[int](Reminder)
	wt.ScheduleCallback(10*24*time.Hour+time.Minute, func() { wt.SignalWorkflow("answer", "yes") })

	wt.Execute(context.Background())

	fmt.Println(wt.WorkflowResult())
	fmt.Println(wt.Now().Format(time.DateTime))
	// Output:
	// 10 <nil>
	// 2026-01-11 00:01:00
}

func Invoice(_ workflow.Context, customer string) (string, error) {
	return "invoice of " + customer, nil
}

func Order(ctx workflow.Context, customer string) (string, error) {
	return workflow.CreateSubWorkflowInstance[string](ctx, workflow.DefaultSubWorkflowOptions, Invoice, customer).Get(ctx)
}

func ExampleWorkflowTester_subWorkflow() {
	wt := tester.NewWorkflowTester[string](Order)
	wt.OnSubWorkflow(Invoice, mock.Anything, "ann").Return("mocked invoice", nil)
	wt.Execute(context.Background(), "ann")
	fmt.Println(wt.WorkflowResult())

	wt = tester.NewWorkflowTester[string](Order)
	_ = wt.Registry().RegisterWorkflow(Invoice)
	wt.ListenSubWorkflow(func(_ *workflow.Instance, name string) { fmt.Println("started", name) })
	wt.Execute(context.Background(), "bob")
	fmt.Println(wt.WorkflowResult())
	// Output:
	// mocked invoice <nil>
	// started Invoice
	// invoice of bob <nil>
}

// A workflow that does something else each time would be blocked in production.
func ExampleNewWorkflowTester_nondeterminism() {
	defer func() { fmt.Println(recover() != nil) }()
	wt := tester.NewWorkflowTester[any](func(ctx workflow.Context) error {
		return workflow.Sleep(ctx, time.Duration(time.Now().UnixNano())) // workflow.Now is the same on replay
	})
	wt.Execute(context.Background())
	// Output: true
}

// Upload takes an hour, and stops when it is told to.
func Upload(ctx context.Context) error { return tester.Sleep(ctx, time.Hour) }

func ExampleSleep() {
	wt := tester.NewWorkflowTester[any](func(ctx workflow.Context) error {
		o := workflow.ActivityOptions{StartToClose: time.Minute}
		_, err := workflow.ExecuteActivity[any](ctx, o, Upload).Get(ctx)
		return err
	})
	_ = wt.Registry().RegisterActivity(Upload)
	wt.Execute(context.Background())
	_, err := wt.WorkflowResult()
	fmt.Println(err)
	// Output: activity "Upload": timeout: StartToClose of 1m0s has passed
}

func Greet(ctx context.Context, name string) (string, error) {
	return fmt.Sprintf("hello %s, from attempt %d of %s", name, activity.Attempt(ctx), activity.Info(ctx).Instance.InstanceID), nil
}

// Activities are ordinary functions. The context has what they may ask for.
func ExampleWithActivityTestState() {
	ctx := tester.WithActivityTestState(context.Background(), "activity-1", "order-7", nil)
	fmt.Println(Greet(ctx, "ann"))
	// Output: hello ann, from attempt 0 of order-7 <nil>
}
