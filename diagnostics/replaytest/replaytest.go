// Package replaytest replays recorded histories in tests, so that a change that
// breaks instances under way breaks a test first.
//
// Keep a few histories of each workflow beside its tests, such as wfops export or
// diagnostics.WriteFile write them, one folder for each release, and never edit them:
//
//	func TestHistories(t *testing.T) {
//		replaytest.Dir(t, "testdata/histories", registry())
//	}
//
// A history whose code was changed on purpose, by workflow.Version, stays: it shows
// that the old instances still run. One goes when no instance of its time is open any
// more.
package replaytest

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/internal/leftover"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
)

// Option changes how histories are replayed.
type Option func(*options)

type options struct {
	replay   diagnostics.Options
	oneClock bool
}

// WithSettings gives the replays the settings of the workers: without their converter
// and codec payloads can't be read.
func WithSettings(s settings.Settings) Option { return func(o *options) { o.replay.Settings = s } }

// Strict fails for differences in arguments, options and durations too. Without it
// they are logged, unless the settings are strict.
func Strict() Option { return func(o *options) { o.replay.Strict = true } }

// WithPasses sets how often each history is replayed in search of code that does not do
// the same twice. Without it that is as diagnostics.Options say.
func WithPasses(n int) Option { return func(o *options) { o.replay.Passes = n } }

// WithOneClock leaves out the replay under another clock, for code that can't run in a
// bubble of testing/synctest.
func WithOneClock() Option { return func(o *options) { o.oneClock = true } }

// Dir replays every bundle in dir and the folders in it, *.wfh and *.wfh.gz, in a
// subtest of its own. It fails if there is none.
func Dir(t *testing.T, dir string, reg *registry.Registry, opts ...Option) {
	t.Helper()
	files, err := bundles(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, err := filepath.Rel(dir, file)
		if err != nil {
			name = file
		}
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			b, err := diagnostics.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			Bundle(t, b, reg, opts...)
		})
	}
}

// bundles returns the files in dir that are bundles by their names.
func bundles(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.HasSuffix(path, ".wfh") || strings.HasSuffix(path, ".wfh.gz")) {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%w: there are no histories in %s: no file is called *.wfh or *.wfh.gz", engine.ErrInvalidArgument, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("replaytest: %w", err)
	}
	return files, nil
}

// Bundle replays one history. A history that is fine is replayed once more under the
// clock of a bubble of testing/synctest, which stands still on the first of January
// 2000: code that asks time.Now what to do does something else there.
func Bundle(t *testing.T, b diagnostics.Bundle, reg *registry.Registry, opts ...Option) {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	for _, problem := range check(t, b, reg, o) {
		t.Error(problem)
	}
}

// bubblePasses is how often a history is replayed under the other clock, whose passes
// take no time by that clock.
const bubblePasses = 3

func check(t *testing.T, b diagnostics.Bundle, reg *registry.Registry, o options) (problems []string) {
	t.Helper()
	var r diagnostics.Report
	left := leftover.Run(t.Name(), func() { r = diagnostics.Replay(b, reg, o.replay) })
	for _, w := range r.Warnings {
		t.Logf("event %d: %s: %s", w.Seq, w.Class, w.Message)
	}
	if r.Verdict != diagnostics.VerdictOK {
		return []string{text(r)}
	}
	for _, stack := range left { // a bubble would wait for them, in vain
		problems = append(problems, "a goroutine that the code has started still runs after the replay; use workflow.Go instead:\n"+stack)
	}
	if o.oneClock || len(left) > 0 {
		return problems
	}
	o.replay.Passes = bubblePasses
	synctest.Test(t, func(*testing.T) { r = diagnostics.Replay(b, reg, o.replay) })
	if r.Verdict != diagnostics.VerdictOK {
		r.Cause = nil // the clock is
		return []string{"fine, but not on the first of January 2000: the code asks time.Now, or something else that goes by the clock; use workflow.Now\n" + text(r)}
	}
	return nil
}

// text is a report for the log of a test.
func text(r diagnostics.Report) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s\ninstance %s, workflow %q, %d events, %d of %d passes agreed", r.Summary, r.Instance, r.Workflow, r.Events, r.Passes.Agreed, r.Passes.Run)
	if d := r.Divergence; d != nil {
		side(&s, "history", d.History)
		side(&s, "code   ", d.Code)
		if d.Stack != "" {
			s.WriteString("\n" + d.Stack)
		}
	}
	if r.Cause == nil {
		return s.String()
	}
	for i, fix := range r.Cause.Fixes {
		fmt.Fprintf(&s, "\nfix %d: %s", i+1, fix)
	}
	fmt.Fprintf(&s, "\nsee %s", r.Cause.Page)
	return s.String()
}

func side(s *strings.Builder, who string, c *engine.BlockCommand) {
	if c == nil {
		return
	}
	fmt.Fprintf(s, "\n%s: %s %q", who, c.Kind, c.Name)
	if c.File != "" {
		fmt.Fprintf(s, " at %s (%s:%d)", c.Function, c.File, c.Line)
	}
	if c.Detail != "" {
		fmt.Fprintf(s, ", %s", c.Detail)
	}
}
