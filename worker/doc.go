// Package worker claims tasks from a store and runs them.
//
// # What a worker does
//
// One loop claims executions, another claims activity rows, as many at a time as
// there are free slots. Between two claims a loop waits for a hint from the store,
// for the time at which the store expects more, or, seldom, just looks.
//
// A claimed execution becomes a hold: a mailbox, and an executor that turns what
// comes in into steps, one at a time. A step is committed before anything that it
// asks for begins. An activity that it schedules runs in this process if it can;
// its outcome goes straight into the mailbox, so that the next commit records the
// outcome together with what follows from it. Such an activity has no row in the
// store. The execution counts it, and the lease of the execution covers it: if this
// worker vanishes, the next holder finds the activity without an answer and runs
// it again.
//
// # The life of a hold
//
//	claim ─► running ⇄ idle        idle: waits for an activity, a timer or a hint
//	            ▲   ╲   │
//	            │    ╲  ▼
//	         queued ◄─╳ queued: has work and waits for a slot
//	                   ╲
//	                    ▼
//	                   gone: released, ended, parked or lost
//
// Every legal move is in the table moves; an illegal one names both sides.
//
// When a commit is refused, or nobody knows what became of it until the lease runs
// out, the executor is thrown away, whatever state it is in, and the execution is
// claimed and replayed again by whoever comes first. Results of activities that
// only this worker knows are delivered to the execution on their own.
//
// # When the store is away
//
// No call of the store takes longer than a third of a lease (but no less than two
// seconds, or a lease that is shorter): a connection that hangs is given up, and the
// call made again on another one. While the store is away everything that failed is
// tried again, with a backoff of up to five seconds; when it answers again, all at
// once. The log has one warning of an outage that lasts for more than a second, and
// one line when it is over, with its length and how many leases it cost; single
// failures are at level debug.
//
// Shortly before a lease runs out that can't be prolonged, the worker gives up what it
// was for: the log says "lease lost" with the instance, and the context of each of its
// activities here ends, with activity.ErrLeaseLost as the cause. Should another worker
// have taken over, nothing that this one still commits is taken.
//
// # When code does not fit
//
// An execution that this build can't run is blocked, and nothing else is stored of what
// it was doing. The stored reason holds a report of package diagnostics: what differs
// from history first, where in the code, why, and what to do. Option BlockedBundles
// keeps its history in a file, to be looked at with the code at hand.
//
// # Stopping
//
// Stop ends the claims, lets run what runs, and gives all leases back. What is not
// done by the deadline is told to stop and gets a row, so that another worker
// starts it at once.
package worker
