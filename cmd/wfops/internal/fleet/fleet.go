package fleet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Job is an execution to replay.
type Job struct {
	// Name is what it is called to people: an id, or a file.
	Name string
	// Found is the instance, unless the name has to be looked up.
	Found *backend.Summary
	// Err is why there are no more.
	Err error
}

// Named yields a job for each name.
func Named(names []string) iter.Seq[Job] {
	return func(yield func(Job) bool) {
		for _, name := range names {
			if !yield(Job{Name: name}) {
				return
			}
		}
	}
}

// Chosen yields a job for each instance.
func Chosen(all []backend.Summary) iter.Seq[Job] {
	return func(yield func(Job) bool) {
		for i := range all {
			if !yield(Job{Name: all[i].Instance.InstanceID, Found: &all[i]}) {
				return
			}
		}
	}
}

// Selection says which instances of a store are replayed.
type Selection struct {
	Filter filter.Filter
	// Limit is how many at most; 0 means all.
	Limit int
	// MaxScan bounds how many executions are looked at for a page.
	MaxScan int
}

// CappedError tells that a list ends because Selection.MaxScan was reached.
type CappedError struct{ Scanned int }

func (e *CappedError) Error() string {
	return fmt.Sprintf("stopped after looking at %d executions: there may be more that match", e.Scanned)
}

// Matches yields the instances that match, the oldest first. They are read page by
// page.
func Matches(ctx context.Context, store *ops.Store, s Selection) iter.Seq[Job] {
	return func(yield func(Job) bool) {
		r := ops.ListRequest{Filter: s.Filter, Sort: ops.SortCreated, Ascending: true, Limit: backend.MaxLimit, MaxScan: s.MaxScan}
		for n := 0; ; {
			page, err := store.List(ctx, r)
			if err != nil {
				yield(Job{Err: err})
				return
			}
			for i := range page.Items {
				if n++; !yield(Job{Name: page.Items[i].Instance.InstanceID, Found: &page.Items[i]}) || n == s.Limit {
					return
				}
			}
			if page.Capped {
				yield(Job{Err: &CappedError{page.Scanned}})
				return
			}
			if page.Next == "" {
				return
			}
			r.Cursor = page.Next
		}
	}
}

// Answer is what became of a job.
type Answer struct {
	Name string
	// Found is the instance, unless it was named.
	Found  *backend.Summary
	Result replay.Result
	// Exported is the file that the history was written to, or "".
	Exported string
	// Err ends all. ErrGone does not.
	Err error
}

// ErrGone tells of an instance that was removed after it was listed.
var ErrGone = errors.New("gone")

// Runner replays histories.
type Runner struct {
	Store    *ops.Store
	Replayer *replay.Replayer
	// Parallel is how many to replay at a time.
	Parallel int
	// ExportTo is a folder for the histories that are not ok, or "".
	ExportTo string
}

// Run replays one history after the other and yields what comes of them, in the order
// of the jobs. When ctx ends no further one is begun.
func (r *Runner) Run(ctx context.Context, jobs iter.Seq[Job]) iter.Seq[Answer] {
	// A history that takes long holds up those behind it only when window are waiting.
	const window = 256
	return inOrder(ctx, jobs, r.Parallel+1, window, r.replay)
}

func (r *Runner) replay(ctx context.Context, j Job) Answer {
	a := Answer{Name: j.Name, Found: j.Found, Err: j.Err}
	if a.Err != nil {
		return a
	}
	b, err := j.Load(ctx, r.Store)
	switch {
	case err != nil && unreadable(err):
		a.Result.Report = diagnostics.Report{Instance: b.Instance, Workflow: b.Workflow, Verdict: diagnostics.VerdictUnanswerable, Class: diagnostics.ClassDecode, Summary: err.Error()}
		return a
	case errors.Is(err, engine.ErrInstanceNotFound) && j.Found != nil:
		a.Err = ErrGone
		return a
	case err != nil:
		a.Err = err
		return a
	case len(b.Events) == 0 && !connect.IsBundle(j.Name):
		a.Result.Report = diagnostics.Report{Instance: b.Instance, Workflow: b.Workflow, Verdict: diagnostics.VerdictOK, Summary: "ok: it has not begun"}
		return a
	}
	if a.Result, err = r.Replayer.Replay(ctx, b); err != nil {
		a.Err = &InputError{err}
		return a
	}
	if r.ExportTo != "" && a.Result.Verdict != diagnostics.VerdictOK {
		if a.Exported, err = Export(r.ExportTo, b); err != nil {
			a.Err = &InputError{err}
		}
	}
	return a
}

// Load reads the history of a job.
func (j Job) Load(ctx context.Context, store *ops.Store) (diagnostics.Bundle, error) {
	if j.Found != nil {
		return LoadInstance(ctx, store, *j.Found)
	}
	return Load(ctx, store, j.Name)
}

// Export writes a history into a folder, as a fixture for tests, and returns the name
// of the file.
func Export(folder string, b diagnostics.Bundle) (file string, err error) {
	file = filepath.Join(folder, b.FileName())
	return file, diagnostics.WriteFile(file, b)
}
