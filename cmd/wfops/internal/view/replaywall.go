package view

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// ReplayGroups is the table of what replays that differ have in common.
func ReplayGroups(groups []ReplayGroup, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "sign", Title: "S", Sign: true}, {Key: "count", Title: "COUNT", Right: true}, {Key: "class", Title: "CLASS", Least: 6}, {Key: "workflow", Title: "WORKFLOW", Min: 8, Max: 24, Rank: 2},
		{Key: "what", Title: "HISTORY | CODE", Min: 34, Max: 60}, {Key: "at", Title: "AT", Min: 8, Max: 24}, {Key: "names", Title: "SUCH AS", Min: 10, Max: 40, Rank: 3},
	}}
	for _, g := range groups {
		mark, style := verdictSign(g.Report.Verdict)
		what, place := g.Report.Summary, ""
		if d := g.Report.Divergence; d != nil {
			if d.History != nil || d.Code != nil {
				what = wordedCommand(d.History) + " | " + wordedCommand(d.Code)
			}
			if at := d.At(); at.File != "" {
				place = placeOf(at)
			}
		}
		t.Rows = append(t.Rows, []Cell{
			o.cell(mark, style), {strconv.Itoa(g.Count), style}, {firstOf(string(g.Report.Class), "-"), style}, {g.Report.Workflow, Plain}, {what, Plain}, {place, Header}, {strings.Join(g.Names, ", "), Muted},
		})
	}
	return t
}

// VerdictSign is the sign of a verdict.
func VerdictSign(v diagnostics.Verdict, o Options) Cell {
	mark, style := verdictSign(v)
	return o.cell(mark, style)
}

// VerdictCounts says how many there are of each verdict.
func VerdictCounts(counts map[diagnostics.Verdict]int, o Options) []Cell {
	var cells []Cell
	for _, v := range []diagnostics.Verdict{diagnostics.VerdictOK, diagnostics.VerdictDiverged, diagnostics.VerdictUnanswerable} {
		mark, style := verdictSign(v)
		if counts[v] == 0 {
			style = Muted
		}
		cells = append(cells, o.cell(mark, style), Cell{fmt.Sprintf(" %s %s   ", Count(int64(counts[v])), v), style})
	}
	return cells
}

// Bar shows how much of a whole is done.
func Bar(done, all int64, width int, o Options) []Cell {
	if width < 4 || all <= 0 {
		return nil
	}
	full, rest := sign{"█", "#"}, sign{"░", "."}
	n := int(min(done, all) * int64(width) / all)
	return []Cell{{strings.Repeat(o.cell(full, Plain).Text, n), Running}, {strings.Repeat(o.cell(rest, Plain).Text, width-n), Muted}}
}

// wordedCommand is a command in short words.
func wordedCommand(c *engine.BlockCommand) string {
	if c == nil {
		return "nothing"
	}
	return strings.TrimSpace(kindWord(c.Kind) + " " + c.Name)
}
