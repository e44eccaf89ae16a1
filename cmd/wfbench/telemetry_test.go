package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// benchmark runs wfbench and returns its only result.
func benchmark(t *testing.T, args string) result {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), strings.Fields(args+" -json"), nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return r
}

func TestEverySpanIsDelivered(t *testing.T) {
	r := benchmark(t, "-backend sqlite -workload chain -instances 20 -steps 3 -telemetry")
	for name, want := range map[string]float64{spansExpected: 160, spansDelivered: 160, deliveredPercent: 100} {
		if r.Figures[name] != want {
			t.Errorf("%s is %v, want %v", name, r.Figures[name], want)
		}
	}
	if r.Telemetry != 1 || r.Figures[peakHeap] <= 0 {
		t.Errorf("got %+v", r)
	}
	if _, ok := os.LookupEnv("OTEL_TRACES_SAMPLER"); ok {
		t.Error("the environment was left changed")
	}
}

// Traces are whole or not there: eight spans each.
func TestShareOfTheTraces(t *testing.T) {
	r := benchmark(t, "-workload chain -instances 200 -steps 3 -telemetry=0.5")
	n := int(r.Figures[spansDelivered])
	if n%8 != 0 || n < 8*50 || n > 8*150 || r.Figures[deliveredPercent] != 100 {
		t.Errorf("%d spans of 200 instances were delivered, %v %%", n, r.Figures[deliveredPercent])
	}
}

// A collector that refuses everything costs the spans, and nothing else.
func TestACollectorThatRefuses(t *testing.T) {
	var asked atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer collector.Close()
	t.Setenv(collectorVariable, collector.URL)
	r := benchmark(t, "-workload chain -instances 5 -steps 1 -telemetry=true")
	if r.Figures[spansExpected] != 20 || r.Figures[spansDelivered] != 0 || r.Activities != 5 || asked.Load() == 0 {
		t.Errorf("got %+v, the collector was asked %d times", r, asked.Load())
	}
}

func TestTelemetryInTheTable(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), strings.Fields("-workload chain -instances 2 -steps 1 -telemetry"), nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"traced 1", deliveredPercent, flushSeconds, peakHeap} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestTelemetryFlags(t *testing.T) {
	for _, args := range []string{"-telemetry=0", "-telemetry=2", "-telemetry=some", "-telemetry -backend sqlite -workload remote"} {
		if err := run(t.Context(), strings.Fields(args), nil, io.Discard, io.Discard); err == nil {
			t.Errorf("wfbench %s: no error", args)
		}
	}
}
