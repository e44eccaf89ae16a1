package view

import (
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
)

// Trace is the table of the spans of some traces.
func Trace(spans []*ops.Span, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "span", Title: "SPAN", Min: 24},
		{Key: "start", Title: "START", Rank: 3},
		{Key: "took", Title: "TOOK", Right: true, Rank: 2},
		{Key: "error", Title: "ERROR", Min: 12, Rank: 1},
		{Key: "trace", Title: "TRACE", Rank: 8, Wide: true},
		{Key: "id", Title: "ID", Rank: 8, Wide: true},
	}}
	for _, s := range spans {
		t.spans(s, "", "", o)
	}
	return t
}

func (t *Table) spans(s *ops.Span, first, rest string, o Options) {
	style := Plain
	if s.Failed {
		style = Bad
	}
	t.Rows = append(t.Rows, []Cell{
		{first + s.Name, Plain}, {o.Moment(s.Start), Muted}, {Span(s.End.Sub(s.Start)), Plain}, {s.Error, style}, {s.TraceID, Muted}, {s.SpanID, Muted},
	})
	fork, last, bar := o.twigs()
	for i, child := range s.Children {
		if i == len(s.Children)-1 {
			t.spans(child, rest+last, rest+strings.Repeat(" ", Width(last)), o)
			continue
		}
		t.spans(child, rest+fork, rest+bar, o)
	}
}

// twigs are what trees are drawn with.
func (o Options) twigs() (fork, last, bar string) {
	if o.ASCII {
		return "|- ", "`- ", "|  "
	}
	return "├ ", "└ ", "│ "
}
