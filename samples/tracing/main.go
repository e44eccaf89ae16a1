// Command tracing makes one trace of an order: an HTTP request starts a workflow,
// whose activities run here and whose child runs in another process, which signals it.
//
//	tracing
//	OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 tracing
//
// Without an endpoint it takes the spans itself and prints them as a tree.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/samples/tracing/collector"
	"github.com/wfops/wfops/samples/tracing/shop"
)

const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

func main() {
	run := runShop
	if len(os.Args) == 3 && os.Args[1] == "warehouse" {
		run = func(ctx context.Context) error { return runWarehouse(ctx, os.Args[2]) }
	}
	if err := run(context.Background()); err != nil {
		log.Fatalln("tracing:", err)
	}
}

// runWarehouse works until its input ends.
func runWarehouse(ctx context.Context, file string) error {
	p, err := start(ctx, "warehouse", file, shop.Warehouse)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, p.stop())
}

func runShop(ctx context.Context) (err error) {
	if os.Getenv(endpoint) == "" {
		c, err := collector.Listen()
		if err != nil {
			return err
		}
		defer c.Close() //nolint:errcheck // nobody sends any more
		if err := os.Setenv(endpoint, c.URL()); err != nil {
			return err
		}
		defer func() { fmt.Print(c.Tree()) }()
	}
	dir, err := os.MkdirTemp("", "tracing")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "tracing.sqlite")
	p, err := start(ctx, "shop", file, engine.QueueDefault)
	if err != nil {
		return err
	}
	return errors.Join(withWarehouse(file, func() error { return order(ctx, p.client) }), p.stop())
}

// withWarehouse has the other process running while it calls f.
func withWarehouse(file string, f func() error) error {
	other := exec.Command(os.Args[0], "warehouse", file) //nolint:gosec,noctx // this program, until its input ends
	other.Stderr = os.Stderr
	input, err := other.StdinPipe()
	if err != nil {
		return err
	}
	if err := other.Start(); err != nil {
		return err
	}
	return errors.Join(f(), input.Close(), other.Wait())
}

// order is what a customer does, by HTTP.
func order(ctx context.Context, c *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		trace := trace.SpanContextFromContext(r.Context()).TraceID()
		h, err := client.Start[string](r.Context(), c, client.WorkflowInstanceOptions{InstanceID: "order-1"}, shop.Order, "a lamp")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		carrier, err := h.Get(r.Context())
		fmt.Fprintf(w, "carried by %s, error %v, trace %s\n", carrier, err, trace)
	})
	server := httptest.NewServer(otelhttp.NewHandler(mux, "shop"))
	defer server.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/orders", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}).Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, answer.Body)
	return errors.Join(err, answer.Body.Close())
}
