package diagnostics

import (
	"fmt"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Verdict is the answer of a replay.
type Verdict string

// The closed set of verdicts.
const (
	// VerdictOK: the code repeats what history records, perhaps with warnings.
	VerdictOK Verdict = "ok"
	// VerdictDiverged: it does something else.
	VerdictDiverged Verdict = "diverged"
	// VerdictUnanswerable: history could not be replayed to the place where one would know.
	VerdictUnanswerable Verdict = "unanswerable"
)

// Report is what a replay finds. As JSON it only grows. It holds no values of
// payloads unless Options.Values asks for them, and is the same from run to run but
// for the number of passes, which depends on how long they took.
type Report struct {
	Instance engine.Instance `json:"instance"`
	Workflow string          `json:"workflow,omitempty"`
	Verdict  Verdict         `json:"verdict"`
	// Class of the first divergence, or of what kept the replay from an answer.
	Class Class `json:"class,omitempty"`
	// Summary is one line for people.
	Summary string `json:"summary"`
	// Events is the length of the history.
	Events int `json:"events"`
	// Divergence is the first one, or the place where replay had to stop.
	Divergence *Divergence `json:"divergence,omitempty"`
	// Cause explains it.
	Cause *Explanation `json:"cause,omitempty"`
	// Rows are commands of history and of the code side by side: some before the
	// divergence and some after it, or all. They are missing if there is nothing to
	// show and Options.AllRows is not set.
	Rows []Row `json:"rows,omitempty"`
	// Warnings are differences that are let pass.
	Warnings []Warning `json:"warnings,omitempty"`
	Passes   Passes    `json:"passes"`
}

// Divergence is where code and history differ first.
type Divergence struct {
	// Seq is the event that does not fit; one more than history has if the code goes
	// on where history ends. Event is its kind.
	Seq   int64  `json:"seq"`
	Event string `json:"event,omitempty"`
	// History is what history says, with the call site of then; Code what the code
	// did, with that of now. Either may be missing.
	History *engine.BlockCommand `json:"history,omitempty"`
	Code    *engine.BlockCommand `json:"code,omitempty"`
	// Stack of the coroutine that issued the command of the code. If it issued none,
	// the stacks of those that wait, or of the panic.
	Stack   string `json:"stack,omitempty"`
	Message string `json:"message"`
}

// At is the place in the code that is to be looked at: the call site of what it
// did, or else where it waits.
func (d *Divergence) At() history.Site {
	if d.Code != nil && d.Code.Function != "" {
		return history.Site{Function: d.Code.Function, File: d.Code.File, Line: d.Code.Line}
	}
	return topOf(d.Stack)
}

// topOf is the innermost frame of the first stack in a text.
func topOf(stack string) history.Site {
	lines := strings.SplitN(stack, "\n", 4)
	if len(lines) < 3 {
		return history.Site{}
	}
	s := history.Site{Function: lines[1]}
	file, line, _ := strings.Cut(strings.TrimSpace(lines[2]), ":")
	if _, err := fmt.Sscan(line, &s.Line); err != nil {
		return history.Site{}
	}
	s.File = file
	return s
}

// Op is how the two sides of a row differ.
type Op string

// The closed set of ops of a Row.
const (
	OpSame     Op = "same"
	OpChanged  Op = "changed"  // the same command with other arguments or options
	OpReplaced Op = "replaced" // another command in its place
	OpRemoved  Op = "removed"  // history has it, the code not
	OpAdded    Op = "added"    // the code has it, history not
	OpMoved    Op = "moved"    // both have it, at another time
)

// Row is a command of history beside that of the code.
type Row struct {
	Op Op `json:"op"`
	// Seq of the event that records it, or at which it is too much.
	Seq     int64                `json:"seq"`
	History *engine.BlockCommand `json:"history,omitempty"`
	Code    *engine.BlockCommand `json:"code,omitempty"`
	Diffs   []string             `json:"diffs,omitempty"`
	// First marks the first divergence. What follows it is Exploratory: what the code
	// would do if it had gone on, see Explanation.
	First       bool `json:"first,omitempty"`
	Exploratory bool `json:"exploratory,omitempty"`
}

// Warning is a difference that is let pass.
type Warning struct {
	Class Class `json:"class"`
	Seq   int64 `json:"seq"`
	// History is the recorded command, with the call site of then; Code has that of
	// now.
	History *engine.BlockCommand `json:"history,omitempty"`
	Code    *engine.BlockCommand `json:"code,omitempty"`
	Changes []Change             `json:"changes,omitempty"`
	Message string               `json:"message"`
}

// Passes tells how often the history was replayed.
type Passes struct {
	Run int `json:"run"`
	// Agreed is how many did the same as the first one, itself included. That all
	// agree does not prove that the code is not random.
	Agreed int `json:"agreed"`
}

// Random is the report of a divergence that another process with the same code did not
// come to: the code is random, although it does the same in all passes of one process.
func (r Report) Random() Report {
	if r.Divergence == nil {
		return r
	}
	f := findings{class: ClassRandom, d: r.Divergence}
	r.Verdict, r.Class, r.Cause = VerdictDiverged, ClassRandom, explain(f)
	r.Summary = summaryOf(&r)
	return r
}

// Group is the same for reports that have the same cause, of whatever instance:
// class, command and place in the code. Ids of the instances that commands name are
// left out, as these are different in each.
func (r Report) Group() string {
	if r.Divergence == nil {
		return string(r.Verdict)
	}
	d := r.Divergence
	return strings.Join([]string{string(r.Class), r.Workflow, nameOf(d.History), nameOf(d.Code), d.At().Function}, "|")
}

func nameOf(c *engine.BlockCommand) string {
	if c == nil {
		return ""
	}
	name := c.Name
	switch history.Kind(c.Kind) { //nolint:exhaustive // those that name an instance
	case history.KindChildScheduled, history.KindSignalSent:
		name, _, _ = strings.Cut(name, " ")
	}
	return c.Kind + " " + name
}
