package client

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// WaitingLine says in one line why an open execution does not move, or "" if it has
// ended or is about to move. What its last step left is joined with who could run
// it.
func (d Description) WaitingLine() string {
	switch {
	case d.Status.Final():
		return ""
	case d.Paused:
		return paused(d.Note)
	case d.Status == engine.StatusBlocked:
		return "blocked: " + d.BlockClass
	case !slices.ContainsFunc(d.Workers, d.runsWorkflow):
		return fmt.Sprintf("no worker registers workflow %q", d.Workflow)
	case !slices.ContainsFunc(d.Workers, func(w backend.Worker) bool { return d.runsWorkflow(w) && !slices.Contains(d.BlockedBuilds, w.Build) }):
		return "only workers of builds that could not run it: " + strings.Join(d.BlockedBuilds, ", ")
	}
	for _, a := range d.Pending.Activities {
		if a.Holder == "" && !slices.ContainsFunc(d.Workers, func(w backend.Worker) bool { return runsActivity(w, a) }) {
			return fmt.Sprintf("no worker registers activity %q", a.Name)
		}
	}
	if d.Waiting == nil {
		return ""
	}
	return describe(*d.Waiting)
}

func (d Description) runsWorkflow(w backend.Worker) bool {
	return slices.Contains(w.Workflows, d.Workflow) && slices.Contains(w.Queues, d.Queue)
}

func runsActivity(w backend.Worker, a backend.PendingActivity) bool {
	return slices.Contains(w.Activities, a.Name) && slices.Contains(w.Queues, a.Queue)
}

// paused says since when and why, unless something else was asked since.
func paused(n *engine.Note) string {
	if n == nil || n.Action != engine.NotePause {
		return "paused"
	}
	text := "paused since " + n.At.Format(time.RFC3339)
	if n.Reason != "" {
		text += ": " + engine.FirstLine(n.Reason)
	}
	return text
}

func describe(w engine.Waiting) string {
	var b strings.Builder
	b.WriteString(string(w.Kind))
	if w.Name != "" {
		fmt.Fprintf(&b, " %q", w.Name)
	}
	if w.Attempt > 1 {
		fmt.Fprintf(&b, ", attempt %d", w.Attempt)
	}
	if !w.Since.IsZero() {
		b.WriteString(" since " + w.Since.Format(time.RFC3339))
	}
	if !w.Until.IsZero() {
		b.WriteString(" until " + w.Until.Format(time.RFC3339))
	}
	if w.More > 0 {
		fmt.Fprintf(&b, " and %d more", w.More)
	}
	return b.String()
}
