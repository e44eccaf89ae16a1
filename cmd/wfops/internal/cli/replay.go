package cli

import (
	"context"
	"errors"
	"iter"
	"os"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replay"
)

func replayFlags(s *session, fs *pflag.FlagSet) {
	filterFlags(s, fs)
	fs.StringVar(&s.o.with, "with", "", "the `program` that has the code")
	fs.StringVar(&s.o.exportTo, "export-failing", "", "write histories that are not ok into this `folder`")
	fs.BoolVar(&s.o.strict, "strict", false, "differences in arguments, options and durations count too")
	fs.IntVar(&s.o.passes, "passes", 0, "how often to replay each (default as often as random code needs to show itself)")
	fs.IntVar(&s.o.parallel, "parallel", 0, "how many to replay at a time (default one for each CPU)")
	fs.StringArrayVar(&s.o.replayEnv, "env", nil, "a variable, as `NAME=value`, that the program can't do without; it gets next to no others")
	fs.IntVarP(&s.o.limit, "limit", "n", 0, "at most how many instances of a filter (default all)")
	fs.BoolVar(&s.o.showOutput, "show-output", false, "show what the program prints, before it serves and in each pass, on standard error")
	fs.BoolVar(&s.o.radius, "all", false, "replay also all open instances of the same workflow, and tell how many come to the same")
}

func runReplay(ctx context.Context, s *session, args []string) error {
	switch {
	case s.o.with == "":
		return usageError{errors.New("--with is missing: name the program that has the code")}
	case len(args) == 0 == (s.o.filter == ""):
		return usageError{errors.New("name instances or files, or choose instances by --filter, but not both")}
	case s.o.passes < 0 || s.o.parallel < 0 || s.o.limit < 0:
		return usageError{errors.New("--passes, --parallel and --limit are not negative")}
	}
	if err := s.checkRadius(args); err != nil {
		return err
	}
	if s.o.exportTo != "" {
		if err := os.MkdirAll(s.o.exportTo, 0o700); err != nil {
			return usageError{err}
		}
	}
	if s.o.parallel == 0 {
		s.o.parallel = runtime.GOMAXPROCS(0)
	}
	o := replay.Options{
		Replay: diagnostics.Options{Strict: s.o.strict, Passes: s.o.passes}, Children: s.o.parallel, Env: s.o.replayEnv,
	}
	if s.o.showOutput {
		s.env.Err = &locked{w: s.env.Err}
		printed := &printed{s: s}
		defer printed.flush()
		o.Output = printed
	}
	r, err := replay.Start(ctx, s.o.with, o)
	if err != nil {
		return usageError{err}
	}
	defer r.Close()
	return s.gate(ctx, r, args)
}

// gate replays one history after the other, in the order in which they are named.
func (s *session) gate(ctx context.Context, r *replay.Replayer, names []string) error {
	g := &gate{s: s, alone: len(names) == 1}
	runner := s.runner(r)
	jobs := fleet.Named(names)
	if len(names) == 0 {
		f, err := s.filter()
		if err != nil {
			return err
		}
		jobs = s.matches(ctx, f)
	}
	for a := range runner.Run(ctx, jobs) {
		capped, short := errors.AsType[*fleet.CappedError](a.Err)
		switch err := a.Err; {
		case errors.Is(err, fleet.ErrGone):
		case short: // what was replayed counts all the same
			g.short = s.capped(true, capped.Scanned)
		case err != nil:
			return asUsage(err)
		case s.o.radius:
			if err := g.addWithRadius(ctx, r, a); err != nil {
				return err
			}
		default:
			if err := g.add(a); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return g.end()
}

func (s *session) runner(r *replay.Replayer) *fleet.Runner {
	return &fleet.Runner{Store: s.store, Replayer: r, Parallel: s.o.parallel, ExportTo: s.o.exportTo}
}

func (s *session) matches(ctx context.Context, f filter.Filter) iter.Seq[fleet.Job] {
	return fleet.Matches(ctx, s.store, fleet.Selection{Filter: f, Limit: s.o.limit, MaxScan: s.o.scan})
}
