package diagnostics_test

import (
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// leveled is an execution of one activity, with what differs between any two.
func leveled(sku, effect, id string, attempt int, at time.Time) []history.Event {
	events := []history.Event{
		{Body: history.TaskStarted{Worker: "w-" + id}},
		{Body: history.WorkflowStarted{Workflow: "Order", Args: []engine.Payload{engine.Payload(`{"sku":"` + sku + `"}`)}, FirstExecution: id}},
		{Ref: 1, Body: history.SideEffectRecorded{Value: engine.Payload(effect)}},
		{Ref: 2, Body: history.ActivityScheduled{Name: "Charge", Args: []engine.Payload{engine.Payload("1")}}},
		{Body: history.TaskStarted{Worker: "w-" + id}},
		{Ref: 2, Body: history.ActivityCompleted{Result: engine.Payload(`"` + sku + `"`), Run: history.Run{Attempt: attempt, Started: at}}},
		{Body: history.WorkflowCompleted{Result: engine.Payload("null")}},
	}
	for i := range events {
		events[i].Seq, events[i].At = int64(i+1), at.Add(time.Duration(i)*time.Second)
	}
	return events
}

func paths(r diagnostics.Result) (all []string) {
	for i := range r.Rows {
		for _, c := range r.Rows[i].Changes {
			all = append(all, c.Path)
		}
	}
	return all
}

// sideAt reads a history as a store has it: the memory of its payloads is used again.
func sideAt(level diagnostics.Level, events []history.Event) *diagnostics.Side {
	s := diagnostics.NewSide(level, 0)
	for i := range events {
		ev := events[i]
		encoded, err := history.Encode(ev)
		if err == nil {
			var again []history.Event
			again, err = encoded.Decode(ev.Seq)
			ev = again[0]
		}
		if err != nil {
			panic(err)
		}
		s.Add(&ev)
		clear(encoded)
	}
	return s
}

func diffAt(level diagnostics.Level, a, b []history.Event, rules diagnostics.Rules) diagnostics.Result {
	return diagnostics.DiffSides(sideAt(level, a), sideAt(level, b), rules)
}

func TestDiffAtEachLevel(t *testing.T) {
	at := time.Date(2026, 8, 22, 11, 0, 0, 0, time.UTC)
	a := leveled("A", "4", "0123456789abcdef", 1, at)
	b := leveled("B", "5", "0123456789abcdee", 2, at.Add(time.Hour))
	for level, want := range map[diagnostics.Level][]string{
		diagnostics.LevelStep:  {"args[0].sku", "result", "attempts"},
		diagnostics.LevelEvent: {"args[0].sku", "result", "attempts"},
		diagnostics.LevelRaw:   {".body.args[0].sku", ".body.result", ".body.run.attempt"},
	} {
		r := diffAt(level, a, b, diagnostics.DefaultRules())
		if got := paths(r); !slices.Equal(got, want) || r.Level != level {
			t.Errorf("%s: %q, want %q", level, got, want)
		}
		if r.Ignored[diagnostics.RuleRandom] != 1 {
			t.Errorf("%s ignores %v", level, r.Ignored)
		}
		rules := diagnostics.DefaultRules()
		rules.Ignore = append(rules.Ignore, diagnostics.RuleAttempts)
		rules.Paths = []string{"args[0].sku", "result"} // whatever the level
		if r := diffAt(level, a, b, rules); len(paths(r)) > 0 || r.Ignored["path result"] != 1 {
			t.Errorf("%s: %q is left over, %v", level, paths(r), r.Ignored)
		}
		if same := diffAt(level, a, a, diagnostics.Rules{}); !same.Same() {
			t.Errorf("%s: an execution differs from itself: %s", level, same.Summary)
		}
		if back := diffAt(level, b, a, diagnostics.DefaultRules()); !slices.Equal(paths(back), paths(r)) {
			t.Errorf("%s: %q the other way round", level, paths(back))
		}
	}
	whole := diagnostics.Rules{Paths: []string{"body", "at"}}
	if r := diffAt(diagnostics.LevelRaw, a, b, whole); len(paths(r)) > 0 {
		t.Errorf("%q", paths(r))
	}
	if r := diffAt(diagnostics.LevelEvent, a, b, diagnostics.DefaultRules()); len(r.Rows) != len(a) || r.Summary != "2 changed of 7 events; the first is WorkflowStarted Order; 1 difference is ignored" {
		t.Errorf("%d rows: %s", len(r.Rows), r.Summary)
	}
}
