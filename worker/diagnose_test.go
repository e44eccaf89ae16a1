package worker

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

func storedReport(w *world, i *engine.Instance) diagnostics.Report {
	w.Helper()
	var r diagnostics.Report
	if err := json.Unmarshal(reason(w, i).Report, &r); err != nil {
		w.Fatalf("the report of %s: %v", i, err)
	}
	return r
}

// calls is a workflow that runs an activity, waits for a signal and runs it again.
func calls(name string) named {
	return named{"wf", func(ctx workflow.Context, secret string) (int, error) {
		if _, err := workflow.ExecuteActivity[int](ctx, attempts(1), name, secret).Get(ctx); err != nil {
			return 0, err
		}
		v, _ := workflow.NewSignalChannel[int](ctx, "s").Receive(ctx)
		return v, nil
	}}
}

func withArg(name string) named {
	return named{name, func(context.Context, string) (int, error) { return 1, nil }}
}

func TestABlockedInstanceHasItsReport(t *testing.T) {
	inWorld(t, func(w *world) {
		old := w.worker(Options{BuildID: "old"}, calls("act"), withArg("act"))
		i, j := w.start("i/../x", "wf", "secret-word"), w.start("j", "wf", "secret-word")
		w.pass(time.Second)
		if err := old.Stop(w.Context()); err != nil {
			w.Fatal(err)
		}
		dir := t.TempDir()
		w.worker(Options{BuildID: "new", BlockedBundles: dir}, calls("other"), withArg("other"))
		w.signal("i/../x", "s", 1)
		w.signal("j", "s", 1)
		w.pass(time.Second)
		for _, inst := range []*engine.Instance{i, j} {
			r := storedReport(w, inst)
			if r.Verdict != diagnostics.VerdictDiverged || r.Class != diagnostics.ClassName || r.Divergence.At().File != "diagnose_test.go" {
				w.Errorf("%s: %s", inst, r.Summary)
			}
			if text := string(reason(w, inst).Report); strings.Contains(text, "secret") {
				w.Errorf("a value is in the report: %s", text)
			}
		}
		if a, b := storedReport(w, i), storedReport(w, j); min(a.Passes.Run, b.Passes.Run) != 0 || max(a.Passes.Run, b.Passes.Run) < 3 || a.Cause.Cause != b.Cause.Cause {
			w.Errorf("%d and %d passes: only for the first of a kind is the code run", a.Passes.Run, b.Passes.Run)
		}
		checkBundles(w, dir, i, j)
	})
}

func checkBundles(w *world, dir string, instances ...*engine.Instance) {
	w.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != len(instances) {
		w.Fatalf("bundles: %v, %v", files, err)
	}
	for _, f := range files {
		b, err := diagnostics.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			w.Fatal(err)
		}
		if b.Status != engine.StatusBlocked || b.Workflow != "wf" || len(b.Events) == 0 || b.Builds[0] != "old" {
			w.Errorf("bundle %s: %+v", f.Name(), b)
		}
	}
}

// What blocks a live step is not in history: the report is what the reason tells.
func TestABlockedStepHasItsReport(t *testing.T) {
	inWorld(t, func(w *world) {
		w.worker(Options{BlockedBundles: filepath.Join(t.TempDir(), "missing")}, calls("act"), withArg("act"))
		i := w.start("i", "wf", "secret-word")
		w.pass(time.Second)
		w.signal("i", "s", "no number")
		w.pass(time.Second)
		r := storedReport(w, i)
		if r.Verdict != diagnostics.VerdictUnanswerable || r.Class != diagnostics.ClassDecode || r.Divergence.Seq == 0 || len(r.Cause.Fixes) == 0 {
			w.Errorf("%s: %+v", r.Summary, r.Cause)
		}
		equal(w, "complaints about the folder", len(w.log.matching("bundle of a blocked instance can't be written")), 1)
	})
}
