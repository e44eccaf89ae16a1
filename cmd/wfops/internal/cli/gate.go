package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

const formatJUnit = "junit"

// gate writes replays as they come and sums them up. It keeps one report of each
// group.
type gate struct {
	s *session
	// alone tells that there is only one, which is then shown as a whole.
	alone  bool
	counts map[diagnostics.Verdict]int
	groups []*view.ReplayGroup
	byKey  map[string]*view.ReplayGroup
	// written is how many.
	written int
	// short tells that not all that match were looked at.
	short error
}

// groupNames is how many names of a group are kept.
const groupNames = 5

func (g *gate) add(a answer) error {
	if g.counts == nil {
		g.counts, g.byKey = map[diagnostics.Verdict]int{}, map[string]*view.ReplayGroup{}
	}
	r := a.result.Report
	g.counts[r.Verdict]++
	if r.Verdict != diagnostics.VerdictOK {
		key := r.Group()
		if g.byKey[key] == nil {
			g.byKey[key] = &view.ReplayGroup{Report: r}
			g.groups = append(g.groups, g.byKey[key])
		}
		group := g.byKey[key]
		if group.Count++; len(group.Names) < groupNames {
			group.Names = append(group.Names, a.name)
		}
	}
	err := g.write(a)
	g.written++
	return err
}

func (g *gate) write(a answer) error {
	s := g.s
	form := document.OfReplay(a.name, a.result.Report, a.result.Notes)
	form.Exported = a.exported
	o := s.view(s.clock())
	switch s.flags.output {
	case formatTable, formatWide:
		if g.alone {
			return s.lines(view.Report(a.result.Report, a.result.Notes, o, s.room()))
		}
		return s.table(view.Verdicts([]string{a.name}, []diagnostics.Report{a.result.Report}, o), g.written == 0)
	case formatName:
		if a.result.Verdict == diagnostics.VerdictOK {
			return nil
		}
		return s.names([]string{a.name})
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
	if err := g.sum(); err != nil {
		return err
	}
	switch bad := g.counts[diagnostics.VerdictUnanswerable]; {
	case g.counts[diagnostics.VerdictDiverged] > 0:
		if g.short != nil {
			g.s.note("wfops: %v", g.short)
		}
		return errNo
	case g.short != nil:
		return g.short
	case bad > 0:
		return fmt.Errorf("%w: %d of %d could not be answered", errPartial, bad, g.written)
	}
	return nil
}

func (g *gate) sum() error {
	s := g.s
	switch {
	case s.isTable():
		return g.sumUp()
	case s.flags.output == formatJUnit:
		return g.endJUnit()
	case g.alone, s.flags.jq != "", s.flags.output != formatJSON && s.flags.output != formatJSONL:
		return nil
	}
	form := g.form()
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
	case g.written == 0 && g.short == nil:
		g.s.note("no instance matches")
		return nil
	case g.alone, g.written == 0:
		return nil
	}
	slices.SortStableFunc(g.groups, func(a, b *view.ReplayGroup) int { return b.Count - a.Count })
	groups := make([]view.ReplayGroup, len(g.groups))
	for i, one := range g.groups {
		groups[i] = *one
	}
	lines := view.Replays(g.counts, groups, g.s.view(g.s.clock()))
	if g.s.env.OutTTY {
		return g.s.lines(append(view.Lines{nil}, lines...))
	}
	for _, line := range lines {
		fmt.Fprintln(g.s.env.Err, textOf(line))
	}
	return nil
}

func (g *gate) form() document.Replays {
	form := document.Replays{
		Schema: document.SchemaReplays, OK: g.counts[diagnostics.VerdictOK], Diverged: g.counts[diagnostics.VerdictDiverged],
		Unanswerable: g.counts[diagnostics.VerdictUnanswerable], Groups: []document.ReplayGroup{},
	}
	for _, one := range g.groups {
		r := one.Report
		form.Groups = append(form.Groups, document.ReplayGroup{Group: r.Group(), Verdict: r.Verdict, Class: r.Class, Count: one.Count, Summary: r.Summary, Names: one.Names})
	}
	return form
}

// lines writes lines of text that is escaped already.
func (s *session) lines(lines view.Lines) error {
	var b strings.Builder
	for _, line := range lines {
		for i, c := range line {
			if i > 0 {
				b.WriteByte(' ')
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
