// Package redis is a store in Redis 7 or Valkey: one server, one watched by
// Sentinel, or a Redis Cluster.
//
// # Partitions
//
// The keys of a store are divided into partitions by a hash of the InstanceID. All
// keys of a partition share a hash tag, as in wfops:{p07}:x:…, so a cluster keeps
// them in one slot, and a step is one atomic script. The number of partitions is
// stored when the store is opened first and never changes.
//
// On one server a script may touch all partitions: then a whole batch is one
// script, and what executions send each other is applied in the step that sends it.
// On a cluster a batch is one script for each partition, and what is for another
// partition waits in an outbox, in order, until whoever has committed carries it
// over; see pump.
//
// # Keys of a partition
//
//   - x:<execution>/<instance>: the row of an execution;
//   - h:, b:, t:, u:, a:, c: its history, inbox, timers, activities, closings;
//   - r:<instance>: the executions of an instance, the latest last;
//   - heads, aheads, s:<shard>: what is ready, see index.lua;
//   - all, st:<status>, wf:<workflow>, k:<parent>: lists in order of creation;
//   - d:<delivery>, y:<execution>: what was applied already, for fifteen minutes, and
//     n:<token>: a lease that nobody waits for any more;
//   - o:<partition>, outboxes, sent, applied: messages to other partitions;
//   - seen, workers: heartbeats.
//
// The key <prefix>:meta says how many partitions there are, and the channel
// <prefix>:hints tells other processes what has changed.
//
// # Durability
//
// Info tells what an acknowledged write survives: with appendfsync=always a crash of
// the server, with everysec all but its last second. On a cluster each server loses a
// last second of its own, so that a message between two of them can be lost with it;
// so can what a failover loses that the replica had not got. Where a child must not
// get lost that way, use appendfsync=always.
//
// # Permissions
//
// A store needs, for its prefix,
//
//	~wfops:* &wfops:* +@read +@write +@connection +@transaction +@scripting +info +time +publish +subscribe +unsubscribe +config|get
//
// and on a cluster +cluster; without +config|get it can't warn of settings that lose
// writes. A read-only store needs
//
//	~wfops:* &wfops:* +@read +@connection +eval_ro +evalsha_ro +info +time +subscribe +unsubscribe
//
// # Time
//
// The clock is the server's, in microseconds. Ready times and leases go by it; a
// time that a caller gives is rounded up.
package redis
