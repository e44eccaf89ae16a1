package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// randomReport has any of the parts that a report can have.
func randomReport(rnd *rand.Rand) diagnostics.Report {
	command := func(kind string) *engine.BlockCommand {
		if rnd.IntN(4) == 0 {
			return nil
		}
		return &engine.BlockCommand{Kind: kind, Name: fmt.Sprintf("Step%d", rnd.IntN(5)), Function: "shop/order.(*Order).Fill", File: "fill.go", Line: rnd.IntN(400)}
	}
	pick := func(text string) string { return strings.Repeat(text, rnd.IntN(12)) }
	r := diagnostics.Report{
		Verdict: []diagnostics.Verdict{diagnostics.VerdictOK, diagnostics.VerdictDiverged, diagnostics.VerdictUnanswerable}[rnd.IntN(3)],
		Class:   diagnostics.Classes()[rnd.IntN(15)], Summary: "in short", Events: rnd.IntN(100), Passes: diagnostics.Passes{Run: rnd.IntN(3), Agreed: rnd.IntN(3)},
	}
	if rnd.IntN(4) > 0 {
		r.Divergence = &diagnostics.Divergence{Seq: int64(rnd.IntN(100)), History: command("ActivityScheduled"), Code: command("TimerScheduled"), Stack: pick("coroutine 1\nshop.Fill\n\tfill.go:88\n"), Message: pick("it is so ")}
	}
	for i := range rnd.IntN(40) {
		row := diagnostics.Row{Op: []diagnostics.Op{diagnostics.OpSame, diagnostics.OpChanged, diagnostics.OpReplaced, diagnostics.OpRemoved, diagnostics.OpAdded, diagnostics.OpMoved}[rnd.IntN(6)], Seq: int64(3 * i)}
		row.History, row.Code, row.First = command("ActivityScheduled"), command("ActivityScheduled"), i == 17
		r.Rows = append(r.Rows, row)
	}
	if rnd.IntN(3) > 0 {
		r.Cause = &diagnostics.Explanation{Class: r.Class, Cause: pick("because of 日本 "), After: pick("then "), Fixes: []string{"fix it " + pick("at once "), "or not"}, Page: r.Class.Page()}
		for _, c := range diagnostics.Classes()[:rnd.IntN(6)] {
			r.Cause.RuledOut = append(r.Cause.RuledOut, diagnostics.Check{Class: c, Finding: pick("no sign of it ")})
		}
	}
	for range rnd.IntN(3) {
		r.Warnings = append(r.Warnings, diagnostics.Warning{Class: diagnostics.ClassInput, Seq: 7, Code: command("ActivityScheduled"), Message: "other arguments", Changes: []diagnostics.Change{{Path: "args[0]", A: "1", B: pick("2")}}})
	}
	return r
}

// The parts come in one order, no text is wider than the screen, and what can be
// opened is about an event or a place.
func TestReportPage(t *testing.T) {
	order := []string{"the code as it is here", "commands around it", "likely cause", "what you can do", "blast radius", "let pass", "notes", "stack of the code"}
	seed := uint64(time.Now().UnixNano())
	for n := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, n))
		r, width := randomReport(rnd), 40+rnd.IntN(100)
		facts := ReportFacts{Notes: []string{"a note\tof some length"}, Blast: []Cell{{"14 of 212", Attention}}, Source: []SourceLine{{87, "\tx := 1", false}, {88, "\ty := 2", true}}}
		last, stops := -1, 0
		for _, line := range ReportPage(r, facts, Options{}, width, rnd.IntN(2) == 0) {
			if line.Title != "" {
				title, _, _ := strings.Cut(line.Title, ":")
				at := slices.Index(order, title)
				if at <= last {
					t.Errorf("%q comes behind %q", line.Title, order[max(0, last)])
				}
				last = at
			}
			if line.Stop {
				stops++
			}
		}
		if r.Divergence != nil && stops == 0 {
			t.Error("next would find nothing")
		}
		ReportPage(r, facts, Options{ASCII: true}, rnd.IntN(10), false) // and does not panic
		if t.Failed() {
			t.Fatalf("seed %d, report %d", seed, n)
		}
	}
}

// Each row of a replay is in the comparison once, on the side or the sides that it is
// of, and the one in which they part is found.
func TestReplayRows(t *testing.T) {
	for n := range uint64(300) {
		r := randomReport(rand.New(rand.NewPCG(7, n)))
		rows, first := ReplayRows(r)
		if len(rows) != len(r.Rows) || first >= 0 != (len(r.Rows) > 17) || first >= 0 && !r.Rows[first].First {
			t.Fatalf("%d of %d rows, the first that differs is %d", len(rows), len(r.Rows), first)
		}
		for i, row := range rows {
			nothing := r.Rows[i].History == nil && r.Rows[i].Code == nil
			if !nothing && (row.A != nil) != (r.Rows[i].History != nil) || (row.B != nil) != (r.Rows[i].Code != nil) {
				t.Fatalf("row %d: %+v of %+v", i, row, r.Rows[i])
			}
		}
		p := NewReplayPage(rows, first)
		for i := range p.Len() {
			p.Unified(i, Options{}, 80)
			p.Halves(i, Options{}, 57)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""}, {"short", 10, "short"}, {"a sentence of words", 10, "a sentence|of words"}, {"unbreakableword", 6, "unbrea|kablew|ord"}, {"日本日本", 4, "日本|日本"}, {"a\x1b[2Jb", 20, `a\x1b[2Jb`},
	} {
		if got := strings.Join(Wrap(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q in %d: got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
