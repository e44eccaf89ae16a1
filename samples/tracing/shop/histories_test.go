package shop_test

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
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/samples/tracing/shop"
	"github.com/wfops/wfops/worker"
)

var record = flag.String("record", "", "record histories of a `release` into testdata/histories")

// Histories of earlier releases are replayed by this one. They are recorded once and
// never edited.
func TestHistories(t *testing.T) {
	r := registry.New()
	if err := errors.Join(r.RegisterWorkflow(shop.Order), r.RegisterWorkflow(shop.Ship)); err != nil {
		t.Fatal(err)
	}
	replaytest.Dir(t, "testdata/histories", r)
}

// TestRecord has an order shipped, and writes the histories of both workflows.
func TestRecord(t *testing.T) {
	if *record == "" {
		t.Skip("histories are recorded by: go test ./samples/tracing/shop -run TestRecord -record v1.2.0")
	}
	dir := filepath.Join("testdata", "histories", *record)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err) // it was recorded
	}
	b := memory.New()
	defer b.Close() //nolint:errcheck // nothing is kept
	queues := []engine.Queue{"default", shop.Warehouse}
	o := worker.Options{WorkerID: "worker", BuildID: "build"}
	o.WorkflowQueues, o.ActivityQueues = queues, queues
	w := worker.New(b, &o)
	if err := errors.Join(w.RegisterWorkflow(shop.Order), w.RegisterWorkflow(shop.Ship), w.RegisterActivity(shop.Reserve), w.RegisterActivity(shop.Charge), w.RegisterActivity(shop.Pack), w.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	c := client.New(b)
	i, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{InstanceID: "order"}, shop.Order, "a pigeon")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForWorkflowInstance(t.Context(), i, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	page, err := c.List(t.Context(), backend.Query{})
	if err != nil || len(page.Items) != 2 {
		t.Fatal(page.Items, err)
	}
	for _, s := range page.Items {
		events, err := c.History(t.Context(), &s.Instance)
		if err != nil {
			t.Fatal(err)
		}
		if err := diagnostics.WriteFile(filepath.Join(dir, s.Workflow+"-"+string(s.Status)+".wfh"), diagnostics.NewBundle(s.Instance, events)); err != nil {
			t.Fatal(err)
		}
	}
}
