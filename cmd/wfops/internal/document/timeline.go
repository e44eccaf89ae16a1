package document

import (
	"time"

	"github.com/wfops/wfops/diagnostics"
)

// Timeline is the form of an execution in time.
type Timeline struct {
	Schema string    `json:"schema"`
	Of     Side      `json:"of"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Open   bool      `json:"open"`
	Steps  []StepBar `json:"steps"`
	// CriticalPath has no gaps; Shares sums it up by kind and name.
	CriticalPath []Part  `json:"critical_path"`
	Shares       []Share `json:"shares"`
}

// StepBar is the form of a step in time.
type StepBar struct {
	Step
	Parts []Part `json:"parts"`
}

// Part is the form of what a step did for a while.
type Part struct {
	Kind    string    `json:"kind"`
	Name    string    `json:"name,omitempty"`
	Seq     int64     `json:"seq,omitempty"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	TookMS  float64   `json:"took_ms"`
	Attempt int       `json:"attempt,omitempty"`
}

// Share is the form of how much of the time went into something.
type Share struct {
	Kind    string  `json:"kind"`
	Name    string  `json:"name,omitempty"`
	TookMS  float64 `json:"took_ms"`
	Percent int     `json:"percent"`
}

// OfTimeline returns the form of a timeline.
func OfTimeline(b diagnostics.Bundle, t diagnostics.Timeline) Timeline {
	form := Timeline{
		Schema: SchemaTimeline, Of: sideOf(b.Instance, b.Workflow, b.Status, len(b.Events)), From: t.From.UTC(), To: t.To.UTC(), Open: t.Open,
		Steps: make([]StepBar, len(t.Spans)), CriticalPath: []Part{}, Shares: []Share{},
	}
	for i := range t.Spans {
		s := &t.Spans[i]
		form.Steps[i] = StepBar{Step: *stepOf(&s.Step), Parts: []Part{}}
		for _, p := range s.Parts {
			form.Steps[i].Parts = append(form.Steps[i].Parts, partOf(p))
		}
	}
	for _, s := range t.Path.Stretches {
		p := partOf(s.Part)
		p.Name, p.Seq = s.Name, s.Seq
		form.CriticalPath = append(form.CriticalPath, p)
	}
	for _, s := range t.Path.Shares {
		form.Shares = append(form.Shares, Share{Kind: string(s.Kind), Name: s.Name, TookMS: milliseconds(s.Took), Percent: s.Percent})
	}
	return form
}

func partOf(p diagnostics.Part) Part {
	return Part{Kind: string(p.Kind), From: p.From.UTC(), To: p.To.UTC(), TookMS: milliseconds(p.To.Sub(p.From)), Attempt: p.Attempt}
}
