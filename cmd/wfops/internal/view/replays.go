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

// ReplayGroup is what some replays have in common.
type ReplayGroup struct {
	Report diagnostics.Report
	Count  int
	// Names of the first few.
	Names []string
}

// Replays sums up replays: how many of each verdict, and the causes that they have in
// common.
func Replays(counts map[diagnostics.Verdict]int, groups []ReplayGroup, o Options) Lines {
	var l Lines
	total, words := 0, []string{}
	for _, v := range []diagnostics.Verdict{diagnostics.VerdictOK, diagnostics.VerdictDiverged, diagnostics.VerdictUnanswerable} {
		if total += counts[v]; counts[v] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	l.add(Cell{fmt.Sprintf("%d replayed: %s", total, strings.Join(words, ", ")), Header})
	for _, g := range groups {
		l.group(g, o)
	}
	return l
}

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
		more = ", …"
	}
	l.add(Cell{"  " + strings.Join(g.Names, ", ") + more, Muted})
}
