package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also what a workload starts as a worker process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerCommand {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// small are sizes at which a workload takes little time, how many activities it runs
// then, and what its first figure is at least and at most. Memory and CPU say
// nothing with other tests beside them.
var small = map[string]struct {
	args        string
	activities  int
	least, most float64
}{
	"chain":    {"-instances 5 -steps 2", 10, 1, 1e6},
	"latency":  {"-instances 3", 3, 0.001, 1e4},
	"long":     {"-steps 20", 20, 1, 1e6},
	"fanout":   {"-instances 2 -steps 10", 20, 1, 1e6},
	"tree":     {"-instances 2 -steps 2", 16, 0.0001, 10},
	"big":      {"-instances 2 -steps 2", 4, 0.1, 1e4},
	"failing":  {"-instances 3 -steps 3", 9, 1, 1e6},
	"open":     {"-instances 10 -steps 2", 20, 0.001, 1e4},
	"replay":   {"-steps 50", 0, 1, 1e7},
	"timers":   {"-instances 10 -period 200ms", 10, 0.001, 1e4},
	"signals":  {"-instances 3 -steps 5", 0, 1, 1e6},
	"list":     {"-instances 300", 0, 0.001, 1e4},
	"remote":   {"-instances 5 -steps 2", 10, 1, 1e5},
	"scale":    {"-instances 5 -steps 2", 20, 0.01, 100},
	"restart":  {"-instances 5 -lease 1s", 5, 0.3, 20},
	"sleepers": {"-instances 5 -period 500ms", 5, 0, 100},
	"idle":     {"-period 100ms", 0, 0, 10_000},
	"warm":     {"-instances 5 -period 1ms", 0, -1000, 1000},
	"parked":   {"-instances 5 -period 1ms", 0, -1000, 1000},
}

func TestEveryWorkloadOnEveryStore(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Run("run", func(t *testing.T) {
		for _, store := range storeKinds {
			for _, w := range workloads {
				if w.shared && !store.shared {
					continue
				}
				t.Run(store.name+"/"+w.name, func(t *testing.T) {
					t.Parallel()
					plausible(t, store, w)
				})
			}
		}
	})
	if left, err := filepath.Glob(filepath.Join(dir, "wfbench*")); err != nil || len(left) > 0 {
		t.Errorf("files were left behind: %v %v", left, err)
	}
}

// plausible runs a workload and looks at what it says.
func plausible(t *testing.T, store storeKind, w workload) {
	var out bytes.Buffer
	dsn := ""
	if store.server {
		if testing.Short() {
			t.Skip("needs a server")
		}
		dsn = serverOf(t, store.name)
	}
	args := append([]string{"-backend", store.name, "-dsn", dsn, "-workload", w.name, "-json"}, strings.Fields(small[w.name].args)...)
	if err := run(t.Context(), args, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if r.Backend != store.name || r.Workload != w.name || r.Activities != small[w.name].activities || r.Seconds <= 0 ||
		r.P99 < r.P50 || r.Durability == "" || r.Machine.Cores < 1 || !strings.HasPrefix(r.Store, store.name) {
		t.Errorf("got %+v", r)
	}
	if (r.Rate > 0) != (r.Activities > 0) {
		t.Errorf("%d activities at %v in a second", r.Activities, r.Rate)
	}
	if v, _ := r.figure(w.figures[0]); v < small[w.name].least || v > small[w.name].most {
		t.Errorf("%s is %v, want %v to %v", w.figures[0], v, small[w.name].least, small[w.name].most)
	}
	for _, name := range w.figures {
		if _, ok := r.figure(name); !ok {
			t.Errorf("there is no %s in %+v", name, r)
		}
	}
}

// Other programs read these.
func TestJSONFieldsAreStable(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-workload", "latency", "-instances", "1", "-json"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"backend", "store", "workload", "instances", "concurrency", "steps", "seconds", "activities_per_second",
		"p50_ms", "p99_ms", "durability", "machine",
	} {
		if _, ok := fields[name]; !ok {
			t.Errorf("field %q is missing in %s", name, out.String())
		}
	}
}

func TestTableAndFiles(t *testing.T) {
	dir := t.TempDir()
	cpu, objects := filepath.Join(dir, "cpu"), filepath.Join(dir, "objects")
	var out, progress bytes.Buffer
	args := strings.Fields("-backend memory,sqlite -durability Normal -workload chain,remote -instances 2 -steps 1 -pregenerate 3 -n 3 -cpuprofile " + cpu + " -o " + objects)
	if err := run(t.Context(), args, nil, &out, &progress); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cores", "synchronous=NORMAL", "| median ", "2 × 1, 2 at a time, beside 3", "| remote   | sqlite |", activityRate} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	for _, want := range []string{"chain on sqlite, run 3 of 3", "remote is left out on memory"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("%q is missing in\n%s", want, progress.String())
		}
	}
	if info, err := os.Stat(cpu); err != nil || info.Size() == 0 {
		t.Errorf("the profile is empty or missing: %v", err)
	}
	if results, err := readResults(objects); err != nil || len(results) != 9 {
		t.Errorf("the file holds %d objects: %v", len(results), err)
	}
}

func TestFlagsThatCannotBeMeant(t *testing.T) {
	for _, args := range []string{
		"-workload nothing", "-backend nowhere", "-durability some", "-instances -1", "-lease -1s", "-n 0", "-steps x", "chain",
		"-backend memory -workload remote", "compare", "compare a.json", "compare missing.json missing.json",
		"-o /nowhere/at/all -workload latency", "-cpuprofile /nowhere/at/all -workload latency",
	} {
		if err := run(t.Context(), strings.Fields(args), nil, io.Discard, io.Discard); err == nil {
			t.Errorf("wfbench %s: no error", args)
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

// serverOf returns the server for a store, which scripts/services starts.
func serverOf(t *testing.T, store string) string {
	t.Helper()
	variable, scheme := "WFOPS_TEST_"+strings.ToUpper(store)+"_DSN", ""
	if store == "redis" {
		variable, scheme = "WFOPS_TEST_REDIS_ADDR", "redis://"
	}
	address := os.Getenv(variable)
	if address == "" {
		t.Fatalf("%s is not set; eval \"$(scripts/services env)\" sets it", variable)
	}
	return scheme + address
}
