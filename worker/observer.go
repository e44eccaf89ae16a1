package worker

import (
	"log/slog"
	"runtime/debug"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Observer is told of what became durable. Telemetry is one.
type Observer interface {
	// Committed is called once for each durable step, by the worker that made it,
	// never on a replay and never for a step that was refused. Calls for one
	// execution come one at a time and in order; calls for others may be
	// concurrent. It must return quickly: the execution waits for it. A panic is
	// logged.
	Committed(c Committed)
}

// Committed is one durable step. Observers must not change what is in it.
type Committed struct {
	Instance engine.Instance
	Workflow string
	// Started is the event that began the execution.
	Started *history.WorkflowStarted
	// Events of the step, numbered, beginning with a TaskStarted.
	Events []history.Event
	// Open returns the event of the command of that Ref, if it was without an answer
	// before this step or is issued in it. It is valid during the call.
	Open func(ref int64) (history.Event, bool)
	// Notes are what the code left with workflow.Note.
	Notes []any
}

// openSet returns where a new executor keeps the events of its open commands; nil
// if nobody wants to know.
func openSet(os []Observer) map[int64]history.Event {
	if len(os) == 0 {
		return nil
	}
	return map[int64]history.Event{}
}

// note keeps the events of commands.
func (w *warm) note(events []history.Event) {
	if w.open == nil {
		return
	}
	for _, ev := range events {
		if history.IsCommand(ev.Body) {
			w.open[ev.Ref] = ev
		}
	}
}

// drop forgets the commands that were answered or withdrawn.
func (w *warm) drop(events []history.Event) {
	if w.open == nil {
		return
	}
	for _, ev := range events {
		if ends(ev) {
			delete(w.open, ev.Ref)
		}
	}
}

// ends reports whether the command of ev's Ref is without an answer no longer.
func ends(ev history.Event) bool {
	switch ev.Kind() { //nolint:exhaustive // the others go by their class
	case history.KindActivityAttemptFailed, history.KindChildCancelRequested:
		return false
	case history.KindSideEffectRecorded, history.KindMutableSideEffect:
		return true
	}
	c := history.ClassOf(ev.Body)
	return c == history.ClassAnswer || c == history.ClassCancel
}

// report tells the observers of a durable step, and logs what the step found
// worth it.
func (h *hold) report(t *turn) {
	for _, s := range t.step.Warnings {
		if h.w.warned.first(h.instance, s.Message) {
			h.w.log.LogAttrs(h.w.ctx, slog.LevelWarn, s.Message, slog.String("instance", h.instance.String()),
				slog.String("workflow", h.workflow), slog.Int64("seq", s.Seq), slog.String("build", h.build))
		}
	}
	if len(t.step.Abandoned) > 0 {
		h.w.log.LogAttrs(h.w.ctx, slog.LevelWarn, "workflow ended with work still pending", slog.String("instance", h.instance.String()),
			slog.String("workflow", h.workflow), slog.Any("abandoned", t.step.Abandoned))
	}
	if len(h.w.observers) == 0 || len(t.step.Events) == 0 {
		return
	}
	body := h.body
	body.note(t.step.Events)
	c := Committed{
		Instance: h.instance, Workflow: h.workflow, Started: body.x.WorkflowStarted(), Events: t.step.Events, Notes: t.step.Notes,
		Open: func(ref int64) (history.Event, bool) { ev, ok := body.open[ref]; return ev, ok },
	}
	for _, o := range h.w.observers {
		h.w.tell(o, c)
	}
	body.drop(t.step.Events)
}

func (w *Worker) tell(o Observer, c Committed) {
	defer func() {
		if r := recover(); r != nil {
			w.log.LogAttrs(w.ctx, slog.LevelError, "an observer panicked", slog.String("instance", c.Instance.String()),
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
		}
	}()
	o.Committed(c)
}
