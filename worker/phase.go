package worker

import "fmt"

// phase is where a hold is in its life.
type phase uint8

// The closed set of phases.
const (
	// idle: it waits for something to come in. Its executor is in the cache.
	idle phase = iota + 1
	// queued: something came in, and it waits for a slot.
	queued
	// running: one goroutine works on it and has its executor.
	running
	// gone: the execution is not this worker's any more.
	gone
)

func (p phase) String() string { return [...]string{"nowhere", "idle", "queued", "running", "gone"}[p] }

// move is why a hold changes its phase.
type move uint8

// The closed set of moves.
const (
	// workArrived, and a slot is free; workQueued, and none is.
	workArrived move = iota
	workQueued
	// slotFreed for a queued hold.
	slotFreed
	// cameToRest: nothing is left to do until something comes in.
	cameToRest
	// released: the lease was given back, with nothing running.
	released
	// ended: the execution is final.
	ended
	// parked: the execution is blocked.
	parked
	// lost: the store gave the execution to somebody else, or may have.
	lost
)

func (m move) String() string {
	return [...]string{"workArrived", "workQueued", "slotFreed", "cameToRest", "released", "ended", "parked", "lost"}[m]
}

// moves is the whole life of a hold. It begins running, with the slot of its
// claim. A move that is missing here is a bug.
//
// A hold is lost from any phase: its lease can run out while it waits, and
// another claim of this very worker can take its place. It ends, parks and is
// released by a commit, which only the running goroutine makes.
var moves = [gone + 1][lost + 1]phase{
	idle:    {workArrived: running, workQueued: queued, lost: gone},
	queued:  {slotFreed: running, lost: gone},
	running: {cameToRest: idle, released: gone, ended: gone, parked: gone, lost: gone},
	gone:    {},
}

// moveError is an illegal move.
type moveError struct {
	from phase
	move move
}

func (e moveError) Error() string {
	return fmt.Sprintf("worker: a hold that is %s can't make the move %s", e.from, e.move)
}

// next returns the phase that a move leads to.
func (p phase) next(m move) (phase, error) {
	to := moves[p][m]
	if to == 0 {
		return p, moveError{p, m}
	}
	return to, nil
}
