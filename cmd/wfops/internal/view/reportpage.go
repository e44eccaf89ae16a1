package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// ReportFacts is what is known of a report beside what it says itself.
type ReportFacts struct {
	// Where tells where the report comes from: the store, or a program.
	Where string
	Notes []string
	// Blast says how many instances have the same problem, in lines.
	Blast []Cell
	// Source are lines of code around where code and history part, if the file is here.
	Source []SourceLine
}

// SourceLine is a line of a user's code.
type SourceLine struct {
	Number int
	Text   string
	// Here marks the line that is meant.
	Here bool
}

// ReportLine is a line of a report on a screen.
type ReportLine struct {
	Cells []Cell
	// Title makes the line a rule with a title in it.
	Title string
	// Seq is the event that the line is about, or 0.
	Seq int64
	// Site is the place in the code that the line is about, if any.
	Site history.Site
	// Stop is where next and previous stop.
	Stop bool
}

// around is how many rows are shown before and behind the divergence.
const around = 5

// reportPage is a report that is laid out.
type reportPage struct {
	o     Options
	width int
	// airy screens have room for lines between the parts.
	airy  bool
	lines []ReportLine
}

// ReportPage lays a report out for a screen: the verdict, what history says and what
// the code did, the commands around, the cause with what it is not, what to do, and
// whom else it concerns.
func ReportPage(r diagnostics.Report, f ReportFacts, o Options, width int, airy bool) []ReportLine {
	p := &reportPage{o: o, width: width, airy: airy}
	p.verdict(r)
	p.source(f.Source)
	p.rows(r)
	p.cause(r.Cause)
	if len(f.Blast) > 0 {
		p.title("blast radius")
		p.add(append([]Cell{{"  ", Plain}}, f.Blast...)...)
	}
	p.warnings(r.Warnings)
	p.block("notes", f.Notes)
	if d := r.Divergence; d != nil && d.Stack != "" {
		p.block("stack of the code", strings.Split(strings.TrimRight(d.Stack, "\n"), "\n"))
	}
	return p.lines
}

func (p *reportPage) add(cells ...Cell) *ReportLine {
	p.lines = append(p.lines, ReportLine{Cells: cells})
	return &p.lines[len(p.lines)-1]
}

func (p *reportPage) title(text string) {
	if p.airy && len(p.lines) > 0 {
		p.add()
	}
	p.lines = append(p.lines, ReportLine{Title: text})
}

// paragraph adds a text in as many lines as it needs.
func (p *reportPage) paragraph(indent string, c Cell) {
	for _, line := range Wrap(c.Text, max(8, p.width-Width(indent))) {
		p.add(Cell{indent + line, c.Style})
	}
}

func (p *reportPage) verdict(r diagnostics.Report) {
	mark, style := verdictSign(r.Verdict)
	head := []Cell{p.o.cell(mark, style), {" " + strings.ToUpper(string(r.Verdict)), style}}
	if r.Class != "" {
		head = append(head, Cell{"  " + string(r.Class), style})
	}
	d := r.Divergence
	switch {
	case d != nil && d.Seq > int64(r.Events) && r.Events > 0:
		head = append(head, Cell{fmt.Sprintf("  behind the last of %d events", r.Events), style})
	case d != nil && d.Seq > 0:
		head = append(head, Cell{fmt.Sprintf("  at event %d of %d", d.Seq, r.Events), style})
	}
	first := p.add(append(head, p.passes(r)...)...)
	if d == nil {
		p.paragraph("  ", Cell{r.Summary, Plain})
		return
	}
	first.Seq, first.Site, first.Stop = d.Seq, d.At(), true
	if p.airy {
		p.add()
	}
	if d.History != nil || d.Code != nil {
		p.sides(d)
	}
	if d.History == nil || d.Code == nil {
		p.paragraph("  ", Cell{d.Message, Plain})
	}
}

func (*reportPage) passes(r diagnostics.Report) []Cell {
	if r.Passes.Run == 0 || r.Passes.Agreed == r.Passes.Run {
		return nil
	}
	return []Cell{{fmt.Sprintf("  only %d of %d passes did the same", r.Passes.Agreed, r.Passes.Run), Waiting}}
}

// sides are what history has and what the code did, with both places.
func (p *reportPage) sides(d *diagnostics.Divergence) {
	for _, s := range []struct {
		label string
		c     *engine.BlockCommand
		style Style
	}{{"  history says   ", d.History, Plain}, {"  your code did  ", d.Code, Attention}} {
		text := "nothing"
		if s.c != nil {
			text = strings.TrimSpace(kindWord(s.c.Kind) + " " + s.c.Name)
			if s.c.Detail != "" {
				text += ", " + s.c.Detail
			}
		}
		cells := []Cell{{s.label, Muted}, {text, s.style}}
		if place := placeText(s.c); place != "" {
			cells = append(cells, Cell{"  at " + place, Header}, Cell{"  " + s.c.Function, Muted})
		}
		line := p.add(cells...)
		line.Seq, line.Site = d.Seq, siteOf(s.c)
	}
	if at := d.At(); d.Code == nil && at.File != "" {
		p.add(Cell{"  it waits", Muted}, Cell{"       at " + placeOf(at), Header}, Cell{"  " + at.Function, Muted}).Site = at
	}
}

func siteOf(c *engine.BlockCommand) history.Site {
	if c == nil {
		return history.Site{}
	}
	return history.Site{Function: c.Function, File: c.File, Line: c.Line}
}

func (p *reportPage) source(lines []SourceLine) {
	if len(lines) == 0 {
		return
	}
	p.title("the code as it is here")
	digits := len(strconv.Itoa(lines[len(lines)-1].Number))
	for _, l := range lines {
		mark, style := " ", Muted
		if l.Here {
			mark, style = ">", Plain
		}
		p.add(Cell{"  " + mark + " " + Pad(strconv.Itoa(l.Number), digits, true) + "  ", Muted}, Cell{strings.ReplaceAll(l.Text, "\t", "    "), style})
	}
}

// rows are the commands around the divergence.
func (p *reportPage) rows(r diagnostics.Report) {
	shown, before, behind := surrounding(r.Rows)
	if len(shown) == 0 {
		return
	}
	p.title("commands around it")
	if before > 0 {
		p.add(p.o.cell(signFolded, Muted), Cell{fmt.Sprintf(" %d before (d shows all)", before), Muted})
	}
	t := commandRows(worded(shown), p.o).Narrow()
	if p.width < SideBySide { // the sign says it
		t = t.without(func(c Column) bool { return c.Key == "op" })
	}
	for i, cells := range Layout(t, p.width) {
		for c := 1; c < len(cells); c++ {
			cells[c].Text = " " + cells[c].Text
		}
		line := p.add(cells...)
		if i == 0 {
			continue
		}
		row := shown[i-1]
		line.Seq, line.Stop, line.Site = row.Seq, row.Op != diagnostics.OpSame, siteOf(row.Code)
	}
	if behind > 0 {
		p.add(p.o.cell(signFolded, Muted), Cell{fmt.Sprintf(" %d behind (d shows all)", behind), Muted})
	}
}

// kindWords are what commands are called on screens, where there is little room.
var kindWords = map[string]string{
	string(history.KindActivityScheduled): "activity", string(history.KindTimerScheduled): "timer", string(history.KindChildScheduled): "child", string(history.KindSignalSent): "send",
	string(history.KindSideEffectRecorded): "side effect", string(history.KindMutableSideEffect): "side effect", string(history.KindVersionMarked): "version",
	string(history.KindWorkflowCompleted): "end completed", string(history.KindWorkflowFailed): "end failed", string(history.KindWorkflowCanceled): "end canceled",
	string(history.KindWorkflowContinuedAsNew): "end continued as new",
}

func kindWord(kind string) string { return firstOf(kindWords[kind], kind) }

// worded are rows with short words.
func worded(rows []diagnostics.Row) []diagnostics.Row {
	short := func(c *engine.BlockCommand) *engine.BlockCommand {
		if c == nil {
			return nil
		}
		copied := *c
		copied.Kind = kindWord(c.Kind)
		return &copied
	}
	all := slices.Clone(rows)
	for i := range all {
		all[i].History, all[i].Code = short(all[i].History), short(all[i].Code)
	}
	return all
}

// surrounding are the rows around the first divergence, and how many are left out.
func surrounding(rows []diagnostics.Row) (shown []diagnostics.Row, before, behind int) {
	at := slices.IndexFunc(rows, func(r diagnostics.Row) bool { return r.First })
	if at < 0 {
		at = slices.IndexFunc(rows, func(r diagnostics.Row) bool { return r.Op != diagnostics.OpSame })
	}
	if at < 0 {
		return nil, 0, 0
	}
	from, to := max(0, at-around), min(len(rows), at+around+1)
	return rows[from:to], from, len(rows) - to
}

func (p *reportPage) cause(c *diagnostics.Explanation) {
	if c == nil {
		return
	}
	p.title("likely cause: " + string(c.Class))
	p.paragraph("  ", Cell{c.Cause, Plain})
	if c.After != "" {
		p.paragraph("  ", Cell{c.After, Muted})
	}
	if len(c.RuledOut) > 0 {
		checks := make([]string, len(c.RuledOut))
		for i, check := range c.RuledOut {
			checks[i] = "not " + string(check.Class) + ": " + check.Finding
		}
		p.paragraph("  ", Cell{strings.Join(checks, "; "), Muted})
	}
	p.title("what you can do")
	for i, fix := range c.Fixes {
		for n, line := range Wrap(fix, max(8, p.width-5)) {
			number := "  " + strconv.Itoa(i+1) + "  "
			if n > 0 {
				number = "     "
			}
			p.add(Cell{number, Header}, Cell{line, Plain})
		}
	}
	p.add(Cell{"  see " + c.Page, Muted})
}

func (p *reportPage) warnings(all []diagnostics.Warning) {
	if len(all) == 0 {
		return
	}
	p.title("let pass")
	for _, w := range all {
		line := p.add(Cell{fmt.Sprintf("  %s: %s", w.Class, w.Message), Waiting})
		line.Seq, line.Site, line.Stop = w.Seq, siteOf(w.Code), true
		for _, c := range w.Changes {
			p.paragraph("    ", Cell{changeText(c), Muted})
		}
	}
}

func (p *reportPage) block(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.title(title)
	for _, line := range lines {
		p.paragraph("  ", Cell{strings.ReplaceAll(line, "\t", "  "), Muted})
	}
}

// ReplayRows are the commands of a replay as rows of a comparison, history on the one
// side and code on the other, and the row in which they part, or -1.
func ReplayRows(r diagnostics.Report) (rows []diagnostics.DiffRow, first int) {
	first = -1
	ops := map[diagnostics.Op]diagnostics.DiffOp{
		diagnostics.OpSame: diagnostics.DiffSame, diagnostics.OpChanged: diagnostics.DiffChanged, diagnostics.OpReplaced: diagnostics.DiffChanged,
		diagnostics.OpRemoved: diagnostics.DiffOnlyA, diagnostics.OpAdded: diagnostics.DiffOnlyB, diagnostics.OpMoved: diagnostics.DiffMoved,
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		d := diagnostics.DiffRow{Op: ops[row.Op], A: commandStep(row.History, row.Seq), B: commandStep(row.Code, row.Seq)}
		if row.First && first < 0 {
			first = i
		}
		if d.A == nil && d.B == nil { // a stored report may say anything
			d.A = &diagnostics.Step{Seq: row.Seq}
		}
		if d.Op == "" {
			d.Op = diagnostics.DiffChanged
		}
		for _, text := range row.Diffs {
			d.Changes = append(d.Changes, diagnostics.Change{Path: text})
		}
		switch {
		case d.A != nil:
			d.Key = stepName(d.A)
		case d.B != nil:
			d.Key = stepName(d.B)
		}
		rows = append(rows, d)
	}
	return rows, first
}

func commandStep(c *engine.BlockCommand, seq int64) *diagnostics.Step {
	if c == nil {
		return nil
	}
	return &diagnostics.Step{Kind: diagnostics.StepKind(kindWord(c.Kind)), Name: c.Name, Seq: seq, Ref: c.Ref, Site: siteOf(c)}
}
