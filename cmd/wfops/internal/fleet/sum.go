package fleet

import (
	"cmp"
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

// Sum is what replays come to. It keeps one report of each group. The zero value is
// the sum of none.
type Sum struct {
	Counts map[diagnostics.Verdict]int
	// Groups of those that are not ok, in the order in which they were met.
	Groups []*view.ReplayGroup

	byKey map[string]*view.ReplayGroup
}

// groupNames is how many names of a group are kept.
const groupNames = 5

// Add adds an answer without an error.
func (s *Sum) Add(a Answer) {
	if s.Counts == nil {
		s.Counts = map[diagnostics.Verdict]int{}
	}
	if s.byKey == nil { // Counts may be another's
		s.byKey = map[string]*view.ReplayGroup{}
	}
	r := a.Result.Report
	if s.Counts[r.Verdict]++; r.Verdict == diagnostics.VerdictOK {
		return
	}
	key := r.Group()
	group := s.byKey[key]
	if group == nil {
		group = &view.ReplayGroup{Report: r, Notes: a.Result.Notes}
		s.byKey[key], s.Groups = group, append(s.Groups, group)
	}
	if group.Count++; len(group.Names) < groupNames {
		group.Names = append(group.Names, a.Name)
	}
}

// Total is how many were added.
func (s *Sum) Total() (n int) {
	for _, count := range s.Counts {
		n += count
	}
	return n
}

// Largest returns copies of the groups, the largest first.
func (s *Sum) Largest() []view.ReplayGroup {
	all := make([]view.ReplayGroup, len(s.Groups))
	for i, g := range s.Groups {
		all[i] = *g
	}
	slices.SortStableFunc(all, func(a, b view.ReplayGroup) int { return cmp.Compare(b.Count, a.Count) })
	return all
}
