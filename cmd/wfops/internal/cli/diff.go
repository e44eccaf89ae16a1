package cli

import (
	"context"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

func diffFlags(s *session, fs *pflag.FlagSet) {
	fs.BoolVar(&s.o.exact, "exact", false, "count also ids, times, durations, attempts and side effects")
	fs.StringArrayVar(&s.o.ignore, "ignore", nil, "a `path` in payloads to leave out, such as args[0].request_id; * is any member")
	fs.BoolVar(&s.o.all, "all", false, "show also what is the same")
}

func runDiff(ctx context.Context, s *session, args []string) error {
	var sides [2]diagnostics.Bundle
	for i, name := range args {
		b, err := s.load(ctx, name)
		if err != nil {
			return err
		}
		sides[i] = b
	}
	rules := diagnostics.DefaultRules()
	if s.o.exact {
		rules.Ignore = nil
	}
	rules.Paths = s.o.ignore
	d := diagnostics.Diff(diagnostics.Steps(sides[0].Events), diagnostics.Steps(sides[1].Events), rules)
	if err := s.printDiff(sides, d); err != nil {
		return err
	}
	if d.Counts[diagnostics.DiffSame] != len(d.Rows) {
		return errNo
	}
	return nil
}

func (s *session) printDiff(sides [2]diagnostics.Bundle, d diagnostics.Result) error {
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
