package tui

import (
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// mostExplained is how many lines say in full what the problem under the cursor is.
const mostExplained = 4

func (s *service) draw(at grid.Area, o view.Options) {
	if s.a.conn.Store.IsFile() {
		at.Line(0, 0, view.Cell{Text: "  An exported history knows no queues or workers: how they do can't be told from it.", Style: view.Plain})
		return
	}
	if !s.known {
		at.Line(0, 0, view.Cell{Text: "  asking the store...", Style: view.Muted})
		return
	}
	below := s.below()
	if at.H < spacious/2+len(below) {
		below = nil
	}
	at, facts := at.Bottom(len(below))
	for y, cells := range below {
		facts.Line(y, 0, cells...)
	}
	heights := share(at.H, s.wants(at.W, o), int(s.focus))
	for p := range panes {
		var own grid.Area
		own, at = at.Top(heights[p] + 1)
		s.drawPane(own, p, o)
	}
}

// below are the lines below the panes, a line that divides them first.
func (s *service) below() view.Lines {
	return append(view.Lines{nil, view.Builds(s.health.Workers)}, view.StoreFacts(s.health)...)
}

// wants is how many lines each pane could fill below its title.
func (s *service) wants(width int, o view.Options) []int {
	wants := make([]int, panes)
	for p := range panes {
		wants[p] = 1 + max(1, s.count(p))
	}
	if len(s.health.Findings) == 0 {
		wants[paneProblems] = 1
	}
	wants[paneProblems] += len(s.explained(width, o))
	return wants
}

// share divides lines among panes that want some, each of which has a line for its
// title besides. None vanishes while there is room for a row of each; then the one in
// focus comes first.
func share(room int, wants []int, focus int) []int {
	got := make([]int, len(wants))
	room -= len(wants)
	give := func(p, most int) {
		more := max(0, min(room, most-got[p]))
		got[p] += more
		room -= more
	}
	all := func(most int) {
		for p := range wants {
			give(p, min(wants[p], most))
		}
	}
	all(2)
	give(focus, min(wants[focus], 4))
	all(3)
	give(focus, wants[focus])
	all(1 << 30)
	return got
}

// explained says in full what the problem under the cursor is.
func (s *service) explained(width int, o view.Options) view.Lines {
	row := s.panes[paneProblems].cursor
	if row >= len(s.health.Findings) {
		return nil
	}
	lines := view.Finding(s.health.Findings[row], o, width-gutter)
	return lines[:min(len(lines), mostExplained)]
}

func (s *service) drawPane(at grid.Area, p part, o view.Options) {
	title := s.paneTitle(p)
	if p == s.focus {
		title = "> " + title
	}
	at.Rule(0, title, o.ASCII)
	_, at = at.Top(1)
	if s.count(p) == 0 {
		at.Line(0, 0, s.nothing(p))
		s.panes[p].at = at
		return
	}
	if p == paneProblems {
		lines := s.explained(at.W, o)
		if at.H < len(lines)+2 {
			lines = lines[:max(0, at.H-2)]
		}
		var foot grid.Area
		at, foot = at.Bottom(len(lines))
		for y, cells := range lines {
			foot.Sub(gutter, y, foot.W-gutter, 1).Line(0, 0, cells...)
		}
	}
	s.panes[p].unfocused = p != s.focus
	s.panes[p].draw(at, o, func(from, to int, o view.Options) view.Table { return s.rows(p, from, to, o) }, nil)
}

// paneTitle says what is needed most of a pane, which may have no room for more.
func (s *service) paneTitle(p part) string {
	switch p {
	case paneProblems:
		return "problems " + view.Count(int64(s.count(p)))
	case paneQueues:
		var ready int64
		for _, q := range s.health.Queues {
			ready += q.Ready
		}
		return fmt.Sprintf("queues %d, %s ready", s.count(p), view.Count(ready))
	case paneWorkers, panes:
	}
	lost := 0
	for _, w := range s.health.Workers {
		if w.Lost {
			lost++
		}
	}
	return fmt.Sprintf("workers %d, %d lost", s.count(p), lost)
}

func (s *service) nothing(p part) view.Cell {
	switch p {
	case paneProblems:
		return s.a.options().Sign(view.Good, "nothing is wrong")
	case paneQueues:
		return view.Cell{Text: "  no queue has work or a worker", Style: view.Muted}
	case paneWorkers, panes:
	}
	return view.Cell{Text: "  no worker has been heard of", Style: view.Muted}
}

func (s *service) rows(p part, from, to int, o view.Options) view.Table {
	var t view.Table
	switch p {
	case paneProblems:
		t = view.Problems(s.health.Findings[from:to], o)
	case paneQueues:
		t = view.WithTrend(view.Queues(s.health.Queues[from:to], o), s.trends[from:to])
	case paneWorkers, panes:
		t = view.Workers(s.health.Workers[from:to], o)
	}
	if !s.wide {
		t = t.Narrow()
	}
	return t
}
