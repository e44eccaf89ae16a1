package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/engine"
)

const formatJUnit = "junit"

// gate writes replays as they come and sums them up.
type gate struct {
	s *session
	// alone tells that there is only one, which is then shown as a whole.
	alone bool
	sum   fleet.Sum
	// written is how many.
	written int
	// short tells that not all that match were looked at.
	short error
}

func (g *gate) add(a fleet.Answer) error {
	g.sum.Add(a)
	err := g.write(a)
	g.written++
	return err
}

// addWithRadius is add for the one instance that all others of its workflow are compared
// with. People see its report while these are replayed.
func (g *gate) addWithRadius(ctx context.Context, r *replay.Replayer, a fleet.Answer) error {
	if g.s.isTable() {
		if err := g.write(a); err != nil {
			return err
		}
	}
	radius, among, err := g.s.radius(ctx, r, a.Result.Report)
	if errors.Is(err, errPartial) {
		g.short, err = err, nil
	}
	if err != nil {
		return err
	}
	g.sum.Counts = maps.Clone(radius.Counts) // for the exit code
	if !among {
		g.sum.Add(a)
	}
	g.written++
	if g.s.isTable() {
		o, err := g.s.now(ctx)
		if err != nil {
			return err
		}
		return g.s.lines(view.Radius(a.Result.Report, radius, o))
	}
	form := g.form(a)
	form.Radius = document.OfRadius(a.Result.Workflow, radius)
	return g.s.document(form)
}

func (g *gate) form(a fleet.Answer) document.Replay {
	form := document.OfReplay(a.Name, a.Result.Report, a.Result.Notes)
	form.Exported = a.Exported
	return form
}

func (g *gate) write(a fleet.Answer) error {
	s := g.s
	form := g.form(a)
	o := s.view(s.clock())
	switch s.flags.output {
	case formatTable, formatWide:
		if g.alone {
			return s.lines(view.Report(a.Result.Report, a.Result.Notes, o, s.room()))
		}
		return s.table(view.Verdicts([]string{a.Name}, []diagnostics.Report{a.Result.Report}, o), g.written == 0)
	case formatName:
		if a.Result.Verdict == diagnostics.VerdictOK {
			return nil
		}
		return s.names([]string{a.Name})
	case formatJUnit:
		return g.writeJUnit(a)
	case formatJSON:
		if s.flags.jq == "" && !g.alone {
			return g.item(form)
		}
	}
	return s.document(form)
}

// item writes a replay as part of one document.
func (g *gate) item(form document.Replay) error {
	form.Schema = ""
	line, err := encode(form)
	if err != nil {
		return err
	}
	lead := ",\n    "
	if g.written == 0 {
		lead = g.head()
	}
	_, err = io.WriteString(g.s.env.Out, lead+string(line))
	return err
}

func (*gate) head() string {
	return fmt.Sprintf("{\n  \"schema\": %q,\n  \"items\": [\n    ", document.SchemaReplays)
}

// end writes what they come to, and returns the answer.
func (g *gate) end() error {
	if err := g.summary(); err != nil {
		return err
	}
	switch bad := g.sum.Counts[diagnostics.VerdictUnanswerable]; {
	case g.sum.Counts[diagnostics.VerdictDiverged] > 0:
		if g.short != nil {
			g.s.note("wfops: %v", g.short)
		}
		return errNo
	case g.short != nil:
		return g.short
	case g.written == 0:
		return fmt.Errorf("no instance matches %s, so none was replayed: %w", g.s.o.filter, engine.ErrInstanceNotFound)
	case bad > 0:
		return fmt.Errorf("%w: %d of %d could not be answered", errPartial, bad, g.sum.Total())
	}
	return nil
}

func (g *gate) summary() error {
	s := g.s
	switch {
	case s.isTable():
		return g.sumUp()
	case s.flags.output == formatJUnit:
		return g.endJUnit()
	case g.alone, s.flags.jq != "", s.flags.output != formatJSON && s.flags.output != formatJSONL:
		return nil
	}
	form := g.document()
	if s.flags.output == formatJSONL {
		return s.line(form)
	}
	form.Schema = ""
	line, err := encode(form)
	if err != nil {
		return err
	}
	tail := "\n  ]"
	if g.written == 0 {
		tail = strings.TrimRight(g.head(), "\n ") + "]"
	}
	_, err = fmt.Fprintf(s.env.Out, "%s,\n  \"sum\": %s\n}\n", tail, line)
	return err
}

// sumUp tells people.
func (g *gate) sumUp() error {
	switch {
	case g.alone, g.written == 0:
		return nil
	}
	lines := view.Replays(g.sum.Counts, g.sum.Largest(), g.s.view(g.s.clock()))
	if g.s.env.OutTTY {
		return g.s.lines(append(view.Lines{nil}, lines...))
	}
	for _, line := range lines {
		fmt.Fprintln(g.s.env.Err, textOf(line))
	}
	return nil
}

func (g *gate) document() document.Replays {
	form := document.Replays{
		Schema: document.SchemaReplays, OK: g.sum.Counts[diagnostics.VerdictOK], Diverged: g.sum.Counts[diagnostics.VerdictDiverged],
		Unanswerable: g.sum.Counts[diagnostics.VerdictUnanswerable], Groups: []document.ReplayGroup{},
	}
	for _, one := range g.sum.Groups {
		r := one.Report
		form.Groups = append(form.Groups, document.ReplayGroup{Group: r.Group(), Verdict: r.Verdict, Class: r.Class, Count: one.Count, Summary: r.Summary, Names: one.Names})
	}
	return form
}

// lines writes lines of text that is escaped already.
func (s *session) lines(lines view.Lines) error {
	var b strings.Builder
	ascii, _ := s.ascii()
	for _, line := range lines {
		for i, c := range line {
			if i > 0 {
				b.WriteByte(' ')
			}
			if ascii {
				c.Text = view.ASCII(c.Text)
			}
			b.WriteString(s.paint(c))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(s.env.Out, b.String())
	return err
}

// textOf is a line without colors.
func textOf(line []view.Cell) string {
	texts := make([]string, len(line))
	for i, c := range line {
		texts[i] = c.Text
	}
	return strings.Join(texts, " ")
}

// room is the width to fit tables into, 0 if there is no end of it.
func (s *session) room() int {
	if !s.env.OutTTY || s.flags.output == formatWide {
		return 0
	}
	return s.env.Width
}
