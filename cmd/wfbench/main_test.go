package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small are sizes at which a workload takes no time.
var small = map[string][]string{
	"chain":   {"-instances", "5", "-steps", "2"},
	"latency": {"-instances", "3"},
	"long":    {"-steps", "20"},
	"fanout":  {"-instances", "2", "-steps", "10"},
	"tree":    {"-instances", "2", "-steps", "2"},
	"replay":  {"-steps", "50"},
}

func TestEveryWorkloadOnEveryBackend(t *testing.T) {
	activities := map[string]int{"chain": 10, "latency": 3, "long": 20, "fanout": 20, "tree": 16, "replay": 0}
	t.Setenv("TMPDIR", t.TempDir())
	for _, store := range []string{"memory", "sqlite"} {
		for _, workload := range names() {
			t.Run(store+"/"+workload, func(t *testing.T) {
				var out bytes.Buffer
				args := append([]string{"-backend", store, "-workload", workload, "-json", "-n", "2"}, small[workload]...)
				if err := run(t.Context(), args, &out, &out); err != nil {
					t.Fatal(err)
				}
				lines := json.NewDecoder(&out)
				for i := range 2 {
					var r result
					if err := lines.Decode(&r); err != nil {
						t.Fatalf("object %d: %v", i+1, err)
					}
					if r.Backend != store || r.Workload != workload || r.Activities != activities[workload] ||
						r.Seconds <= 0 || r.P50 <= 0 || r.P99 < r.P50 || r.Durability == "" || r.Machine == "" || !strings.HasPrefix(r.Store, store) {
						t.Errorf("object %d is %+v", i+1, r)
					}
					if workload == "replay" && (r.Events < 50 || r.EventRate <= 0) {
						t.Errorf("replayed %d events, %f per second", r.Events, r.EventRate)
					}
				}
			})
		}
	}
	if left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "wfbench*")); err != nil || len(left) > 0 {
		t.Errorf("files were left behind: %v %v", left, err)
	}
}

func TestJSONFieldsAreStable(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-workload", "latency", "-instances", "1", "-json"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"backend", "workload", "instances", "concurrency", "steps", "seconds", "activities_per_second", "p50_ms", "p99_ms", "durability"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("field %q is missing in %s", name, out.String())
		}
	}
}

func TestTable(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "cpu")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-backend", "sqlite", "-durability", "normal", "-workload", "latency", "-instances", "2", "-n", "3", "-cpuprofile", profile}, &out, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"latency on sqlite", "NORMAL", "CPUs", "2 instances", "min", "median", "max"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("the profile is empty or missing: %v", err)
	}
}

func TestFlagsThatCannotBeMeant(t *testing.T) {
	for _, args := range []string{
		"-workload nothing", "-backend nowhere", "-durability some", "-instances -1", "-n 0", "-steps x", "chain",
	} {
		var out bytes.Buffer
		if err := run(t.Context(), strings.Fields(args), &out, &out); err == nil {
			t.Errorf("wfbench %s: no error", args)
		}
	}
}

func TestSummaries(t *testing.T) {
	results := []result{{Rate: 3}, {Rate: 1}, {Rate: 2}}
	for i, want := range []float64{1, 2, 3} {
		if got := summaries[i].of(results).Rate; got != want {
			t.Errorf("%s is %v, want %v", summaries[i].name, got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	var sorted []time.Duration
	for i := range 100 {
		sorted = append(sorted, time.Duration(i+1))
	}
	got := fmt.Sprint(quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1), quantile(nil, 0.5))
	if got != "51ns 100ns 100ns 0s" {
		t.Errorf("got %s", got)
	}
}
