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
	"github.com/wfops/wfops/engine/history"
)

var pageStart = time.Date(2026, 8, 22, 11, 0, 0, 0, time.UTC)

// randomSides are two runs of about the same work.
func randomSides(rnd *rand.Rand, most int) (a, b []diagnostics.Step) {
	step := func() diagnostics.Step {
		return diagnostics.Step{
			Kind: diagnostics.StepActivity, Name: string(rune('a' + rnd.IntN(5))), Outcome: diagnostics.OutcomeCompleted, Attempts: 1,
			Input:  []engine.Payload{engine.Payload(fmt.Sprintf(`{"n":%d,"text":"日本 \u202e %d"}`, rnd.IntN(4), rnd.IntN(2)))},
			Result: engine.Payload(fmt.Sprint(rnd.IntN(3))),
		}
	}
	for range rnd.IntN(most) {
		s := step()
		switch rnd.IntN(12) {
		case 0:
			a = append(a, s)
		case 1:
			b = append(b, s)
		case 2:
			a, b = append(a, s), append(b, step())
		default:
			a, b = append(a, s), append(b, s)
		}
	}
	for _, side := range [][]diagnostics.Step{a, b} {
		for i := range side {
			side[i].Seq = int64(2*i + 1)
			side[i].Began = pageStart.Add(time.Duration(i) * time.Second)
			side[i].Ended = side[i].Began.Add(time.Duration(rnd.IntN(3000)) * time.Millisecond)
		}
	}
	return a, b
}

func eachRandomPage(t *testing.T, check func(t *testing.T, rnd *rand.Rand, p *DiffPage)) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	for n := range uint64(400) {
		rnd := rand.New(rand.NewPCG(seed, n))
		a, b := randomSides(rnd, 60)
		check(t, rnd, NewDiffPage(diagnostics.Diff(a, b, diagnostics.DefaultRules()).Rows))
		if t.Failed() {
			t.Fatalf("seed %d, pair %d", seed, n)
		}
	}
}

// foldAtRandom leaves a page in any state that keys can bring it to.
func foldAtRandom(rnd *rand.Rand, p *DiffPage) {
	for range rnd.IntN(6) {
		switch rnd.IntN(5) {
		case 0:
			p.FoldAll()
		case 1:
			p.Only()
		default:
			if p.Len() > 0 {
				p.Fold(rnd.IntN(p.Len()))
			}
		}
	}
}

// covered are the rows that lines show or stand for, in order.
func covered(p *DiffPage) (rows []int) {
	for i := range p.Len() {
		l := p.Line(i)
		for n := range max(1, l.Folded) {
			if l.Change == 0 {
				rows = append(rows, l.Row+n)
			}
		}
	}
	return rows
}

// Whatever is folded, each row is on the screen once, in order: itself, or in a line
// that stands for it. Only rows that are the same can be left out.
func TestDiffPageCoversAllRows(t *testing.T) {
	eachRandomPage(t, func(t *testing.T, rnd *rand.Rand, p *DiffPage) {
		t.Helper()
		foldAtRandom(rnd, p)
		var want []int
		_, leftOut := p.Same()
		for i := range p.Rows {
			if !leftOut || p.Rows[i].Op != diagnostics.DiffSame {
				want = append(want, i)
			}
		}
		if got := covered(p); !slices.Equal(got, want) {
			t.Errorf("the lines cover %v, want %v", got, want)
		}
		for i := range p.Len() {
			if l := p.Line(i); l.Folded > 0 && slices.ContainsFunc(p.Rows[l.Row:l.Row+l.Folded], func(r diagnostics.DiffRow) bool { return r.Op != diagnostics.DiffSame }) {
				t.Errorf("line %d folds a difference", i)
			}
		}
		for _, row := range want {
			if l := p.Line(p.Find(row)); row < l.Row || row >= l.Row+max(1, l.Folded) || l.Change != 0 {
				t.Errorf("row %d is looked for in line %+v", row, l)
			}
		}
	})
}

func TestFoldingLosesNothing(t *testing.T) {
	eachRandomPage(t, func(t *testing.T, rnd *rand.Rand, p *DiffPage) {
		t.Helper()
		foldAtRandom(rnd, p)
		if p.Len() == 0 {
			return
		}
		before := slices.Clone(p.lines)
		row := p.Line(rnd.IntN(p.Len())).Row
		p.Fold(p.Find(row))
		p.Fold(p.Find(row))
		if !slices.Equal(before, p.lines) {
			t.Errorf("folded and unfolded at row %d:\n%v\n%v", row, before, p.lines)
		}
		p.Only()
		p.Only()
		if !slices.Equal(before, p.lines) {
			t.Error("left out and brought back, it is not the same")
		}
		if p.only {
			p.Only()
		}
		for p.FoldAll(); !p.open; {
			p.FoldAll()
		}
		lines := len(p.Rows)
		for i := range p.Rows {
			if !p.closed[i] {
				lines += len(p.Rows[i].Changes)
			}
		}
		if p.Len() != lines {
			t.Errorf("all is open and %d of %d lines are there", p.Len(), lines)
		}
	})
}

// From anywhere, next comes by each difference once before it begins again, and
// previous does so in the opposite order.
func TestNextVisitsEachDifferenceOnce(t *testing.T) {
	eachRandomPage(t, func(t *testing.T, rnd *rand.Rand, p *DiffPage) {
		t.Helper()
		foldAtRandom(rnd, p)
		all, _ := p.Differences(0)
		if len(p.Rows) == 0 || all == 0 {
			if _, _, ok := p.Next(0, false); ok {
				t.Error("there is a next one of none")
			}
			return
		}
		start := rnd.IntN(len(p.Rows))
		for _, back := range []bool{false, true} {
			seen, wraps, row := map[int]bool{}, 0, start
			for range all {
				next, wrapped, _ := p.Next(row, back)
				if wrapped {
					wraps++
				} else if (next > row) == back {
					t.Errorf("from %d to %d, back %t", row, next, back)
				}
				if p.Rows[next].Op == diagnostics.DiffSame || seen[next] {
					t.Errorf("came to row %d, after %v", next, seen)
				}
				seen[next], row = true, next
			}
			if len(seen) != all || wraps > 1 {
				t.Errorf("%d of %d differences, %d times round", len(seen), all, wraps)
			}
		}
	})
}

// No line is wider than there is room for, at any width.
func TestDiffLinesKeepTheirWidth(t *testing.T) {
	eachRandomPage(t, func(t *testing.T, rnd *rand.Rand, p *DiffPage) {
		t.Helper()
		foldAtRandom(rnd, p)
		if p.Code = rnd.IntN(2) == 0; p.Code && len(p.Rows) > 0 {
			p.First = rnd.IntN(len(p.Rows))
		}
		width := 30 + rnd.IntN(120)
		measure := func(what string, cells []Cell) {
			sum := 0
			for _, c := range cells {
				sum += Width(c.Text)
			}
			if sum > width {
				t.Errorf("%s takes %d of %d columns: %v", what, sum, width, cells)
			}
		}
		for i := range p.Len() {
			measure("a unified line", p.Unified(i, Options{}, width))
			a, _, b := p.Halves(i, Options{ASCII: true}, width)
			measure("a left half", a)
			measure("a right half", b)
			p.Unified(i, Options{}, rnd.IntN(12)) // too narrow for anything, and no panic
			p.Halves(i, Options{}, rnd.IntN(12))
		}
	})
}

func TestMinimapShowsDifferences(t *testing.T) {
	eachRandomPage(t, func(t *testing.T, rnd *rand.Rand, p *DiffPage) {
		t.Helper()
		if len(p.Rows) == 0 {
			return
		}
		width, row := 1+rnd.IntN(40), rnd.IntN(len(p.Rows))
		cells, at := p.Minimap(width, row, Options{})
		if len(cells) > width || at*len(p.Rows)/len(cells) > row || (at+1)*len(p.Rows)/len(cells) <= row {
			t.Errorf("row %d of %d is in cell %d of %d", row, len(p.Rows), at, len(cells))
		}
		for c, cell := range cells {
			differs := slices.ContainsFunc(p.Rows[c*len(p.Rows)/len(cells):(c+1)*len(p.Rows)/len(cells)], func(r diagnostics.DiffRow) bool { return r.Op != diagnostics.DiffSame })
			if differs == (cell.Text == "=") {
				t.Errorf("cell %d shows %q", c, cell.Text)
			}
		}
	})
}

func TestSearchFindsTheNextRow(t *testing.T) {
	p := NewDiffPage([]diagnostics.DiffRow{
		{Op: diagnostics.DiffSame, A: &diagnostics.Step{Kind: "activity", Name: "Charge"}, B: &diagnostics.Step{}}, {Op: diagnostics.DiffOnlyA, A: &diagnostics.Step{Kind: "activity", Name: "Ship"}},
		{Op: diagnostics.DiffChanged, A: &diagnostics.Step{Kind: "activity", Name: "Pick"}, B: &diagnostics.Step{Kind: "activity", Name: "Pick"}, Changes: []diagnostics.Change{{Path: "args[0].charge", A: "1", B: "2"}}},
	})
	for _, c := range []struct {
		text       string
		from, want int
	}{{"CHARGE", 0, 2}, {"charge", 2, 0}, {"ship", 1, 1}, {"nowhere", 1, -1}} {
		if got, err := p.Search(t.Context(), c.text, c.from); got != c.want || err != nil {
			t.Errorf("%q from %d: got %d, %v, want %d", c.text, c.from, got, err, c.want)
		}
	}
}

// Both are drawn from their own beginning, on one scale, and what both wait for is
// short.
func TestStripsShareAScale(t *testing.T) {
	strip := func(from time.Time, waits time.Duration) Strip {
		run := func(seq int64, began, ended time.Time) []diagnostics.Run {
			return []diagnostics.Run{{Run: history.Run{Attempt: 1, Started: began}, Ended: ended, Seq: seq}}
		}
		ten := from.Add(10 * time.Second)
		late, end := ten.Add(waits), ten.Add(waits+10*time.Second)
		return NewStrip([]diagnostics.Step{
			{Seq: 1, End: 2, Kind: diagnostics.StepActivity, Outcome: diagnostics.OutcomeCompleted, Began: from, Ended: ten, Runs: run(2, from, ten)},
			{Seq: 3, End: 4, Kind: diagnostics.StepTimer, Outcome: diagnostics.OutcomeCompleted, Began: ten, Ended: late},
			{Seq: 5, Kind: diagnostics.StepActivity, Outcome: diagnostics.OutcomePending, Began: late, Runs: run(6, late, end)},
		}, end)
	}
	a, b := strip(pageStart, time.Hour), strip(pageStart.Add(90*time.Hour), time.Minute)
	s := NewStrips(a, b, Options{ASCII: true}, 80+stripLabel)
	l := s.Lines(&diagnostics.DiffRow{A: &diagnostics.Step{Seq: 5}, B: &diagnostics.Step{Seq: 1}})
	text := make([]string, len(l))
	for i, line := range l {
		text[i] = line[1].Text
	}
	if !strings.HasPrefix(text[1], "#") || !strings.HasPrefix(text[2], "#") || !strings.HasSuffix(text[1], "x") || len(text[1]) != 80 {
		t.Errorf("A %q\nB %q", text[1], text[2])
	}
	if !strings.HasSuffix(text[0], "1h00m") || !strings.Contains(text[0], ":") {
		t.Errorf("axis %q", text[0])
	}
	if strings.Trim(text[3], " x") != "" || strings.Trim(text[4], "#") != "" || text[4] == "" {
		t.Errorf("of the steps: A %q\nB %q", text[3], text[4])
	}
	if strings.Index(text[2], "x") >= strings.Index(text[1], "x") {
		t.Errorf("B fails before A:\n%s\n%s", text[1], text[2])
	}
}

func BenchmarkDiffPage(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	rows := make([]diagnostics.DiffRow, 50_000)
	for i := range rows {
		s := &diagnostics.Step{Kind: diagnostics.StepActivity, Name: "Charge", Seq: int64(2 * i), Outcome: diagnostics.OutcomeCompleted, Began: pageStart, Ended: pageStart.Add(time.Second)}
		rows[i] = diagnostics.DiffRow{Op: diagnostics.DiffSame, A: s, B: s}
		if rnd.IntN(5) == 0 {
			rows[i].Op, rows[i].Changes = diagnostics.DiffChanged, []diagnostics.Change{{Path: "args[0].n", A: "1", B: "2"}}
		}
	}
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			NewDiffPage(rows)
		}
	})
	p := NewDiffPage(rows)
	b.Run("fold", func(b *testing.B) {
		for b.Loop() {
			p.Fold(p.Len() / 2)
		}
	})
	b.Run("frame", func(b *testing.B) {
		for b.Loop() {
			p.Minimap(60, 25_000, Options{})
			for i := range 40 {
				p.Halves(p.Len()/2+i, Options{}, 57)
			}
		}
	})
}
