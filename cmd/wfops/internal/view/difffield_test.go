package view

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

func fieldWords(fields []Field) map[string]string {
	words := map[string]string{}
	for _, f := range fields {
		switch {
		case f.Same:
			words[f.Path] = "same"
		case f.Ignored != "":
			words[f.Path] = string(f.Ignored)
		default:
			words[f.Path] = f.A + " | " + f.B
		}
	}
	return words
}

func TestFields(t *testing.T) {
	step := func(args, result string, took time.Duration, attempts int) *diagnostics.Step {
		return &diagnostics.Step{
			Kind: diagnostics.StepActivity, Name: "Charge", Seq: 3, Outcome: diagnostics.OutcomeCompleted, Began: pageStart, Ended: pageStart.Add(took), Attempts: attempts,
			Input: []engine.Payload{engine.Payload(args)}, Result: engine.Payload(result),
		}
	}
	a := step(`{"amt":4200,"cur":"EUR","lines":[1,2],"note":"x","a b":12345678901234567890}`, `"3f2a9c4e5b6d7081"`, time.Second, 1)
	b := step(`{"amt":4300,"cur":"EUR","lines":[1,3],"note":"y","a b":12345678901234567890}`, `"0f2a9c4e5b6d7082"`, 3*time.Second, 2)
	rules := diagnostics.Rules{Ignore: []diagnostics.Rule{diagnostics.RuleIDs, diagnostics.RuleDurations}, Paths: []string{"args[0].note"}}
	d := diagnostics.Diff([]diagnostics.Step{*a}, []diagnostics.Step{*b}, rules)
	got := fieldWords(FieldsOf(&d.Rows[0], rules))
	want := map[string]string{
		"args[0].amt": "4200 | 4300", "args[0].cur": "same", "args[0].lines[0]": "same", "args[0].lines[1]": "2 | 3", "args[0].note": "path args[0].note", `args[0]["a b"]`: "same",
		"result": "ids", "attempts": "1 | 2", "took": "durations",
	}
	for path, word := range want {
		if got[path] != word {
			t.Errorf("%s is %q, want %q", path, got[path], word)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for rule := range d.Ignored { // they are called alike in both
		if !slices.Contains([]diagnostics.Rule{diagnostics.RuleIDs, diagnostics.RuleDurations, PathRule("args[0].note")}, rule) {
			t.Errorf("the diff counts %q", rule)
		}
	}
	one := fieldWords(FieldsOf(&diagnostics.DiffRow{Op: diagnostics.DiffOnlyB, B: b}, rules))
	if one["args[0].amt"] != " | 4300" || one["outcome"] != " | completed" || FieldsOf(&diagnostics.DiffRow{}, rules) != nil {
		t.Errorf("of one side: %v", one)
	}
	raw := step("\x1b[2J no JSON", strings.Repeat("9", mostLeafBytes+1), 0, 1)
	if got := FieldsOf(&diagnostics.DiffRow{A: raw}, rules); len(got) != 3 || strings.Contains(got[0].A, "\x1b") || len(got[1].A) > 2*mostLeafText {
		t.Errorf("of what is no JSON: %v", got)
	}
}

// What is told as different is what the row has, whatever the rules are; and nothing is
// told twice.
func TestFieldsAgreeWithTheRow(t *testing.T) {
	eachRandomPage(t, func(t *testing.T, _ *rand.Rand, p *DiffPage) {
		t.Helper()
		for i := range p.Rows {
			row, differ, seen := &p.Rows[i], 0, map[string]bool{}
			for _, f := range FieldsOf(row, diagnostics.DefaultRules()) {
				if !f.Same && f.Ignored == "" {
					differ++
				}
				if seen[f.Path] {
					t.Errorf("%s is told twice", f.Path)
				}
				seen[f.Path] = true
			}
			if row.A != nil && row.B != nil && differ != len(row.Changes) {
				t.Errorf("%d fields differ of %d changes", differ, len(row.Changes))
			}
		}
	})
}
