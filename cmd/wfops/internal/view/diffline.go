package view

import (
	"context"
	"strings"

	"github.com/wfops/wfops/diagnostics"
)

// SideBySide is how wide a screen has to be to show two executions side by side.
const SideBySide = 100

// tookWidth is that of how long a step took.
const tookWidth = 6

// Heading are the titles of the unified columns.
func (p *DiffPage) Heading(width int) []Cell {
	text := "  " + Pad("A", p.seqA, true) + " " + Pad("B", p.seqB, true) + "   STEP"
	if p.bare() {
		return []Cell{{strings.Replace(text, "STEP", strings.ToUpper(p.Level.Unit()), 1), Header}}
	}
	tail := Pad("IN A", tookWidth, true) + " " + Pad("IN B", tookWidth, true)
	return []Cell{{Pad(Clip(text, width), width-len(tail), false) + tail, Header}}
}

// Unified is a line of both sides together, for a width.
func (p *DiffPage) Unified(at int, o Options, width int) []Cell {
	line := p.lines[at]
	row := &p.Rows[line.Row]
	indent := 2 + p.seqA + 1 + p.seqB + 1
	mark, style := p.sign(line.Row)
	switch {
	case line.Folded > 0:
		text := strings.Repeat(" ", indent-1) + p.foldText(line.Folded, row.A, p.Rows[line.Row+line.Folded-1].A)
		return []Cell{o.cell(signFolded, Muted), {Clip(text, width-1), Muted}}
	case line.Change > 0:
		return changeCells(row.Changes[line.Change-1], indent+2, width)
	}
	room := width - indent
	if !p.bare() {
		room -= 2 * (tookWidth + 1)
	}
	cells := []Cell{o.cell(mark, style), {" " + Pad(seqOf(row.A), p.seqA, true) + " " + Pad(seqOf(row.B), p.seqB, true) + " ", Muted}}
	signs := o.outcomes(row)
	for _, c := range signs {
		room -= Width(c.Text)
	}
	cells = append(cells, signs...)
	cells = append(cells, Cell{Pad(Clip(" "+p.stepText(line.Row), room), max(0, room), false), p.textStyle(line.Row, style)})
	if p.bare() {
		return cells
	}
	return append(cells, Cell{" " + Pad(tookText(row.A), tookWidth, true) + " " + Pad(tookText(row.B), tookWidth, true), Muted})
}

// Halves is a line of A beside the same line of B, with the sign that stands between
// them. Each half is that wide.
func (p *DiffPage) Halves(at int, o Options, width int) (a []Cell, middle Cell, b []Cell) {
	line := p.lines[at]
	row := &p.Rows[line.Row]
	mark, style := p.sign(line.Row)
	middle = o.cell(mark, style)
	switch {
	case line.Folded > 0:
		rows := p.Rows[line.Row : line.Row+line.Folded]
		half := func(seq int, of *diagnostics.Step, last *diagnostics.Step) []Cell {
			return []Cell{{Clip(strings.Repeat(" ", seq+1)+p.foldText(len(rows), of, last), width), Muted}}
		}
		return half(p.seqA, rows[0].A, rows[len(rows)-1].A), o.cell(signFolded, Muted), half(p.seqB, rows[0].B, rows[len(rows)-1].B)
	case line.Change > 0:
		c := row.Changes[line.Change-1]
		if c.A == "" && c.B == "" {
			return changeCells(c, p.seqA+3, width), Cell{}, nil
		}
		return halfChange(c.Path, c.A, OnlyA, p.seqA+3, width), Cell{}, halfChange(c.Path, c.B, OnlyB, p.seqB+3, width)
	}
	return p.half(line.Row, row.A, p.seqA, o, width), middle, p.half(line.Row, row.B, p.seqB, o, width)
}

func (p *DiffPage) half(row int, s *diagnostics.Step, seq int, o Options, width int) []Cell {
	if s == nil {
		return nil
	}
	_, style := p.sign(row)
	mark, shade := outcomeSign(s.Outcome)
	if p.Code {
		return []Cell{{Pad(seqOf(s), seq, true) + "  ", Muted}, {Clip(p.sideText(row, s), width-seq-2), p.textStyle(row, style)}}
	}
	room := width - seq - 3 - tookWidth - 1
	return []Cell{
		{Pad(seqOf(s), seq, true) + " ", Muted}, o.cell(mark, shade),
		{" " + Pad(Clip(p.sideText(row, s), room), max(0, room), false), p.textStyle(row, style)}, {" " + Pad(tookText(s), tookWidth, true), Muted},
	}
}

// textStyle is that of the name of a step.
func (p *DiffPage) textStyle(row int, style Style) Style {
	if p.First >= 0 && row > p.First {
		return Muted // it is exploratory
	}
	return style
}

// outcomes are the signs of what became of a step: one, or two if they differ.
func (o Options) outcomes(row *diagnostics.DiffRow) []Cell {
	only := row.A
	if only == nil {
		only = row.B
	}
	mark, style := outcomeSign(only.Outcome)
	cells := []Cell{o.cell(mark, style)}
	if only.Outcome == diagnostics.OutcomeUnknown {
		return []Cell{{" ", Plain}}
	}
	if row.A != nil && row.B != nil && row.A.Outcome != row.B.Outcome {
		mark, style = outcomeSign(row.B.Outcome)
		cells = append(cells, o.cell(sign{"→", ">"}, Muted), o.cell(mark, style))
	}
	return cells
}

// stepText names the step of a row.
func (p *DiffPage) stepText(row int) string {
	r := &p.Rows[row]
	only := r.A
	if only == nil {
		only = r.B
	}
	text := p.sideText(row, only)
	if r.A != nil && r.B != nil && (r.A.Kind != r.B.Kind || r.A.Name != r.B.Name) {
		text += " | " + p.sideText(row, r.B)
	}
	return text
}

// sideText names a step, and says what it was given if the other side has none to
// compare it with.
func (p *DiffPage) sideText(row int, s *diagnostics.Step) string {
	text := stepName(s)
	switch r := &p.Rows[row]; {
	case r.A == nil, r.B == nil:
		text = strings.TrimSpace(text + " " + payloads(s.Input))
		if s.Kind == diagnostics.StepEnd || p.Level == diagnostics.LevelEvent || p.Level == diagnostics.LevelRaw {
			text = strings.TrimSpace(text + " " + firstOf(failure(s.Failure), payload(s.Result), endText(s)))
		}
	case r.Op == diagnostics.DiffMoved:
		text += "  (moved)"
	case s.Kind == diagnostics.StepEnd:
		text += " " + string(s.Outcome)
	}
	if place := siteText(s); p.bare() && place != "" {
		text += "  " + place
	}
	return text
}

// endText says what became of an execution.
func endText(s *diagnostics.Step) string {
	if s.Kind == diagnostics.StepEnd {
		return string(s.Outcome)
	}
	return ""
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func siteText(s *diagnostics.Step) string {
	if s.Site.File == "" {
		return ""
	}
	return "at " + placeOf(s.Site)
}

func tookText(s *diagnostics.Step) string {
	if s == nil || s.Took() <= 0 {
		return ""
	}
	return took(s.Took())
}

// none stands for a value that is not there.
const none = "(none)"

// pathWidth is how much room a path gets of what there is.
func pathWidth(width int) int { return min(24, max(8, width/3)) }

func changeCells(c diagnostics.Change, indent, width int) []Cell {
	if c.A == "" && c.B == "" { // values are not to be shown
		return []Cell{{Clip(strings.Repeat(" ", indent)+c.Path, width), Muted}}
	}
	path := pathWidth(width - indent)
	half := (width - indent - path - 2) / 2
	return []Cell{
		{strings.Repeat(" ", indent) + Pad(Clip(c.Path, path), path, false), Muted},
		{" " + Pad(Clip("A "+firstOf(c.A, none), half), max(0, half), false), OnlyA}, {" " + Clip("B "+firstOf(c.B, none), half), OnlyB},
	}
}

func halfChange(path, value string, style Style, indent, width int) []Cell {
	room := pathWidth(width - indent)
	return []Cell{
		{strings.Repeat(" ", indent) + Pad(Clip(path, room), room, false) + " ", Muted}, {Clip(firstOf(value, none), width-indent-room-1), style},
	}
}

// Search returns the next row behind one that has a text, round and round, or -1. It
// is safe beside whatever else is done with the page.
func (p *DiffPage) Search(ctx context.Context, text string, from int) (int, error) {
	text = strings.ToLower(text)
	for i := range p.Rows {
		row := (from + 1 + i) % len(p.Rows)
		if strings.Contains(strings.ToLower(p.Text(row)), text) {
			return row, nil
		}
		if err := ctx.Err(); err != nil {
			return -1, err
		}
	}
	return -1, nil
}

// Text is what can be searched for in a row.
func (p *DiffPage) Text(row int) string {
	texts := []string{p.stepText(row)}
	for _, c := range p.Rows[row].Changes {
		texts = append(texts, c.Path, c.A, c.B)
	}
	return strings.Join(texts, "\n")
}
