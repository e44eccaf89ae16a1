package collector

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Tree draws all traces: a line for each span, indented below its parent, in the
// order of their starts, with kind, service, error and the names of the spans it links
// to.
func (c *Collector) Tree() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out strings.Builder
	for _, id := range slices.Sorted(maps.Keys(c.spans)) {
		fmt.Fprintf(&out, "trace %s\n", id)
		d := drawing{out: &out, names: map[string]string{}, below: map[string][]span{}}
		for _, s := range c.spans[id] {
			d.names[string(s.GetSpanId())] = s.GetName()
		}
		for _, s := range c.spans[id] {
			parent := string(s.GetParentSpanId())
			if d.names[parent] == "" {
				parent = ""
			}
			d.below[parent] = append(d.below[parent], s)
		}
		d.draw("", 0)
	}
	return out.String()
}

// drawing is one trace.
type drawing struct {
	out   *strings.Builder
	names map[string]string // of spans
	below map[string][]span // by parent, "" for those without one
}

func (d *drawing) draw(parent string, depth int) {
	spans := d.below[parent]
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.GetStartTimeUnixNano(), b.GetStartTimeUnixNano()), cmp.Compare(a.GetName(), b.GetName()),
			bytes.Compare(a.GetSpanId(), b.GetSpanId()))
	})
	for _, s := range spans {
		fmt.Fprintf(d.out, "%s%s\n", strings.Repeat("  ", depth), d.line(s))
		d.draw(string(s.GetSpanId()), depth+1)
	}
}

func (d *drawing) line(s span) string {
	var line strings.Builder
	kind := strings.ToLower(strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_"))
	fmt.Fprintf(&line, "%s (%s, %s)", s.GetName(), kind, s.service)
	if s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		line.WriteString(" ERROR")
	}
	for _, l := range s.GetLinks() {
		line.WriteString(" links to " + cmp.Or(d.names[string(l.GetSpanId())], hex.EncodeToString(l.GetSpanId())))
	}
	if p := string(s.GetParentSpanId()); p != "" && d.names[p] == "" {
		line.WriteString(" WITHOUT ITS PARENT")
	}
	return line.String()
}
