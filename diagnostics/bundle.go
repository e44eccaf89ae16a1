package diagnostics

import (
	"fmt"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Bundle is the history of one execution and what is needed to read it. As a file
// it is JSON, one event per line, by custom called name.wfh, or name.wfh.gz if it is
// packed by gzip.
type Bundle struct {
	// Instance names the execution. Replay derives ids from it.
	Instance engine.Instance `json:"instance"`
	// Workflow is the registered name of its function.
	Workflow string `json:"workflow,omitempty"`
	// Status by the time the bundle was made.
	Status engine.Status `json:"status,omitempty"`
	// Builds that made its steps, in the order of their first step.
	Builds []string `json:"builds,omitempty"`
	// Children that it started. Their histories are bundles of their own.
	Children []Child `json:"children,omitempty"`
	// Codec names how payloads are sealed, in the words of whoever made the bundle;
	// empty if they are not.
	Codec string `json:"codec,omitempty"`
	// Redacted tells that values were replaced, see [Redact]. Such a bundle can be
	// looked at and not be replayed.
	Redacted bool `json:"redacted,omitempty"`
	// Events are the history from its first event on.
	Events []history.Event `json:"-"`
}

// Child is a reference to a sub-workflow.
type Child struct {
	// Ref is the command that started it.
	Ref      int64           `json:"ref"`
	Workflow string          `json:"workflow"`
	Instance engine.Instance `json:"instance"`
}

// NewBundle returns the bundle of a history. Name, builds, children and status are
// taken from the events; a status of running may have to be replaced by blocked,
// which no event tells. It keeps events.
func NewBundle(instance engine.Instance, events []history.Event) Bundle {
	b := Bundle{Instance: instance, Status: engine.StatusRunning, Events: events}
	for _, ev := range events {
		switch body := ev.Body.(type) { //nolint:gochecksumtype // the others have nothing for the head
		case history.TaskStarted:
			if body.Build != "" && !slices.Contains(b.Builds, body.Build) {
				b.Builds = append(b.Builds, body.Build)
			}
		case history.WorkflowStarted:
			b.Workflow = body.Workflow
		case history.ChildScheduled:
			b.Children = append(b.Children, Child{Ref: ev.Ref, Workflow: body.Workflow, Instance: body.Instance})
		}
		if s, final := history.FinalStatus(ev.Body); final {
			b.Status = s
		}
	}
	return b
}

// BundleError tells why bytes are no bundle.
type BundleError struct {
	// Seq of the event that can't be read, or 0.
	Seq     int64
	Problem string
	// Err is the cause, or nil. An event that this build does not know has a
	// *history.UnknownKindError.
	Err error
}

func (e *BundleError) Error() string {
	s := "bundle"
	if e.Seq > 0 {
		s += fmt.Sprintf(": event %d", e.Seq)
	}
	s += ": " + e.Problem
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *BundleError) Unwrap() error { return e.Err }

const (
	// BundleVersion is the version of the format that Write writes. Read reads it
	// and older ones.
	BundleVersion = 1
	// MaxBundleBytes is how large a bundle may be when unpacked.
	MaxBundleBytes = 1 << 30
	// MaxBundleEvent is how large one event of it may be.
	MaxBundleEvent = 64 << 20

	bundleFormat = "wfh"
)

// head is what a bundle begins with.
type head struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Wire is the version of the events' format.
	Wire int `json:"wire"`
	Bundle
}
