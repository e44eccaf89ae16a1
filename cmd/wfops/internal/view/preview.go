package view

import (
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
)

// mostReason is how many lines of a preview say why an instance does not move.
const mostReason = 2

// Preview says in a few lines what an instance is and waits for, for a width.
func Preview(d ops.Detail, o Options, width int) Lines {
	var l Lines
	s := &d.Summary
	sign := o.StatusSign(s)
	l.add(sign, Cell{" " + StatusWord(s), statusStyle(s.Status)}, Cell{" " + s.Workflow, Plain}, Cell{" on " + string(s.Queue), Muted}, Cell{" " + s.Instance.ExecutionID, Muted})
	situation := o.Situation(s)
	reason := Paragraph(Clip(situation.Text, mostReason*width), width) // strangers write long errors
	for _, line := range reason[:min(len(reason), mostReason)] {
		l.add(Cell{line, situation.Style})
	}
	l.add(Cell{"created " + o.Moment(s.Created), Muted}, Cell{fmt.Sprintf(", %d events", s.HistoryLength), Muted}, Cell{worker(s.Worker, s.Build), Muted})
	for _, row := range Pending(d.Pending, d.StepName, o).Rows {
		line := []Cell{row[0]}
		for _, c := range []Cell{row[2], row[4], row[5]} {
			if c.Text != "" {
				line = append(line, Cell{" " + c.Text, c.Style})
			}
		}
		l.add(line...)
	}
	return l
}

func worker(id, build string) string {
	if id == "" {
		return ""
	}
	return ", worker " + id + " build " + build
}
