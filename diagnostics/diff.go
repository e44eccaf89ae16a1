package diagnostics

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
)

// Diff compares two executions step by step: two histories, or a history and what
// code would do, see Commands. Steps are aligned by kind, name and input; what stands
// for the same is then compared in all it has. The result is the same from run to
// run, and that of Diff(b, a) is its mirror image.
func Diff(a, b []Step, rules Rules) Result { return diffAt(LevelStep, a, b, rules) }

func diffAt(level Level, a, b []Step, rules Rules) Result {
	set := rules.set()
	sa, sb := newSequence(a, set), newSequence(b, set)
	flip := compare(sa, sb) > 0
	if flip {
		sa, sb = sb, sa
	}
	al := newAlignment(sa, sb)
	d := differ{rules: set, result: Result{Level: level, Capped: al.capped, Ignored: set.counts(), Rows: make([]DiffRow, 0, max(len(a), len(b)))}}
	d.rows(al, flip)
	d.result.Summary = summary(&d.result)
	return d.result
}

// Result is what differs between two executions, A and B.
type Result struct {
	Level Level `json:"level"`
	// Summary is one sentence.
	Summary string `json:"summary"`
	// Counts of rows by op.
	Counts map[DiffOp]int `json:"counts"`
	// Ignored counts the differences that rules made to be ignored. A path of the user is
	// there also if it met none: it may be misspelled.
	Ignored map[Rule]int `json:"ignored,omitempty"`
	// Capped tells that a stretch was too different to be aligned in time: there,
	// steps that the other side has too may be shown as missing there.
	Capped bool      `json:"capped,omitempty"`
	Rows   []DiffRow `json:"rows"`
}

// DiffOp is how two steps compare.
type DiffOp string

// The closed set of ops of a DiffRow.
const (
	DiffSame    DiffOp = "same"
	DiffChanged DiffOp = "changed"
	DiffMoved   DiffOp = "moved" // the same input, elsewhere; it may have changed besides
	DiffOnlyA   DiffOp = "only a"
	DiffOnlyB   DiffOp = "only b"
)

// DiffRow is a step of A beside that of B. Every step is in exactly one row. Rows are
// in the order of both sides, but that one that moved has its place on one of them.
type DiffRow struct {
	Op DiffOp `json:"op"`
	// Key is kind and name.
	Key string `json:"key"`
	// A is nil for what only B has, and the other way round.
	A       *Step    `json:"a,omitempty"`
	B       *Step    `json:"b,omitempty"`
	Changes []Change `json:"changes,omitempty"`
	// More changes were found than are listed.
	More int `json:"more,omitempty"`
}

// Same reports whether nothing differs, not even what is ignored.
func (r *Result) Same() bool {
	return len(r.Rows) == r.Counts[DiffSame] && r.IgnoredAll() == 0
}

// IgnoredAll is how many differences rules made to be ignored.
func (r *Result) IgnoredAll() int {
	n := 0
	for _, of := range r.Ignored {
		n += of
	}
	return n
}

// differ makes the rows of an alignment.
type differ struct {
	rules  *ruleSet
	result Result
}

func (d *differ) rows(al *alignment, flip bool) {
	d.result.Counts = map[DiffOp]int{}
	i, j := 0, 0
	for i < len(al.toB) || j < len(al.toA) {
		switch {
		case i < len(al.toB) && al.toB[i] < 0:
			d.add(&al.a.steps[i], nil, flip, DiffOnlyA)
			i++
		case i < len(al.toB) && al.moved[i]:
			d.add(&al.a.steps[i], &al.b.steps[al.toB[i]], flip, DiffMoved)
			i++
		case j < len(al.toA) && al.toA[j] < 0:
			d.add(nil, &al.b.steps[j], flip, DiffOnlyB)
			j++
		case j < len(al.toA) && al.moved[al.toA[j]]:
			j++
		default:
			d.add(&al.a.steps[i], &al.b.steps[j], flip, DiffSame)
			i, j = i+1, j+1
		}
	}
}

func (d *differ) add(a, b *Step, flip bool, op DiffOp) {
	if flip {
		a, b = b, a
		switch op {
		case DiffOnlyA:
			op = DiffOnlyB
		case DiffOnlyB:
			op = DiffOnlyA
		case DiffSame, DiffChanged, DiffMoved:
		}
	}
	row := DiffRow{Op: op, A: a, B: b}
	if a != nil && b != nil {
		row.Changes, row.More = d.changes(a, b)
		if op == DiffSame && len(row.Changes) > 0 {
			row.Op = DiffChanged
		}
	}
	if a == nil {
		a = b
	}
	row.Key = string(a.Kind) + " " + a.Name
	d.result.Counts[row.Op]++
	d.result.Rows = append(d.result.Rows, row)
}

// changes compares two steps that stand for the same.
func (d *differ) changes(a, b *Step) (changes []Change, more int) {
	c := comparer{rules: d.rules, ignored: d.result.Ignored}
	field := func(name, va, vb string) {
		if va != vb {
			c.add(Change{Path: name, A: va, B: vb})
		}
	}
	if a.Document != nil && b.Document != nil {
		c.payload("", a.Document, b.Document)
		return c.changes, c.more
	}
	field("name", a.Name, b.Name)
	if a.Duration != b.Duration {
		field("duration", a.Duration.String(), b.Duration.String())
	}
	if !slices.EqualFunc(a.Input, b.Input, slices.Equal) {
		c.payloads("args", a.Input, b.Input)
	}
	if a.Outcome != OutcomeUnknown && b.Outcome != OutcomeUnknown {
		field("outcome", string(a.Outcome), string(b.Outcome))
		c.results(a, b)
		c.failures(a.Failure, b.Failure)
		c.efforts(a, b)
	}
	return c.changes, c.more
}

func (c *comparer) results(a, b *Step) {
	switch {
	case bytes.Equal(a.Result, b.Result):
	case isEffect(a.Kind) && isEffect(b.Kind) && c.rules.on[RuleRandom]:
		c.ignored[RuleRandom]++
	default:
		c.payload("result", a.Result, b.Result)
	}
}

func (c *comparer) failures(a, b *engine.Failure) {
	var none engine.Failure
	fa, fb := cmp.Or(a, &none), cmp.Or(b, &none)
	if fa.Type != fb.Type {
		c.add(Change{Path: "error type", A: fa.Type, B: fb.Type})
	}
	if fa.Message != fb.Message && c.add(Change{Path: "error", A: short([]byte(fa.Message)), B: short([]byte(fb.Message))}) {
		c.changes[len(c.changes)-1].Words = wordsOf(fa.Message, fb.Message)
	}
}

// efforts compares how long it took to come to the same, and how often it was tried. Two
// executions never take the same time: small differences are none, and counted.
func (c *comparer) efforts(a, b *Step) {
	if a.Attempts != b.Attempts {
		if c.rules.on[RuleAttempts] {
			c.ignored[RuleAttempts]++
		} else {
			c.add(Change{Path: "attempts", A: strconv.Itoa(a.Attempts), B: strconv.Itoa(b.Attempts)})
		}
	}
	switch ta, tb := a.Took(), b.Took(); {
	case ta == tb:
	case c.rules.on[RuleDurations]:
		c.ignored[RuleDurations]++
	case longer(ta, tb):
		c.add(Change{Path: "took", A: ta.String(), B: tb.String()})
	default:
		c.ignored[ruleSmall]++
	}
}

// longer reports whether two times differ by more than a tenth, and by more than
// what no clock is exact in.
func longer(a, b time.Duration) bool {
	const noise = 10 * time.Millisecond
	gap := (a - b).Abs()
	return gap > noise && gap > max(a, b)/10
}

// summary says by rule what the diff comes to.
func summary(r *Result) string {
	steps, unit := len(r.Rows), r.Level.Unit()
	differ := steps - r.Counts[DiffSame]
	var s string
	switch differ {
	case 0:
		s = fmt.Sprintf("the same %s", plural(steps, unit, unit+"s"))
	case 1:
		s = "the same work except " + onlyOne(r)
	default:
		s = counted(r)
	}
	if ignored := r.IgnoredAll(); ignored > 0 {
		s += fmt.Sprintf("; %s ignored", plural(ignored, "difference is", "differences are"))
	}
	if r.Capped {
		s += "; a part is too different to be aligned"
	}
	return s
}

func onlyOne(r *Result) string {
	for i := range r.Rows {
		row := &r.Rows[i]
		switch row.Op {
		case DiffSame:
		case DiffOnlyA:
			return row.Key + ", which only A has"
		case DiffOnlyB:
			return row.Key + ", which only B has"
		case DiffMoved:
			return row.Key + ", which has moved"
		case DiffChanged:
			return row.Key + changedHow(row)
		}
	}
	return ""
}

// changedHow tells how a step went on both sides, or if that is the same, which of
// its parts differ.
func changedHow(row *DiffRow) string {
	const most = 3
	var paths []string
	for _, c := range row.Changes {
		switch c.Path {
		case "outcome", "attempts", "took":
			return fmt.Sprintf(": A %s, B %s", inShort(row.A), inShort(row.B))
		}
		paths = append(paths, c.Path)
	}
	if len(paths) > most {
		paths = append(paths[:most], "more")
	}
	return " in " + strings.Join(paths, ", ")
}

// inShort tells how a step went.
func inShort(s *Step) string {
	text := string(s.Outcome)
	if !s.Ended.IsZero() {
		text += " after " + s.Took().Round(time.Millisecond).String()
	}
	if s.Attempts > 1 {
		text += fmt.Sprintf(" in %d attempts", s.Attempts)
	}
	return text
}

func counted(r *Result) string {
	s := ""
	for _, c := range []struct {
		op   DiffOp
		word string
	}{{DiffChanged, "changed"}, {DiffMoved, "moved"}, {DiffOnlyA, "only in A"}, {DiffOnlyB, "only in B"}} {
		if n := r.Counts[c.op]; n > 0 {
			if s != "" {
				s += ", "
			}
			s += fmt.Sprintf("%d %s", n, c.word)
		}
	}
	s += fmt.Sprintf(" of %d %ss", len(r.Rows), r.Level.Unit())
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Op != DiffSame {
			return s + "; the first is " + row.Key
		}
	}
	return s
}
