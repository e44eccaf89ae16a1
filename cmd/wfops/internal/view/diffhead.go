package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// DiffSide is one of two executions that are compared.
type DiffSide struct {
	// Name is what it is called: by its id, or by the name of its file.
	Name     string
	Workflow string
	Status   engine.Status
	Events   int
	// Took is from its beginning to its end, or to now if it is open.
	Took time.Duration
}

// Cells tell what a side is, in so much room.
func (s DiffSide) Cells(letter string, o Options, room int) []Cell {
	mark, style := o.statusCell(s.Status)
	tails := []string{fmt.Sprintf(" %s, %s events, %s", s.Status, Count(int64(s.Events)), took(s.Took)), fmt.Sprintf(" %s, %s", s.Status, took(s.Took)), " " + string(s.Status)}
	if s.Status == "" {
		tails = []string{fmt.Sprintf(" %s commands", Count(int64(s.Events)))}
	}
	tail := tails[len(tails)-1]
	for _, t := range tails {
		if Width(t)+Width(Clip(s.Name, room))+4 <= room {
			tail = t
			break
		}
	}
	name := max(room/2, room-Width(tail)-2) // it is what tells them apart
	side := OnlyA
	if letter == "B" {
		side = OnlyB
	}
	cells := []Cell{{letter + " ", side}, {Clip(s.Name, name-2) + " ", Header}, {mark.Text, style}}
	used := 0
	for _, c := range cells {
		used += Width(c.Text)
	}
	return append(cells, Cell{Clip(tail, room-used), Muted})
}

// statusCell is the sign of a status.
func (o Options) statusCell(s engine.Status) (Cell, Style) {
	style := statusStyle(s)
	for _, one := range []struct {
		status engine.Status
		sign   sign
	}{
		{engine.StatusRunning, signRunning}, {engine.StatusBlocked, signBlocked}, {engine.StatusCompleted, signCompleted}, {engine.StatusFailed, signFailed},
		{engine.StatusCanceled, signCanceled}, {engine.StatusTerminated, signTerminated}, {engine.StatusContinuedAsNew, signContinued},
	} {
		if one.status == s {
			return o.cell(one.sign, style), style
		}
	}
	return o.cell(signNone, style), style
}

// DiffCounts says how many rows there are of each kind.
func DiffCounts(counts map[diagnostics.DiffOp]int, o Options) []Cell {
	var cells []Cell
	for _, c := range []struct {
		op   diagnostics.DiffOp
		word string
	}{
		{diagnostics.DiffSame, "same"}, {diagnostics.DiffChanged, "changed"}, {diagnostics.DiffMoved, "moved"}, {diagnostics.DiffOnlyA, "only A"}, {diagnostics.DiffOnlyB, "only B"},
	} {
		n := counts[c.op]
		if n == 0 && c.op != diagnostics.DiffSame {
			continue
		}
		mark, style := diffSign(c.op)
		cells = append(cells, o.cell(mark, style), Cell{fmt.Sprintf(" %s %s   ", Count(int64(n)), c.word), style})
	}
	return cells
}

// Slowest is the row whose sides differ most in how long they took, or nil.
func Slowest(rows []diagnostics.DiffRow) (slowest *diagnostics.DiffRow) {
	var most time.Duration
	for i := range rows {
		if gap := gapOf(&rows[i]).Abs(); gap > most {
			most, slowest = gap, &rows[i]
		}
	}
	return slowest
}

// gapOf is how much longer a step took in B, 0 if it has not ended in both.
func gapOf(r *diagnostics.DiffRow) time.Duration {
	if r.A == nil || r.B == nil || r.A.Ended.IsZero() || r.B.Ended.IsZero() {
		return 0
	}
	return r.B.Took() - r.A.Took()
}

// DiffTotals says how long both took, and which step made most of the difference.
func DiffTotals(a, b DiffSide, slowest *diagnostics.DiffRow) []Cell {
	cells := []Cell{
		{"total ", Muted}, {"A " + took(a.Took), OnlyA}, {fmt.Sprintf(" (%s)  ", a.Status), Muted}, {"B " + took(b.Took), OnlyB}, {fmt.Sprintf(" (%s)", b.Status), Muted},
	}
	if slowest == nil {
		return cells
	}
	gap, side := gapOf(slowest), "B"
	if gap < 0 {
		gap, side = -gap, "A"
	}
	return append(cells, Cell{fmt.Sprintf("   %s: %s +%s", slowest.Key, side, took(gap)), Plain})
}

// DiffIgnored says what was left out, by rule, and that something may have been.
func DiffIgnored(rules diagnostics.Rules, ignored map[diagnostics.Rule]int) string {
	all := slices.Clone(rules.Ignore)
	for _, p := range rules.Paths {
		all = append(all, PathRule(p))
	}
	if len(all) == 0 {
		return "nothing is ignored"
	}
	for _, rule := range slices.Sorted(maps.Keys(ignored)) {
		if !slices.Contains(all, rule) {
			all = append(all, rule)
		}
	}
	texts := make([]string, len(all))
	for i, rule := range all {
		texts[i] = string(rule)
		if n := ignored[rule]; n > 0 {
			texts[i] += fmt.Sprintf(" %d", n)
		}
	}
	return "ignoring " + strings.Join(texts, ", ")
}
