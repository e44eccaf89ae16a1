package diagnostics

import (
	"fmt"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// telling is how a class is explained.
type telling struct {
	cause func(*findings) string
	fixes func(*findings) []string
}

// tellings has one for every class.
var tellings = map[Class]telling{
	ClassName:         {causeName, fixName},
	ClassKind:         {causeKind, fixGuard},
	ClassInput:        {causeChanged, fixChanged},
	ClassMissing:      {causeMissing, fixMissing},
	ClassExtra:        {causeExtra, fixExtra},
	ClassOrder:        {causeOrder, fixOrder},
	ClassTimer:        {causeChanged, fixChanged},
	ClassOptions:      {causeChanged, fixChanged},
	ClassPanic:        {causePanic, fixPanic},
	ClassEarlyEnd:     {causeEarlyEnd, fixEarlyEnd},
	ClassHang:         {causeMessage, fixHang},
	ClassVersion:      {causeVersion, fixVersion},
	ClassDecode:       {causeMessage, fixDecode},
	ClassUnregistered: {causeUnregistered, fixUnregistered},
	ClassRandom:       {causeRandom, fixRandom},
}

const (
	waitOut    = "or run the old build beside the new one until the instances that it began are done; new builds leave them alone"
	rollingOut = "or wait: while a worker of the old build runs, it finishes them"
)

// guard is the code that keeps a change from executions that are under way.
func guard(f *findings) string {
	id := "the-change"
	for _, c := range []*engine.BlockCommand{f.d.History, f.d.Code} {
		if c != nil && c.Name != "" {
			id, _, _ = strings.Cut(c.Name, " ")
			break
		}
	}
	return fmt.Sprintf("workflow.Version(ctx, %q, workflow.DefaultVersion, 1)", id)
}

// recorded and issued are the two sides of the first difference, as far as the
// exploration could tell them apart.
func (f *findings) recorded() *engine.BlockCommand {
	if f.pair != nil && f.pair.Recorded != nil {
		return rowOf(f.pair).History
	}
	return f.d.History
}

func (f *findings) issued() *engine.BlockCommand {
	if f.pair != nil && f.pair.Issued != nil {
		return rowOf(f.pair).Code
	}
	return f.d.Code
}

func causeMessage(f *findings) string { return f.d.Message }

func causeName(f *findings) string {
	then, now := f.recorded(), f.issued()
	if f.err != nil {
		return fmt.Sprintf("history is of workflow %q, which is registered nowhere; it looks renamed to %q", then.Name, now.Name)
	}
	s := fmt.Sprintf("history has %s, the code asks for %s in its place", sentence(then), sentence(now))
	switch {
	case f.registered:
		s += "; both are registered"
	case alike(nameIn(then), nameIn(now)):
		s += "; it looks renamed"
	}
	return s
}

func fixName(f *findings) []string {
	then := f.recorded()
	if f.err != nil {
		return []string{
			fmt.Sprintf("if it was renamed, register it under the name that histories have: RegisterWorkflow(f, registry.WithName(%q))", then.Name),
			fmt.Sprintf("if %q is another workflow, register both; check that this program is the one that runs these instances", f.issued().Name),
		}
	}
	var fixes []string
	switch history.Kind(then.Kind) { //nolint:exhaustive // what is registered
	case history.KindActivityScheduled:
		if f.registered {
			break
		}
		fixes = append(fixes, fmt.Sprintf("if it was renamed, register it under the name that histories have: RegisterActivity(f, registry.WithName(%q)), and keep that name in the call", then.Name))
	case history.KindChildScheduled:
		if f.registered {
			break
		}
		name, _, _ := strings.Cut(then.Name, " ")
		fixes = append(fixes, fmt.Sprintf("if it was renamed, register it under the name that histories have: RegisterWorkflow(f, registry.WithName(%q)); keep the id of the instance as it was", name))
	default:
		fixes = append(fixes, fmt.Sprintf("keep the name %q", then.Name))
	}
	return append(fixes, guarded(f, "make the new call"), waitOut)
}

func guarded(f *findings, what string) string {
	return fmt.Sprintf("%s only where %s is 1, and keep what was there for workflow.DefaultVersion", what, guard(f))
}

func causeKind(f *findings) string {
	return fmt.Sprintf("history has %s, the code comes to %s in its place", sentence(f.recorded()), sentence(f.issued()))
}

func fixGuard(f *findings) []string { return []string{guarded(f, "make the new call"), waitOut} }

func causeChanged(f *findings) string {
	diffs := ""
	if f.pair != nil {
		diffs = strings.Join(f.pair.Diffs, ", ")
	}
	return fmt.Sprintf("%s is asked for with other %s than history has", sentence(f.issued()), diffs)
}

func fixChanged(f *findings) []string {
	return []string{
		"if executions under way may go on with what history has, let the difference pass: settings.Settings.Strictness, or replay without strict",
		guarded(f, "pass the new values"),
	}
}

func causeMissing(f *findings) string {
	s := fmt.Sprintf("history has %s, which the code does not ask for any more", sentence(f.recorded()))
	if r := f.recorded(); r != nil && isFinal(r.Kind) {
		s = fmt.Sprintf("history has %s, the code goes on", sentence(r))
	}
	if at := f.d.At(); f.d.Code == nil && at.File != "" {
		s += fmt.Sprintf("; it waits at %s (%s:%d)", at.Function, at.File, at.Line)
	}
	return s
}

func fixMissing(f *findings) []string {
	if r := f.recorded(); r != nil && isFinal(r.Kind) {
		return []string{fmt.Sprintf("wait for more only where %s is 1", guard(f)), waitOut}
	}
	return []string{
		fmt.Sprintf("put it back for executions under way: leave it out only where %s is 1", guard(f)),
		waitOut,
	}
}

func causeExtra(f *findings) string {
	return fmt.Sprintf("the code asks for %s, which history does not have", sentence(f.issued()))
}

func fixExtra(f *findings) []string {
	return []string{fmt.Sprintf("ask for it only where %s is 1", guard(f)), waitOut}
}

func causeOrder(f *findings) string {
	switch {
	case f.d.Code == nil:
		s := fmt.Sprintf("the code waits before it asks for %s, history has not waited", sentence(f.recorded()))
		if at := f.d.At(); at.File != "" {
			s += fmt.Sprintf("; it waits at %s (%s:%d)", at.Function, at.File, at.Line)
		}
		return s
	case f.d.History == nil || isFinal(f.d.History.Kind):
		return fmt.Sprintf("the code asks for %s earlier than history, which has waited for something before", sentence(f.d.Code))
	}
	return fmt.Sprintf("the code asks for %s before %s, history has them in another order", sentence(f.d.Code), sentence(f.d.History))
}

func fixOrder(f *findings) []string {
	return []string{
		"put the calls back into the order of history, with the waits between them",
		guarded(f, "take the new order"),
		waitOut,
	}
}

func causePanic(f *findings) string {
	at := f.d.At()
	return fmt.Sprintf("the code panics at %s (%s:%d), where history goes on", at.Function, at.File, at.Line)
}

func fixPanic(*findings) []string {
	return []string{"mend the panic; the instance goes on with the next build", waitOut}
}

func causeEarlyEnd(f *findings) string {
	s := fmt.Sprintf("the code comes to %s, where history goes on", sentence(f.d.Code))
	if f.d.History != nil && f.d.History.Kind != string(history.KindTaskStarted) {
		s += " with " + sentence(f.d.History)
	}
	return s
}

func fixEarlyEnd(f *findings) []string {
	return []string{
		fmt.Sprintf("return early only where %s is 1", guard(f)),
		"if it fails now, look at what makes it fail: an argument or a result that the code takes for wrong",
		waitOut,
	}
}

func fixHang(*findings) []string {
	return []string{
		"give way: use workflow.Sleep, channels, mutexes and futures of package workflow in the place of those of Go, and bound loops",
		"move what computes for long into an activity",
		"if it is only slow, raise settings.Settings.StepDeadline",
	}
}

func causeVersion(f *findings) string {
	if f.best == nil {
		return f.d.Message
	}
	return fmt.Sprintf("history has a version marker for the change %q, which the code does not ask for: the change was taken back, or the marker removed too early", f.marker)
}

func fixVersion(f *findings) []string {
	if f.best == nil {
		return []string{
			fmt.Sprintf("support the version that this execution has: lower the minimum, or raise the maximum, of the change %q, and keep the code of that version", f.marker),
			waitOut,
		}
	}
	return []string{
		fmt.Sprintf("put back the question for %q and the code of the version that history has", f.marker),
		"after a rollback: " + rollingOut[len("or "):],
	}
}

func fixDecode(*findings) []string {
	return []string{
		"make the type accept what is stored: add fields instead of changing their types, or give it an UnmarshalJSON",
		"replay with the settings of the worker: its converter and its codec",
		"if it is a signal that nobody can read, drop it: wfops retry --drop-event",
	}
}

func causeUnregistered(f *findings) string { return f.err.Error() }

func fixUnregistered(*findings) []string {
	return []string{
		"register the workflow, or a renamed one under the name that histories have: RegisterWorkflow(f, registry.WithName(…))",
		"check that this program is the one that runs these instances",
	}
}

func causeRandom(f *findings) string {
	if at := f.d.At(); at.File != "" {
		return fmt.Sprintf("the code does not do the same each time it runs; look at what leads to %s (%s:%d)", at.Function, at.File, at.Line)
	}
	return "the code does not do the same each time it runs"
}

func fixRandom(*findings) []string {
	return []string{
		"replace what differs from run to run: time.Now by workflow.Now, rand by workflow.Rand or workflow.SideEffect, go by workflow.Go, the range over a map by one over its sorted keys",
		"move it into an activity or a side effect",
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
