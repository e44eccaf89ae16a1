// Package coro runs coroutines one at a time, in a fixed order. It knows nothing
// of workflows, history or I/O.
//
// A coroutine is a goroutine that runs only during its turn. A turn begins when
// the scheduler resumes the coroutine, and ends when the coroutine waits or ends:
//
//	idle ──resume──► running ──Wait, end────► idle
//	                    └─────deadline──────► idle, the coroutine is abandoned
//
// Whoever moves the turn counter from running to idle has ended the turn: the
// coroutine itself, or the watchdog if the coroutine takes too long. Only one of
// them can, so that each turn has one verdict.
//
// # What is caught
//
// A coroutine that doesn't come back within the deadline ends Run with a
// [*StuckError]. It can't be killed: it is left alone, counted by [Abandoned],
// and ends at its next call into the scheduler.
//
// A goroutine that is no coroutine and calls into the scheduler while no coroutine
// has a turn is ended, and Run returns a [*ForeignError]. If a coroutine does have
// a turn, the call passes for one of that coroutine; telling them apart would cost
// more than the switch itself. When both have waited in one turn, the later one is
// taken for foreign, so the mistake still ends in a ForeignError and not in a
// corrupt scheduler. A foreign goroutine that only ever calls during turns and
// never waits is not caught.
package coro
