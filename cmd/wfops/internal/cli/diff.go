package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/history"
)

func diffFlags(s *session, fs *pflag.FlagSet) {
	fs.BoolVar(&s.o.exact, "exact", false, "count also ids, times, durations, hosts, side effects and how numbers are rounded")
	fs.StringSliceVar(&s.o.rules, "rules", ruleNames(diagnostics.DefaultRules().Ignore), "what is left out: `some` of "+strings.Join(ruleNames(view.BuiltInRules()), ", "))
	fs.StringArrayVar(&s.o.ignore, "ignore", nil, "a `path` in payloads to leave out, such as args[0].request_id; * is any member")
	fs.Float64Var(&s.o.tolerance, "tolerance", 0, "by which `part` of the larger two numbers may differ, such as 0.01")
	fs.BoolVar(&s.o.all, "all", false, "show also what is the same")
	fs.StringVar(&s.o.level, "level", string(diagnostics.LevelStep), "what is compared: "+strings.Join(levelNames(), "|")+"; raw is all that is stored of each event")
	sealedFlag(s, fs)
}

func ruleNames(rules []diagnostics.Rule) []string {
	names := make([]string, len(rules))
	for i, rule := range rules {
		names[i] = string(rule)
	}
	return names
}

func levelNames() (names []string) {
	for _, level := range diagnostics.Levels() {
		names = append(names, string(level))
	}
	return names
}

// diffRules are those that the flags ask for.
func (s *session) diffRules() (diagnostics.Rules, error) {
	rules := diagnostics.Rules{Paths: s.o.ignore, Tolerance: s.o.tolerance}
	if s.o.exact {
		return rules, nil
	}
	for _, name := range s.o.rules {
		rule := diagnostics.Rule(strings.TrimSpace(name))
		if !slices.Contains(view.BuiltInRules(), rule) {
			return rules, usageError{fmt.Errorf("--rules: there is no rule %q; there are %s", name, strings.Join(ruleNames(view.BuiltInRules()), ", "))}
		}
		rules.Ignore = append(rules.Ignore, rule)
	}
	return rules, nil
}

func runDiff(ctx context.Context, s *session, args []string) error {
	if t := s.o.tolerance; t < 0 || t >= 1 {
		return usageError{fmt.Errorf("--tolerance is a part: 0 or more and below 1, not %v", t)}
	}
	if slices.ContainsFunc(s.o.ignore, func(path string) bool { return strings.Trim(path, "$.[] ") == "" }) {
		return usageError{errors.New("--ignore names a path in payloads, such as args[0].request_id")}
	}
	if !slices.Contains(levelNames(), s.o.level) {
		return usageError{fmt.Errorf("--level is one of %s, not %q", strings.Join(levelNames(), ", "), s.o.level)}
	}
	rules, err := s.diffRules()
	if err != nil {
		return err
	}
	open := func(e history.Event) (history.Event, error) { return s.opened(ctx, e) }
	var sides [2]*diagnostics.Side
	for i, name := range args {
		if sides[i], err = fleet.LoadSide(ctx, s.store, name, diagnostics.Level(s.o.level), open); err != nil {
			return asUsage(err)
		}
		sides[i].Trim()
	}
	d := diagnostics.DiffSides(sides[0], sides[1], rules)
	if err := s.printDiff(sides, d); err != nil {
		return err
	}
	if d.Counts[diagnostics.DiffSame] != len(d.Rows) {
		return errNo
	}
	return nil
}

func (s *session) printDiff(sides [2]*diagnostics.Side, d diagnostics.Result) error {
	if !s.isTable() {
		var names []string
		for i := range d.Rows {
			if d.Rows[i].Op != diagnostics.DiffSame {
				names = append(names, strings.TrimSpace(d.Rows[i].Key))
			}
		}
		return s.print(view.Table{}, document.OfDiff(sides[0], sides[1], d), names)
	}
	o := s.view(s.clock())
	if err := s.table(view.Diff(d, s.o.all, o), true); err != nil {
		return err
	}
	lines := view.DiffSummary(sides[0], sides[1], d)
	if s.env.OutTTY {
		return s.lines(append(view.Lines{nil}, lines...))
	}
	for _, line := range lines {
		s.note("%s", textOf(line))
	}
	return nil
}
