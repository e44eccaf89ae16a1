package diagnostics

import (
	"strconv"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Step is one thing that an execution did or met, with all that history says about
// it: a command with its attempts and its answer, or an event from outside.
type Step struct {
	Kind StepKind `json:"kind"`
	// Name of the activity, workflow, timer, signal or change; with the id of the
	// instance where there is one that the code has chosen.
	Name string `json:"name,omitempty"`
	// Seq of the event that begins it, and End of the one that ends it, or 0.
	Seq int64 `json:"seq"`
	End int64 `json:"end,omitempty"`
	// Ref is the ordinal of the command, 0 for events from outside.
	Ref     int64   `json:"ref,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Attempts is how many an activity took so far.
	Attempts int `json:"attempts,omitempty"`
	// Began is when it was asked for or came, Ended when its answer came.
	Began time.Time `json:"began,omitzero"`
	Ended time.Time `json:"ended,omitzero"`
	// Duration of a timer, as asked for.
	Duration time.Duration `json:"duration,omitempty"`
	Site     history.Site  `json:"site,omitzero"`

	Input   []engine.Payload `json:"-"`
	Result  engine.Payload   `json:"-"`
	Failure *engine.Failure  `json:"-"`
	// Document is all that is stored of the one event that this stands for, see LevelRaw.
	Document engine.Payload `json:"-"`
	// Runs are the attempts that history knows, the last one included once it ended.
	Runs []Run `json:"-"`
}

// Run is one attempt of an activity.
type Run struct {
	history.Run

	Ended time.Time
	// Failure of the attempt, or nil.
	Failure *engine.Failure
	// Next is when the next attempt may begin, or zero.
	Next time.Time
	// Seq of the event that tells of the attempt.
	Seq int64
}

// StepKind is what kind of thing a step is.
type StepKind string

// The closed set of kinds of steps.
const (
	StepStart    StepKind = "start"
	StepActivity StepKind = "activity"
	StepTimer    StepKind = "timer"
	StepChild    StepKind = "child"
	StepSend     StepKind = "send" // a signal to another instance
	StepEffect   StepKind = "side effect"
	StepVersion  StepKind = "version"
	StepSignal   StepKind = "signal"
	StepCancel   StepKind = "cancel" // a request to cancel the instance
	StepDropped  StepKind = "dropped"
	StepEnd      StepKind = "end"
)

// Outcome is what became of a step.
type Outcome string

// The closed set of outcomes.
const (
	OutcomePending    Outcome = "pending"
	OutcomeCompleted  Outcome = "completed"
	OutcomeFailed     Outcome = "failed"
	OutcomeCanceled   Outcome = "canceled"
	OutcomeContinued  Outcome = "continued as new"
	OutcomeTerminated Outcome = "terminated"
	OutcomeUnknown    Outcome = "" // of a command that no history has, see Commands
)

// Took is how long a step took, 0 if it has not ended.
func (s *Step) Took() time.Duration {
	if s.Ended.IsZero() {
		return 0
	}
	return s.Ended.Sub(s.Began)
}

// Steps reduces a well-formed history to its steps, in the order in which they began. What
// belongs to tasks and not to what was done is left out.
func Steps(events []history.Event) []Step {
	l := newStepList(len(events))
	for i := range events {
		l.add(&events[i])
	}
	return l.steps
}

// stepList finds the steps of a history, all of which it keeps.
type stepList struct {
	steps []Step
	byRef []int // index by ref
}

// newStepList has room for a history of so many events, of which most steps have two.
func newStepList(events int) stepList {
	return stepList{steps: make([]Step, 0, events/2+1), byRef: make([]int, 1, events/2+1)}
}

// add takes the next event. It returns the step that the event may have changed, until the
// next call, or nil if it is about none that is open.
func (l *stepList) add(ev *history.Event) *Step {
	var s Step
	switch history.ClassOf(ev.Body) {
	case history.ClassCommand:
		if ev.Ref == int64(len(l.byRef)) { // as history.Check has it
			l.byRef = append(l.byRef, len(l.steps))
		}
		s = commandStep(ev)
	case history.ClassAnswer, history.ClassCancel:
		return l.answer(ev)
	case history.ClassFinal:
		s = finalStep(ev)
	case history.ClassMarker, history.ClassExecution:
		var ok bool
		if s, ok = eventStep(ev); !ok {
			return nil
		}
	}
	l.steps = append(l.steps, s)
	return &l.steps[len(l.steps)-1]
}

func (l *stepList) answer(ev *history.Event) *Step {
	if ev.Ref <= 0 || ev.Ref >= int64(len(l.byRef)) {
		return nil
	}
	s := &l.steps[l.byRef[ev.Ref]]
	if s.Outcome != OutcomePending {
		return nil
	}
	s.answer(ev)
	return s
}

func commandStep(ev *history.Event) Step {
	s := Step{Seq: ev.Seq, Ref: ev.Ref, Began: ev.At, Outcome: OutcomePending, Site: history.SiteOf(ev.Body), Name: history.Subject(ev.Body)}
	switch b := ev.Body.(type) { //nolint:gochecksumtype // the commands
	case history.ActivityScheduled:
		s.Kind, s.Input, s.Attempts = StepActivity, b.Args, 1
	case history.TimerScheduled:
		s.Kind, s.Duration = StepTimer, b.Duration
	case history.ChildScheduled:
		s.Kind, s.Input = StepChild, b.Args
		s.Name = b.Workflow
	case history.SignalSent:
		s.Kind, s.Input = StepSend, []engine.Payload{b.Arg}
	case history.SideEffectRecorded:
		s.recorded(ev, b.Value, b.Failure)
	case history.MutableSideEffectRecorded:
		s.recorded(ev, b.Value, b.Failure)
	}
	return s
}

func (s *Step) recorded(ev *history.Event, v engine.Payload, f *engine.Failure) {
	s.Kind = StepEffect
	s.end(ev, v, f)
}

// end gives a step its answer, of which the first counts.
func (s *Step) end(ev *history.Event, v engine.Payload, f *engine.Failure) {
	if s.Outcome != OutcomePending {
		return
	}
	s.End, s.Ended, s.Result, s.Failure, s.Outcome = ev.Seq, latest(s.Began, ev.At), v, f, OutcomeCompleted
	if f != nil {
		s.Outcome = OutcomeFailed
	}
}

func (s *Step) answer(ev *history.Event) {
	if s.Outcome != OutcomePending {
		return
	}
	switch b := ev.Body.(type) { //nolint:gochecksumtype // answers and cancels
	case history.ActivityCompleted:
		s.run(ev, b.Run, nil, time.Time{})
		s.end(ev, b.Result, nil)
	case history.ActivityFailed:
		s.run(ev, b.Run, b.Failure, time.Time{})
		s.end(ev, nil, b.Failure)
	case history.ActivityAttemptFailed:
		s.run(ev, b.Run, b.Failure, b.Next)
		s.Attempts = b.Run.Attempt + 1
	case history.ChildCompleted:
		s.end(ev, b.Result, nil)
	case history.ChildFailed:
		s.end(ev, nil, b.Failure)
		if b.Status == engine.StatusCanceled {
			s.Outcome = OutcomeCanceled
		}
	case history.SignalFailed:
		s.end(ev, nil, b.Failure)
	case history.TimerFired, history.SignalDelivered:
		s.end(ev, nil, nil)
	case history.ActivityCanceled, history.TimerCanceled:
		s.End, s.Ended, s.Outcome = ev.Seq, latest(s.Began, ev.At), OutcomeCanceled
	}
}

func (s *Step) run(ev *history.Event, r history.Run, f *engine.Failure, next time.Time) {
	s.Attempts = max(s.Attempts, r.Attempt)
	s.Runs = append(s.Runs, Run{Run: r, Ended: ev.At, Failure: f, Next: next, Seq: ev.Seq})
}

func eventStep(ev *history.Event) (Step, bool) {
	s := Step{Seq: ev.Seq, End: ev.Seq, Began: ev.At, Ended: ev.At, Outcome: OutcomeCompleted}
	switch b := ev.Body.(type) {
	case history.WorkflowStarted:
		s.Kind, s.Name, s.Input = StepStart, b.Workflow, b.Args
	case history.SignalReceived:
		s.Kind, s.Name, s.Input = StepSignal, b.Name, []engine.Payload{b.Arg}
	case history.CancelRequested:
		s.Kind = StepCancel
	case history.EventDropped:
		s.Kind = StepDropped
	case history.VersionMarked:
		s.Kind, s.Name, s.Site = StepVersion, b.ChangeID, b.Site
		s.Result = engine.Payload(strconv.Itoa(b.Version))
	default:
		return s, false
	}
	return s, true
}

func finalStep(ev *history.Event) Step {
	s := Step{Kind: StepEnd, Seq: ev.Seq, End: ev.Seq, Began: ev.At, Ended: ev.At, Outcome: OutcomeCompleted, Site: history.SiteOf(ev.Body)}
	switch b := ev.Body.(type) { //nolint:gochecksumtype // the final events
	case history.WorkflowCompleted:
		s.Result = b.Result
	case history.WorkflowFailed:
		s.Outcome, s.Failure = OutcomeFailed, b.Failure
	case history.WorkflowCanceled:
		s.Outcome, s.Failure = OutcomeCanceled, b.Failure
	case history.WorkflowContinuedAsNew:
		s.Outcome, s.Input = OutcomeContinued, b.Args
	case history.WorkflowTerminated:
		s.Outcome = OutcomeTerminated
	}
	return s
}
