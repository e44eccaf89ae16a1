package document

import (
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
)

// Trace is the form of a trace.
type Trace struct {
	Schema string `json:"schema"`
	Spans  []Span `json:"spans"`
}

// Span is the form of a span. Those below it follow, each with its parent.
type Span struct {
	TraceID    string    `json:"trace_id"`
	SpanID     string    `json:"span_id"`
	ParentID   string    `json:"parent_id,omitempty"`
	Name       string    `json:"name"`
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`
	DurationMS float64   `json:"duration_ms"`
	Failed     bool      `json:"failed"`
	Error      string    `json:"error,omitempty"`
}

// OfTrace returns the form of spans.
func OfTrace(spans []*ops.Span) Trace {
	return Trace{Schema: SchemaTrace, Spans: ofSpans([]Span{}, spans)}
}

func ofSpans(all []Span, spans []*ops.Span) []Span {
	for _, s := range spans {
		all = append(all, Span{
			TraceID: s.TraceID, SpanID: s.SpanID, ParentID: s.ParentID, Name: s.Name, Start: s.Start.UTC(), End: s.End.UTC(),
			DurationMS: float64(s.End.Sub(s.Start)) / float64(time.Millisecond), Failed: s.Failed, Error: s.Error,
		})
		all = ofSpans(all, s.Children)
	}
	return all
}
