// Package diagnostics explains what an instance did, and what its code would do
// now. It is a library of pure functions over histories: it opens no store, runs no
// activity and writes nothing but the files it is told to.
//
//   - [Bundle] is a history in a file, with what is needed to read it.
//   - [Replay] runs the code of today against a history, and reports whether it does
//     the same; if not, what differs first, why, and what to do.
//   - [Radius] tells how many others come to the same.
//   - [Diff] compares two executions step by step.
//   - [NewTimeline] lays out an execution in time, and finds what the time went into.
//   - [Waiting] names the one thing for which an instance does not move.
//   - [Open] returns a debugger that shows the state of the code after any event.
package diagnostics
