package tui

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/backend"
)

// wall shows the verdicts of many replays as they come.
type wall struct {
	a *app
	// filter says what is replayed, unless names do.
	filter string
	names  []string
	jobs   func(context.Context) iter.Seq[fleet.Job]

	// tally is of the run that is shown.
	tally *tally
	got   tallied
	// expected is how many there will be, as far as is known; 0 if it is not.
	expected int64
	more     bool
	state    wallState
	err      error
	began    time.Time
	took     time.Duration
	table    table
	// walked tells that the cursor is where somebody put it.
	walked bool
}

// wallState is how far a wall is.
type wallState int8

const (
	wallNew wallState = iota
	wallRuns
	wallDone
	wallFailed
)

// tally gathers what a run has found. It is written beside the loop.
type tally struct {
	mu       sync.Mutex
	sum      fleet.Sum
	verdicts []diagnostics.Verdict
	failing  []failing
	dropped  int
}

// failing is an instance that is not ok.
type failing struct {
	job   fleet.Job
	group string
}

// tallied is what a tally holds at a moment. It is not changed.
type tallied struct {
	counts   map[diagnostics.Verdict]int
	groups   []view.ReplayGroup
	verdicts []diagnostics.Verdict
	failing  []failing
	dropped  int
}

// mostFailing is how many instances are remembered to be exported: in a larger fleet
// they are all alike.
const mostFailing = 5000

func (t *tally) add(a fleet.Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Add(a)
	t.verdicts = append(t.verdicts, a.Result.Verdict)
	switch {
	case a.Result.Verdict == diagnostics.VerdictOK:
	case len(t.failing) == mostFailing:
		t.dropped++
	default:
		job := fleet.Job{Name: a.Name}
		if a.Found != nil { // a copy: the answer's is part of a page of others
			job.Found = &backend.Summary{Instance: a.Found.Instance, Workflow: a.Found.Workflow, Status: a.Found.Status}
		}
		t.failing = append(t.failing, failing{job, a.Result.Group()})
	}
}

// now is what there is. What is appended later is behind the ends of its slices.
func (t *tally) now() tallied {
	t.mu.Lock()
	defer t.mu.Unlock()
	return tallied{counts: maps.Clone(t.sum.Counts), groups: t.sum.Largest(), verdicts: slices.Clip(t.verdicts), failing: slices.Clip(t.failing), dropped: t.dropped}
}

// newWall replays all that match a filter, or what is named.
func newWall(a *app, text string, names []string, jobs func(context.Context) iter.Seq[fleet.Job]) *wall {
	return &wall{a: a, filter: text, names: names, jobs: jobs}
}

// ofFilter are the jobs of all that match.
func ofFilter(store *ops.Store, f filter.Filter) func(context.Context) iter.Seq[fleet.Job] {
	return func(ctx context.Context) iter.Seq[fleet.Job] {
		return fleet.Matches(ctx, store, fleet.Selection{Filter: f})
	}
}

var _ copier = (*wall)(nil)

func (*wall) scopes() []command.Scope   { return []command.Scope{command.ScopeWall} }
func (*wall) title() string             { return "verdicts" }
func (*wall) chosen() []backend.Summary { return nil }

func (w *wall) facts() []view.Cell {
	if w.runs() {
		return []view.Cell{{Text: "replaying with " + w.a.conn.Replayer + " (Ctrl-C stops)", Style: view.Waiting}}
	}
	return []view.Cell{{Text: "replayed with " + w.a.conn.Replayer, Style: view.Muted}}
}

// runs reports whether the run is under way. One that was canceled is not, and has no
// answer.
func (w *wall) runs() bool { return w.a.underWay(w, "replay") }

// refresh begins; what has begun goes on by itself.
func (w *wall) refresh() {
	if w.state == wallNew {
		w.start()
	}
}

// start replays all anew.
func (w *wall) start() {
	w.count()
	t := &tally{}
	w.tally, w.got, w.err, w.state, w.began = t, tallied{}, nil, wallRuns, w.a.o.Clock()
	w.walked = false
	w.table.resize(0)
	store, program, jobs, queue := w.a.conn.Store, w.a.conn.Replayer, w.jobs, w.a.queue
	show := func() {
		if w.tally == t {
			w.take(t.now())
		}
	}
	ask(w.a, w, "replay", func(ctx context.Context) (tallied, error) {
		r, err := fleet.Start(ctx, program)
		if err != nil {
			return tallied{}, fmt.Errorf("replaying with %s: %w", program, err)
		}
		defer r.Close()
		runner := fleet.Runner{Store: store, Replayer: r, Parallel: runtime.GOMAXPROCS(0)}
		for answer := range runner.Run(ctx, jobs(ctx)) {
			switch {
			case errors.Is(answer.Err, fleet.ErrGone):
			case answer.Err != nil:
				return t.now(), answer.Err
			default:
				t.add(answer)
				queue.post(fmt.Sprintf("wall %p", t), show)
			}
		}
		return t.now(), ctx.Err()
	}, func(got tallied, err error) {
		w.take(got)
		w.table.least = nil // columns were as wide as what has passed by needed
		w.took = w.a.o.Clock().Sub(w.began)
		if w.state = wallDone; err != nil {
			w.state, w.err = wallFailed, err
		}
	})
}

// take shows what there is. The cursor stays on its group, and else on the largest.
func (w *wall) take(got tallied) {
	on := ""
	if w.walked && w.table.cursor < len(w.got.groups) {
		on = w.got.groups[w.table.cursor].Report.Group()
	}
	w.got = got
	w.table.resize(len(got.groups))
	if at := slices.IndexFunc(got.groups, func(g view.ReplayGroup) bool { return g.Report.Group() == on }); at >= 0 {
		w.table.to(at)
	}
}

// count finds out how many there will be.
func (w *wall) count() {
	w.expected, w.more = int64(len(w.names)), false
	f, err := filter.Parse(w.filter)
	if len(w.names) > 0 || err != nil {
		return
	}
	store := w.a.conn.Store
	ask(w.a, w, "count", func(ctx context.Context) (ops.Counts, error) { return store.Count(ctx, f, 0) }, func(c ops.Counts, err error) {
		if err == nil {
			w.expected, w.more = c.Total, c.Capped
		}
	})
}

func (w *wall) do(name string) bool {
	if w.table.move(name) {
		w.walked = true
		return true
	}
	switch name {
	case "next", "previous":
		w.walked = true
		w.next(name == "previous")
	case "enter":
		w.open()
	case "replay":
		w.a.program(w.start)
	case "fixtures":
		w.export()
	default:
		return false
	}
	return true
}

// next goes to the next group, round and round.
func (w *wall) next(back bool) {
	n := len(w.got.groups)
	if n == 0 {
		w.a.say(view.Good, "nothing differs")
		return
	}
	at := w.table.cursor + 1
	if back {
		at = w.table.cursor - 1
	}
	if at < 0 || at >= n {
		w.a.say(view.Waiting, "round again, from the other end")
	}
	w.table.to((at%n + n) % n)
}

// open shows the report of a group: that of the first instance in it.
func (w *wall) open() {
	if w.table.cursor >= len(w.got.groups) {
		return
	}
	g := w.got.groups[w.table.cursor]
	at := slices.IndexFunc(w.got.failing, func(f failing) bool { return f.group == g.Report.Group() })
	if at < 0 {
		return
	}
	one := w.got.failing[at].job
	r := newReport(w.a, one.Name, one.Found)
	r.known = true
	w.a.show(r)
	r.take(&finding{report: g.Report, notes: g.Notes, where: "replayed with " + w.a.conn.Replayer, live: true})
	w.a.drop(errand{r, "blast"})
	r.blast = []view.Cell{{Text: fmt.Sprintf("%d of %d replayed differ alike", g.Count, len(w.got.verdicts)), Style: view.Attention}, {Text: ": " + strings.Join(g.Names, ", ") + more(g)}}
}

func more(g view.ReplayGroup) string {
	if g.Count > len(g.Names) {
		return ", ..."
	}
	return ""
}

// export writes the histories that are not ok into a folder that is asked for.
func (w *wall) export() {
	all, dropped, store := w.got.failing, w.got.dropped, w.a.conn.Store
	if len(all) == 0 {
		w.a.say(view.Good, "there is none that is not ok")
		return
	}
	w.a.folder(func(folder string) {
		w.a.say(view.Waiting, fmt.Sprintf("writing %d histories into %s...", len(all), folder))
		ask(w.a, w, "export", func(ctx context.Context) (int, error) { return exportAll(ctx, store, folder, all) }, func(n int, err error) {
			switch {
			case err != nil:
				w.a.say(view.Bad, fmt.Sprintf("%d of %d histories were written to %s: %v", n, len(all), folder, err))
			case dropped > 0:
				w.a.say(view.Waiting, fmt.Sprintf("%d histories were written to %s; %d more are not ok: wfops replay --export-failing has no limit", n, folder, dropped))
			default:
				w.a.say(view.Good, fmt.Sprintf("%d histories were written to %s", n, folder))
			}
		})
	})
}

func exportAll(ctx context.Context, store *ops.Store, folder string, all []failing) (n int, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, err
	}
	for _, f := range all {
		b, err := f.job.Load(ctx, store)
		if err == nil {
			_, err = fleet.Export(folder, b)
		}
		if err != nil {
			return n, fmt.Errorf("%s: %w", f.job.Name, err)
		}
		n++
	}
	return n, nil
}

// twin is the command that does the same.
func (w *wall) twin() string {
	what := "--filter " + quoted(w.filter)
	if len(w.names) > 0 {
		what = quotedAll(w.names)
	}
	return "wfops replay " + what + " --with " + quoted(w.a.conn.Replayer)
}

func quotedAll(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = quoted(name)
	}
	return strings.Join(words, " ")
}

func (w *wall) copies() []copyItem {
	var items []copyItem
	if w.table.cursor < len(w.got.groups) {
		items = append(items, copyItem{"summary of the group", w.got.groups[w.table.cursor].Report.Summary})
	}
	return append(items, copyItem{"command that does this", w.twin()})
}
