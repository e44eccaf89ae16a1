package diagnostics

import (
	"time"

	"github.com/wfops/wfops/engine"
)

// Radius tells how far a divergence reaches: how many of some executions come to the
// same as one of them. The zero value has seen none.
type Radius struct {
	// Total is how many were replayed, Same how many of them have the group of the one
	// that they are compared with, see Report.Group.
	Total int `json:"total"`
	Same  int `json:"same"`
	// Counts of verdicts.
	Counts map[Verdict]int `json:"counts"`
	// Oldest and Newest of those that come to the same.
	Oldest Reached `json:"oldest,omitzero"`
	Newest Reached `json:"newest,omitzero"`
}

// Reached is an execution that comes to the same.
type Reached struct {
	Instance engine.Instance `json:"instance"`
	Created  time.Time       `json:"created"`
}

// Add takes in the report of an execution that was created at a time. group is that of
// the report that it is compared with.
func (r *Radius) Add(group string, one Report, created time.Time) {
	if r.Counts == nil {
		r.Counts = map[Verdict]int{}
	}
	r.Total++
	r.Counts[one.Verdict]++
	if one.Group() != group {
		return
	}
	reached := Reached{Instance: one.Instance, Created: created}
	if r.Same++; r.Same == 1 || created.Before(r.Oldest.Created) {
		r.Oldest = reached
	}
	if r.Same == 1 || !created.Before(r.Newest.Created) {
		r.Newest = reached
	}
}
