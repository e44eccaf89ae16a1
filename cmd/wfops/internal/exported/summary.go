package exported

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// summaryOf is what a store would keep beside the history.
func summaryOf(b diagnostics.Bundle, bytes int64) backend.Summary {
	s := backend.Summary{
		Instance: b.Instance, FirstExecution: b.Instance.ExecutionID, Workflow: b.Workflow, Queue: engine.Queue("").OrDefault(),
		Status: cmp.Or(b.Status, engine.StatusRunning), HistoryLength: int64(len(b.Events)), HistoryBytes: bytes,
	}
	for _, ev := range b.Events {
		s.Updated = ev.At
		switch body := ev.Body.(type) { //nolint:gochecksumtype // the others change nothing that is kept
		case history.TaskStarted:
			s.Worker, s.Build = body.Worker, body.Build
		case history.WorkflowStarted:
			s.Created, s.Queue, s.Tags, s.TraceID = ev.At, body.Queue.OrDefault(), body.Tags, body.Trace.ID()
			s.FirstExecution = cmp.Or(body.FirstExecution, s.FirstExecution)
			if body.Parent != nil {
				s.Parent = &body.Parent.Instance
			}
		case history.WorkflowFailed:
			s.LastError = message(body.Failure)
		case history.WorkflowCanceled:
			s.LastError = message(body.Failure)
		case history.WorkflowTerminated:
			s.LastError = engine.FirstLine(body.Reason)
		}
		if history.IsFinal(ev.Body) {
			s.Finished = ev.At
		}
	}
	return s
}

func message(f *engine.Failure) string {
	if f == nil {
		return ""
	}
	return engine.FirstLine(f.Message)
}

// pendingOf is what was under way by the last event: activities and timers without an
// answer.
func pendingOf(b diagnostics.Bundle) (backend.Pending, error) {
	var p backend.Pending
	if b.Status.Final() {
		return p, nil
	}
	for _, step := range diagnostics.Steps(b.Events) {
		if step.Outcome != diagnostics.OutcomePending {
			continue
		}
		switch body := b.Events[step.Seq-1].Body.(type) { //nolint:gochecksumtype // the others have no row
		case history.ActivityScheduled:
			p.Activities = append(p.Activities, activityOf(&step, body))
		case history.TimerScheduled:
			fired, err := history.Encode(history.Event{Ref: step.Ref, Body: history.TimerFired{}})
			if err != nil {
				return p, err
			}
			p.Timers = append(p.Timers, backend.Timer{Ref: step.Ref, Due: dueOf(&step, body), Event: fired})
		}
	}
	return p, nil
}

func activityOf(step *diagnostics.Step, body history.ActivityScheduled) backend.PendingActivity {
	a := backend.PendingActivity{
		ActivityRow: backend.ActivityRow{Ref: step.Ref, Name: body.Name, Queue: body.Queue.OrDefault(), Scheduled: step.Began, Attempt: step.Attempts},
		ReadyAt:     step.Began,
	}
	if n := len(step.Runs); n > 0 {
		last := step.Runs[n-1]
		a.LastError, a.ReadyAt = message(last.Failure), last.Next
	}
	return a
}

func dueOf(step *diagnostics.Step, body history.TimerScheduled) time.Time {
	if !body.Until.IsZero() {
		return body.Until
	}
	return step.Began.Add(body.Duration)
}

// matches reports whether the one execution is what a query asks for.
func matches(q *backend.Query, s *backend.Summary) bool {
	return matchesName(q, s) && matchesState(q, s) &&
		within(s.Created, q.CreatedAfter, q.CreatedBefore) && within(s.Updated, q.UpdatedAfter, q.UpdatedBefore) &&
		(q.FinishedBefore.IsZero() || !s.Finished.IsZero() && s.Finished.Before(q.FinishedBefore))
}

func matchesName(q *backend.Query, s *backend.Summary) bool {
	id := s.Instance.InstanceID
	isQueue := func(queue engine.Queue) bool { return queue.OrDefault() == s.Queue }
	isWorkflow := func(pattern string) bool { return like(pattern, s.Workflow) }
	isParent := func(p *engine.Instance) bool {
		return s.Parent != nil && s.Parent.InstanceID == p.InstanceID && (p.ExecutionID == "" || p.ExecutionID == s.Parent.ExecutionID)
	}
	return strings.HasPrefix(id, q.IDPrefix) && (q.InstanceID == "" || q.InstanceID == id) &&
		(len(q.Queues) == 0 || slices.ContainsFunc(q.Queues, isQueue)) &&
		(len(q.Workflows) == 0 || slices.ContainsFunc(q.Workflows, isWorkflow)) &&
		(q.Parent == nil || isParent(q.Parent))
}

// matchesState knows that nothing is told of pauses, of reasons to block, or of what is
// waited for.
func matchesState(q *backend.Query, s *backend.Summary) bool {
	for k, v := range q.Tags {
		if got, ok := s.Tags[k]; !ok || got != v {
			return false
		}
	}
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, s.Status)) && (q.Paused == nil || !*q.Paused) &&
		q.MinAttempt <= s.Attempt && q.WaitingKind == "" && q.WaitingName == "" && q.BlockClass == "" && (q.Build == "" || q.Build == s.Build) &&
		strings.Contains(strings.ToLower(s.LastError), strings.ToLower(q.ErrorContains))
}

func within(t, from, before time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (before.IsZero() || t.Before(before))
}

// like matches a pattern in which * is any run of characters.
func like(pattern, text string) bool {
	re, err := regexp.Compile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
	return err == nil && re.MatchString(text)
}
