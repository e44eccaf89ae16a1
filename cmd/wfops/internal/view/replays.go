package view

import (
	"fmt"
	"strings"

	"github.com/wfops/wfops/diagnostics"
)

// Verdicts is the table of replays, a line for each. Tables of it that are printed one
// after the other line up.
func Verdicts(names []string, reports []diagnostics.Report, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "sign", Title: "S", Sign: true}, {Key: "verdict", Title: "VERDICT", Least: len(diagnostics.VerdictUnanswerable)}, {Key: "class", Title: "CLASS", Least: 12, Rank: 2},
		{Key: "instance", Title: "INSTANCE", Least: 24, Min: 24, Max: 40}, {Key: "workflow", Title: "WORKFLOW", Least: 16, Min: 16, Max: 24, Rank: 3}, {Key: "what", Title: "WHAT", Min: 24, Rank: 1},
	}}
	for i, r := range reports {
		mark, style := verdictSign(r.Verdict)
		t.Rows = append(t.Rows, []Cell{o.cell(mark, style), {string(r.Verdict), style}, {string(r.Class), style}, {names[i], Plain}, {r.Workflow, Muted}, {r.Summary, Plain}})
	}
	return t
}

// Radius tells how many of the open instances of a workflow come to the same as one that
// was replayed.
func Radius(of diagnostics.Report, r diagnostics.Radius, o Options) Lines {
	var l Lines
	l.heading("blast radius")
	what := "the same divergence"
	switch of.Verdict {
	case diagnostics.VerdictOK:
		what = "the same verdict"
	case diagnostics.VerdictUnanswerable:
		what = "the same problem"
	case diagnostics.VerdictDiverged:
	}
	_, style := verdictSign(of.Verdict)
	l.add(Cell{fmt.Sprintf("  %s: %d of %d open %s instances", what, r.Same, r.Total, of.Workflow), style})
	if r.Total > 0 {
		l.add(Cell{"  " + strings.Join(verdicts(r.Counts), ", "), Plain})
	}
	if r.Same > 0 {
		l.add(Cell{fmt.Sprintf("  oldest %s, %s; newest %s, %s", r.Oldest.Instance.InstanceID, o.Moment(r.Oldest.Created), r.Newest.Instance.InstanceID, o.Moment(r.Newest.Created)), Muted})
	}
	return l
}

// verdicts are counts in words.
func verdicts(counts map[diagnostics.Verdict]int) (words []string) {
	for _, v := range []diagnostics.Verdict{diagnostics.VerdictOK, diagnostics.VerdictDiverged, diagnostics.VerdictUnanswerable} {
		if counts[v] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	return words
}

// ReplayGroup is what some replays have in common.
type ReplayGroup struct {
	Report diagnostics.Report
	// Notes are those of that report.
	Notes []string
	Count int
	// Names of the first few.
	Names []string
}

// Replays sums up replays: how many of each verdict, and the causes that they have in
// common.
func Replays(counts map[diagnostics.Verdict]int, groups []ReplayGroup, o Options) Lines {
	var l Lines
	total := 0
	for _, n := range counts {
		total += n
	}
	l.add(Cell{fmt.Sprintf("%d replayed: %s", total, strings.Join(verdicts(counts), ", ")), Header})
	for _, g := range groups[:min(len(groups), mostGroups)] {
		l.group(g, o)
	}
	if rest := groups[min(len(groups), mostGroups):]; len(rest) > 0 {
		n := 0
		for _, g := range rest {
			n += g.Count
		}
		l = append(l, nil)
		l.add(Cell{fmt.Sprintf("  and %d more groups with %d instances", len(rest), n), Muted})
	}
	return l
}

// mostGroups is how many are shown.
const mostGroups = 20

func (l *Lines) group(g ReplayGroup, o Options) {
	mark, style := verdictSign(g.Report.Verdict)
	*l = append(*l, nil)
	l.add(o.cell(mark, style), Cell{fmt.Sprintf("%d %s", g.Count, strings.TrimSpace(string(g.Report.Verdict)+" "+string(g.Report.Class))), style}, Cell{g.Report.Workflow, Plain})
	l.add(Cell{"  " + g.Report.Summary, Plain})
	if d := g.Report.Divergence; d != nil && (d.History != nil || d.Code != nil) {
		l.sides(d, Plain)
	}
	if c := g.Report.Cause; c != nil && len(c.Fixes) > 0 {
		l.add(Cell{"  " + c.Fixes[0], Plain})
	}
	more := ""
	if g.Count > len(g.Names) {
		more = ", ..."
	}
	l.add(Cell{"  " + strings.Join(g.Names, ", ") + more, Muted})
}
