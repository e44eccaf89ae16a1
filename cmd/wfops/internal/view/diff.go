package view

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wfops/wfops/diagnostics"
)

// folded is how long a run of rows that are the same may be before it is folded, but
// for one row at each end.
const folded = 3

// Diff is the table of what differs between two executions: a row for each step or event,
// and below it one for each place in which it has changed. Runs of what is the same are
// folded unless all is wanted.
func Diff(d diagnostics.Result, all bool, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "sign", Title: "S", Sign: true}, {Key: "op", Title: "", Min: 6}, {Key: "a", Title: "A", Right: true}, {Key: "b", Title: "B", Right: true},
		{Key: "step", Title: "STEP", Min: 20}, {Key: "in_a", Title: "IN A", Min: 12}, {Key: "in_b", Title: "IN B", Min: 12},
	}}
	for i := 0; i < len(d.Rows); i++ {
		end := i
		for end < len(d.Rows) && d.Rows[end].Op == diagnostics.DiffSame {
			end++
		}
		if first, last := i > 0, end < len(d.Rows); !all && end-i > folded {
			keep := 0
			if first {
				t.step(d.Rows[i], o)
				keep++
			}
			if last {
				keep++
			}
			t.Rows = append(t.Rows, []Cell{o.cell(signFolded, Muted), {"same", Muted}, {}, {}, {fmt.Sprintf("%d %ss are the same", end-i-keep, d.Level.Unit()), Muted}, {}, {}})
			if i = end - 1; last {
				t.step(d.Rows[i], o)
			}
			continue
		}
		t.step(d.Rows[i], o)
	}
	return t
}

func (t *Table) step(r diagnostics.DiffRow, o Options) {
	mark, style := diffSign(r.Op)
	t.Rows = append(t.Rows, []Cell{o.cell(mark, style), {string(r.Op), style}, {seqOf(r.A), Muted}, {seqOf(r.B), Muted}, {r.Key, style}, {outcomeOf(r.A), Plain}, {outcomeOf(r.B), Plain}})
	for _, c := range r.Changes {
		path := c.Path
		if c.PathB != "" {
			path += ", in B " + c.PathB
		}
		t.Rows = append(t.Rows, []Cell{{}, {}, {}, {}, {"  " + path, Muted}, {sideOf(c, diagnostics.DiffOnlyA), Plain}, {sideOf(c, diagnostics.DiffOnlyB), Plain}})
	}
	if r.More > 0 {
		t.Rows = append(t.Rows, []Cell{{}, {}, {}, {}, {fmt.Sprintf("  and %d more changes", r.More), Muted}, {}, {}})
	}
}

// sideOf is what one side has. Of texts that have much in common it marks the words that
// the other side has not, as diffs by word do.
func sideOf(c diagnostics.Change, side diagnostics.DiffOp) string {
	if c.Words == nil && side == diagnostics.DiffOnlyA {
		return c.A
	}
	if c.Words == nil {
		return c.B
	}
	var b strings.Builder
	for _, w := range c.Words {
		switch {
		case w.Op == diagnostics.DiffSame:
			b.WriteString(w.Text)
		case w.Op == side && side == diagnostics.DiffOnlyA:
			b.WriteString("[-" + w.Text + "-]")
		case w.Op == side:
			b.WriteString("{+" + w.Text + "+}")
		}
	}
	return b.String()
}

func diffSign(op diagnostics.DiffOp) (sign, Style) {
	switch op {
	case diagnostics.DiffChanged:
		return signChanged, Changed
	case diagnostics.DiffMoved:
		return signMoved, Changed
	case diagnostics.DiffOnlyA:
		return signOnlyA, OnlyA
	case diagnostics.DiffOnlyB:
		return signOnlyB, OnlyB
	case diagnostics.DiffSame:
	}
	return signSame, Plain
}

func seqOf(s *diagnostics.Step) string {
	if s == nil {
		return ""
	}
	return strconv.FormatInt(s.Seq, 10)
}

// outcomeOf says what became of a step, and how long it took.
func outcomeOf(s *diagnostics.Step) string {
	if s == nil {
		return ""
	}
	text := string(s.Outcome)
	if d := s.Took(); d > 0 {
		text += " " + took(d)
	}
	if s.Attempts > 1 {
		text += fmt.Sprintf(", %d attempts", s.Attempts)
	}
	return text
}

// DiffSummary says in a sentence what differs, and what was ignored.
func DiffSummary(a, b *diagnostics.Side, d diagnostics.Result) Lines {
	var l Lines
	side := func(name string, s *diagnostics.Side) Cell {
		return Cell{fmt.Sprintf("%s %s (%s, %d events)", name, s.Instance.InstanceID, s.Status, s.Events), Muted}
	}
	l.add(Cell{d.Summary, Header})
	l.add(side("A", a), side("B", b))
	if len(d.Ignored) > 0 {
		var parts []string
		for _, rule := range slices.Sorted(maps.Keys(d.Ignored)) {
			parts = append(parts, fmt.Sprintf("%s %d", rule, d.Ignored[rule]))
		}
		l.add(Cell{"ignored: " + strings.Join(parts, ", "), Muted})
	}
	if d.Capped {
		l.add(Cell{"a stretch is too different to be aligned: there steps may be shown as missing that are not", Waiting})
	}
	return l
}
