package scenarios

import (
	"fmt"
	"testing"

	"github.com/wfops/wfops/engine/backend/group"
)

// Groups holds whole systems against the rules, the behaviors and some random
// schedules with groups of writes of given sizes: each write by itself, a few
// together, and all that come; on a server, a few together only. A worker seldom fills
// a group of the default size, so that without this what happens at the edges of
// groups would be left to chance.
func Groups(t *testing.T, h Harness) {
	sizes := []int{1, 7, group.DefaultMax}
	if h.Server {
		sizes = []int{7}
	}
	for _, n := range sizes {
		h.Group = n
		t.Run(fmt.Sprintf("Max=%d", n), func(t *testing.T) {
			if n != group.DefaultMax { // which Rules and Run have by themselves
				Rules(t, h)
				Run(t, h)
			}
			if !h.Server {
				schedules(t, h, fewSchedules)
			}
		})
	}
}
