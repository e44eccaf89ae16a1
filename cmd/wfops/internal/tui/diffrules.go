package tui

import (
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/backend"
)

// diffRules shows what a comparison ignores, and changes it.
type diffRules struct {
	d     *diff
	table table
}

func (*diffRules) scopes() []command.Scope   { return []command.Scope{command.ScopeRules} }
func (*diffRules) title() string             { return "ignored" }
func (*diffRules) chosen() []backend.Summary { return nil }
func (*diffRules) refresh()                  {}

func (r *diffRules) facts() []view.Cell {
	if r.d.a.underWay(r.d, "diff") {
		return []view.Cell{{Text: "comparing", Style: view.Waiting}}
	}
	return nil
}

// all are the rules that there are: those that are built in, and paths.
func (r *diffRules) all() []view.IgnoreRule {
	ignored := map[diagnostics.Rule]int{}
	if r.d.got != nil {
		ignored = r.d.got.result.Ignored
	}
	var all []view.IgnoreRule
	for _, rule := range view.BuiltInRules() {
		all = append(all, view.IgnoreRule{Rule: rule, On: slices.Contains(r.d.rules.Ignore, rule), Count: ignored[rule]})
	}
	for _, path := range r.d.rules.Paths {
		rule := view.PathRule(path)
		all = append(all, view.IgnoreRule{Rule: rule, Path: path, On: true, Count: ignored[rule]})
	}
	return all
}

func (r *diffRules) do(name string) bool {
	all := r.all()
	if r.table.resize(len(all)); r.table.move(name) {
		return true
	}
	switch name {
	case "rule", "enter":
		r.toggle(all[r.table.cursor])
	case "add-rule":
		r.d.a.over = newPrompt("ignore what is at: ", "", func(text string, final bool) {
			if final && text != "" {
				r.change(func(rules *diagnostics.Rules) { rules.Paths = append(slices.Clone(rules.Paths), text) })
			}
		})
	case "drop-rule":
		if one := all[r.table.cursor]; one.Path != "" {
			r.toggle(one)
		} else {
			r.d.a.say(view.Muted, "a built-in rule is turned off, not dropped")
		}
	default:
		return false
	}
	return true
}

// toggle turns a rule on or off; a path that is off is gone.
func (r *diffRules) toggle(one view.IgnoreRule) {
	r.change(func(rules *diagnostics.Rules) {
		if one.Path != "" {
			rules.Paths = slices.DeleteFunc(slices.Clone(rules.Paths), func(p string) bool { return p == one.Path })
			return
		}
		var on []diagnostics.Rule // in the order of the rules, so that two ways to the same are the same
		for _, rule := range view.BuiltInRules() {
			if slices.Contains(rules.Ignore, rule) != (rule == one.Rule) {
				on = append(on, rule)
			}
		}
		rules.Ignore = on
	})
}

func (r *diffRules) change(do func(*diagnostics.Rules)) {
	do(&r.d.rules)
	r.d.compare()
}

func (r *diffRules) draw(at grid.Area, o view.Options) {
	all := r.all()
	r.table.resize(len(all))
	body, foot := at.Bottom(3)
	r.table.draw(body, o, func(from, to int, o view.Options) view.Table { return view.IgnoreRules(all[from:to], o) }, nil)
	foot.Rule(0, "", o.ASCII)
	if c := r.d.got; c != nil {
		foot.Line(1, 0, view.Cell{Text: c.result.Summary})
	}
	foot.Right(2, 0, view.Cell{Text: r.d.twin(r.d.rules), Style: view.Muted})
}
