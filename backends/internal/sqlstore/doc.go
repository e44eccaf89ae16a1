// Package sqlstore is the port over SQL. It holds everything that the SQL
// adapters have in common; what differs between engines is in a Dialect.
//
// # Tables
//
//   - instances: one row for each execution, with its lease, its readiness and its
//     summary;
//   - history: chunks of events, one row for each step;
//   - inbox, timers, activities, closings: what an execution has besides, each
//     keyed by the execution;
//   - tags: one row for each tag, for filters;
//   - kinds: how many executions there are of each status, queue and workflow;
//   - deliveries: ids of deliveries, so that a repeated one changes nothing;
//   - workers: heartbeat rows;
//   - wakes: who in another process is to be woken.
//
// Times are nanoseconds since 1970 in UTC, as integers; 0 means none, except in
// ready_at, where NULL does.
//
// # Readiness
//
// instances.ready_at is the time that claims go by. It is NULL
// for what no claim may take: final, blocked, paused, or nothing to do. Otherwise
// it is a time before which the execution is certainly not ready. It follows
// from other columns, see row.readiness:
//
//   - wake_at, since when the inbox makes it ready;
//   - next_timer, when the earliest timer is due;
//   - lease_until, when the lease runs out;
//   - hold_until, before which it is not to be claimed.
//
// While an execution is leased, ready_at may lag behind lease_until, so that a
// holder that commits a thousand steps does not move an index entry a thousand
// times. A claim that meets such a row puts ready_at right and goes on.
//
// The index on it begins with the queue, the workflow and the builds that can't run
// the execution. A claim looks up which of these there are, leaves out those that are
// not for it, and merges the rest, see shard.
//
// # Lists
//
// instances.changed is updated, or up to a second before: executions that do many
// steps a second don't move their entry in the index with each. The indexes of lists
// begin with status, queue and workflow. A list merges the ranges of those that match
// and tests other conditions on what comes out, until the page is full, see listing.
//
// # Writing
//
// Each call of the port is one transaction on a writer connection. A batch loads
// the rows of the executions it is about, changes them in memory, and writes each
// changed row once before it commits. Because an item is checked before it changes
// anything, a refused item needs no savepoint.
package sqlstore
