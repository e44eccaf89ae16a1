package document

import (
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// Step is the form of a step of an execution.
type Step struct {
	Kind       string     `json:"kind"`
	Name       string     `json:"name,omitempty"`
	Seq        int64      `json:"seq"`
	End        int64      `json:"end,omitempty"`
	Ref        int64      `json:"ref,omitempty"`
	Outcome    string     `json:"outcome"`
	Attempts   int        `json:"attempts,omitempty"`
	Began      *time.Time `json:"began,omitempty"`
	Ended      *time.Time `json:"ended,omitempty"`
	TookMS     *float64   `json:"took_ms,omitempty"`
	DurationMS float64    `json:"duration_ms,omitempty"`
}

// Side is the form of an execution that is compared.
type Side struct {
	InstanceID  string `json:"instance_id"`
	ExecutionID string `json:"execution_id"`
	Workflow    string `json:"workflow,omitempty"`
	Status      string `json:"status,omitempty"`
	Events      int    `json:"events"`
}

// Diff is the form of what differs between two executions.
type Diff struct {
	Schema  string                     `json:"schema"`
	Level   diagnostics.Level          `json:"level"`
	A       Side                       `json:"a"`
	B       Side                       `json:"b"`
	Summary string                     `json:"summary"`
	Counts  map[diagnostics.DiffOp]int `json:"counts"`
	// Ignored counts differences that are left out, by rule.
	Ignored map[diagnostics.Rule]int `json:"ignored,omitempty"`
	Capped  bool                     `json:"capped"`
	Rows    []DiffRow                `json:"rows"`
}

// DiffRow is the form of a step of A beside that of B.
type DiffRow struct {
	Op      diagnostics.DiffOp   `json:"op"`
	Key     string               `json:"key"`
	A       *Step                `json:"a,omitempty"`
	B       *Step                `json:"b,omitempty"`
	Changes []diagnostics.Change `json:"changes,omitempty"`
	// More changes were found than are listed.
	More int `json:"more,omitempty"`
}

// OfDiff returns the form of what differs.
func OfDiff(a, b *diagnostics.Side, d diagnostics.Result) Diff {
	form := Diff{Schema: SchemaDiff, Level: d.Level, A: sideOf(a.Instance, a.Workflow, a.Status, a.Events), B: sideOf(b.Instance, b.Workflow, b.Status, b.Events), Summary: d.Summary, Counts: d.Counts, Ignored: d.Ignored, Capped: d.Capped, Rows: make([]DiffRow, len(d.Rows))}
	for i, r := range d.Rows {
		form.Rows[i] = DiffRow{Op: r.Op, Key: r.Key, A: stepOf(r.A), B: stepOf(r.B), Changes: r.Changes, More: r.More}
	}
	return form
}

func sideOf(i engine.Instance, workflow string, status engine.Status, events int) Side {
	return Side{InstanceID: i.InstanceID, ExecutionID: i.ExecutionID, Workflow: workflow, Status: string(status), Events: events}
}

func stepOf(s *diagnostics.Step) *Step {
	if s == nil {
		return nil
	}
	form := &Step{
		Kind: string(s.Kind), Name: s.Name, Seq: s.Seq, End: s.End, Ref: s.Ref, Outcome: string(s.Outcome), Attempts: s.Attempts,
		Began: timeOf(s.Began), Ended: timeOf(s.Ended), DurationMS: milliseconds(s.Duration),
	}
	if !s.Ended.IsZero() {
		took := milliseconds(s.Took())
		form.TookMS = &took
	}
	return form
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
