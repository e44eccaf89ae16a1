package diagnostics

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
)

// Options of Replay. The zero value works.
type Options struct {
	// Settings are those of the worker: without its codec and converter nothing can be
	// decoded. They decide on strictness too.
	Settings settings.Settings
	// Strict makes differences in arguments, options and durations a divergence,
	// whatever Settings say.
	Strict bool
	// Passes is how often to replay. 0 means until 96 passes or PassTime, whatever
	// comes first, and at least three; random code shows itself only by not doing the
	// same twice.
	Passes int
	// PassTime is how long to look for random code, if Passes is 0; 0 means 250 ms.
	PassTime time.Duration
	// Context is how many rows to show on each side of the divergence; 0 means 5.
	Context int
	// AllRows shows all rows, of a replay without a divergence too.
	AllRows bool
	// Values puts values of payloads into Changes. They are opened by the codec.
	Values bool
}

const (
	// mostPasses is for a map of two keys, which Go ranges over in the same order seven
	// times out of eight: 64 passes would miss one in five thousand, these miss one in
	// four hundred thousand.
	mostPasses      = 96
	fewestPasses    = 3
	defaultPassTime = 250 * time.Millisecond
	defaultContext  = 5
)

// Replay runs the code that reg holds against a history. No activity runs, no side
// effect happens, time stands still where history has it. It takes as long as the
// workflow code does, several times over; code that does not give way is left to
// itself after Settings.StepDeadline.
//
// To explain a divergence the code is run on: commands that history lacks are answered
// with zero values. A loop that never ends with these goes on for ever, in a goroutine
// that nobody can stop.
func Replay(b Bundle, reg *registry.Registry, o Options) Report {
	r := replayer{bundle: b, reg: reg, o: o}
	r.report = Report{Instance: b.Instance, Workflow: b.Workflow, Events: len(b.Events), Verdict: VerdictOK}
	if problem := r.unfit(); problem != "" {
		r.report.Verdict = VerdictUnanswerable
		r.report.Summary = problem
		return r.report
	}
	r.run()
	return r.report
}

// replayer is one call of Replay.
type replayer struct {
	bundle Bundle
	reg    *registry.Registry
	o      Options
	report Report
}

// Blocked returns the report for an execution that was blocked for a reason: that of a
// Replay if it meets the reason again, or else what the reason tells by itself. An
// execution whose code does not give way is not run again.
//
// like, unless nil, is the report of another execution of the same workflow that was
// blocked by the same commands: class and cause are taken from it, and no code is run.
// After a deploy there are thousands that are alike.
func Blocked(b Bundle, reg *registry.Registry, o Options, reason engine.BlockReason, like *Report) Report {
	if reason.Class != engine.BlockHang && reason.Class != engine.BlockHistoryLimit && like == nil {
		if found := Replay(b, reg, o); found.Verdict != VerdictOK && found.Divergence != nil {
			return found
		}
	}
	r := replayer{bundle: b, reg: reg, o: o}
	r.report = Report{Instance: b.Instance, Workflow: b.Workflow, Events: len(b.Events)}
	if like != nil {
		r.alike(reason, like)
	} else {
		r.blocked(nil, &executor.BlockedError{Reason: reason})
	}
	return r.report
}

// alike reports a block as another one was explained.
func (r *replayer) alike(reason engine.BlockReason, like *Report) {
	d := divergenceOf(reason)
	r.report.Verdict, r.report.Class, r.report.Cause, r.report.Divergence = like.Verdict, like.Class, like.Cause, d
	r.report.Rows = r.recordedRows(d)
	r.report.Summary = summaryOf(&r.report)
}

func divergenceOf(reason engine.BlockReason) *Divergence {
	return &Divergence{
		Seq: reason.Seq, Event: reason.Event, History: reason.Expected, Code: reason.Issued, Stack: reason.Stack, Message: reason.Message,
	}
}

// summaryOf says in one line what has kept a replay from going on.
func summaryOf(r *Report) string {
	cause := r.Divergence.Message
	if r.Cause != nil {
		cause = string(r.Class) + ": " + r.Cause.Cause
	}
	return fmt.Sprintf("%s at event %d: %s", r.Verdict, r.Divergence.Seq, cause)
}

// unfit tells why a bundle can't be replayed at all.
func (r *replayer) unfit() string {
	switch {
	case r.bundle.Redacted:
		return "the bundle is redacted: the code needs the values that it was given; export it without redaction"
	case r.bundle.Instance.ExecutionID == "":
		return "the bundle names no execution: ids that the code derives from it would differ"
	}
	if err := history.Check(r.bundle.Events); err != nil {
		return err.Error()
	}
	if !slices.ContainsFunc(r.bundle.Events, func(ev history.Event) bool { return ev.Kind() == history.KindWorkflowStarted }) {
		return "the history does not tell how the execution was started: export it whole"
	}
	return ""
}

func (r *replayer) executor(stacks executor.Stacks, watch func(executor.Issued)) *executor.Executor {
	return executor.New(executor.Options{
		Instance: r.bundle.Instance, Registry: r.reg, Command: r.o.Settings.Command(r.reg), StepDeadline: r.o.Settings.StepDeadline,
		Strict: r.strict(), Watch: watch, Stacks: stacks,
	})
}

func (r *replayer) strict() bool { return r.o.Strict || r.o.Settings.Strict(r.bundle.Workflow) }

func (r *replayer) run() {
	ps := r.passes()
	r.report.Passes = ps.count()
	first := ps.worst()
	if first.err == nil {
		r.agreed(ps, first)
		return
	}
	var b *executor.BlockedError
	if !errors.As(first.err, &b) {
		r.stopped(first.err)
		return
	}
	if b.Reason.Class == engine.BlockNondeterminism {
		b = r.withStack(b)
	}
	r.blocked(ps, b)
}

// agreed reports a replay that came to the end of history.
func (r *replayer) agreed(ps *passes, p pass) {
	if !p.warned && !r.o.AllRows && !ps.differ {
		r.report.Summary = fmt.Sprintf("ok: the code repeats all %d events", len(r.bundle.Events))
		return
	}
	ex := r.exploreAgreed(ps)
	r.report.Warnings = r.warnings(ex, ps)
	if r.o.AllRows {
		r.report.Rows = r.rows(ex, nil)
	}
	r.report.Summary = fmt.Sprintf("ok: the code repeats all %d events", len(r.bundle.Events))
	if n := len(r.report.Warnings); n > 0 {
		r.report.Summary += ", with " + plural(n, "difference that is let pass", "differences that are let pass")
	}
}

// exploreAgreed runs code that came to the end of history. If it does not do the same
// each time, it is run until what differs from history can be seen.
func (r *replayer) exploreAgreed(ps *passes) executor.Exploration {
	ex := r.explore(executor.Replaced)
	for n := 0; n < mostPasses && ps.differ && !slices.ContainsFunc(ex.Pairs, func(p *executor.Pair) bool { return opOf(p) != OpSame }); n++ {
		ex = r.explore(executor.Replaced)
	}
	return ex
}

// stopped reports a replay that found no code to run. A workflow that is registered
// nowhere, but resembles one that is, was renamed.
func (r *replayer) stopped(err error) {
	r.report.Verdict = VerdictUnanswerable
	r.report.Summary = "unanswerable: " + err.Error()
	d := &Divergence{Seq: 2, Event: string(history.KindWorkflowStarted), Message: err.Error()}
	r.report.Divergence = d
	if !errors.Is(err, engine.ErrNotRegistered) {
		return
	}
	f := findings{class: ClassUnregistered, d: d, err: err}
	if now := nearest(r.bundle.Workflow, r.reg.Workflows()); now != "" {
		f.class = ClassName
		d.History = &engine.BlockCommand{Kind: d.Event, Name: r.bundle.Workflow}
		d.Code = &engine.BlockCommand{Kind: d.Event, Name: now}
	}
	r.report.Class, r.report.Cause = f.class, explain(f)
	if f.class == ClassName {
		r.report.Summary = summaryOf(&r.report)
	}
}

// blocked reports a replay that was blocked; without passes, a block that no replay
// has met.
func (r *replayer) blocked(ps *passes, b *executor.BlockedError) {
	d := divergenceOf(b.Reason)
	f := r.classify(ps, d, b.Reason.Class)
	r.report.Divergence, r.report.Class = d, f.class
	r.report.Verdict = VerdictDiverged
	switch b.Reason.Class {
	case engine.BlockHang, engine.BlockDecode, engine.BlockHistoryLimit:
		r.report.Verdict = VerdictUnanswerable
	case engine.BlockNondeterminism, engine.BlockVersion:
	}
	if f.class != "" {
		r.report.Cause = explain(f)
	}
	if f.best != nil {
		r.report.Rows = r.rows(*f.best, d)
		r.report.Warnings = r.warnings(*f.best, ps)
	} else {
		r.report.Rows = r.recordedRows(d)
	}
	r.report.Summary = summaryOf(&r.report)
}

// explore runs the code with a guess about its first difference. A Replay with the
// same code has found it registered.
func (r *replayer) explore(g executor.Guess) executor.Exploration {
	x := r.executor(executor.StacksAlways, nil)
	defer x.Close()
	ex, err := x.Explore(r.bundle.Events, g)
	if err != nil {
		return executor.Exploration{Blocked: &executor.BlockedError{Reason: engine.BlockReason{Message: err.Error()}}}
	}
	return ex
}

// withStack finds the stack of a divergence that a pass without stacks has met.
// Random code may take some tries to come to it again.
func (r *replayer) withStack(b *executor.BlockedError) *executor.BlockedError {
	for range mostPasses {
		x := r.executor(executor.StacksAlways, nil)
		err := x.Replay(r.bundle.Events)
		x.Close()
		var again *executor.BlockedError
		if errors.As(err, &again) && sameBlock(again, b) {
			return again
		}
	}
	return b
}

// sameBlock compares what a pass without stacks knows.
func sameBlock(a, b *executor.BlockedError) bool { return blockKey(a) == blockKey(b) }

func blockKey(b *executor.BlockedError) string {
	r := b.Reason
	return fmt.Sprintf("%020d %s %s|%s", r.Seq, r.Class, commandKey(r.Expected), commandKey(r.Issued))
}

func commandKey(c *engine.BlockCommand) string {
	if c == nil {
		return "-"
	}
	return fmt.Sprintf("%s %d %s %s", c.Kind, c.Ref, c.Name, c.Detail)
}

func (o Options) context() int { return cmp.Or(o.Context, defaultContext) }
