package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replaytest"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/worker"
)

var record = flag.String("record", "", "record histories of a `release` into testdata/histories")

// Histories of earlier releases are replayed by this one. They are recorded once and
// never edited.
func TestHistories(t *testing.T) {
	r := registry.New()
	if err := r.RegisterWorkflow(Workflow1); err != nil {
		t.Fatal(err)
	}
	replaytest.Dir(t, "testdata/histories", r)
}

func TestRecord(t *testing.T) {
	if *record == "" {
		t.Skip("histories are recorded by: go test ./samples/quickstart -run TestRecord -record v1.2.0")
	}
	dir := filepath.Join("testdata", "histories", *record)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err) // it was recorded
	}
	b := memory.New()
	defer b.Close() //nolint:errcheck // nothing is kept
	w := worker.New(b, &worker.Options{WorkerID: "worker", BuildID: "build"})
	if err := errors.Join(w.RegisterWorkflow(Workflow1), w.RegisterActivity(Activity1), w.RegisterActivity(Activity2), w.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	c := client.New(b)
	i, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{InstanceID: "quickstart"}, Workflow1, "input-for-workflow")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForWorkflowInstance(t.Context(), i, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	events, err := c.History(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	if err := diagnostics.WriteFile(filepath.Join(dir, "Workflow1-completed.wfh"), diagnostics.NewBundle(*i, events)); err != nil {
		t.Fatal(err)
	}
}
