package tui

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// finding is a report with what is known of it. It is not changed once it was made.
type finding struct {
	report diagnostics.Report
	notes  []string
	// where tells where it comes from.
	where string
	// live tells that the code was run just now.
	live bool
}

// report shows why code and history of an instance do not agree.
type report struct {
	a *app
	// name is what it was asked for by: an id, or a file; s is the instance, unless it
	// is of a file.
	name string
	s    *backend.Summary

	got *finding
	// blocked tells that the store has a report, and known that it was asked.
	blocked, known bool
	// wanted tells that the code is to be run.
	wanted bool
	err    error
	blast  []view.Cell
	source []view.SourceLine
	file   string // that source is from
	path   string // the folder that sources are looked for in

	pages  reportPages
	cursor int
	top    int
	seen   int
	body   area
}

// reportPages are the lines of a report for a width.
type reportPages struct {
	of    *finding
	o     view.Options
	width int
	airy  bool
	lines []view.ReportLine
}

func newReport(a *app, name string, s *backend.Summary) *report {
	return &report{a: a, name: name, s: s, path: "."}
}

var _ copier = (*report)(nil)

func (*report) scopes() []command.Scope { return []command.Scope{command.ScopeReport} }

func (r *report) title() string {
	if fleet.IsFile(r.name) {
		return "report of " + filepath.Base(r.name)
	}
	return "report of " + r.name
}

func (r *report) facts() []view.Cell {
	switch {
	case r.a.underWay(r, "replay"):
		return []view.Cell{{Text: "replaying with " + r.a.conn.Replayer, Style: view.Waiting}}
	case r.got != nil:
		return []view.Cell{{Text: r.got.where, Style: view.Muted}}
	}
	return nil
}

func (r *report) chosen() []backend.Summary {
	if r.s == nil {
		return nil
	}
	return []backend.Summary{*r.s}
}

// refresh reads what the store knows, once: a block does not change.
func (r *report) refresh() {
	if r.known || r.got != nil || r.a.underWay(r, "stored") {
		return
	}
	if fleet.IsFile(r.name) && r.s == nil {
		r.known = true
		r.settle()
		return
	}
	store, name, s := r.a.conn.Store, r.name, r.s
	ask(r.a, r, "stored", func(ctx context.Context) (backend.Summary, error) {
		if s == nil {
			return store.Resolve(ctx, name)
		}
		return store.Get(ctx, s.Instance)
	}, func(s backend.Summary, err error) {
		if r.err = err; !r.a.heardOf(err) {
			return
		}
		r.s, r.known = &s, true
		found, reason, blocked, err := fleet.Stored(&s)
		if r.blocked = blocked; err != nil {
			r.a.say(view.Bad, err.Error())
		}
		if blocked && r.got == nil {
			f := finding{report: found, where: fleet.FoundBy(reason)}
			if asked := r.a.options().Asked(s.Note); asked != "" {
				f.notes = []string{asked}
			}
			r.take(&f)
		}
		r.settle()
	})
}

// settle begins the replay that was asked for.
func (r *report) settle() {
	if !r.wanted {
		return
	}
	r.wanted = false
	switch {
	case r.a.conn.Replayer != "":
		r.replay()
	case r.blocked:
		r.a.say(view.Plain, "this is what the worker has stored; r runs your code against it")
	default:
		r.ask()
	}
}

// ask asks for the program, and replays with it.
func (r *report) ask() {
	r.a.program(func() {
		if r.a.top() == r {
			r.replay()
		}
	})
}

// take shows a finding, and looks for what belongs to it.
func (r *report) take(f *finding) {
	r.got, r.err, r.source, r.file, r.cursor, r.top = f, nil, nil, "", 0, 0
	r.lookAround()
	r.lookForSource()
}

// lookAround counts who else has the same problem.
func (r *report) lookAround() {
	f := r.got
	if r.blast = nil; f.report.Verdict == diagnostics.VerdictOK || r.s == nil {
		return
	}
	store := r.a.conn.Store
	ask(r.a, r, "blast", func(ctx context.Context) (fleet.Blast, error) { return fleet.BlastOf(ctx, store, f.report) }, func(b fleet.Blast, err error) {
		if err != nil {
			r.blast = []view.Cell{{Text: err.Error(), Style: view.Bad}}
		} else {
			r.blast = blastCells(b, f.report.Workflow)
		}
		r.pages = reportPages{}
	})
}

// blastCells tell how far a problem goes.
func blastCells(b fleet.Blast, workflow string) []view.Cell {
	more := func(is bool) string {
		if is {
			return "at least "
		}
		return ""
	}
	cells := []view.Cell{
		{Text: fmt.Sprintf("%s%d of %s%d open %s", more(b.More), b.Alike, more(b.OpenMore), b.Open, workflow), Style: view.Attention},
		{Text: fmt.Sprintf(" blocked by the same; %s%d blocked in all", more(b.More), b.Blocked)},
	}
	if b.Oldest != nil && b.Alike > 1 {
		cells = append(cells, view.Cell{Text: fmt.Sprintf("; from %s to %s", b.Oldest.Instance.InstanceID, b.Newest.Instance.InstanceID), Style: view.Muted})
	}
	return cells
}

// sourceFile is a file of code, with the lines around the one that is meant.
type sourceFile struct {
	file  string
	lines []view.SourceLine
}

// lookForSource reads the code that is meant, if it is here.
func (r *report) lookForSource() {
	d := r.got.report.Divergence
	if d == nil || d.At().File == "" {
		return
	}
	root, at := r.path, d.At()
	ask(r.a, r, "source", func(context.Context) (sourceFile, error) { return lookUp(root, at) }, func(s sourceFile, err error) {
		if err == nil {
			r.file, r.source = s.file, s.lines
			r.pages = reportPages{}
		}
	})
}

func lookUp(root string, at history.Site) (sourceFile, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return sourceFile{}, err
	}
	file, err := findSource(root, at)
	if err != nil {
		return sourceFile{}, err
	}
	lines, err := readSource(file, at.Line)
	return sourceFile{file, lines}, err
}

// replay runs the code of a program against the history.
func (r *report) replay() {
	store, program, job := r.a.conn.Store, r.a.conn.Replayer, fleet.Job{Name: r.name, Found: r.s}
	r.err = nil
	began := r.a.o.Clock()
	ask(r.a, r, "replay", func(ctx context.Context) (fleet.Answer, error) { return replayOne(ctx, store, program, job) }, func(answer fleet.Answer, err error) {
		if err != nil {
			if r.err = err; r.got != nil {
				r.a.say(view.Bad, err.Error())
			}
			return
		}
		took := r.a.o.Clock().Sub(began).Round(time.Millisecond)
		r.a.say(view.Good, fmt.Sprintf("replayed with %s in %s: nothing was written", program, took))
		r.take(&finding{report: answer.Result.Report, notes: answer.Result.Notes, where: "replayed with " + filepath.Base(program), live: true})
	})
}

// replayOne says what its error is about.
func replayOne(ctx context.Context, store *ops.Store, program string, job fleet.Job) (fleet.Answer, error) {
	answer, err := fleet.ReplayOne(ctx, store, program, job)
	if err != nil {
		return answer, fmt.Errorf("replaying %s with %s: %w", job.Name, program, err)
	}
	return answer, nil
}
