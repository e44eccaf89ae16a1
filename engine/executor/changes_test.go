package executor_test

import (
	"time"

	"github.com/wfops/wfops/engine/workflow"
)

// base3 and the functions below are one workflow before and after changes to it.
func base3(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	run(ctx, "b", 2)
	run(ctx, "c", 3)
	return 0, nil
}

func baseName(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	run(ctx, "other", 2)
	run(ctx, "c", 3)
	return 0, nil
}

func baseKind(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	_ = workflow.Sleep(ctx, time.Second)
	run(ctx, "c", 3)
	return 0, nil
}

func baseRemoved(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	run(ctx, "c", 3)
	return 0, nil
}

// baseBefore asks for one more thing before it waits.
func baseBefore(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	act(ctx, "more")
	run(ctx, "b", 2)
	run(ctx, "c", 3)
	return 0, nil
}

// baseExtra asks for one more thing after all that history holds of its task.
func baseExtra(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	f := act(ctx, "b", 2)
	act(ctx, "more")
	_, _ = f.Get(ctx)
	run(ctx, "c", 3)
	return 0, nil
}

func baseSwapped(ctx workflow.Context) (int, error) {
	run(ctx, "b", 2)
	run(ctx, "a", 1)
	run(ctx, "c", 3)
	return 0, nil
}

func baseArgs(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	run(ctx, "b", 22)
	run(ctx, "c", 3)
	return 0, nil
}

func baseOptions(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	_, _ = workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{
		Queue: "elsewhere", ID: "id", RetryOptions: workflow.DefaultRetryOptions, StartToClose: time.Second,
	}, "b", 2).Get(ctx)
	run(ctx, "c", 3)
	return 0, nil
}

func baseEarly(ctx workflow.Context) (int, error) {
	run(ctx, "a", 1)
	run(ctx, "b", 2)
	return 0, nil
}

func baseLate(ctx workflow.Context) (int, error) {
	_, _ = base3(ctx)
	run(ctx, "d", 4)
	return 0, nil
}

func baseFails(ctx workflow.Context) (int, error) {
	_, _ = base3(ctx)
	return 0, errTest
}

func naps(ctx workflow.Context) error {
	return workflow.Sleep(ctx, time.Minute)
}

func napsLonger(ctx workflow.Context) error {
	return workflow.Sleep(ctx, time.Hour)
}

func talks(ctx workflow.Context) error {
	_, err := workflow.SignalWorkflow(ctx, "friend", "hello", 1).Get(ctx)
	return err
}

func talksOtherTarget(ctx workflow.Context) error {
	_, err := workflow.SignalWorkflow(ctx, "enemy", "hello", 1).Get(ctx)
	return err
}

func talksOtherName(ctx workflow.Context) error {
	_, err := workflow.SignalWorkflow(ctx, "friend", "bye", 1).Get(ctx)
	return err
}

func talksOtherArg(ctx workflow.Context) error {
	_, err := workflow.SignalWorkflow(ctx, "friend", "hello", 2).Get(ctx)
	return err
}
