package diagnostics

import (
	"bytes"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Side is one of two executions that are compared. It takes its history event by event
// and keeps what is compared of it, so that a long history need not be in memory.
type Side struct {
	Instance engine.Instance
	// Workflow is the registered name of its function.
	Workflow string
	// Status as a store or a file has it; an event that ends the execution knows better.
	Status engine.Status
	// Events is how many there were.
	Events int
	// Level is how closely it is compared.
	Level Level

	list stepList
	rows []Step // one for each event, for the levels that compare events
}

// NewSide returns a side of which no event was read yet. About so many are to come, if what
// says so is right.
func NewSide(level Level, events int) *Side {
	const most = 1 << 18 // more than that grows as it comes
	events = max(0, min(events, most))
	s := &Side{Level: level, list: newStepList(events)}
	if s.Level.Unit() == LevelStep.Unit() {
		s.Level = LevelStep
	} else {
		s.rows = make([]Step, 0, events)
	}
	return s
}

// Add takes the next event of a well-formed history. It copies payloads: those of a stored
// event share memory with all the events that were stored with it.
func (s *Side) Add(ev *history.Event) {
	s.Events++
	if b, ok := ev.Body.(history.WorkflowStarted); ok {
		s.Workflow = b.Workflow
	}
	if status, final := history.FinalStatus(ev.Body); final {
		s.Status = status
	}
	of := s.list.add(ev)
	if of != nil {
		of.own(ev.Seq)
	}
	if s.Level != LevelStep {
		s.rows = append(s.rows, rowStep(ev, of, s.Level == LevelRaw))
	}
}

// own copies the payloads that came with an event.
func (s *Step) own(seq int64) {
	if s.Seq == seq && len(s.Input) > 0 {
		input := make([]engine.Payload, len(s.Input))
		for i, p := range s.Input {
			input[i] = bytes.Clone(p)
		}
		s.Input = input
	}
	if s.End == seq {
		s.Result = bytes.Clone(s.Result)
	}
}

// Steps are those of all events so far, whatever the level, until the side is trimmed.
// Nobody changes them.
func (s *Side) Steps() []Step { return s.list.steps }

// Trim forgets what is not compared: attempts, and the steps of a side whose events are. No
// event can be added any more.
func (s *Side) Trim() {
	s.list.byRef = nil
	if s.Level != LevelStep {
		s.list.steps = nil
	}
	for i := range s.list.steps {
		s.list.steps[i].Runs = nil
	}
}

// compared are what becomes rows.
func (s *Side) compared() []Step {
	if s.Level == LevelStep {
		return s.list.steps
	}
	return s.rows
}

// DiffSides compares two executions as closely as their level says, which is the same: see
// Diff. Rows of events have steps that stand for one event each, whose kind is that of the
// event.
func DiffSides(a, b *Side, rules Rules) Result {
	return diffAt(a.Level, a.compared(), b.compared(), rules)
}
