package diagnostics

import (
	"bytes"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Level is how closely two executions are looked at when they are compared.
type Level string

// The closed set of levels.
const (
	// LevelStep compares what was done: a command with its attempts and its answer is one.
	LevelStep Level = "step"
	// LevelEvent compares every event, by what it holds for the code.
	LevelEvent Level = "event"
	// LevelRaw compares every event, by all that is stored of it.
	LevelRaw Level = "raw"
)

// Levels returns all levels, the coarsest first.
func Levels() []Level { return []Level{LevelStep, LevelEvent, LevelRaw} }

// Unit is what is compared, for one of it.
func (l Level) Unit() string {
	if l == LevelEvent || l == LevelRaw {
		return "event"
	}
	return "step"
}

// rowStep makes a step of an event, which changed step of, or none. Whatever it is compared
// by, it is aligned by what it holds for the code: what else is stored differs each time.
func rowStep(ev *history.Event, of *Step, raw bool) Step {
	s := Step{Kind: StepKind(ev.Kind()), Seq: ev.Seq, Ref: ev.Ref, Began: ev.At, Site: history.SiteOf(ev.Body)}
	if of != nil {
		s.Name = of.Name
		if of.Seq == ev.Seq {
			s.Input, s.Duration = of.Input, of.Duration
		}
		if n := len(of.Runs); of.End == ev.Seq {
			s.Outcome, s.Result, s.Failure, s.Attempts = of.Outcome, of.Result, of.Failure, of.Attempts
		} else if n > 0 && of.Runs[n-1].Seq == ev.Seq {
			s.Outcome, s.Failure = OutcomeFailed, of.Runs[n-1].Failure
		}
	}
	if raw {
		s.Document = documentOf(*ev)
	}
	return s
}

// documentOf is what is stored of an event, or nil if it can't be.
func documentOf(ev history.Event) engine.Payload {
	encoded, err := history.Encode(ev)
	if err != nil {
		return nil
	}
	return engine.Payload(bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(encoded), []byte("[")), []byte("]")))
}

// isEffect tells the steps and events that recorded what the code can't say again.
func isEffect(k StepKind) bool {
	return slices.Contains([]StepKind{StepEffect, StepKind(history.KindSideEffectRecorded), StepKind(history.KindMutableSideEffect)}, k)
}

// documentRule is the rule for a part of a document whose value does not tell, or "".
func documentRule(parts []string) Rule {
	within := func(path ...string) bool { return pathHolds(path, parts) }
	switch {
	case within("ref"):
		return RuleIDs
	case within("body", "run", "attempt"):
		return RuleAttempts
	case within("body", "value"):
		return RuleRandom
	}
	return ""
}
