package diagnostics_test

import (
	"bufio"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
)

const (
	ok           = diagnostics.VerdictOK
	diverged     = diagnostics.VerdictDiverged
	unanswerable = diagnostics.VerdictUnanswerable
)

// mutation is a change to the code of a workflow and what must be said about it.
type mutation struct {
	name       string
	base, flow any
	strict     bool
	verdict    diagnostics.Verdict
	// class of the divergence, or of the first warning.
	class diagnostics.Class
	// event is the kind of the event that does not fit, then and now the marks of the
	// lines that issued the two commands.
	event     history.Kind
	then, now string
	fix       string // how the first fix begins
}

const (
	scheduled = history.KindActivityScheduled
	task      = history.KindTaskStarted
	completed = history.KindWorkflowCompleted
	child     = history.KindChildScheduled
)

var mutations = []mutation{
	{"renamed", seq, seqRenamed, false, diverged, diagnostics.ClassName, scheduled, "seq.charge", "seqRenamed", "if it was renamed, register it under"},
	{"renamed last", seq, seqRenamedLast, false, diverged, diagnostics.ClassName, scheduled, "seq.ship", "seqRenamedLast", "if it was renamed"},
	{"swapped", seq, seqSwapped, false, diverged, diagnostics.ClassOrder, scheduled, "seq.reserve", "seqSwapped", "put the calls back into the order"},
	{"without first", seq, seqWithoutFirst, false, diverged, diagnostics.ClassMissing, scheduled, "seq.reserve", "seqWithoutFirst", "put it back"},
	{"without middle", seq, seqWithoutMiddle, false, diverged, diagnostics.ClassMissing, scheduled, "seq.charge", "seqWithoutMiddle", "put it back"},
	{"without last", seq, seqWithoutLast, false, diverged, diagnostics.ClassEarlyEnd, scheduled, "seq.ship", "", "return early only where"},
	{"more first", seq, seqMoreFirst, false, diverged, diagnostics.ClassExtra, scheduled, "seq.reserve", "seqMoreFirst", "ask for it only where"},
	{"more in the middle", seq, seqMoreMiddle, false, diverged, diagnostics.ClassExtra, scheduled, "seq.charge", "seqMoreMiddle", "ask for it only where"},
	{"more last", seq, seqMoreLast, false, diverged, diagnostics.ClassExtra, completed, "", "seqMoreLast", "ask for it only where"},
	{"more beside", seq, seqMoreUnawaited, false, diverged, diagnostics.ClassExtra, task, "", "seqMoreUnawaited", "ask for it only where"},
	{"argument", seq, seqArgument, false, ok, diagnostics.ClassInput, scheduled, "seq.charge", "seqArgument", ""},
	{"argument, strict", seq, seqArgument, true, diverged, diagnostics.ClassInput, scheduled, "seq.charge", "seqArgument", "if executions under way may go on"},
	{"early return", seq, seqEarlyReturn, false, diverged, diagnostics.ClassEarlyEnd, scheduled, "seq.charge", "", "return early only where"},
	{"timer for an activity", seq, seqSleeps, false, diverged, diagnostics.ClassKind, scheduled, "seq.charge", "seqSleeps", "make the new call only where"},
	{"child for an activity", seq, seqChild, false, diverged, diagnostics.ClassKind, scheduled, "seq.charge", "seqChild", "make the new call only where"},
	{"a side effect more", seq, seqEffect, false, diverged, diagnostics.ClassExtra, scheduled, "seq.charge", "seqEffect", "ask for it only where"},
	{"fails at the end", seq, seqFails, false, diverged, diagnostics.ClassKind, completed, "", "", "make the new call only where"},
	{"panics", seq, seqPanics, false, diverged, diagnostics.ClassPanic, scheduled, "seq.charge", "seqPanics", "mend the panic"},
	{"queue", seq, seqQueue, false, ok, diagnostics.ClassOptions, scheduled, "seq.reserve", "seqQueue", ""},
	{"retry policy, strict", seq, seqRetry, true, diverged, diagnostics.ClassOptions, scheduled, "seq.charge", "seqRetry", "if executions under way"},
	{"hangs", seq, seqHangs, false, unanswerable, diagnostics.ClassHang, history.KindActivityCompleted, "", "seqHangs", "give way"},
	{"type of the argument", seq, seqArgType, false, unanswerable, diagnostics.ClassDecode, history.KindWorkflowStarted, "", "", "make the type accept"},
	{"type of a result", seq, seqResultType, false, unanswerable, diagnostics.ClassDecode, history.KindActivityCompleted, "", "", "make the type accept"},
	{"never ends", seq, seqNeverEnds, false, diverged, diagnostics.ClassMissing, completed, "", "seqNeverEnds", "wait for more only where"},
	{"continues as new", seq, seqContinues, false, diverged, diagnostics.ClassKind, completed, "", "seqContinues", "make the new call only where"},
	{"version used", seq, seqVersioned, false, ok, "", "", "", "", ""},
	{"version too high", seq, seqVersionTooHigh, false, diverged, diagnostics.ClassVersion, history.KindActivityCompleted, "", "seqVersionTooHigh", "support the version"},
	{"version misused", seq, seqVersionMisused, false, diverged, diagnostics.ClassExtra, scheduled, "seq.charge", "seqVersionMisused", "ask for it only where"},
	{"version rolled back", seqVersioned, seq, false, diverged, diagnostics.ClassVersion, scheduled, "seqVersioned.audit", "seq.charge", "put back the question"},
	{"marker removed, code kept", seqVersioned, seqMarkerGone, false, ok, "", "", "", "", ""},
	{"clock", eitherA, eitherClock, false, diverged, diagnostics.ClassRandom, scheduled, "either", "either", "replace what differs"},
	{"random number", eitherA, eitherRand, false, diverged, diagnostics.ClassRandom, scheduled, "either", "either", "replace what differs"},
	{"range over a map", bothSorted, bothRanged, false, diverged, diagnostics.ClassRandom, scheduled, "either", "either", "replace what differs"},
	{"range over a map for arguments", argsSorted, argsRanged, false, ok, diagnostics.ClassRandom, scheduled, "", "argsRanged", ""},
	{"range over a map for arguments, strict", argsSorted, argsRanged, true, diverged, diagnostics.ClassRandom, scheduled, "", "argsRanged", "replace what differs"},
	{"duration", wide, changed(func(c *wideCode) { c.timer = time.Minute }), false, ok, diagnostics.ClassTimer, history.KindTimerScheduled, "wide.timer", "wide.timer", ""},
	{"duration, strict", wide, changed(func(c *wideCode) { c.timer = time.Minute }), true, diverged, diagnostics.ClassTimer, history.KindTimerScheduled, "wide.timer", "wide.timer", "if executions under way"},
	{"name of a timer", wide, changed(func(c *wideCode) { c.timerName = "sla" }), false, diverged, diagnostics.ClassName, history.KindTimerScheduled, "wide.timer", "wide.timer", `keep the name "deadline"`},
	{"no timer", wide, changed(func(c *wideCode) { c.noTimer = true }), false, diverged, diagnostics.ClassMissing, history.KindTimerScheduled, "wide.timer", "wide.effect", "put it back"},
	{"no side effect", wide, changed(func(c *wideCode) { c.effect = false }), false, diverged, diagnostics.ClassMissing, history.KindSideEffectRecorded, "wide.effect", "wide.mutable", "put it back"},
	{"one more side effect", wide, changed(func(c *wideCode) { c.moreEffect = true }), false, diverged, diagnostics.ClassExtra, history.KindMutableSideEffect, "wide.mutable", "wide.moreEffect", "ask for it only where"},
	{"id of a mutable side effect", wide, changed(func(c *wideCode) { c.mutable = "flog" }), false, diverged, diagnostics.ClassName, history.KindMutableSideEffect, "wide.mutable", "wide.mutable", `keep the name "flag"`},
	{"longer loop", wide, changed(func(c *wideCode) { c.fan = 3 }), false, diverged, diagnostics.ClassExtra, task, "", "wide.part", "ask for it only where"},
	{"shorter loop", wide, changed(func(c *wideCode) { c.fan = 1 }), false, diverged, diagnostics.ClassMissing, scheduled, "wide.part", "", "put it back"},
	{"one after the other", wide, changed(func(c *wideCode) { c.awaitFan = true }), false, diverged, diagnostics.ClassOrder, scheduled, "wide.part", "wide.await", "put the calls back"},
	{"side by side", changed(func(c *wideCode) { c.awaitFan = true }), wide, false, diverged, diagnostics.ClassOrder, task, "", "wide.part", "put the calls back"},
	{"no wait for a signal", wide, changed(func(c *wideCode) { c.skipSignal = true }), false, diverged, diagnostics.ClassOrder, task, "", "wide.stop", "put the calls back"},
	{"timer not canceled", wide, changed(func(c *wideCode) { c.stop = false }), false, diverged, diagnostics.ClassMissing, history.KindTimerCanceled, "wide.stop", "wide.child", "put it back"},
	{"name of a child", wide, changed(func(c *wideCode) { c.child = "package" }), false, diverged, diagnostics.ClassName, child, "wide.child", "wide.child", "if it was renamed"},
	{"id of a child", wide, changed(func(c *wideCode) { c.childID = "p-2" }), false, diverged, diagnostics.ClassName, child, "wide.child", "wide.child", "if it was renamed"},
	{"target of a signal", wide, changed(func(c *wideCode) { c.target = "log" }), false, diverged, diagnostics.ClassName, history.KindSignalSent, "wide.send", "wide.send", "keep the name"},
	{"name of a signal", wide, changed(func(c *wideCode) { c.signal = "over" }), false, diverged, diagnostics.ClassName, history.KindSignalSent, "wide.send", "wide.send", "keep the name"},
	{"order of coroutines", group("x", "y"), group("y", "x"), false, diverged, diagnostics.ClassOrder, scheduled, "group", "group", "put the calls back"},

	{"the same", seq, seq, false, ok, "", "", "", "", ""},
	{"the same, wide", wide, wide, true, ok, "", "", "", "", ""},
	{"logs, tags, status, notes", seq, seqLogs, true, ok, "", "", "", "", ""},
	{"spans", seq, seqSpans, true, ok, "", "", "", "", ""},
	{"moved lines", seq, seqMoved, true, ok, "", "", "", "", ""},
	{"refactored", seq, seqRefactored, true, ok, "", "", "", "", ""},
	{"in a coroutine", seq, seqCoroutines, true, ok, "", "", "", "", ""},
	{"same coroutines", group("x", "y"), group("x", "y"), true, ok, "", "", "", "", ""},
}

func TestMutations(t *testing.T) {
	marks := lineMarks(t, "flows_test.go")
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			r := replayed(t, m)
			if r.Verdict != m.verdict {
				t.Fatalf("verdict %s, want %s: %s", r.Verdict, m.verdict, r.Summary)
			}
			if m.verdict == ok {
				checkWarning(t, r, m, marks)
				return
			}
			d := r.Divergence
			if r.Class != m.class {
				t.Errorf("class %s, want %s: %s\n%+v", r.Class, m.class, r.Summary, r.Cause)
			}
			if d.Event != string(m.event) {
				t.Errorf("found at %s (event %d), want %s", d.Event, d.Seq, m.event)
			}
			checkSite(t, "then", siteOf(d.History), m.then, marks)
			checkSite(t, "now", d.At(), m.now, marks)
			if !strings.HasPrefix(r.Cause.Fixes[0], m.fix) {
				t.Errorf("first fix %q, want it to begin with %q", r.Cause.Fixes[0], m.fix)
			}
			if _, err := os.Stat("../" + r.Cause.Page); err != nil {
				t.Error(err)
			}
		})
	}
}

func checkWarning(t *testing.T, r diagnostics.Report, m mutation, marks map[string]int) {
	t.Helper()
	if m.class == "" {
		if len(r.Warnings) > 0 {
			t.Errorf("warnings: %+v", r.Warnings)
		}
		return
	}
	if len(r.Warnings) == 0 {
		t.Fatal("no warning")
	}
	w := r.Warnings[0]
	if w.Class != m.class || w.History == nil || w.History.Kind != string(m.event) {
		t.Errorf("warning %+v", w)
		return
	}
	checkSite(t, "then", siteOf(w.History), m.then, marks)
	checkSite(t, "now", siteOf(w.Code), m.now, marks)
}

func siteOf(c *engine.BlockCommand) history.Site {
	if c == nil {
		return history.Site{}
	}
	return history.Site{Function: c.Function, File: c.File, Line: c.Line}
}

func checkSite(t *testing.T, what string, got history.Site, mark string, marks map[string]int) {
	t.Helper()
	if mark == "" {
		return
	}
	if marks[mark] == 0 {
		t.Fatalf("no line is marked %s", mark)
	}
	if got.Line != marks[mark] || got.File != "flows_test.go" || !strings.Contains(got.Function, "diagnostics_test.") {
		t.Errorf("call site %s is %+v, want line %d (%s)", what, got, marks[mark], mark)
	}
}

// lineMarks are the lines that a comment gives a name.
func lineMarks(t *testing.T, file string) map[string]int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	marks := map[string]int{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if _, mark, ok := strings.Cut(lines.Text(), "// @"); ok {
			marks[mark] = n
		}
	}
	return marks
}

// replayed records the base of a mutation and replays it with the changed code.
func replayed(t *testing.T, m mutation) diagnostics.Report {
	t.Helper()
	b := record(t, m.base, world{args: []any{7}, events: []delivery{signal(20*time.Second, "go", 1)}})
	passes := 3
	if m.class == diagnostics.ClassRandom {
		passes = mutationPasses
	}
	o := diagnostics.Options{Strict: m.strict, Passes: passes, Settings: settings.Settings{StepDeadline: 200 * time.Millisecond}}
	return diagnostics.Replay(b, registryOf(t, "flow", m.flow), o)
}

// mutationPasses is what a replay has time for by itself.
const mutationPasses = 96

// A workflow that is registered nowhere, but resembles one that is, was renamed.
func TestRenamedWorkflow(t *testing.T) {
	b := record(t, seq, world{name: "Order", args: []any{7}})
	reg := registryOf(t, "Orders", seq)
	for _, name := range []string{"Feed", "Orderly"} {
		if err := reg.RegisterWorkflow(seq, registry.WithName(name)); err != nil {
			t.Fatal(err)
		}
	}
	r := diagnostics.Replay(b, reg, diagnostics.Options{})
	if r.Verdict != unanswerable || r.Class != diagnostics.ClassName || r.Divergence.History.Name != "Order" || r.Divergence.Code.Name != "Orders" ||
		!strings.Contains(r.Summary, `it looks renamed to "Orders"`) || !strings.Contains(r.Cause.Fixes[0], `registry.WithName("Order")`) {
		t.Errorf("%s\n%+v", r.Summary, r.Cause)
	}
}

// What is registered under both names was not renamed: another one is called.
func TestNamesThatAreBothRegistered(t *testing.T) {
	b := record(t, seq, world{args: []any{7}})
	reg := registryOf(t, "flow", seqRenamed)
	says := func() string { return diagnostics.Replay(b, reg, diagnostics.Options{Passes: 1}).Cause.Cause }
	if got := says(); !strings.HasSuffix(got, "; it looks renamed") {
		t.Error(got)
	}
	for _, name := range []string{"charge", "chargeCard"} {
		if err := reg.RegisterActivity(func(context.Context, int) (int, error) { return 0, nil }, registry.WithName(name)); err != nil {
			t.Fatal(err)
		}
	}
	r := diagnostics.Replay(b, reg, diagnostics.Options{Passes: 1})
	if r.Class != diagnostics.ClassName || !strings.HasSuffix(r.Cause.Cause, "; both are registered") || strings.HasPrefix(r.Cause.Fixes[0], "if it was renamed") {
		t.Errorf("%+v", r.Cause)
	}
}

func TestUnregistered(t *testing.T) {
	b := record(t, seq, world{args: []any{7}})
	r := diagnostics.Replay(b, registryOf(t, "other", seq), diagnostics.Options{})
	if r.Verdict != unanswerable || r.Class != diagnostics.ClassUnregistered || !strings.Contains(r.Cause.Cause, "other") {
		t.Errorf("%+v", r)
	}
	if r.Passes.Run != 1 {
		t.Errorf("%d passes", r.Passes.Run)
	}
	if r := diagnostics.Replay(b, registry.New(), diagnostics.Options{}); r.Class != diagnostics.ClassUnregistered {
		t.Errorf("%+v", r)
	}
}
