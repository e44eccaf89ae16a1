// Package tester runs workflows in unit tests: without a store or a worker, with
// activities and sub-workflows mocked or real, and with a clock that jumps to
// whatever happens next, so that a workflow that sleeps for a month is tested in
// microseconds.
//
//	func TestTransfer(t *testing.T) {
//		wt := tester.NewWorkflowTester[int](Transfer, tester.WithTesting(t))
//		wt.OnActivity(Withdraw, mock.Anything, "alice", 100).Return(nil)
//		wt.OnActivity(Deposit, mock.Anything, "bob", 100).Return(nil)
//		wt.Execute(t.Context(), "alice", "bob", 100)
//		...
//	}
//
// # What it checks by itself
//
// When the workflow is over, every history that came about is replayed, against
// the same code. Code that does something else the second time, because it looks
// at the clock, draws a random number or ranges over a map, would block its
// instances in production; here it fails the test. So workflow functions are run
// at least twice; see [WithoutReplay].
//
// Mistakes of the test itself, such as an activity that is neither mocked nor
// registered, or a mock that was called with other arguments than it expects, end
// the run. Like mistakes of determinism they fail the test given by [WithTesting];
// without one, Execute panics, as an unexpected call of a mock always does: a test
// that expects the workflow to fail must not take such an error for the one that
// it expects.
//
// A workflow that is blocked, that can't go on because it waits for something that
// never comes, or that takes too long is not finished, and WorkflowResult says
// why.
//
// # Time and order
//
// All that happens, happens in the same order every time. Activities run one at a
// time, in the order in which they were scheduled. The clock stands still while
// one runs, and it moves only when there is nothing else to do: to the next timer,
// retry, timeout or callback. An activity that takes long by nature lets the clock
// move on with [Sleep]. One that doesn't come back for a second of real time holds
// up neither the others nor the clock any more, see [WithPatience].
//
// With [TM_WallClock] the clock is the real one, and activities run side by side.
package tester
