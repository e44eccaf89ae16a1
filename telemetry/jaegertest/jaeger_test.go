package jaegertest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// started returns a Jaeger that lives as long as the test.
func started(t *testing.T) *Jaeger {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	j, err := Start(ctx, binary(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Stop(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return j
}

func binary(t *testing.T) string {
	t.Helper()
	b := os.Getenv(BinaryVariable)
	if b == "" {
		t.Skip(BinaryVariable + " names no Jaeger; make test-jaeger builds one")
	}
	return b
}

// Three spans of two services: a child that failed, and one that links to it.
const export = `{"resourceSpans": [
{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}, "scopeSpans": [{"spans": [
  {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0000000000000001", "name": "order", "kind": 2,
   "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000001000000000"},
  {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0000000000000002", "parentSpanId": "0000000000000001", "name": "pay", "kind": 1,
   "startTimeUnixNano": "1700000000100000000", "endTimeUnixNano": "1700000000200000000",
   "attributes": [{"key": "attempt", "value": {"intValue": "2"}}], "status": {"code": 2, "message": "declined"}}]}]},
{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "stock"}}]}, "scopeSpans": [{"spans": [
  {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0000000000000003", "parentSpanId": "0000000000000001", "name": "release", "kind": 5,
   "startTimeUnixNano": "1700000000300000000", "endTimeUnixNano": "1700000000400000000",
   "links": [{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0000000000000002"}]}]}]}]}`

const exported = `order (server, shop)
  pay (internal, shop) ERROR
  release (consumer, stock) links to pay
`

func TestWhatWasExportedIsReadBack(t *testing.T) {
	j := started(t)
	if err := j.Export(t.Context(), []byte(export)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	trace, err := j.Await(ctx, "0102030405060708090a0b0c0d0e0f10", func(trace Trace) bool { return len(trace.Spans) == 3 })
	if err != nil {
		t.Fatal(err)
	}
	if got := trace.Tree(); got != exported {
		t.Errorf("got\n%swant\n%s", got, exported)
	}
	services, err := j.Services(ctx)
	slices.Sort(services)
	if err != nil || !slices.Equal(services, []string{"shop", "stock"}) {
		t.Errorf("services: %q, %v", services, err)
	}
	if found, err := j.Traces(ctx, "stock", 10); err != nil || len(found) != 1 || found[0].ID != trace.ID {
		t.Errorf("traces of a service: %v, %v", found, err)
	}
}

func TestATraceThatJaegerHasNot(t *testing.T) {
	j := started(t)
	if _, err := j.Trace(t.Context(), strings.Repeat("ab", 16)); !errors.Is(err, ErrNoTrace) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := j.Await(ctx, strings.Repeat("ab", 16), func(Trace) bool { return true }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// What it listens at is what it was told, and nobody does after Stop.
func TestItStops(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	j, err := Start(ctx, binary(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{j.GRPC, j.HTTP, j.Query} {
		if err := dial(t, at); err != nil {
			t.Error(err)
		}
	}
	if err := j.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{j.GRPC, j.HTTP, j.Query} {
		if dial(t, at) == nil {
			t.Errorf("somebody still listens at %s", at)
		}
	}
	if err := j.Stop(); err == nil {
		t.Error("the second Stop found something to stop")
	}
}

func dial(t *testing.T, at string) error {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	if err == nil {
		err = c.Close()
	}
	return err
}

func TestWhatDoesNotStart(t *testing.T) {
	if _, err := Start(t.Context(), "/nowhere/jaeger"); err == nil || !strings.Contains(err.Error(), "starting Jaeger") {
		t.Errorf("no binary: %v", err)
	}
	falsehood := script(t, "echo 'no such flag: --config'; exit 3")
	if _, err := Start(t.Context(), falsehood); err == nil || !strings.Contains(err.Error(), "no such flag") {
		t.Errorf("one that ends: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	mute := script(t, "exec sleep 60")
	if _, err := Start(ctx, mute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one that is never ready: %v", err)
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	file := t.TempDir() + "/jaeger"
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}
