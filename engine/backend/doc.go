// Package backend defines the port between the engine and a durable store.
//
// An adapter in backends/ implements Backend. It stores, claims and hands back
// rows; it never builds an event and never looks into one. Everything that
// depends on what an event means is worked out by the caller and arrives as
// rows to add, change, send and delete.
//
// # Model
//
// An execution is a row with a status, a lease and a summary. To it belong
//
//   - its history: chunks of encoded events, appended, never rewritten;
//   - its inbox: events delivered to it and not yet in its history, in the order
//     in which their deliveries were committed;
//   - its timers: events that join the inbox when the store's clock passes their
//     due time;
//   - its activities: work for any worker that serves the queue and registers the
//     name;
//   - its closings: deliveries to make when it ends.
//
// An InstanceID has at most one open execution, the current one. An execution is
// ready when it is open, not blocked, not paused, not leased, and has an inbox
// row that did not come quietly, a due timer, or activities that ran at a holder
// whose lease has run out. It is ready since the last of these came true: an
// execution that is given back with work left joins the end of the line. A pause
// does not cost it its place.
//
// # Leases
//
// A claim leases a task to a worker under a random token that is never reissued.
// A commit names the token and the last sequence number that its author knew;
// unless both are what the store holds it changes nothing and answers
// engine.ErrLeaseLost. Terminating an instance and reclaiming an expired lease
// change the token. A lease that has expired but was not claimed by anybody else
// is still good: the fence is the token, the time only makes the row claimable.
//
// Leases, timers and ready times go by the store's clock. Every answer that a
// worker needs for its own timing carries the store's time as Now.
//
// # Batches
//
// Every write takes a slice and answers one result per item, in the order of the
// items. A store makes the items durable together if it can, but each stands for
// itself: one refused item fails alone. Items of one call never depend on each
// other and may be applied in any order, except that items for one execution
// are applied in the order given. When the call fails as a whole (deadlock, lost
// connection), every item's result carries that error; the caller may resend
// items one by one, because each is idempotent: a Creation by its ExecutionID, a
// Delivery by its ID, a WorkflowCommit by its StepID, all others by nature.
//
// An error that wraps none of the engine's sentinels means that the outcome is
// unknown: the item may or may not be durable.
//
// # For all methods
//
// Methods are safe for concurrent use. They block until the outcome is durable
// (or read) or ctx is done; a canceled ctx leaves the outcome unknown. They do
// not retry, except where the store's own protocol asks for it (deadlocks, a
// busy file within its busy timeout). Slices and byte slices given to the store
// belong to the store and are not changed by either side afterwards; what the
// store returns belongs to the caller, who must not change bytes inside it.
// Errors wrap both a sentinel of package engine, where one fits, and the error
// of the driver. On a read-only connection every method of Control and Work
// answers engine.ErrReadOnly, from the store itself where it can. After Close
// every method answers engine.ErrClosed.
package backend
