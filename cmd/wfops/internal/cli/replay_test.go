package cli_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// withFleet adds fleet.db: histories that the worker of testdata can replay.
func (w *world) withFleet() {
	w.Helper()
	w.add(fleetFile, func(b backend.Backend) {
		opstest.Seed(w, b, w.clock, fleet(w.T))
		begins := history.WorkflowStarted{Workflow: "Good"}
		encoded, err := history.Encode(history.Event{At: w.clock.Now(), Body: begins})
		if err != nil {
			w.Fatal(err)
		}
		i := engine.Instance{InstanceID: "new-1", ExecutionID: "x"}
		if r := b.Create(w.Context(), []backend.Creation{{Instance: i, FirstExecution: "x", Workflow: "Good", Queue: "default", Started: encoded}}); r[0].Err != nil {
			w.Fatal(r[0].Err)
		}
	})
}

const fleetFile = "fleet.db"

// fleet are orders that have come to an end, others that are under way, and blocked ones.
func fleet(t *testing.T) []opstest.Row {
	t.Helper()
	ended := func(id, workflow string, hours int) opstest.Row {
		return opstest.Shipped(id, workflow, ago(time.Duration(hours)*time.Hour), "post")
	}
	open := func(id, workflow string, hours int) opstest.Row { // it waits for its last activity
		r := ended(id, workflow, hours)
		r.Status, r.Events = engine.StatusRunning, r.Events[:len(r.Events)-3]
		return r
	}
	byRail := opstest.Shipped("good-2", "Good", ago(9*time.Hour), "rail")
	slow := ended("slow-1", "Good", 8)
	slow.Events[2].At = slow.Events[2].At.Add(time.Minute) // of the answer to Charge
	less, more := ended("gone-2", "Gone", 5), ended("gone-3", "Gone", 5)
	less.Args = []engine.Payload{engine.Payload(`{"id":"y","total":100,"rate":0.3,"host":"b","note":"leave it with the neighbor in 3a","lines":[{"sku":"a","n":3}]}`)}
	more.Args = []engine.Payload{engine.Payload(`{"id":"x","total":101,"rate":0.30000000000000004,"host":"a","note":"leave it with the neighbor in 4b","lines":[{"sku":"b","n":1},{"sku":"a","n":2}]}`)}
	silent, told := open("stuck-1", "Moved", 3), open("stuck-2", "Moved", 3)
	silent.Status, silent.BlockClass, silent.Block = engine.StatusBlocked, "NONDETERMINISM", []byte(`{"class":"NONDETERMINISM","message":"history has activity ReserveStock, the code issued activity FraudCheck","seq":5}`)
	told.Status, told.BlockClass, told.Block = engine.StatusBlocked, "NONDETERMINISM", strangeReport(t)
	return []opstest.Row{
		ended("good-1", "Good", 10), byRail, ended("renamed-1", "Renamed", 8), ended("renamed-2\x1b[2J", "Renamed", 7), ended("exits-1", "Exits", 6), ended("gone-1", "Gone", 5),
		slow, ended("talks-1", "Talks", 8), less, more,
		open("renamed-3", "Renamed", 8), open("renamed-4", "Renamed", 6), open("renamed-5", "Renamed", 4), open("good-3", "Good", 5), open("good-4", "Good", 5), open("more-1", "Retired", 3),
		silent, told,
	}
}

// strangeReport is why a worker has blocked an instance, with a name that terminals
// would act upon.
func strangeReport(t *testing.T) []byte {
	t.Helper()
	then := &engine.BlockCommand{Kind: "ActivityScheduled", Ref: 1, Name: "Charge", Function: "main.order", File: "order.go", Line: 31}
	now := &engine.BlockCommand{Kind: "ActivityScheduled", Ref: 1, Name: "ChargeCard\x1b[2J", Function: "main.order", File: "order.go", Line: 38}
	report, err := json.Marshal(diagnostics.Report{
		Verdict: diagnostics.VerdictDiverged, Class: diagnostics.ClassName, Summary: "diverged at event 3", Events: 9,
		Divergence: &diagnostics.Divergence{Seq: 3, Event: "ActivityScheduled", History: then, Code: now, Stack: "coroutine \"main\":\nmain.order\n\torder.go:38\n"},
		Cause:      &diagnostics.Explanation{Class: diagnostics.ClassName, Cause: "it looks renamed", Fixes: []string{"register it"}, Page: "docs/nondeterminism/NAME.md"},
	})
	if err != nil {
		t.Fatal(err)
	}
	reason, err := json.Marshal(engine.BlockReason{Class: engine.BlockNondeterminism, Message: "they differ", Seq: 3, Expected: then, Issued: now, Build: "41fd", Worker: "w-31", Report: report})
	if err != nil {
		t.Fatal(err)
	}
	return reason
}

var (
	buildWorker = sync.OnceValues(func() (string, error) { return build("worker") })
	buildFleet  = sync.OnceValues(func() (string, error) { return build("fleet") })
)

// build builds a program of testdata.
func build(name string) (string, error) {
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(binaries, name)
	build := exec.Command("go", "build", "-trimpath", "-o", path, "./testdata/"+name) //nolint:noctx // the tests share it
	build.Dir = filepath.Dir(here)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
}

// withWorker puts the worker into the current folder.
func (w *world) withWorker() {
	w.Helper()
	path, err := buildWorker()
	if err != nil {
		w.Fatal(err)
	}
	if err := os.Symlink(path, "worker"); err != nil {
		w.Fatal(err)
	}
}

// Files of histories are for their owner, and a terminal gets none that was not asked for.
func TestExport(t *testing.T) {
	w := newWorld(t)
	w.withFleet()
	for name, redact := range map[string]string{"good.wfh": "false", "packed.wfh.gz": "false", "redacted.wfh": "true"} {
		if r := w.run("fleet.db", "export", "good-1", "--file", name, "--redact="+redact); r.exit != 0 {
			t.Fatalf("%+v", r)
		}
		b, err := diagnostics.ReadFile(name)
		if err != nil || b.Instance.InstanceID != "good-1" || b.Workflow != "Good" || b.Status != engine.StatusCompleted || len(b.Events) != 9 || fmt.Sprint(b.Redacted) != redact {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if r := w.run("fleet.db", "export", "good-1", "--file", "missing/x.wfh"); r.exit != 2 || !strings.Contains(r.err, "missing") {
		t.Errorf("a folder that is not there: %+v", r)
	}
	if b, err := diagnostics.Read(strings.NewReader(w.run("fleet.db", "export", "good-1").out)); err != nil || len(b.Events) != 9 {
		t.Errorf("%+v, %v", b, err)
	}
	w.tty(80)
	if r := w.run("fleet.db", "export", "good-1"); r.exit != 2 || r.out != "" {
		t.Errorf("a terminal gets %+v", r)
	}
	r := w.run("app.db", "export", "evil", "--file", "-")
	if b, err := diagnostics.Read(strings.NewReader(r.out)); err != nil || len(b.Events) != 2 || strings.ContainsAny(r.out, "\x1b\u202e\u009b") {
		t.Errorf("%+v, %v: %q", b, err, r.out)
	}
}

// An exported history stands where a store does: first, after --connect and in WFOPS_DSN.
func TestBundleAsStore(t *testing.T) {
	w := newWorld(t)
	w.withFleet()
	w.withWorker()
	for id, file := range map[string]string{"good-1": "good-1.wfh.gz", "renamed-3": "order.wfh.json"} {
		if r := w.run("fleet.db", "export", id, "--file", file); r.exit != 0 {
			t.Fatalf("%+v", r)
		}
	}
	first := w.run("order.wfh.json", "timeline")
	if r := w.run("--connect", "order.wfh.json", "timeline"); r != first || r.out == "" {
		t.Errorf("--connect: %+v", r)
	}
	w.env.Getenv = func(name string) string { return map[string]string{"WFOPS_DSN": "order.wfh.json"}[name] }
	if r := w.run("timeline"); r != first {
		t.Errorf("WFOPS_DSN: %+v", r)
	}
	if r := w.run("replay", "--with", "./worker", "--passes", "3", "-o", "name"); r.out != "order.wfh.json\n" || r.exit != 1 {
		t.Errorf("WFOPS_DSN: %+v", r)
	}
	if r := w.run("replay", "good-1.wfh.gz", "--with", "./worker", "--passes", "3", "-o", "name"); r.exit != 0 {
		t.Errorf("a file that is named wins: %+v", r)
	}
	if r := w.run("fleet.db", "replay", "good-1", "--with", "./worker", "--passes", "3", "-o", "name"); r.exit != 0 {
		t.Errorf("a store that is named wins: %+v", r)
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t)
	w.withFleet()
	w.withWorker()
	for name, says := range map[string]string{"./missing": "no such file", "app.db": "no replayer"} {
		if r := w.run("fleet.db", "replay", "good-1", "--with", name); r.exit != 2 || !strings.Contains(r.err, says) {
			t.Errorf("with %s: %+v", name, r)
		}
	}
	for args, failing := range map[string]int{"--filter is:final": 6, "renamed-3 --all": 3} {
		folder := t.TempDir()
		if r := w.run(split("fleet.db replay " + args + " --with ./worker --passes 3 --export-failing " + folder)...); r.exit != 1 {
			t.Errorf("%+v", r)
		}
		if files, err := filepath.Glob(folder + "/*.wfh.gz"); err != nil || len(files) != failing {
			t.Errorf("%v, %v", files, err)
		}
	}
	r := w.run("fleet.db", "replay", "--filter", "is:final", "--with", "./worker", "--passes", "3", "-o", "junit")
	var suites struct {
		Cases []struct {
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal([]byte(r.out), &suites); err != nil || len(suites.Cases) != 10 {
		t.Fatalf("%d cases, %v\n%s", len(suites.Cases), err, r.out)
	}
	for _, c := range suites.Cases {
		if (c.Failure != nil) != strings.HasPrefix(c.Name, "renamed") || (c.Error != nil) != (strings.HasPrefix(c.Name, "gone") || strings.HasPrefix(c.Name, "exits")) {
			t.Errorf("%+v", c)
		}
	}
}

// What the program prints is shown if that is asked for, as its own.
func TestReplayShowsOutput(t *testing.T) {
	w := newWorld(t)
	w.withFleet()
	w.withWorker()
	if r := w.run("fleet.db", "replay", "talks-1", "--with", "./worker", "--passes", "1"); r.exit != 0 || r.err != "" {
		t.Errorf("%+v", r)
	}
	r := w.run("fleet.db", "replay", "talks-1", "--with", "./worker", "--passes", "1", "--show-output", "-o", "jsonl")
	for _, want := range []string{"worker: worker of the orders\n", "worker: \\x1b[31mcharging\n", "worker: no end of line\n"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("it lacks %q:\n%s", want, r.err)
		}
	}
	if !json.Valid([]byte(r.out)) {
		t.Errorf("it is in the answer too:\n%s", r.out)
	}
}

// Where no instance matches, nobody knows whether the code is fine.
func TestReplayOfNothing(t *testing.T) {
	w := newWorld(t)
	w.withFleet()
	w.withWorker()
	for _, format := range []string{"table", "json", "jsonl", "junit", "name", "yaml"} {
		r := w.run("fleet.db", "replay", "--filter", "type:Nothing", "--with", "./worker", "-o", format)
		if r.exit != int(cli.ExitNotFound) || !strings.Contains(r.err, "no instance matches type:Nothing") {
			t.Errorf("%s: %+v", format, r)
		}
	}
}

// A reader who goes away leaves nothing behind, nor does one who interrupts.
func TestReplayStops(t *testing.T) {
	w := newWorld(t)
	w.withFleet()
	w.withWorker()
	from, to := io.Pipe()
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	if r := w.runTo(t.Context(), to, "fleet.db", "replay", "--filter", "is:final", "--with", "./worker", "--passes", "3"); r.exit != 0 {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if r := w.runTo(ctx, lines(func(string) { cancel() }), "fleet.db", "replay", "--filter", "is:final", "--with", "./worker", "--passes", "3"); r.exit != 130 {
		t.Errorf("%+v", r)
	}
}
