package view

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// Field is a place in the two steps of a row.
type Field struct {
	diagnostics.Change

	// Same tells that both sides have the same there.
	Same bool
	// Ignored is the rule that leaves the difference out, or "".
	Ignored diagnostics.Rule
}

// FieldsOf tells a row place by place: what differs, what rules leave out, and what is
// the same. Of large payloads it tells only what differs. It may take as long as
// decoding payloads does, several times over.
func FieldsOf(row *diagnostics.DiffRow, rules diagnostics.Rules) []Field {
	switch {
	case row.A == nil && row.B == nil:
		return nil
	case row.A == nil:
		return oneSided(row.B, func(l leaf) diagnostics.Change { return diagnostics.Change{Path: l.path, B: l.text} })
	case row.B == nil:
		return oneSided(row.A, func(l leaf) diagnostics.Change { return diagnostics.Change{Path: l.path, A: l.text} })
	}
	var fields []Field
	differs := map[string]bool{}
	for _, c := range row.Changes {
		fields = append(fields, Field{Change: c})
		differs[c.Path] = true
	}
	for _, c := range changesOf(row, diagnostics.Rules{}) {
		if !differs[c.Path] {
			fields = append(fields, Field{Change: c, Ignored: ignoredBy(row, rules, c.Path)})
			differs[c.Path] = true
		}
	}
	inB := map[leaf]bool{}
	for _, l := range leavesOf(row.B) {
		inB[l] = true
	}
	for _, l := range leavesOf(row.A) {
		if inB[l] && !differs[l.path] {
			fields = append(fields, Field{Change: diagnostics.Change{Path: l.path, A: l.text, B: l.text}, Same: true})
		}
	}
	return fields
}

// changesOf are all changes of a row that rules do not leave out.
func changesOf(row *diagnostics.DiffRow, rules diagnostics.Rules) []diagnostics.Change {
	var changes []diagnostics.Change
	for _, r := range diagnostics.Diff([]diagnostics.Step{*row.A}, []diagnostics.Step{*row.B}, rules).Rows {
		changes = append(changes, r.Changes...)
	}
	return changes
}

// ignoredBy is the rule that leaves a change out: the one without which it would be
// there.
func ignoredBy(row *diagnostics.DiffRow, rules diagnostics.Rules, path string) diagnostics.Rule {
	leavesOut := func(one diagnostics.Rules) bool {
		return !slices.ContainsFunc(changesOf(row, one), func(c diagnostics.Change) bool { return c.Path == path })
	}
	for _, rule := range rules.Ignore {
		if leavesOut(diagnostics.Rules{Ignore: []diagnostics.Rule{rule}}) {
			return rule
		}
	}
	for _, p := range rules.Paths {
		if leavesOut(diagnostics.Rules{Paths: []string{p}}) {
			return PathRule(p)
		}
	}
	return "a rule"
}

// PathRule is what the differences are counted by that a path of rules leaves out.
func PathRule(path string) diagnostics.Rule { return diagnostics.Rule("path " + path) }

// BuiltInRules are the rules that need no path.
func BuiltInRules() []diagnostics.Rule {
	all := diagnostics.DefaultRules().Ignore
	if !slices.Contains(all, diagnostics.RuleAttempts) {
		all = append(all, diagnostics.RuleAttempts)
	}
	return all
}

// oneSided tells what a step is that the other side has not.
func oneSided(s *diagnostics.Step, as func(leaf) diagnostics.Change) (fields []Field) {
	leaves := leavesOf(s)
	if s.Document != nil {
		s = &diagnostics.Step{} // it has all of that
	}
	if s.Outcome != diagnostics.OutcomeUnknown {
		leaves = append(leaves, leaf{"outcome", string(s.Outcome)})
	}
	if s.Failure != nil {
		leaves = append(leaves, leaf{"error", failure(s.Failure)})
	}
	for _, l := range leaves {
		fields = append(fields, Field{Change: as(l)})
	}
	return fields
}

// leaf is a scalar in a payload.
type leaf struct{ path, text string }

// Bounds of what is told of one payload, in bytes and in leaves.
const (
	mostLeafBytes = 64 << 10
	mostLeaves    = 200
	mostLeafText  = 200
)

// leavesOf are the scalars in the payloads of a step. A payload that is no JSON, or too
// large, is one by itself.
func leavesOf(s *diagnostics.Step) (all []leaf) {
	if s.Document != nil {
		return leavesIn("", s.Document)
	}
	for i, in := range s.Input {
		all = append(all, leavesIn("args["+strconv.Itoa(i)+"]", in)...)
	}
	if len(s.Result) > 0 {
		all = append(all, leavesIn("result", s.Result)...)
	}
	return all
}

func leavesIn(path string, p engine.Payload) (all []leaf) {
	whole := []leaf{{path, Clip(string(p), mostLeafText)}}
	if len(p) > mostLeafBytes {
		return whole
	}
	d := json.NewDecoder(bytes.NewReader(p))
	d.UseNumber() // ids of twenty digits must not become one float
	var v any
	if d.Decode(&v) != nil || d.More() {
		return whole
	}
	return addLeaves(nil, path, v)
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func addLeaves(all []leaf, path string, v any) []leaf {
	if len(all) >= mostLeaves {
		return all
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			at := path + "." + name
			if !identifier.MatchString(name) {
				at = path + "[" + strconv.Quote(name) + "]"
			}
			all = addLeaves(all, at, v[name])
		}
		return all
	case []any:
		for i, item := range v {
			all = addLeaves(all, path+"["+strconv.Itoa(i)+"]", item)
		}
		return all
	}
	text, err := json.Marshal(v)
	if err != nil {
		return all
	}
	return append(all, leaf{path, Clip(string(text), mostLeafText)})
}
