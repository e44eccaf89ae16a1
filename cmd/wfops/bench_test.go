package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Variables of the benchmarks: how many instances the store has, and the file that it
// is kept in for the next time.
const (
	benchInstances = "WFOPS_BENCH_INSTANCES"
	benchStore     = "WFOPS_BENCH_STORE"
	// benchProgram is measured instead of what is built here: another version.
	benchProgram = "WFOPS_BENCH_PROGRAM"
)

// BenchmarkProcess measures what somebody feels who types a command: the program as
// it is shipped, from its start to its end, on a store in a file.
func BenchmarkProcess(b *testing.B) {
	n, path := crowded(b)
	binary := built(b)
	middle := fmt.Sprintf("order-%08d", n/2)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"list", []string{"list"}},
		{"list_wide_200", []string{"list", "-o", "wide", "-n", "200"}},
		{"list_failed", []string{"list", "--filter", "status:failed", "-o", "json", "-n", "100"}},
		{"list_type", []string{"list", "--filter", "type:Workflow7 is:final", "--sort", "updated", "-n", "100"}},
		{"get", []string{"get", middle}},
		{"data", []string{"data", middle}},
		{"health", []string{"health"}},
		{"version", []string{"version"}},
	} {
		b.Run(c.name, func(b *testing.B) { process(b, binary, append([]string{path}, c.args...)) })
	}
}

// crowded returns the file of a store of n instances.
func crowded(b *testing.B) (n int, path string) {
	b.Helper()
	n = 20_000
	if text := os.Getenv(benchInstances); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	if path = os.Getenv(benchStore); path == "" {
		path = filepath.Join(b.TempDir(), "app.db")
	}
	// In a process of its own: what this one needs at most would count for those that
	// it starts.
	seed := exec.CommandContext(b.Context(), os.Args[0]) //nolint:gosec // the test binary
	seed.Env = append(os.Environ(), asSeeder+"="+path, benchInstances+"="+strconv.Itoa(n))
	if out, err := seed.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return n, path
}

// built returns the program as it is shipped.
func built(b *testing.B) string {
	b.Helper()
	if other := os.Getenv(benchProgram); other != "" {
		return other
	}
	binary := filepath.Join(b.TempDir(), "wfops")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil { //nolint:gosec // ours
		b.Fatalf("%v: %s", err, out)
	}
	return binary
}

func process(b *testing.B, binary string, args []string) {
	b.Helper()
	var took []time.Duration
	most := int64(0)
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), binary, args...) //nolint:gosec // ours
		start := time.Now()
		out, err := cmd.CombinedOutput()
		took = append(took, time.Since(start))
		if code := cmd.ProcessState.ExitCode(); err != nil && code != 1 { // health says no
			b.Fatalf("%v: %s", err, out)
		}
		most = max(most, residentSet(cmd.ProcessState))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(most)/(1<<20), "max-RSS-MiB")
}

// asSeeder makes the test binary make the store of that path.
const asSeeder = "WFOPS_TEST_AS_SEEDER"

// crowd makes a store of n instances, unless the file is there: of a hundred, one has
// failed, four run, one in ten thousand is blocked, the others have completed.
func crowd(ctx context.Context, path, size string) error {
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	store, err := sqlite.Open(ctx, path, sqlite.WithSynchronous(sqlite.Normal))
	if err != nil {
		return err
	}
	const batch = 5000
	for first := 0; first < n && err == nil; first += batch {
		err = some(ctx, store, first, min(first+batch, n))
	}
	return errors.Join(err, store.Close())
}

// some makes the instances from first to before last.
func some(ctx context.Context, store backend.Backend, first, last int) error {
	var cs []backend.Creation
	for i := first; i < last; i++ {
		workflow := fmt.Sprintf("Workflow%d", i%20)
		started, err := history.Encode(history.Event{At: time.Now(), Body: history.WorkflowStarted{Workflow: workflow, Args: []engine.Payload{engine.Payload(`{"order":1,"qty":2}`)}}})
		if err != nil {
			return err
		}
		execution := engine.NewID()
		cs = append(cs, backend.Creation{
			Instance: engine.Instance{InstanceID: fmt.Sprintf("order-%08d", i), ExecutionID: execution}, FirstExecution: execution,
			Workflow: workflow, Queue: engine.QueueDefault, Started: started, Tags: map[string]string{"customer": strconv.Itoa(i % 1000)},
		})
	}
	for _, r := range store.Create(ctx, cs) {
		if r.Err != nil {
			return r.Err
		}
	}
	names := make([]string, 20)
	for i := range names {
		names[i] = fmt.Sprintf("Workflow%d", i)
	}
	claimed, err := store.ClaimWorkflows(ctx, backend.WorkflowClaim{Worker: "w-1", Build: "b-1", Queues: []engine.Queue{engine.QueueDefault}, Workflows: names, Max: last - first, Lease: 1000 * time.Hour})
	if err != nil {
		return err
	}
	commits := make([]backend.WorkflowCommit, len(claimed.Tasks))
	for i := range claimed.Tasks {
		if commits[i], err = step(&claimed.Tasks[i], first+i); err != nil {
			return err
		}
	}
	for _, r := range store.CommitWorkflows(ctx, commits) {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}

// step is the only one that an instance has made.
func step(t *backend.WorkflowTask, i int) (backend.WorkflowCommit, error) {
	c := backend.WorkflowCommit{
		Instance: t.Instance, Token: t.Token, ExpectSeq: t.LastSeq, StepID: engine.NewID(), Count: 1, Consume: []int64{t.Inbox[0].ID},
		Status: engine.StatusCompleted, Summary: backend.SummaryUpdate{Worker: "w-1", Build: "b-1"},
	}
	started, err := t.Inbox[0].Event.DecodeOne()
	if err != nil {
		return c, err
	}
	events := []history.Event{started}
	switch {
	case i%10_000 == 1:
		c.Status, c.Block = engine.StatusBlocked, &backend.Block{Class: "NONDETERMINISM", Build: "b-1", Reason: []byte(`{"message":"another activity"}`)}
	case i%100 == 0:
		text := "the card was refused"
		c.Status, c.Summary.LastError, c.Summary.Attempt = engine.StatusFailed, &text, 3
		events = append(events, history.Event{At: time.Now(), Body: history.WorkflowFailed{Failure: &engine.Failure{Message: text}}})
	case i%100 < 5:
		c.Status, c.Summary.Attempt = engine.StatusRunning, i%7
		c.Summary.Waiting = &engine.Waiting{Kind: engine.WaitSignal, Name: "decision", Since: time.Now()}
	default:
		events = append(events, history.Event{At: time.Now(), Body: history.WorkflowCompleted{Result: engine.Payload("true")}})
	}
	c.Count = len(events)
	c.Events, err = history.Encode(events...)
	return c, err
}
