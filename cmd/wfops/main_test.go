package main

import (
	"context"
	"errors"
	"flag"
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

var times = regexp.MustCompile(` {2}\d{4}-\S+ {2}\S+?( {2}trace \S+)?\n`)

func TestTrace(t *testing.T) {
	file := shop(t)
	for _, dsn := range []string{file, "sqlite:" + file, "sqlite:" + file + "?busy_timeout=5s"} {
		var out strings.Builder
		if err := run(t.Context(), []string{"trace", "-dsn", dsn, "order"}, &out, nil); err != nil {
			t.Fatalf("%s: %v", dsn, err)
		}
		const order = "workflow Order\n  child Payment\n    workflow Payment\n      activity Charge\n        attempt\n"
		if got := times.ReplaceAllString(out.String(), "\n"); got != order+order {
			t.Errorf("drawn is\n%s", out.String())
		}
	}
}

func TestTraceExported(t *testing.T) {
	file := shop(t)
	t.Setenv("WFOPS_DSN", file)
	var posts atomic.Int64
	answer := atomic.Int64{}
	answer.Store(http.StatusOK)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			posts.Add(1)
		}
		w.WriteHeader(int(answer.Load()))
	}))
	defer server.Close()
	var out strings.Builder
	if err := run(t.Context(), []string{"trace", "--otlp", server.URL, "order"}, &out, nil); err != nil {
		t.Fatal(err)
	}
	if posts.Load() != 1 || !strings.HasPrefix(out.String(), "10 spans of order exported") {
		t.Errorf("%d requests: %s", posts.Load(), out.String())
	}
	answer.Store(http.StatusBadRequest)
	if err := run(t.Context(), []string{"trace", "--otlp", server.URL, "order"}, &out, nil); err == nil {
		t.Error("no error from a collector that refuses")
	}
}

func TestWhatCannotBeMeant(t *testing.T) {
	t.Setenv("WFOPS_DSN", "")
	file := shop(t)
	for _, c := range []struct {
		args string
		want error
	}{
		{"", errUsage},
		{"list", errUsage},
		{"trace", errUsage},
		{"trace a b", errUsage},
		{"trace -what a", errUsage},
		{"trace order", errUsage},
		{"trace -h", flag.ErrHelp},
		{"trace -dsn " + file + " nobody", engine.ErrInstanceNotFound},
		{"trace -dsn " + file + " order/nobody", engine.ErrInstanceNotFound},
		{"trace -dsn nowhere: order", engine.ErrInvalidArgument},
		{"trace -dsn " + file + " -otlp localhost:4318 order", engine.ErrInvalidArgument},
		{"trace -dsn " + file + " -otlp ftp://localhost order", engine.ErrInvalidArgument},
	} {
		var out, errs strings.Builder
		if err := run(t.Context(), strings.Fields(c.args), &out, &errs); !errors.Is(err, c.want) {
			t.Errorf("wfops %s: %v, want %v", c.args, err, c.want)
		}
	}
}
