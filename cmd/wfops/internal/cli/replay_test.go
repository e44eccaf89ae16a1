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

// shipped is an order that took its time.
func shipped(id, workflow string, at time.Time, carrier string) opstest.Row {
	in := at.Add
	site := func(line int) history.Site {
		return history.Site{Function: "main.both", File: "main.go", Line: line}
	}
	task := func(d time.Duration) history.Event {
		return history.Event{At: in(d), Body: history.TaskStarted{Worker: "w-7f", Build: "9c1e"}}
	}
	run := func(d time.Duration, attempt int) history.Run {
		return history.Run{Attempt: attempt, Worker: "w-7f", Started: in(d)}
	}
	r := opstest.Row{Summary: backend.Summary{
		Instance: engine.Instance{InstanceID: id}, Workflow: workflow, Queue: "default", Status: engine.StatusCompleted, Worker: "w-7f", Build: "9c1e", Created: at, Updated: in(70 * time.Minute),
	}}
	r.Events = []history.Event{
		{At: at, Ref: 1, Body: history.ActivityScheduled{Name: "Charge", Args: []engine.Payload{engine.Payload("7")}, Site: site(38)}},
		task(2 * time.Minute),
		{At: in(2 * time.Minute), Ref: 1, Body: history.ActivityCompleted{Result: engine.Payload(`"paid"`), Run: run(time.Minute, 1)}},
		{At: in(2 * time.Minute), Ref: 2, Body: history.ActivityScheduled{Name: "Ship", Site: site(41)}},
		task(70 * time.Minute),
		{At: in(70 * time.Minute), Ref: 2, Body: history.ActivityCompleted{Result: engine.Payload(fmt.Sprintf("%q", carrier)), Run: run(69*time.Minute, 1)}},
		{At: in(70 * time.Minute), Body: history.WorkflowCompleted{Result: engine.Payload(fmt.Sprintf("%q", carrier))}},
	}
	return r
}

func fleet(t *testing.T) *world {
	t.Helper()
	return newFleet(t,
		shipped("good-1", "Good", ago(10*time.Hour), "post"), shipped("good-2", "Good", ago(9*time.Hour), "rail"),
		shipped("renamed-1", "Renamed", ago(8*time.Hour), "post"), shipped("renamed-2\x1b[2J", "Renamed", ago(7*time.Hour), "post"),
		shipped("exits-1", "Exits", ago(6*time.Hour), "post"), shipped("gone-1", "Gone", ago(5*time.Hour), "post"),
	)
}

var buildWorker = sync.OnceValues(func() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(binaries, "worker")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "./testdata/worker")
	build.Dir = filepath.Dir(here)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

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
	w := fleet(t)
	w.golden("diff", "fleet.db export good-1 --file good.wfh", "fleet.db diff good-1 good-2", "fleet.db diff good-1 good-1", "fleet.db diff good.wfh renamed-1", "good.wfh diff good.wfh", "diff good.wfh good.wfh --all",
		"fleet.db diff good-1 good-2 -o json", "fleet.db diff good-1 good-2 -o name", "fleet.db diff good-1 good-2 --ignore result", "app.db diff order-8790 order-8841", "fleet.db diff good-1", "fleet.db diff good-1 nobody")
	w.tty(100)
	w.golden("diff_tty", "fleet.db diff good-1 good-2", "fleet.db diff good-1 good-2 --all --exact", "app.db diff evil order-8790 --ascii")
}

func TestTimeline(t *testing.T) {
	w := fleet(t)
	w.golden("timeline", "fleet.db export good-1 --file good.wfh", "fleet.db timeline good-1 --critical", "good.wfh timeline --critical -o json", "timeline good.wfh -o name", "app.db timeline order-8790 --ascii", "app.db timeline nobody")
	w.tty(60)
	w.golden("timeline_tty", "fleet.db timeline good-1", "app.db timeline order-8841 --critical", "app.db timeline evil --ascii")
}
