package tui

import (
	"context"
	"fmt"
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// service is how the store and its workers do: what is wrong, the queues, the workers.
type service struct {
	a      *app
	health ops.Health
	// trends are those of health.Queues, as far as somebody has looked.
	trends []view.Trend
	depths depths
	known  bool // the store has answered

	focus part
	panes [panes]table
	// selected is what the cursor of each pane is on, wherever it moves.
	selected [panes]string
	wide     bool
}

// part is a part of the screen that the cursor can be in.
type part int

const (
	paneProblems part = iota
	paneQueues
	paneWorkers
	panes
)

// paneOf is the pane that a command opens.
var paneOf = map[string]part{"health": paneProblems, "queues": paneQueues, "workers": paneWorkers}

// openService shows how the store does, with the pane of a command first.
func (a *app) openService(name string) bool {
	if a.conn == nil {
		a.say(view.Waiting, "there is no connection yet")
		return true
	}
	a.show(&service{a: a, focus: paneOf[name], depths: depths{}})
	return true
}

func (*service) scopes() []command.Scope { return []command.Scope{command.ScopeQueues} }

func (s *service) title() string { return [panes]string{"health", "queues", "workers"}[s.focus] }

func (s *service) facts() []view.Cell {
	problems := 0
	for _, f := range s.health.Findings {
		if f.Severity == ops.SeverityProblem {
			problems++
		}
	}
	o := s.a.options()
	switch {
	case s.a.conn.Store.IsFile():
		return []view.Cell{{Text: "health can't be told", Style: view.Waiting}}
	case !s.known:
		return nil
	case problems == 0:
		return []view.Cell{o.Sign(view.Good, "healthy")}
	case problems == 1:
		return []view.Cell{o.Sign(view.Attention, "1 problem")}
	}
	return []view.Cell{o.Sign(view.Attention, fmt.Sprintf("%d problems", problems))}
}

func (s *service) refresh() {
	if s.a.underWay(s, "health") || s.a.conn.Store.IsFile() {
		return
	}
	store := s.a.conn.Store
	ask(s.a, s, "health", func(ctx context.Context) (ops.Health, error) { return store.Health(ctx, ops.HealthOptions{}) }, func(h ops.Health, err error) {
		if s.a.heardOf(err) {
			worstFirst(h)
			s.health, s.known = h, true
			s.trends = s.depths.see(h.Queues, h.Now)
			s.settle()
		}
	})
}

// settle puts the cursors back on what they were on.
func (s *service) settle() {
	for p := range panes {
		s.panes[p].resize(s.count(p))
		for i := range s.count(p) {
			if s.key(p, i) == s.selected[p] {
				s.panes[p].to(i)
			}
		}
	}
}

func (s *service) count(p part) int {
	return [panes]int{len(s.health.Findings), len(s.health.Queues), len(s.health.Workers)}[p]
}

// key tells the rows of a pane apart.
func (s *service) key(p part, row int) string {
	switch p {
	case paneQueues:
		return nameOf(s.health.Queues[row])
	case paneWorkers:
		return s.health.Workers[row].ID
	case paneProblems, panes:
	}
	return s.health.Findings[row].Code + " " + s.health.Findings[row].Subject
}

func (*service) chosen() []backend.Summary { return nil }

func (s *service) do(name string) bool {
	if s.panes[s.focus].move(name) {
		s.remember()
		return true
	}
	if p, ok := paneOf[name]; ok {
		s.focus = p
		return true
	}
	switch name {
	case "next-pane":
		s.focus = (s.focus + 1) % panes
	case "previous-pane":
		s.focus = (s.focus + panes - 1) % panes
	case "next", "previous":
		s.focus = paneProblems
		s.panes[s.focus].move(map[string]string{"next": "down", "previous": "up"}[name])
		s.remember()
	case "wide":
		s.wide = !s.wide
	case "enter":
		s.enter()
	default:
		return false
	}
	return true
}

// can says which moves mean something here.
func (s *service) can(name string) bool {
	switch name {
	case "filter", "actions", "left", "right", "yank", "yank-menu":
		return false
	case "enter":
		return s.known && s.count(s.focus) > 0
	case "next", "previous":
		return len(s.health.Findings) > 0
	}
	return true
}

// remember notes what the cursor is on.
func (s *service) remember() {
	if row := s.panes[s.focus].cursor; row < s.count(s.focus) {
		s.selected[s.focus] = s.key(s.focus, row)
	}
}

// enter opens what the cursor is on.
func (s *service) enter() {
	row := s.panes[s.focus].cursor
	if row >= s.count(s.focus) {
		return
	}
	s.remember() // which Esc comes back to, wherever it will be by then
	switch s.focus {
	case paneProblems:
		s.advise(s.health.Findings[row])
	case paneQueues:
		s.a.openQueue(string(s.health.Queues[row].Queue))
	case paneWorkers:
		s.a.show(&worker{a: s.a, worker: s.health.Workers[row]})
	case panes:
	}
}

// advise goes where a finding says that one should look.
func (s *service) advise(f ops.Finding) {
	switch f.Code {
	case "blocked":
		s.a.openFiltered("is:blocked")
	case "queue-unserved", "queue-slow":
		if i := slices.IndexFunc(s.health.Queues, func(q ops.Queue) bool { return nameOf(q) == f.Subject }); i >= 0 {
			s.a.openQueue(string(s.health.Queues[i].Queue))
		}
	case "worker-lost", "worker-unhealthy":
		if i := slices.IndexFunc(s.health.Workers, func(w ops.Worker) bool { return w.ID == f.Subject }); i >= 0 {
			s.a.show(&worker{a: s.a, worker: s.health.Workers[i]})
		}
	default:
		s.focus = paneWorkers
	}
}

func (s *service) click(x, y int) {
	for p := range panes {
		if _, row, ok := s.panes[p].at.Holds(x, y); ok {
			if s.focus = p; row > 0 {
				s.panes[p].to(s.panes[p].top + row - 1)
				s.remember()
			}
		}
	}
}

// nameOf is what findings call a queue.
func nameOf(q ops.Queue) string { return fmt.Sprintf("%s/%s", q.Queue, q.Kind) }
