package scenarios

import (
	"fmt"
	"testing"

	"github.com/wfops/wfops/engine/backend/group"
)

// Groups holds whole systems against the rules, the behaviors and some random
// schedules with groups of writes of given sizes: each write by itself, a few
// together, and all that come. A worker seldom fills a group of the default size, so
// that without this what happens at the edges of groups would be left to chance.
func Groups(t *testing.T, h Harness) {
	for _, n := range []int{1, 7, group.DefaultMax} {
		h.Group = n
		t.Run(fmt.Sprintf("Max=%d", n), func(t *testing.T) {
			if n != group.DefaultMax { // which Rules and Run have by themselves
				Rules(t, h)
				Run(t, h)
			}
			schedules(t, h, fewSchedules/2)
		})
	}
}
