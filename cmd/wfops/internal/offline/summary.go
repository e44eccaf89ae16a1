package offline

import (
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// read makes of a history what a store keeps beside it.
func read(b diagnostics.Bundle) (execution, error) {
	e := execution{events: b.Events}
	e.Instance, e.Workflow, e.Status = b.Instance, b.Workflow, b.Status
	e.FirstExecution, e.Queue = b.Instance.ExecutionID, engine.Queue("").OrDefault()
	if e.Status == "" {
		e.Status = engine.StatusRunning
	}
	encoded, err := history.Encode(b.Events...)
	if err != nil {
		return e, err
	}
	e.HistoryLength, e.HistoryBytes = int64(len(b.Events)), int64(len(encoded))
	for i := range b.Events {
		e.take(&b.Events[i])
	}
	if e.Status.Final() {
		e.Finished = e.Updated
		return e, nil
	}
	err = e.leave(diagnostics.Steps(b.Events))
	return e, err
}

// take notes what an event tells of the execution.
func (e *execution) take(ev *history.Event) {
	if e.Created.IsZero() {
		e.Created = ev.At
	}
	e.Updated = ev.At
	switch body := ev.Body.(type) { //nolint:gochecksumtype // the others say nothing of it as a whole
	case history.TaskStarted:
		e.Worker, e.Build = body.Worker, body.Build
	case history.WorkflowStarted:
		e.Queue, e.Tags, e.TraceID = body.Queue.OrDefault(), body.Tags, body.Trace.ID()
		if body.FirstExecution != "" {
			e.FirstExecution = body.FirstExecution
		}
		if body.Parent != nil {
			e.Parent = &body.Parent.Instance
		}
	case history.WorkflowFailed:
		e.LastError = message(body.Failure)
	case history.WorkflowCanceled:
		e.LastError = message(body.Failure)
	case history.WorkflowTerminated:
		e.LastError = body.Reason
	}
}

func message(f *engine.Failure) string {
	if f == nil {
		return ""
	}
	return f.Message
}

// leave notes what the execution waited for when its history was written, as far as
// that has commands without an answer. A signal that it waits for is in no history.
func (e *execution) leave(steps []diagnostics.Step) error {
	for i := range steps {
		s := &steps[i]
		if s.Outcome != diagnostics.OutcomePending {
			continue
		}
		switch s.Kind { //nolint:exhaustive // nothing waits for the others
		case diagnostics.StepActivity:
			if err := e.leaveActivity(s); err != nil {
				return err
			}
			e.waits(engine.WaitActivity, s)
		case diagnostics.StepTimer:
			fired, err := history.Encode(history.Event{At: s.Began.Add(s.Duration), Ref: s.Ref, Body: history.TimerFired{}})
			if err != nil {
				return err
			}
			e.pending.Timers = append(e.pending.Timers, backend.Timer{Ref: s.Ref, Due: s.Began.Add(s.Duration), Event: fired})
			e.waits(engine.WaitTimer, s)
		case diagnostics.StepChild:
			e.waits(engine.WaitChild, s)
		}
	}
	return nil
}

func (e *execution) leaveActivity(s *diagnostics.Step) error {
	ev := e.events[s.Seq-1]
	encoded, err := history.Encode(ev)
	if err != nil {
		return err
	}
	a := backend.PendingActivity{ActivityRow: backend.ActivityRow{Ref: s.Ref, Name: s.Name, Event: encoded, Scheduled: s.Began, Attempt: s.Attempts}}
	if body, ok := ev.Body.(history.ActivityScheduled); ok {
		a.Queue = body.Queue.OrDefault()
	}
	if n := len(s.Runs); n > 0 {
		a.ReadyAt, a.LastError = s.Runs[n-1].Next, message(s.Runs[n-1].Failure)
		e.Attempt, e.LastError = max(e.Attempt, s.Attempts), a.LastError
	}
	e.pending.Activities = append(e.pending.Activities, a)
	return nil
}

func (e *execution) waits(kind engine.WaitKind, s *diagnostics.Step) {
	if e.Waiting != nil {
		e.Waiting.More++
		return
	}
	e.Waiting = &engine.Waiting{Kind: kind, Name: s.Name, Ref: s.Ref, Since: s.Began, Attempt: s.Attempts}
	if kind == engine.WaitTimer {
		e.Waiting.Until = s.Began.Add(s.Duration)
	}
}
