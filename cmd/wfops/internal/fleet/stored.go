package fleet

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Stored returns the report that a worker stored when it blocked an instance, and the
// reason that it is part of. A reason without a report tells what it can. ok is false
// if the instance is not blocked.
func Stored(s *backend.Summary) (r diagnostics.Report, reason engine.BlockReason, ok bool, err error) {
	if s.Status != engine.StatusBlocked {
		return r, reason, false, nil
	}
	r = diagnostics.Report{
		Instance: s.Instance, Workflow: s.Workflow, Verdict: diagnostics.VerdictDiverged, Class: diagnostics.Class(s.BlockClass),
		Summary: "blocked: " + s.BlockClass, Events: int(s.HistoryLength),
	}
	if len(s.Block) == 0 {
		return r, reason, true, nil
	}
	if err := json.Unmarshal(s.Block, &reason); err != nil {
		return r, reason, true, fmt.Errorf("the stored reason of %s can't be read: %w", s.Instance, err)
	}
	if len(reason.Report) > 0 {
		if err := json.Unmarshal(reason.Report, &r); err != nil {
			return r, reason, true, fmt.Errorf("the stored report of %s can't be read: %w", s.Instance, err)
		}
		return r, reason, true, nil
	}
	switch reason.Class {
	case engine.BlockHang, engine.BlockDecode, engine.BlockHistoryLimit:
		r.Verdict = diagnostics.VerdictUnanswerable
	case engine.BlockNondeterminism, engine.BlockVersion:
	}
	r.Summary = reason.Message
	r.Divergence = &diagnostics.Divergence{Seq: reason.Seq, Event: reason.Event, History: reason.Expected, Code: reason.Issued, Stack: reason.Stack, Message: reason.Message}
	return r, reason, true, nil
}

// FoundBy says who stored a reason.
func FoundBy(r engine.BlockReason) string {
	text := "found by a worker"
	if r.Worker != "" {
		text = "found by worker " + r.Worker
	}
	if r.Build != "" {
		text += ", build " + r.Build
	}
	return text
}

// Blast is how many instances have the same problem as one.
type Blast struct {
	// Open is how many instances of the workflow are open, and OpenMore that there may
	// be more.
	Open     int64
	OpenMore bool
	// Blocked is how many of them are blocked, Alike how many by the same commands at
	// the same place, and More that not all were looked at.
	Blocked, Alike int
	More           bool
	// Oldest and Newest of those that are alike.
	Oldest, Newest *backend.Summary
}

// mostAlike is how many blocked instances are looked at: each has a report.
const mostAlike = 2000

// BlastOf looks for blocked instances of the same workflow that have the same class
// and place of divergence as a report.
func BlastOf(ctx context.Context, store *ops.Store, r diagnostics.Report) (Blast, error) {
	var b Blast
	open, err := filter.Parse("is:open type:" + filter.Quote(r.Workflow))
	if err != nil {
		return b, fmt.Errorf("other instances of this workflow can't be looked for: %w", err)
	}
	counts, err := store.Count(ctx, open, 0)
	if err != nil {
		return b, err
	}
	b.Open, b.OpenMore = counts.Total, counts.Capped
	blocked, err := filter.Parse("is:blocked type:" + filter.Quote(r.Workflow))
	if err != nil {
		return b, err
	}
	group := r.Group()
	for j := range Matches(ctx, store, Selection{Filter: blocked, Limit: mostAlike + 1}) {
		if _, capped := j.Err.(*CappedError); capped || b.Blocked == mostAlike { //nolint:errorlint // it is made here
			b.More = true
			break
		}
		if j.Err != nil {
			return b, j.Err
		}
		b.Blocked++
		if other, _, ok, err := Stored(j.Found); ok && err == nil && other.Group() == group {
			b.Alike++
			if b.Newest = j.Found; b.Oldest == nil {
				b.Oldest = j.Found
			}
		}
	}
	return b, nil
}
