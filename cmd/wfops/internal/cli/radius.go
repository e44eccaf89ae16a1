package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replay"
)

// checkRadius refuses --all where there is nothing to compare with.
func (s *session) checkRadius(args []string) error {
	switch {
	case !s.o.radius:
		return nil
	case len(args) != 1:
		return usageError{errors.New("--all goes with one instance or file, whose workflow it is about; for others use --filter")}
	case s.flags.output == formatName || s.flags.output == formatJUnit:
		return usageError{fmt.Errorf("--all is told in a report: use -o table, json, jsonl or yaml, not %s", s.flags.output)}
	}
	return nil
}

// openOf chooses the open instances of a workflow.
func openOf(workflow string) (filter.Filter, error) {
	return filter.Parse("is:open type:" + filter.Quote(workflow))
}

// radius replays all open instances of the workflow of a report, and tells how many come
// to the same. among tells that the one that they are compared with was one of them.
func (s *session) radius(ctx context.Context, r *replay.Replayer, of diagnostics.Report) (radius diagnostics.Radius, among bool, err error) {
	chosen, err := openOf(of.Workflow)
	if err != nil {
		return radius, false, err
	}
	for a := range s.runner(r).Run(ctx, s.matches(ctx, chosen)) {
		capped, short := errors.AsType[*fleet.CappedError](a.Err)
		switch {
		case errors.Is(a.Err, fleet.ErrGone):
		case short:
			return radius, among, s.capped(true, capped.Scanned)
		case a.Err != nil:
			return radius, among, asUsage(a.Err)
		default:
			radius.Add(of.Group(), a.Result.Report, a.Found.Created)
			among = among || a.Found.Instance == of.Instance
		}
	}
	return radius, among, ctx.Err()
}
