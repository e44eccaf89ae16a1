package jaegertest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Tree draws the trace: a line for each span, indented below its parent, in the order
// of their starts, with kind, service, error and the names of the spans it links to. A
// span whose parent is missing stands at the margin, marked as such.
func (t Trace) Tree() string {
	names := map[string]string{}
	for _, s := range t.Spans {
		names[s.ID] = s.Name
	}
	below := map[string][]Span{} // by parent
	for _, s := range t.Spans {
		parent := s.Parent()
		if _, known := names[parent]; !known {
			parent = ""
		}
		below[parent] = append(below[parent], s)
	}
	var out strings.Builder
	var draw func(parent string, depth int)
	draw = func(parent string, depth int) {
		spans := below[parent]
		slices.SortStableFunc(spans, func(a, b Span) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
		})
		for _, s := range spans {
			fmt.Fprintf(&out, "%s%s\n", strings.Repeat("  ", depth), t.line(s, names))
			draw(s.ID, depth+1)
		}
	}
	draw("", 0)
	return out.String()
}

func (t Trace) line(s Span, names map[string]string) string {
	var line strings.Builder
	fmt.Fprintf(&line, "%s (%s, %s)", s.Name, cmp.Or(s.Tag("span.kind"), "internal"), t.Processes[s.ProcessID].Service)
	if s.Tag("otel.status_code") == "ERROR" {
		line.WriteString(" ERROR")
	}
	for _, r := range s.References {
		if r.Type == "FOLLOWS_FROM" {
			line.WriteString(" links to " + cmp.Or(names[r.SpanID], r.TraceID+"/"+r.SpanID))
		}
	}
	if p := s.Parent(); p != "" && names[p] == "" {
		line.WriteString(" WITHOUT ITS PARENT")
	}
	return line.String()
}

// Parent returns the id of the parent, or "" for a root.
func (s Span) Parent() string {
	for _, r := range s.References {
		if r.Type == "CHILD_OF" {
			return r.SpanID
		}
	}
	return ""
}

// Tag returns an attribute as text, or "" if the span has none of that key.
func (s Span) Tag(key string) string {
	for _, tag := range s.Tags {
		if tag.Key == key {
			return fmt.Sprint(tag.Value)
		}
	}
	return ""
}
