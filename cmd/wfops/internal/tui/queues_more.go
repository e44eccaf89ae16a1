package tui

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// depths remembers how many tasks were ready, by queue, while somebody looked.
type depths map[string][]depth

type depth struct {
	at    time.Time
	ready int64
}

// remembers is how far back a trend goes.
const remembers = 15 * time.Minute

// see takes what the queues are like now, and returns how each has changed.
func (d depths) see(queues []ops.Queue, now time.Time) []view.Trend {
	trends := make([]view.Trend, len(queues))
	seen := map[string]bool{}
	for i, q := range queues {
		name := nameOf(q)
		seen[name] = true
		old := slices.DeleteFunc(d[name], func(s depth) bool { return now.Sub(s.at) > remembers })
		d[name] = append(old, depth{now, q.Ready})
		trends[i] = view.Trend{By: q.Ready - d[name][0].ready, Since: now.Sub(d[name][0].at)}
	}
	for name := range d {
		if !seen[name] {
			delete(d, name)
		}
	}
	return trends
}

// worstFirst puts what needs attention where it is seen: queues by who waits longest,
// workers that are lost or unwell before the others.
func worstFirst(h ops.Health) {
	slices.SortStableFunc(h.Queues, func(a, b ops.Queue) int {
		if a.OldestReady.IsZero() != b.OldestReady.IsZero() {
			return boolOrder(b.OldestReady.IsZero())
		}
		return a.OldestReady.Compare(b.OldestReady)
	})
	slices.SortStableFunc(h.Workers, func(a, b ops.Worker) int {
		if bad := a.Lost || a.Unhealthy != ""; bad != (b.Lost || b.Unhealthy != "") {
			return boolOrder(bad)
		}
		return strings.Compare(a.ID, b.ID)
	})
}

func boolOrder(first bool) int {
	if first {
		return -1
	}
	return 1
}

// openFiltered shows the instances that a filter chooses, in a list of its own.
func (a *app) openFiltered(text string) {
	f, err := filter.Parse(text)
	if err != nil {
		a.say(view.Bad, err.Error())
		return
	}
	l := newList(a)
	l.filter, l.text = f, text
	a.show(l)
}

// openQueue shows the instances whose workflows are of a queue.
func (a *app) openQueue(name string) {
	a.openFiltered("queue:" + filter.Word(name))
}

// worker is one worker.
type worker struct {
	a      *app
	worker ops.Worker
	pager  pager
}

func (*worker) scopes() []command.Scope { return []command.Scope{command.ScopeQueues} }

func (w *worker) title() string { return w.worker.ID }

func (*worker) facts() []view.Cell {
	return []view.Cell{{Text: "Enter lists what it ran last and is open", Style: view.Muted}}
}

// can says which moves mean something here.
func (*worker) can(name string) bool {
	switch name {
	case "filter", "actions", "wide", "next", "previous", "next-pane", "previous-pane", "yank", "yank-menu":
		return false
	}
	return true
}

func (w *worker) do(name string) bool {
	if name == "enter" {
		w.a.openFiltered("is:open worker:" + filter.Word(w.worker.ID))
		return true
	}
	return w.pager.move(name)
}

func (*worker) chosen() []backend.Summary { return nil }

func (w *worker) refresh() {
	store := w.a.conn.Store
	ask(w.a, w, "workers", func(ctx context.Context) ([]ops.Worker, error) { return store.Workers(ctx) }, func(all []ops.Worker, err error) {
		if !w.a.heardOf(err) {
			return
		}
		if i := slices.IndexFunc(all, func(o ops.Worker) bool { return o.ID == w.worker.ID }); i >= 0 {
			w.worker = all[i]
			return
		}
		w.a.say(view.Waiting, "the worker has stopped; this is what it said last")
	})
}

func (w *worker) draw(at grid.Area, o view.Options) {
	w.pager.set(view.Layout(view.Worker(w.worker, o), at.W))
	w.pager.draw(at)
}
