package diagnostics

import (
	"cmp"
	"slices"

	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
)

// Commands returns what the code asks for when it is run against a history, as steps
// for Diff: beside a history, to see where they part and how they go on, or beside the
// Commands of other code. What came from outside is as in history. The steps have no
// outcome. After a first difference they are exploratory, see Explanation. The error
// says why the code can't be run.
func Commands(b Bundle, reg *registry.Registry, o Options) ([]Step, error) {
	r := replayer{bundle: b, reg: reg, o: o}
	if problem := r.unfit(); problem != "" {
		return nil, &BundleError{Problem: problem}
	}
	if _, err := reg.Workflow(b.Workflow); err != nil {
		return nil, err
	}
	best, _ := r.likeliest()
	return r.issuedSteps(*best), nil
}

func (r *replayer) issuedSteps(ex executor.Exploration) []Step {
	var steps []Step
	for _, s := range Steps(r.bundle.Events) {
		switch s.Kind {
		case StepStart, StepSignal, StepCancel, StepDropped:
			steps = append(steps, s)
		case StepActivity, StepTimer, StepChild, StepSend, StepEffect, StepVersion, StepEnd:
		}
	}
	for _, p := range ex.Pairs {
		if p.Issued == nil {
			continue
		}
		if s, ok := issuedStep(p.Issued); ok {
			steps = append(steps, s)
		}
	}
	// An event comes before what the code makes of it. Commands of one event are in
	// the order of their refs, and the end comes last.
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(lastIs(a), lastIs(b)), cmp.Compare(a.Ref, b.Ref))
	})
	return steps
}

func lastIs(s Step) int {
	if s.Kind == StepEnd {
		return 1
	}
	return 0
}

// issuedStep is a command as a step. A cancel is none: it belongs to another.
func issuedStep(i *executor.Issued) (Step, bool) {
	ev := history.Event{Seq: i.Seq, Ref: i.Ref, Body: i.Body}
	var s Step
	switch history.ClassOf(i.Body) {
	case history.ClassCommand:
		s = commandStep(&ev)
	case history.ClassFinal:
		s = finalStep(&ev)
	case history.ClassCancel, history.ClassExecution, history.ClassAnswer, history.ClassMarker:
		return s, false
	}
	if !i.Site.IsZero() {
		s.Site = i.Site
	}
	s.Outcome, s.End, s.Result, s.Failure, s.Attempts = OutcomeUnknown, 0, nil, nil, 0
	return s, true
}

// commands counts what an exploration can pair.
func (r *replayer) commands() int {
	n := 0
	for _, ev := range r.bundle.Events {
		switch history.ClassOf(ev.Body) {
		case history.ClassCommand, history.ClassCancel, history.ClassFinal:
			n++
		case history.ClassExecution, history.ClassAnswer, history.ClassMarker:
		}
	}
	return n
}
