// Package workflow is what authors of workflows import.
//
// A workflow is a function whose first parameter is a [Context], followed by any
// number of arguments, and which returns an error, or a result and an error:
//
//	func Transfer(ctx workflow.Context, from, to string, cents int) error {
//		opts := workflow.DefaultActivityOptions
//		if _, err := workflow.ExecuteActivity[any](ctx, opts, Withdraw, from, cents).Get(ctx); err != nil {
//			return err
//		}
//		_, err := workflow.ExecuteActivity[any](ctx, opts, Deposit, to, cents).Get(ctx)
//		return err
//	}
//
// It survives crashes because it is replayed: run again from its start against
// its recorded history, which answers each request as it was answered before. So
// it must be deterministic. Time, randomness, concurrency and waiting come from
// this package: [Now], [Rand], [NewUUID], [Go], [Select], [Sleep] and channels,
// not from time, rand, the go statement, select, or native channels. Whatever
// touches the world is an activity, or, if it is small, a [SideEffect].
//
// Workflow code runs as coroutines, one at a time, each until it waits or ends.
// Nothing here needs a lock, and nothing here may be used from a goroutine that
// workflow code started by itself: such a goroutine is ended at its call, and the
// instance is blocked.
//
// # Arguments that can't be meant
//
// Arguments that don't fit the function, a payload over the limit, a name that is
// too long and options out of range don't panic and don't reach history: the
// future is resolved at once with an error that wraps [ErrInvalidArgument] and
// says what is wrong.
//
// # Cancellation
//
// When a Context is canceled, its timers and activities are answered at once with
// [Canceled], its sub-workflows are asked to cancel, and what is requested with it
// from then on is answered with Canceled and not issued. A workflow that wants to
// clean up does that with [NewDisconnectedContext].
package workflow
