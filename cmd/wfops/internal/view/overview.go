package view

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
)

// Standing says in one line how an instance is doing: its status, and for how long.
func Standing(d ops.Detail, o Options) []Cell {
	s := &d.Summary
	mark := o.StatusSign(s)
	age := "for " + o.age(s.Created)
	if !s.Finished.IsZero() {
		age = "after " + Span(s.Finished.Sub(s.Created)) + ", " + o.age(s.Finished) + " ago"
	}
	return []Cell{mark, {" " + StatusWord(s), mark.Style}, {" " + age, Plain}, {fmt.Sprintf("  %s events", Count(s.HistoryLength)), Muted}}
}

// Facts are what there is to know about an instance beside that, the more important
// first, for a width.
func Facts(d ops.Detail, o Options, width int) Lines {
	var l Lines
	s := &d.Summary
	situation := o.Situation(s)
	switch line := unserved(d); {
	case line != "":
		l.add(Cell{o.cell(signAttention, Attention).Text + " " + line, Attention})
	case situation.Text == "", s.Status == engine.StatusBlocked: // of which Blocked tells
	case s.Waiting != nil && s.Status == engine.StatusRunning && !s.Paused:
		l.add(Cell{"waiting on  ", Muted}, situation)
	default:
		l.add(situation)
	}
	where := []Cell{{s.Workflow, Header}, {" on " + string(s.Queue), Plain}, {", execution " + s.Instance.ExecutionID, Muted}}
	if s.FirstExecution != s.Instance.ExecutionID {
		where = append(where, Cell{", continues " + s.FirstExecution, Muted})
	}
	l.add(where...)
	more := []string{"created " + o.when(s.Created)}
	if s.Worker != "" {
		more = append(more, "worker "+s.Worker+" build "+s.Build)
	}
	if s.StatusLine != "" {
		more = append(more, s.StatusLine)
	}
	paused := s.Paused && s.Status == engine.StatusRunning // of which the situation tells
	if n := s.Note; n != nil && (!paused || n.Action != engine.NotePause) {
		more = append(more, engine.FirstLine(o.Asked(n)))
	}
	if s.Parent != nil {
		more = append(more, "parent "+s.Parent.InstanceID)
	}
	if len(s.Tags) > 0 {
		more = append(more, "tags "+tags(s.Tags))
	}
	if s.TraceID != "" {
		more = append(more, "trace "+s.TraceID)
	}
	if h := holder(d.Pending, o); h != "" {
		more = append(more, "holder "+h)
	}
	if s.Unread > 0 {
		more = append(more, fmt.Sprintf("%d events that nobody had read when it ended", s.Unread))
	}
	l.pack(more, width)
	return l
}

// pack adds texts as they find room in lines.
func (l *Lines) pack(texts []string, width int) {
	line := ""
	for _, text := range texts {
		if line != "" && Width(Escape(line))+Width(Escape(text))+2 > width {
			l.add(Cell{line, Muted})
			line = ""
		}
		if line != "" {
			line += "  "
		}
		line += text
	}
	if line != "" {
		l.add(Cell{line, Muted})
	}
}

// Blocked says in a few lines why an instance is blocked; none if it is not.
func Blocked(d ops.Detail) Lines {
	var l Lines
	s := &d.Summary
	if s.Status != engine.StatusBlocked {
		return l
	}
	l.add(Cell{blockedBecause(s), Attention})
	var reason engine.BlockReason
	if json.Unmarshal(s.Block, &reason) == nil {
		if reason.Expected != nil || reason.Issued != nil {
			l.add(Cell{"history has   ", Muted}, Cell{commandText(reason.Expected), Plain})
			l.add(Cell{"the code did  ", Muted}, Cell{commandText(reason.Issued), Attention})
		}
		if reason.Inbox > 0 {
			l.add(Cell{fmt.Sprintf("the event that nobody can read is number %d of the inbox", reason.Inbox), Plain})
		}
	}
	failed := ""
	if len(s.BlockedBuilds) > 0 {
		failed = "failed on build " + strings.Join(s.BlockedBuilds, ", ") + "  "
	}
	l.add(Cell{failed, Muted}, Cell{"r shows the report", Header})
	return l
}
