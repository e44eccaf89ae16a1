package ops

import "time"

// Span is a span of a trace that was made of stored histories.
type Span struct {
	Name                      string
	TraceID, SpanID, ParentID string // ParentID is empty for one that begins a trace
	Start, End                time.Time
	Failed                    bool
	Error                     string
	Children                  []*Span
}
