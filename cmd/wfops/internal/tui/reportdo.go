package tui

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

func (r *report) do(name string) bool {
	if name == "replay" {
		if r.a.conn.Replayer == "" {
			r.ask()
		} else {
			r.replay()
		}
		return true
	}
	if r.got == nil {
		return false
	}
	t := table{cursor: r.cursor, count: len(r.pages.lines), page: max(1, r.seen)}
	if t.move(name) {
		r.cursor = t.cursor
		return true
	}
	switch name {
	case "next", "previous":
		r.next(name == "previous")
	case "enter":
		r.event()
	case "edit":
		r.edit()
	case "all-rows":
		r.rows()
	case "replay-all":
		r.all()
	case "fixtures":
		r.export()
	default:
		return false
	}
	return true
}

// line is what the cursor is on.
func (r *report) line() view.ReportLine {
	if r.cursor >= len(r.pages.lines) {
		return view.ReportLine{}
	}
	return r.pages.lines[r.cursor]
}

// next goes to the next place that differs.
func (r *report) next(back bool) {
	n := len(r.pages.lines)
	step := 1
	if back {
		step = -1
	}
	for i := 1; i <= n; i++ {
		at := r.cursor + i*step
		wrapped := at < 0 || at >= n
		if at = (at%n + n) % n; !r.pages.lines[at].Stop {
			continue
		}
		if r.cursor = at; wrapped {
			r.a.say(view.Waiting, "round again, from the other end")
		}
		return
	}
}

// event opens the event that a line is about, or that of the divergence.
func (r *report) event() {
	seq := r.line().Seq
	if d := r.got.report.Divergence; seq == 0 && d != nil {
		seq = d.Seq
	}
	switch {
	case r.s == nil:
		r.a.say(view.Muted, "a file's events are shown by: wfops history "+quoted(r.name))
	case seq == 0:
		r.a.say(view.Muted, "this line is about no event")
	default:
		r.a.openEvent(*r.s, seq)
	}
}

// edit opens the place in the code that a line is about, or that of the divergence.
func (r *report) edit() {
	at := r.line().Site
	if d := r.got.report.Divergence; at.File == "" && d != nil {
		at = d.At()
	}
	if at.File == "" {
		r.a.say(view.Muted, "the report names no place in the code")
		return
	}
	root := r.path
	ask(r.a, r, "edit", func(context.Context) (sourceFile, error) { return lookUp(root, at) }, func(s sourceFile, err error) {
		if err != nil {
			r.a.say(view.Bad, fmt.Sprintf("%s:%d of %s: %v", at.File, at.Line, at.Function, err))
			return
		}
		r.a.edit(s.file, at.Line)
	})
}

// rows shows all of history beside all that the code does.
func (r *report) rows() {
	if len(r.got.report.Rows) == 0 {
		r.a.say(view.Muted, "the report has no commands; r runs the code and shows all of them")
		return
	}
	r.a.show(newReplayDiff(r))
}

// newReplayDiff compares a history with what the code does.
func newReplayDiff(r *report) *diff {
	f := r.got
	rows, first := view.ReplayRows(f.report)
	c := &comparison{code: true, first: first, result: diagnostics.Result{Rows: rows, Counts: map[diagnostics.DiffOp]int{}, Summary: f.report.Summary}}
	sides := [2]int{}
	for i := range rows {
		c.result.Counts[rows[i].Op]++
		if rows[i].A != nil {
			sides[0]++
		}
		if rows[i].B != nil {
			sides[1]++
		}
	}
	for i, name := range []string{"history of " + r.name, "your code"} {
		c.sides[i] = &side{DiffSide: view.DiffSide{Name: name, Workflow: f.report.Workflow, Events: sides[i]}}
	}
	if first >= 0 {
		c.note = "what follows the first difference is what the code would do if it went on"
	}
	if !f.live {
		c.note = "these are the rows that the worker has stored; r in the report runs the code and has all"
	}
	read := func(context.Context, *comparison, diagnostics.Level, diagnostics.Rules) (*comparison, error) {
		return c, nil
	}
	return &diff{a: r.a, names: [2]string{r.name, "your code"}, read: read, level: diagnostics.LevelStep, twin: func(diagnostics.Rules) string { return r.twin() }}
}

// twin is the command that shows the same.
func (r *report) twin() string {
	if r.got != nil && !r.got.live {
		return "wfops why " + quoted(r.name)
	}
	with := r.a.conn.Replayer
	if with == "" {
		with = "PROGRAM"
	}
	return "wfops replay " + quoted(r.name) + " --with " + quoted(with)
}

// all replays all open instances of the workflow.
func (r *report) all() {
	workflow := r.got.report.Workflow
	r.a.program(func() { r.a.openWall("is:open type:" + filter.Word(workflow)) })
}

// export writes the history into a folder that is asked for.
func (r *report) export() {
	store, job := r.a.conn.Store, fleet.Job{Name: r.name, Found: r.s}
	r.a.folder(func(folder string) {
		ask(r.a, r, "export", func(ctx context.Context) (string, error) {
			b, err := job.Load(ctx, store)
			if err != nil {
				return "", err
			}
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return "", err
			}
			return fleet.Export(folder, b)
		}, func(file string, err error) {
			if err != nil {
				r.a.say(view.Bad, "writing the history: "+err.Error())
				return
			}
			r.a.say(view.Good, "written: "+file)
		})
	})
}

// text is the whole report, as the command line prints it.
func (r *report) text() string {
	if r.got == nil {
		return ""
	}
	var b strings.Builder
	for _, line := range view.Report(r.got.report, r.got.notes, r.a.options(), 0) {
		b.WriteString(strings.TrimRight(text(line), " ") + "\n")
	}
	return b.String()
}

func (r *report) copies() []copyItem {
	if r.got == nil {
		return nil
	}
	items := []copyItem{{"report", r.text()}, {"command that shows this", r.twin()}}
	if d := r.got.report.Divergence; d != nil && d.At().File != "" {
		items = append(items, copyItem{"place in the code", fmt.Sprintf("%s:%d", d.At().File, d.At().Line)})
	}
	return items
}
