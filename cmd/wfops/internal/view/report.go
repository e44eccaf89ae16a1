package view

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Lines are lines of text that is escaped already.
type Lines [][]Cell

// add appends a line; its texts are escaped.
func (l *Lines) add(cells ...Cell) {
	line := make([]Cell, len(cells))
	for i, c := range cells {
		line[i] = Cell{Escape(c.Text), c.Style}
	}
	*l = append(*l, trimmed(line))
}

// heading begins a section.
func (l *Lines) heading(text string) {
	*l = append(*l, nil)
	l.add(Cell{text, Header})
}

// block appends a text of several lines, indented.
func (l *Lines) block(text string) {
	for line := range strings.Lines(text) {
		l.add(Cell{"  " + strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "  "), Muted})
	}
}

// Report shows what a replay has found: the verdict, what was expected and what came
// with both places in the code, the commands around it, why, and what to do. A width
// of 0 means that there is no end of room.
func Report(r diagnostics.Report, notes []string, o Options, width int) Lines {
	l := report(r, o, width)
	if len(notes) > 0 {
		l.heading("notes")
		for _, note := range notes {
			l.block(note)
		}
	}
	l = append(l, nil)
	l.add(Cell{fmt.Sprintf("%d events, passes: %d, alike: %d; no activity ran and nothing was stored", r.Events, r.Passes.Run, r.Passes.Agreed), Muted})
	return l
}

func report(r diagnostics.Report, o Options, width int) Lines {
	var l Lines
	sign, style := verdictSign(r.Verdict)
	mark := o.cell(sign, style)
	l.add(mark, Cell{strings.TrimSpace(string(r.Verdict) + " " + string(r.Class)), style}, Cell{r.Instance.InstanceID, Header}, Cell{r.Workflow, Plain})
	l.add(Cell{"  " + r.Summary, Plain})
	if r.Divergence != nil {
		l.divergence(r.Divergence)
	}
	if len(r.Rows) > 0 {
		l.heading("commands around it")
		l = append(l, Layout(commandRows(r.Rows, o).Narrow(), width)...)
	}
	l.cause(r.Cause)
	l.warnings(r.Warnings)
	return l
}

func verdictSign(v diagnostics.Verdict) (sign, Style) {
	switch v {
	case diagnostics.VerdictOK:
		return signCompleted, Good
	case diagnostics.VerdictDiverged:
		return signBlocked, Attention
	case diagnostics.VerdictUnanswerable:
	}
	return signAttention, Waiting
}

func (l *Lines) divergence(d *diagnostics.Divergence) {
	l.heading("event " + strconv.FormatInt(d.Seq, 10) + " " + d.Event)
	if d.History != nil || d.Code != nil {
		l.sides(d, Attention)
	}
	if d.History == nil || d.Code == nil {
		l.block(d.Message)
	}
	if d.Stack != "" {
		l.heading("stack of the code")
		l.block(d.Stack)
	}
}

// sides shows what history has and what the code did.
func (l *Lines) sides(d *diagnostics.Divergence, code Style) {
	l.add(Cell{"  history expects  ", Muted}, Cell{commandText(d.History), Plain})
	l.add(Cell{"  the code produced", Muted}, Cell{commandText(d.Code), code})
}

// commandText shows a command with its place in the code.
func commandText(c *engine.BlockCommand) string {
	if c == nil {
		return "nothing"
	}
	text := c.Kind
	if c.Name != "" {
		text += " " + strconv.Quote(c.Name)
	}
	if c.Detail != "" {
		text += ", " + c.Detail
	}
	if place := placeText(c); place != "" {
		text += "  at " + place + " in " + c.Function
	}
	return text
}

func placeText(c *engine.BlockCommand) string {
	if c == nil || c.File == "" {
		return ""
	}
	return placeOf(history.Site{File: c.File, Line: c.Line})
}

// placeOf is a place in code, without the function.
func placeOf(s history.Site) string { return s.File + ":" + strconv.Itoa(s.Line) }

// commandRows is the table of commands of history beside those of the code.
func commandRows(rows []diagnostics.Row, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "sign", Title: "S", Sign: true}, {Key: "event", Title: "EVENT", Right: true},
		{Key: "history", Title: "HISTORY", Min: 16}, {Key: "history_at", Title: "AT", Min: 8, Rank: 2},
		{Key: "code", Title: "CODE", Min: 16}, {Key: "code_at", Title: "AT", Min: 8, Rank: 1}, {Key: "op", Title: "", Min: 8, Rank: 3},
	}}
	for _, r := range rows {
		mark, style := rowSign(r), Plain
		if r.First {
			style = Attention
		}
		word := string(r.Op)
		if r.Exploratory {
			word += ", exploratory"
		}
		t.Rows = append(t.Rows, []Cell{
			o.cell(mark, style), {strconv.FormatInt(r.Seq, 10), Muted}, {shortCommand(r.History), style}, {placeText(r.History), Muted},
			{shortCommand(r.Code), style}, {placeText(r.Code), Muted}, {word, Muted},
		})
	}
	return t
}

func shortCommand(c *engine.BlockCommand) string {
	if c == nil {
		return ""
	}
	return strings.TrimSpace(c.Kind + " " + c.Name)
}

func rowSign(r diagnostics.Row) sign {
	switch {
	case r.First:
		return signBlocked
	case r.Op == diagnostics.OpChanged, r.Op == diagnostics.OpReplaced:
		return signChanged
	case r.Op == diagnostics.OpRemoved:
		return signOnlyA
	case r.Op == diagnostics.OpAdded:
		return signOnlyB
	case r.Op == diagnostics.OpMoved:
		return signMoved
	}
	return signSame
}

func (l *Lines) cause(c *diagnostics.Explanation) {
	if c == nil {
		return
	}
	l.heading("likely cause: " + string(c.Class))
	l.block(c.Cause)
	if c.After != "" {
		l.block(c.After)
	}
	if len(c.RuledOut) > 0 {
		l.heading("ruled out")
		for _, check := range c.RuledOut {
			l.add(Cell{"  " + string(check.Class) + ": " + check.Finding, Muted})
		}
	}
	l.heading("what you can do")
	for i, fix := range c.Fixes {
		l.add(Cell{fmt.Sprintf("  %d  %s", i+1, fix), Plain})
	}
	l.add(Cell{"  see " + c.Page, Muted})
}

func (l *Lines) warnings(all []diagnostics.Warning) {
	if len(all) == 0 {
		return
	}
	l.heading("let pass")
	for _, w := range all {
		l.add(Cell{fmt.Sprintf("  %s: %s", w.Class, w.Message), Waiting})
		for _, c := range w.Changes {
			l.block("  " + changeText(c))
		}
	}
}

func changeText(c diagnostics.Change) string {
	if c.A == "" && c.B == "" {
		return c.Path
	}
	return c.Path + ": " + c.A + " | " + c.B
}
