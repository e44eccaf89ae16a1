package view_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

const evil = "a\x1b[2J\u202eb\n日本"

func words(lines view.Lines) string {
	var b strings.Builder
	for _, line := range lines {
		for _, c := range line {
			b.WriteString(c.Text + " ")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// What comes from histories and from the code that was replayed is never printed as
// it is.
func TestReportIsSafe(t *testing.T) {
	command := &engine.BlockCommand{Kind: evil, Name: evil, Function: evil, File: evil, Detail: evil}
	r := diagnostics.Report{
		Instance: engine.Instance{InstanceID: evil}, Workflow: evil, Verdict: diagnostics.VerdictDiverged, Class: evil, Summary: evil,
		Divergence: &diagnostics.Divergence{Seq: 3, Event: evil, History: command, Stack: evil, Message: evil},
		Cause:      &diagnostics.Explanation{Class: evil, Cause: evil, After: evil, RuledOut: []diagnostics.Check{{Class: evil, Finding: evil}}, Fixes: []string{evil}, Page: evil},
		Rows:       []diagnostics.Row{{Op: evil, History: command, Code: command}},
		Warnings:   []diagnostics.Warning{{Class: evil, Message: evil, Changes: []diagnostics.Change{{Path: evil, A: evil, B: evil}}}},
	}
	step := &diagnostics.Step{Kind: diagnostics.StepActivity, Name: evil, Began: now, Ended: now}
	d := diagnostics.Result{Summary: evil, Ignored: map[diagnostics.Rule]int{evil: 1}, Rows: []diagnostics.DiffRow{{Op: diagnostics.DiffChanged, Key: evil, A: step, B: step, Changes: r.Warnings[0].Changes}}}
	side := &diagnostics.Side{Instance: r.Instance, Status: evil}
	tl := diagnostics.Timeline{From: now, To: now.Add(time.Hour), Spans: []diagnostics.Span{{Step: *step}}, Path: diagnostics.Path{Shares: []diagnostics.Share{{Kind: evil, Name: evil}}}}
	for name, text := range map[string]string{
		"report":   words(view.Report(r, []string{evil}, view.Options{}, 80)),
		"replays":  words(view.Replays(map[diagnostics.Verdict]int{r.Verdict: 1}, []view.ReplayGroup{{Report: r, Count: 9, Names: []string{evil}}}, view.Options{})),
		"verdicts": words(view.Layout(view.Verdicts([]string{evil}, []diagnostics.Report{r}, view.Options{}), 80)),
		"diff":     words(view.Layout(view.Diff(d, true, view.Options{}), 80)) + words(view.DiffSummary(side, side, d)),
		"timeline": words(view.Timeline(tl, view.Options{}, 80)) + words(view.CriticalPath(tl.Path)),
	} {
		for line := range strings.Lines(text) {
			if bad := unsafe(strings.TrimSuffix(line, "\n")); bad != "" {
				t.Errorf("%s: %q has %s", name, line, bad)
			}
		}
		if !strings.Contains(text, "日本") {
			t.Errorf("%s does not show what it has:\n%s", name, text)
		}
	}
}

func TestDiffFolds(t *testing.T) {
	var d diagnostics.Result
	add := func(op diagnostics.DiffOp, n int) {
		for range n {
			d.Rows = append(d.Rows, diagnostics.DiffRow{Op: op, Key: fmt.Sprint(len(d.Rows))})
		}
	}
	add(diagnostics.DiffSame, 5)
	add(diagnostics.DiffOnlyA, 1)
	add(diagnostics.DiffSame, 3)
	add(diagnostics.DiffOnlyB, 1)
	add(diagnostics.DiffSame, 9)
	add(diagnostics.DiffMoved, 1)
	add(diagnostics.DiffSame, 4)
	var got []string
	for _, row := range view.Diff(d, false, view.Options{}).Rows {
		got = append(got, row[0].Text+row[4].Text)
	}
	const want = "⋯4 steps are the same =4 -5 =6 =7 =8 +9 =10 ⋯7 steps are the same =18 >19 =20 ⋯3 steps are the same"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if n := len(view.Diff(d, true, view.Options{}).Rows); n != len(d.Rows) {
		t.Errorf("all are %d rows of %d", n, len(d.Rows))
	}
}

// A timeline fits its width, whatever that is, and shows every outcome.
func TestTimelineFits(t *testing.T) {
	at := func(m int) time.Time { return now.Add(time.Duration(m) * time.Minute) }
	part := func(kind diagnostics.PartKind, from, to int) diagnostics.Part {
		return diagnostics.Part{Kind: kind, From: at(from), To: at(to)}
	}
	span := func(name string, outcome diagnostics.Outcome, parts ...diagnostics.Part) diagnostics.Span {
		s := diagnostics.Span{Step: diagnostics.Step{Kind: diagnostics.StepActivity, Name: name, Outcome: outcome, Began: parts[0].From}, Parts: parts}
		if outcome != diagnostics.OutcomePending {
			s.Ended = parts[len(parts)-1].To
		}
		return s
	}
	tl := diagnostics.Timeline{From: at(0), To: at(60), Spans: []diagnostics.Span{
		span("Charge", diagnostics.OutcomeCompleted, part(diagnostics.PartQueued, 0, 4), part(diagnostics.PartFailed, 4, 8), part(diagnostics.PartBackoff, 8, 20), part(diagnostics.PartRunning, 20, 24)),
		span("日本 with a name that is much too long for any line", diagnostics.OutcomeFailed, part(diagnostics.PartRunning, 24, 25)),
		span("Ship", diagnostics.OutcomePending, part(diagnostics.PartQueued, 25, 60)),
	}}
	for _, width := range []int{0, 45, 60, 80, 200} {
		for _, line := range view.Timeline(tl, view.Options{}, width)[:4] {
			text := strings.TrimRight(words(view.Lines{line}), " \n")
			if limit := max(width, 1); width > 0 && view.Width(text) > limit {
				t.Errorf("of %d cells: %q takes %d", limit, text, view.Width(text))
			}
		}
	}
	bar := view.Timeline(tl, view.Options{ASCII: true}, 80)[1][1].Text
	if !strings.HasPrefix(bar, ":") || !strings.Contains(bar, "xx") || !strings.Contains(bar, "...") || !strings.Contains(bar, "###") {
		t.Errorf("the bar is %q", bar)
	}
}

// A fleet in which each instance differs in its own way does not fill the screen.
func TestManyGroups(t *testing.T) {
	var groups []view.ReplayGroup
	for n := range 30 {
		groups = append(groups, view.ReplayGroup{Report: diagnostics.Report{Verdict: diagnostics.VerdictDiverged, Summary: fmt.Sprint("cause ", n)}, Count: 2, Names: []string{"a", "b"}})
	}
	text := func(groups []view.ReplayGroup) string {
		return words(view.Replays(map[diagnostics.Verdict]int{diagnostics.VerdictDiverged: 2 * len(groups)}, groups, view.Options{}))
	}
	if got := text(groups); !strings.Contains(got, "60 replayed") || !strings.Contains(got, "cause 19") || strings.Contains(got, "cause 20") || !strings.Contains(got, "and 10 more groups with 20 instances") {
		t.Error(got)
	}
	if got := text(groups[:20]); !strings.Contains(got, "cause 19") || strings.Contains(got, "more groups") {
		t.Error(got)
	}
}
