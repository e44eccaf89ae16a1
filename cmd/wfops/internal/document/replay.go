package document

import (
	"time"

	"github.com/wfops/wfops/diagnostics"
)

// Replay is the form of a replay.
type Replay struct {
	Schema string `json:"schema,omitempty"`
	// Name is the file, or the id of the instance.
	Name string `json:"name"`
	diagnostics.Report
	Notes []string `json:"notes,omitempty"`
	// Group is the same for replays that differ for the same cause.
	Group string `json:"group,omitempty"`
	// Exported is the file that the history was written to.
	Exported string `json:"exported,omitempty"`
	// Radius tells of the open instances of the same workflow, if that was asked for.
	Radius *Radius `json:"blast_radius,omitempty"`
}

// Radius is the form of how many open instances of a workflow come to the same.
type Radius struct {
	Workflow string `json:"workflow"`
	Open     int    `json:"open"`
	// Same is how many differ for the same cause, or are as fine.
	Same         int        `json:"same"`
	OK           int        `json:"ok"`
	Diverged     int        `json:"diverged"`
	Unanswerable int        `json:"unanswerable"`
	Oldest       string     `json:"oldest,omitempty"`
	OldestAt     *time.Time `json:"oldest_created,omitempty"`
	Newest       string     `json:"newest,omitempty"`
	NewestAt     *time.Time `json:"newest_created,omitempty"`
}

// OfRadius returns the form of r.
func OfRadius(workflow string, r diagnostics.Radius) *Radius {
	return &Radius{
		Workflow: workflow, Open: r.Total, Same: r.Same, OK: r.Counts[diagnostics.VerdictOK], Diverged: r.Counts[diagnostics.VerdictDiverged],
		Unanswerable: r.Counts[diagnostics.VerdictUnanswerable], Oldest: r.Oldest.Instance.InstanceID, OldestAt: timeOf(r.Oldest.Created),
		Newest: r.Newest.Instance.InstanceID, NewestAt: timeOf(r.Newest.Created),
	}
}

// Replays is the form of what replays come to.
type Replays struct {
	Schema       string        `json:"schema,omitempty"`
	OK           int           `json:"ok"`
	Diverged     int           `json:"diverged"`
	Unanswerable int           `json:"unanswerable"`
	Groups       []ReplayGroup `json:"groups"`
}

// ReplayGroup is the form of what some replays have in common.
type ReplayGroup struct {
	Group   string              `json:"group"`
	Verdict diagnostics.Verdict `json:"verdict"`
	Class   diagnostics.Class   `json:"class,omitempty"`
	Count   int                 `json:"count"`
	Summary string              `json:"summary"`
	Names   []string            `json:"names"`
}

// OfReplay returns the form of a replay.
func OfReplay(name string, r diagnostics.Report, notes []string) Replay {
	form := Replay{Schema: SchemaReplay, Name: name, Report: r, Notes: notes}
	if r.Verdict != diagnostics.VerdictOK {
		form.Group = r.Group()
	}
	return form
}
