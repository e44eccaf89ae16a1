package view

import (
	"encoding/json"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// why says for what one reason an execution does not move, as far as is known of it and
// of the workers around it.
func (o Options) why(d ops.Detail) Cell {
	s := &d.Summary
	if s.Status != engine.StatusRunning || s.Paused || d.File || s.HistoryLength == 0 {
		return o.Situation(s)
	}
	r := diagnostics.Waiting(factsOf(d))
	style := Waiting
	switch r.Kind { //nolint:exhaustive // what somebody has to look after
	case diagnostics.ReasonLost, diagnostics.ReasonNoWorker, diagnostics.ReasonNoRunner:
		style = Attention
	case diagnostics.ReasonUnknown:
		return o.Situation(s)
	}
	return Cell{r.Text(d.Now), style}
}

func factsOf(d ops.Detail) diagnostics.Facts {
	f := diagnostics.Facts{
		Now: d.Now, Status: d.Status, Paused: d.Paused, Queue: d.Queue, Waiting: d.Waiting, Note: d.Note, Ready: d.Pending.ReadyAt,
		Holder: d.Pending.Holder, LeaseUntil: d.Pending.LeaseUntil,
	}
	for _, a := range d.Pending.Activities {
		f.Activities = append(f.Activities, diagnostics.ActivityFacts{
			Ref: a.Ref, Name: a.Name, Queue: a.Queue, Attempt: a.Attempt, MaxAttempts: maxAttempts(a), LastError: a.LastError,
			ReadyAt: a.ReadyAt, Started: a.Started, Holder: a.Holder,
		})
	}
	for _, w := range d.Workers {
		one := diagnostics.WorkerFacts{ID: w.ID, Seen: w.Seen}
		if len(w.Workflows) > 0 {
			one.Workflows = w.Queues
		}
		if len(w.Activities) > 0 {
			one.Activities = w.Queues
		}
		f.Workers = append(f.Workers, one)
	}
	return f
}

func maxAttempts(a backend.PendingActivity) int {
	e, err := a.Event.DecodeOne()
	if err != nil {
		return 0
	}
	scheduled, _ := e.Body.(history.ActivityScheduled)
	return scheduled.Retry.MaxAttempts
}

// StoredReport shows what the worker that blocked an execution has found, or nothing if it has
// left no report.
func StoredReport(s *backend.Summary, o Options, width int) Lines {
	var reason engine.BlockReason
	var r diagnostics.Report
	if s.Status != engine.StatusBlocked || json.Unmarshal(s.Block, &reason) != nil || json.Unmarshal(reason.Report, &r) != nil || r.Verdict == "" {
		return nil
	}
	l := report(r, o, width)
	l = append(l, nil)
	l.add(Cell{"found by worker " + reason.Worker + " with build " + reason.Build + "; wfops replay --with PROGRAM tells what another build would do", Muted})
	if asked := o.Asked(s.Note); asked != "" {
		l.add(Cell{asked, Muted})
	}
	return l
}
