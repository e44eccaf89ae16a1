package cli_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
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

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// fleetFile is a store with histories that can be replayed.
const fleetFile = "fleet.db"

// newFleet is a world that has fleetFile too.
func newFleet(t *testing.T, rows ...opstest.Row) *world {
	t.Helper()
	w := newWorld(t)
	b, err := sqlite.Open(t.Context(), fleetFile, sqlite.WithClock(w.clock.Now), sqlite.WithSynchronous(sqlite.Normal))
	if err != nil {
		t.Fatal(err)
	}
	opstest.Seed(t, b, w.clock, rows)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	w.clock.Set(now)
	return w
}

func fleet(t *testing.T) *world {
	t.Helper()
	return newFleet(t,
		opstest.Shipped("good-1", "Good", ago(10*time.Hour), "post"), opstest.Shipped("good-2", "Good", ago(9*time.Hour), "rail"),
		opstest.Shipped("renamed-1", "Renamed", ago(8*time.Hour), "post"), opstest.Shipped("renamed-2\x1b[2J", "Renamed", ago(7*time.Hour), "post"),
		opstest.Shipped("exits-1", "Exits", ago(6*time.Hour), "post"), opstest.Shipped("gone-1", "Gone", ago(5*time.Hour), "post"),
	)
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

func TestExport(t *testing.T) {
	w := fleet(t)
	w.golden("export", "fleet.db export good-1 --file good.wfh", "fleet.db export good-1 --file packed.wfh.gz", "fleet.db export good-1 --redact --file redacted.wfh", "fleet.db export nobody", "good.wfh export", "good.wfh list", "missing.wfh timeline", "good.wfh history", "redacted.wfh history -o name -n 2", "good.wfh history --after 8 -o json")
	if r := w.run("fleet.db", "export", "good-1", "--file", "missing/x.wfh"); r.exit != 2 || !strings.Contains(r.err, "missing") {
		t.Errorf("a folder that is not there: %+v", r)
	}
	if info, err := os.Stat("good.wfh"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, name := range []string{"good.wfh", "packed.wfh.gz", "redacted.wfh"} {
		b, err := diagnostics.ReadFile(name)
		if err != nil || b.Instance.InstanceID != "good-1" || b.Workflow != "Good" || b.Status != engine.StatusCompleted || len(b.Events) != 9 || b.Redacted != (name == "redacted.wfh") {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
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

// An exported history stands where a store does: first, after --connect and in WFOPS_DSN,
// for all that reads.
func TestBundleAsStore(t *testing.T) {
	w := newFleet(t, opstest.Shipped("good-1", "Good", ago(10*time.Hour), "post"), underWay("renamed-1", "Renamed", ago(8*time.Hour)), opstest.Shipped("good-2", "Good", ago(9*time.Hour), "rail"))
	w.withWorker()
	for _, id := range []string{"good-1", "good-2", "renamed-1"} {
		if r := w.run("fleet.db", "export", id, "--file", id+".wfh.gz"); r.exit != 0 {
			t.Fatalf("%+v", r)
		}
	}
	if b, err := diagnostics.ReadFile("renamed-1.wfh.gz"); err != nil || diagnostics.WriteFile("order.wfh.json", b) != nil {
		t.Fatal(err)
	}
	w.golden("bundle", "order.wfh.json list", "order.wfh.json get", "order.wfh.json get renamed", "order.wfh.json get good-1", "order.wfh.json history -o name", "order.wfh.json history renamed-1 -o name -n 1", "order.wfh.json timeline --ascii", "order.wfh.json pending", "order.wfh.json tree",
		"order.wfh.json trace", "order.wfh.json replay --with ./worker --passes 3 -o name", "order.wfh.json replay renamed-1 --with ./worker --passes 3 -o name", "order.wfh.json replay --filter is:open --with ./worker --passes 3 -o name",
		"order.wfh.json replay --filter type:Good --with ./worker --passes 3 -o name", "order.wfh.json replay --all --with ./worker --passes 3 --jq .blast_radius.same", "order.wfh.json replay good-1.wfh.gz --with ./worker --passes 3", "good-1.wfh.gz diff good-2.wfh.gz -o name", "good-1.wfh.gz diff good-1 -o name", "order.wfh.json wait --for running", "order.wfh.json wait", "good-1.wfh.gz wait",
		"order.wfh.json queues", "order.wfh.json workers", "order.wfh.json health", "order.wfh.json list --count -o json", "order.wfh.json list --filter 'type:Re* !tag.a:b' -o name", "order.wfh.json list --filter status:failed", "order.wfh.json cancel renamed-1 --reason r --yes", "order.wfh.json --write signal go renamed-1 --reason r",
		"order.wfh.json export --file again.wfh", "order.wfh.json doctor -o json --jq .store", "missing.wfh get", "worker.json list")
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
	w := fleet(t)
	w.withWorker()
	w.golden("replay", "fleet.db replay good-1 --with ./worker --passes 3", "fleet.db replay renamed-1 --with ./worker --passes 3", "fleet.db replay gone-1 --with ./worker --passes 3",
		"fleet.db replay --filter type:* --with ./worker --passes 3 --export-failing failing", "fleet.db replay --filter type:Renamed --with ./worker --passes 3 -o json",
		"fleet.db replay --filter type:Renamed --with ./worker --passes 3 -o name", "fleet.db replay --filter type:Nothing --with ./worker -o json", "fleet.db replay --filter type:Nothing --with ./worker -o junit", "fleet.db replay --filter type:Nothing --with ./worker",
		"fleet.db replay good-1 good-2 --with ./worker --passes 3 -o jsonl --jq .verdict",
		"fleet.db replay good-1", "fleet.db replay --with ./worker", "fleet.db replay nobody --with ./worker", "fleet.db replay missing.wfh --with ./worker", "missing.db replay good-1 --with ./worker", "fleet.db list -o junit")
	for name, says := range map[string]string{"./missing": "no such file", "app.db": "no replayer"} {
		if r := w.run("fleet.db", "replay", "good-1", "--with", name); r.exit != 2 || !strings.Contains(r.err, says) {
			t.Errorf("with %s: %+v", name, r)
		}
	}
	files, err := filepath.Glob("failing/*.wfh.gz")
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	if err := os.WriteFile("broken.wfh", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.golden("replay_files", "replay "+files[3]+" --with ./worker --passes 3 -o name", "replay broken.wfh --with ./worker", "broken.wfh replay --with ./worker -o json")
	w.tty(100)
	w.golden("replay_tty", "fleet.db replay --filter type:* --with ./worker --passes 3", "fleet.db replay renamed-2 --with ./worker --passes 3", "fleet.db replay renamed-1 --with ./worker --passes 3 --ascii")
}

func TestReplayForPrograms(t *testing.T) {
	w := fleet(t)
	w.withWorker()
	r := w.run("fleet.db", "replay", "--filter", "type:*", "--with", "./worker", "--passes", "3", "-o", "jsonl")
	docs := strings.Split(strings.TrimSpace(r.out), "\n")
	var sum struct {
		Schema                     string
		OK, Diverged, Unanswerable int
		Groups                     []struct{ Count int }
	}
	if err := json.Unmarshal([]byte(docs[len(docs)-1]), &sum); err != nil || r.exit != 1 || len(docs) != 7 || sum.OK != 2 || sum.Diverged != 2 || sum.Unanswerable != 2 || len(sum.Groups) != 3 || sum.Schema != "wfops.replays/v1" {
		t.Errorf("%d lines, exit %d, %+v, %v\n%s", len(docs), r.exit, sum, err, r.out)
	}
	r = w.run("fleet.db", "replay", "--filter", "type:*", "--with", "./worker", "--passes", "3", "-o", "junit")
	var suites struct {
		Cases []struct {
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal([]byte(r.out), &suites); err != nil || len(suites.Cases) != 6 {
		t.Fatalf("%d cases, %v\n%s", len(suites.Cases), err, r.out)
	}
	for _, c := range suites.Cases {
		if (c.Failure != nil) != strings.HasPrefix(c.Name, "renamed") || (c.Error != nil) != (strings.HasPrefix(c.Name, "gone") || strings.HasPrefix(c.Name, "exits")) {
			t.Errorf("%+v", c)
		}
	}
	r = w.run("fleet.db", "replay", "--filter", "type:Gone", "--with", "./worker")
	if r.exit != 6 {
		t.Errorf("what can't be answered exits with %d: %s", r.exit, r.err)
	}
}

// What the worker has found that blocked an instance is shown without anybody's code.
func TestStoredReport(t *testing.T) {
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
	row := underWay("order-1", "Renamed", ago(8*time.Hour))
	row.Status, row.BlockClass, row.Block = engine.StatusBlocked, string(engine.BlockNondeterminism), reason
	w := newFleet(t, row)
	if r := w.run("fleet.db", "get", "order-1"); r.exit != 0 || strings.Contains(r.out, "register it") {
		t.Errorf("programs get a table: %+v", r)
	}
	if r := w.run("fleet.db", "get", "order-1", "--jq", ".block.report.divergence.code.line"); r.out != "38\n" {
		t.Errorf("%+v", r)
	}
	w.tty(100)
	w.golden("stored_report", "fleet.db get order-1")
}

// What the program prints is shown if that is asked for, as its own.
func TestReplayShowsOutput(t *testing.T) {
	w := newFleet(t, opstest.Shipped("talks-1", "Talks", ago(8*time.Hour), "post"))
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

// underWay is an order that waits for its last activity.
func underWay(id, workflow string, at time.Time) opstest.Row {
	r := opstest.Shipped(id, workflow, at, "post")
	r.Status, r.Events = engine.StatusRunning, r.Events[:len(r.Events)-3]
	return r
}

// One instance is told with how many others come to the same: of its workflow, and open.
func TestReplayRadius(t *testing.T) {
	w := newFleet(t,
		underWay("renamed-1", "Renamed", ago(8*time.Hour)), opstest.Shipped("renamed-2", "Renamed", ago(7*time.Hour), "post"), underWay("renamed-3", "Renamed", ago(6*time.Hour)),
		underWay("good-1", "Good", ago(5*time.Hour)), underWay("good-2", "Good", ago(5*time.Hour)), underWay("renamed-4", "Renamed", ago(4*time.Hour)), underWay("more-1", "Retired", ago(3*time.Hour)),
	)
	w.withWorker()
	w.golden("replay_radius", "fleet.db replay renamed-3 --with ./worker --passes 3 --all", "fleet.db replay good-1 --with ./worker --passes 3 --all", "fleet.db replay renamed-2 --with ./worker --passes 3 --all --jq .blast_radius",
		"fleet.db export renamed-2 --file r.wfh", "fleet.db replay r.wfh --with ./worker --all --jq .blast_radius.same", "fleet.db replay more-1 --with ./worker --all --jq .blast_radius",
		"replay r.wfh --with ./worker --all", "fleet.db replay --filter is:open --with ./worker --all", "fleet.db replay good-1 good-2 --with ./worker --all", "fleet.db replay good-1 --with ./worker --all -o junit")
	if r := w.run("fleet.db", "replay", "renamed-1", "--with", "./worker", "--all", "--export-failing", "failing"); r.exit != 1 {
		t.Errorf("%+v", r)
	}
	if files, err := filepath.Glob("failing/*"); err != nil || len(files) != 3 {
		t.Errorf("%v, %v", files, err)
	}
}

// Where no instance matches, nobody knows whether the code is fine.
func TestReplayOfNothing(t *testing.T) {
	w := fleet(t)
	w.withWorker()
	for _, format := range []string{"table", "json", "jsonl", "junit", "name", "yaml"} {
		r := w.run("fleet.db", "replay", "--filter", "type:Nothing", "--with", "./worker", "-o", format)
		if r.exit != int(cli.ExitNotFound) || !strings.Contains(r.err, "no instance matches type:Nothing") {
			t.Errorf("%s: %+v", format, r)
		}
	}
}

// What has not begun can't differ, and what has no values can't be replayed.
func TestReplayOfLittle(t *testing.T) {
	w := fleet(t)
	w.withWorker()
	b, err := sqlite.Open(t.Context(), fleetFile, sqlite.WithClock(w.clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	i := engine.Instance{InstanceID: "new-1", ExecutionID: "x"}
	r := b.Create(t.Context(), []backend.Creation{{Instance: i, FirstExecution: "x", Workflow: "Good", Queue: "default", Started: wire(t, 0, history.WorkflowStarted{Workflow: "Good"})}})
	if err := errors.Join(r[0].Err, b.Close()); err != nil {
		t.Fatal(err)
	}
	w.golden("replay_little", "fleet.db replay --filter is:open --with ./worker", "fleet.db replay --filter id:/^good/ --scan 2 --with ./worker --passes 3", "fleet.db replay --filter id:/^renamed-1/ --scan 6 --with ./worker --passes 3", "fleet.db timeline new-1", "fleet.db export good-1 --redact --file redacted.wfh", "replay redacted.wfh --with ./worker --passes 3", "fleet.db replay redacted.wfh good-1 --with ./worker --passes 3")
}

// A reader who goes away leaves nothing behind, nor does one who interrupts.
func TestReplayStops(t *testing.T) {
	w := fleet(t)
	w.withWorker()
	from, to := io.Pipe()
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	if r := w.runTo(t.Context(), to, "fleet.db", "replay", "--filter", "type:*", "--with", "./worker", "--passes", "3"); r.exit != 0 {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if r := w.runTo(ctx, lines(func(string) { cancel() }), "fleet.db", "replay", "--filter", "type:*", "--with", "./worker", "--passes", "3"); r.exit != 130 {
		t.Errorf("%+v", r)
	}
}

func TestDiff(t *testing.T) {
	more := opstest.Shipped("more", "Good", ago(9*time.Hour), "post")
	more.Args = []engine.Payload{engine.Payload(`{"id":"x","total":101,"rate":0.30000000000000004,"host":"a","note":"leave it with the neighbor in 4b","lines":[{"sku":"b","n":1},{"sku":"a","n":2}]}`)}
	less := opstest.Shipped("less", "Good", ago(10*time.Hour), "post")
	less.Args = []engine.Payload{engine.Payload(`{"id":"y","total":100,"rate":0.3,"host":"b","note":"leave it with the neighbor in 3a","lines":[{"sku":"a","n":3}]}`)}
	w := newFleet(t, opstest.Shipped("good-1", "Good", ago(10*time.Hour), "post"), less, more, opstest.Shipped("good-2", "Good", ago(9*time.Hour), "rail"), opstest.Shipped("renamed-1", "Renamed", ago(8*time.Hour), "post"))
	w.golden("diff", "fleet.db export good-1 --file good.wfh", "fleet.db diff good-1 good-2", "fleet.db diff good-1 good-1", "fleet.db diff good.wfh renamed-1", "good.wfh diff good.wfh", "diff good.wfh good.wfh --all",
		"fleet.db diff good-1 good-2 -o json", "fleet.db diff good-1 good-2 -o name", "fleet.db diff good-1 good-2 --ignore result", "app.db diff order-8790 order-8841", "fleet.db diff good-1", "fleet.db diff good-1 nobody")
	w.golden("diff_rules", "fleet.db diff less more --ignore args[0].id --ignore $.args[0].none", "fleet.db diff less more --exact", "fleet.db diff less more --tolerance 0.5 -o json --jq .ignored",
		"fleet.db diff less more --tolerance 1", "fleet.db diff less more --ignore $", "fleet.db diff less more --jq '.rows[].changes'")
	w.tty(100)
	w.golden("diff_tty", "fleet.db diff good-1 good-2", "fleet.db diff good-1 good-2 --all --exact", "app.db diff evil order-8790 --ascii")
}

func TestTimeline(t *testing.T) {
	w := fleet(t)
	w.golden("timeline", "fleet.db export good-1 --file good.wfh", "fleet.db timeline good-1 --critical", "good.wfh timeline --critical -o json", "timeline good.wfh -o name", "app.db timeline order-8790 --ascii", "app.db timeline nobody")
	w.tty(60)
	w.golden("timeline_tty", "fleet.db timeline good-1", "app.db timeline order-8841 --critical", "app.db timeline evil --ascii")
}

// The report that a worker has stored is shown without any program.
func TestWhy(t *testing.T) {
	w := newWorld(t)
	w.golden("why", "app.db why order-8702", "app.db why order-8702 -o json --jq .divergence.code", "app.db why order-8702 -o name", "app.db why order-8788", "app.db why nobody", "app.db why")
	w.tty(80)
	w.golden("why_tty", "app.db why order-8702", "app.db why order-8702 --ascii")
}

func TestDiffRules(t *testing.T) {
	slow := opstest.Shipped("slow-1", "Good", ago(9*time.Hour), "post")
	slow.Events[2].At = slow.Events[2].At.Add(time.Minute) // of the answer to Charge
	w := newFleet(t, opstest.Shipped("good-1", "Good", ago(10*time.Hour), "post"), slow)
	for rules, ignored := range map[string]string{"ids,times,durations,side effects": `{"durations":1}`, "durations": `{"durations":1}`, "ids, times": "null", "": "null"} {
		if r := w.run("fleet.db", "diff", "good-1", "slow-1", "--rules", rules, "--jq", ".ignored"); strings.TrimSpace(r.out) != ignored {
			t.Errorf("rules %q: %+v", rules, r)
		}
	}
	if r := w.run("fleet.db", "diff", "good-1", "slow-1", "--rules", "ids,nonsense"); r.exit != 2 || !strings.Contains(r.err, "side effects") {
		t.Errorf("%+v", r)
	}
}
