package cli

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
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
	if s.o.exportTo != "" {
		if err := os.MkdirAll(s.o.exportTo, 0o700); err != nil {
			return usageError{err}
		}
	}
	if s.o.parallel == 0 {
		s.o.parallel = runtime.GOMAXPROCS(0)
	}
	r, err := replay.Start(ctx, s.o.with, replay.Options{
		Replay: diagnostics.Options{Strict: s.o.strict, Passes: s.o.passes}, Children: s.o.parallel, Env: s.o.replayEnv,
	})
	if err != nil {
		return usageError{err}
	}
	defer r.Close()
	return s.gate(ctx, r, args)
}

// gate replays one history after the other, in the order in which they are named.
func (s *session) gate(ctx context.Context, r *replay.Replayer, names []string) error {
	g := &gate{s: s, alone: len(names) == 1}
	// A history that takes long holds up those behind it only when window are waiting.
	const window = 256
	do := func(ctx context.Context, j job) answer { return s.replayOne(ctx, r, j) }
	for a := range inOrder(ctx, s.jobs(ctx, names), s.o.parallel+1, window, do) {
		switch err := a.err; {
		case errors.Is(err, errGone):
		case errors.Is(err, errPartial): // what was replayed counts all the same
			g.short = err
		case err != nil:
			return err
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

// job is an execution to replay.
type job struct {
	name string
	// found is the instance, unless the name has to be looked up.
	found *backend.Summary
	// err is why there are no more.
	err error
}

// jobs yields what is to be replayed. Instances that match a filter are read page by
// page.
func (s *session) jobs(ctx context.Context, names []string) iter.Seq[job] {
	return func(yield func(job) bool) {
		for _, name := range names {
			if !yield(job{name: name}) {
				return
			}
		}
		if len(names) == 0 {
			s.matches(ctx, yield)
		}
	}
}

func (s *session) matches(ctx context.Context, yield func(job) bool) {
	f, err := s.filter()
	r := ops.ListRequest{Filter: f, Sort: ops.SortCreated, Ascending: true, Limit: backend.MaxLimit, MaxScan: s.o.scan}
	for n := 0; err == nil; {
		var page ops.ListPage
		if page, err = s.store.List(ctx, r); err != nil {
			break
		}
		for i := range page.Items {
			if n++; !yield(job{name: page.Items[i].Instance.InstanceID, found: &page.Items[i]}) || n == s.o.limit {
				return
			}
		}
		if err = s.capped(page.Capped, page.Scanned); page.Next == "" {
			break
		}
		r.Cursor = page.Next
	}
	if err != nil {
		yield(job{err: err})
	}
}

// answer is what became of a job.
type answer struct {
	name     string
	result   replay.Result
	exported string
	// err ends all.
	err error
}

// errGone tells of an instance that was removed after it was listed.
var errGone = errors.New("gone")

func (s *session) replayOne(ctx context.Context, r *replay.Replayer, j job) answer {
	a := answer{name: j.name, err: j.err}
	if a.err != nil {
		return a
	}
	b, err := s.loadJob(ctx, j)
	switch {
	case err != nil && unreadable(err):
		a.result.Report = diagnostics.Report{Instance: b.Instance, Workflow: b.Workflow, Verdict: diagnostics.VerdictUnanswerable, Class: diagnostics.ClassDecode, Summary: err.Error()}
		return a
	case errors.Is(err, engine.ErrInstanceNotFound) && j.found != nil:
		a.err = errGone
		return a
	case err != nil:
		a.err = err
		return a
	case len(b.Events) == 0 && !connect.IsBundle(j.name):
		a.result.Report = diagnostics.Report{Instance: b.Instance, Workflow: b.Workflow, Verdict: diagnostics.VerdictOK, Summary: "ok: it has not begun"}
		return a
	}
	if a.result, err = r.Replay(ctx, b); err != nil {
		a.err = usageError{err}
		return a
	}
	if s.o.exportTo != "" && a.result.Verdict != diagnostics.VerdictOK {
		a.exported = filepath.Join(s.o.exportTo, b.FileName())
		if err := diagnostics.WriteFile(a.exported, b); err != nil {
			a.err = usageError{err}
		}
	}
	return a
}

func (s *session) loadJob(ctx context.Context, j job) (diagnostics.Bundle, error) {
	if j.found != nil {
		return s.loadInstance(ctx, *j.found)
	}
	return s.load(ctx, j.name)
}

// unreadable reports whether an error is about one history, and says nothing about
// the next.
func unreadable(err error) bool {
	var bundle *diagnostics.BundleError
	var kind *history.UnknownKindError
	var decode *history.DecodeError
	return errors.As(err, &bundle) || errors.As(err, &kind) || errors.As(err, &decode)
}
