package worker

import (
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
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

// Follower is an Observer that keeps something for each execution.
type Follower interface {
	Observer
	// Follow is called when a worker gets hold of an execution that it does not keep
	// in its cache: past is the history that it replayed, empty if there was none.
	// Whatever is returned, unless nil, is told of every step of the execution that
	// this worker makes from then on, and forgotten with the executor. What holds for
	// Committed holds for Follow.
	Follow(e Execution, past []history.Event) Observer
}

// Execution is what an observer may want to know of an execution.
type Execution struct {
	Instance engine.Instance
	Workflow string
	// Started is the event that began the execution, and StartedAt its time.
	Started   *history.WorkflowStarted
	StartedAt time.Time
	// Trace is the trace context of the execution, zero if it has none.
	Trace history.Trace
}

// Committed is one durable step. Observers must not change what is in it.
type Committed struct {
	Execution

	// Events of the step, numbered, beginning with a TaskStarted.
	Events []history.Event
	// Open returns the event of the command of that Ref, if it was without an answer
	// before this step or is issued in it. It is valid during the call.
	Open func(ref int64) (history.Event, bool)
	// Notes are what the code left with workflow.Note.
	Notes []any

	// Queue is that of the execution.
	Queue engine.Queue
	// Began and Ended are when the worker took up the step and learned that it was
	// durable, by the store's clock as far as the worker knows it.
	Began, Ended time.Time
	// Replayed is how many events were replayed for the step, 0 for an execution from
	// the cache.
	Replayed int
}

// observersOf returns the observers that o names, telemetry among them.
func observersOf(o *Options) []Observer {
	os := slices.Clone(o.Observers)
	if t, ok := o.Settings.Telemetry.(Observer); ok && !slices.Contains(os, t) {
		os = append(os, t)
	}
	return os
}

// openSet returns where a new executor keeps the events of its open commands; nil
// if nobody wants to know.
func openSet(os []Observer) *openCommands {
	if len(os) == 0 {
		return nil
	}
	return &openCommands{}
}

// note keeps the events of commands.
func (w *warm) note(events []history.Event) {
	if w.open == nil {
		return
	}
	for _, ev := range events {
		if ev.Kind() == history.KindWorkflowStarted {
			w.started = ev.At
		}
		if history.IsCommand(ev.Body) {
			w.open.put(ev)
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
			w.open.drop(ev.Ref)
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

// execution is what observers are told of the hold.
func (h *hold) execution() Execution {
	return Execution{Instance: h.instance, Workflow: h.workflow, Started: h.body.x.WorkflowStarted(), StartedAt: h.body.started, Trace: h.trace}
}

// introduce asks the followers about an execution that has just been replayed, or
// begun.
func (h *hold) introduce(past []history.Event) {
	if h.body.introduced || h.body.x.WorkflowStarted() == nil {
		return
	}
	h.body.introduced = true
	for _, o := range h.w.observers {
		f, ok := o.(Follower)
		if !ok {
			continue
		}
		if own := h.w.follow(f, h.execution(), past); own != nil {
			h.body.followers = append(h.body.followers, own)
		}
	}
}

// report tells the observers of a durable step, and logs what the step found
// worth it.
func (h *hold) report(t *turn) {
	if len(t.step.Warnings)+len(t.step.Abandoned) > 0 {
		h.warn(&t.step)
	}
	if len(h.w.observers) == 0 || len(t.step.Events) == 0 {
		return
	}
	body := h.body
	body.note(t.step.Events)
	h.introduce(nil)
	c := Committed{
		Execution: h.execution(), Queue: h.queue, Events: t.step.Events, Notes: t.step.Notes,
		Began: t.began, Ended: h.w.clock.now(), Replayed: body.replayed,
		Open: body.open.get,
	}
	body.replayed = 0
	for _, os := range [...][]Observer{h.w.observers, body.followers} {
		for _, o := range os {
			h.w.tell(o, &c)
		}
	}
	body.drop(t.step.Events)
}

// warn logs what a step found worth it.
func (h *hold) warn(s *executor.Step) {
	for _, w := range s.Warnings {
		h.w.incident(Incident{Kind: IncidentDiffered, Instance: h.instance, Workflow: h.workflow})
		if h.w.warned.first(h.instance, w.Message) {
			h.w.log.LogAttrs(h.w.ctx, slog.LevelWarn, w.Message, slog.String("instance", h.instance.String()),
				slog.String("workflow", h.workflow), slog.Int64("seq", w.Seq), slog.String("build", h.build))
		}
	}
	if len(s.Abandoned) > 0 {
		h.w.log.LogAttrs(h.w.ctx, slog.LevelWarn, "workflow ended with work still pending", slog.String("instance", h.instance.String()),
			slog.String("workflow", h.workflow), slog.Any("abandoned", s.Abandoned))
	}
}

// observed is the time, if there is somebody to tell.
func (w *Worker) observed() time.Time {
	if len(w.observers) == 0 {
		return time.Time{}
	}
	return w.clock.now()
}

func (w *Worker) tell(o Observer, c *Committed) {
	defer w.recovered(c.Instance)
	o.Committed(*c)
}

func (w *Worker) follow(f Follower, e Execution, past []history.Event) Observer {
	defer w.recovered(e.Instance)
	return f.Follow(e, past)
}

// recovered, deferred, keeps the panic of an observer from the execution.
func (w *Worker) recovered(i engine.Instance) {
	if r := recover(); r != nil {
		w.log.LogAttrs(w.ctx, slog.LevelError, "an observer panicked", slog.String("instance", i.String()),
			slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
	}
}
