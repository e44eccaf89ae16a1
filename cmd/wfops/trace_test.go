package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

func Order(ctx workflow.Context, rounds int) error {
	_, err := workflow.CreateSubWorkflowInstance[any](ctx, workflow.SubWorkflowOptions{}, Payment).Get(ctx)
	if err == nil && rounds > 0 {
		return workflow.ContinueAsNew(ctx, rounds-1)
	}
	return err
}

func Payment(ctx workflow.Context) error {
	_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, Charge).Get(ctx)
	return err
}

func Charge(context.Context) error { return nil }

// shop returns the file of a store with a finished order in it.
func shop(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shop.db")
	b, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	w := worker.New(b, nil)
	c := client.New(b)
	i := &engine.Instance{}
	for _, step := range []func() error{
		func() error { return w.RegisterWorkflow(Order) },
		func() error { return w.RegisterWorkflow(Payment) },
		func() error { return w.RegisterActivity(Charge) },
		func() error { return w.Start(t.Context()) },
		func() (err error) {
			i, err = c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{InstanceID: "order"}, Order, 1)
			return err
		},
		func() error { return c.WaitForWorkflowInstance(t.Context(), i, time.Minute) },
		func() error { return w.Stop(t.Context()) },
		b.Close,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func TestTrace(t *testing.T) {
	file := shop(t)
	out, errs, exit := output(t, program(t, file, "trace", "order"))
	const order = "workflow Order\n└ child Payment\n  └ workflow Payment\n    └ activity Charge\n      └ attempt\n"
	names := regexp.MustCompile(`(?m)\t.*$`).ReplaceAllString(out, "")
	if exit != 0 || names != order+order {
		t.Errorf("exit %d, drawn is\n%s%s", exit, out, errs)
	}
	if out, _, exit := output(t, program(t, file, "trace", "order", "-o", "json", "--jq", ".spans | length")); exit != 0 || out != "10\n" {
		t.Errorf("exit %d: %s", exit, out)
	}
	if _, errs, exit := output(t, program(t, file, "trace", "nobody")); exit != 4 || !strings.Contains(errs, "nobody") {
		t.Errorf("exit %d: %s", exit, errs)
	}
}

func TestTraceExported(t *testing.T) {
	file := shop(t)
	var posts, answer atomic.Int64
	answer.Store(http.StatusOK)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			posts.Add(1)
		}
		w.WriteHeader(int(answer.Load()))
	}))
	defer server.Close()
	if _, errs, exit := output(t, program(t, file, "trace", "order", "--otlp", server.URL)); exit != 0 || posts.Load() != 1 || !strings.Contains(errs, "10 spans of order") {
		t.Errorf("exit %d, %d requests: %s", exit, posts.Load(), errs)
	}
	answer.Store(http.StatusBadRequest)
	if _, errs, exit := output(t, program(t, file, "trace", "order", "--otlp", server.URL)); exit < 2 || !strings.Contains(errs, server.URL) {
		t.Errorf("exit %d from a collector that refuses: %s", exit, errs)
	}
	for _, url := range []string{"localhost:4318", "ftp://localhost"} {
		if _, errs, exit := output(t, program(t, file, "trace", "order", "--otlp", url)); exit != 2 || errs == "" {
			t.Errorf("exit %d for %s: %s", exit, url, errs)
		}
	}
}
