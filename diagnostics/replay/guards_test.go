package replay

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// A worker that starts to work although it was started as a replayer, by whatever way
// there is to a store, gets nowhere: not before it serves, not in place of serving, and
// not after it has cleared its environment.
func TestNothingInAChildReachesAStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.sqlite")
	b, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.New(b).CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{InstanceID: "order"}, "ok", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	address, dialed := listener(t)

	var out logged
	r := startWorker(t, Options{Output: &out, StartTimeout: 30 * time.Second, Env: []string{
		"VICE=works before it serves", "STORE=" + file, "SERVER=" + address,
	}})
	ok(t, r)
	r.Close()
	for way, answer := range answersIn(t, out.String()) {
		if way != "" && !strings.Contains(answer, engine.ErrReplaying.Error()) {
			t.Errorf("%s: %s", way, answer)
		}
	}
	if n := dialed.Load(); n > 0 {
		t.Errorf("the server was dialed %d times", n)
	}
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the store has changed: %v", err)
	}
	if left, err := filepath.Glob(file + "-*"); err != nil || len(left) > 0 {
		t.Errorf("there are %q beside the store: %v", left, err)
	}
	unchanged(t, file)
}

// The ways do lead to a store where nobody stands in them.
func TestTheSameWorkerWorksInEarnest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.sqlite")
	address, dialed := listener(t)
	cmd := exec.CommandContext(t.Context(), build(t, "worker"))
	cmd.Env = append(os.Environ(), "STORE="+file, "SERVER="+address)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := answersIn(t, string(out))
	for _, way := range []string{"sqlite.Open", "sqlite.NewSqliteBackend", "sqlite.NewInMemoryBackend", "backends.Open", "client", "client that reads", "worker", "orchestrator"} {
		if answers[way] != "it went through" {
			t.Errorf("%s: %s", way, answers[way])
		}
	}
	if n := dialed.Load(); n < 4 {
		t.Errorf("the server was dialed %d times, want all four to try", n)
	}
}

// listener counts who dials it, and hangs up.
func listener(t *testing.T) (address string, count *atomic.Int64) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dialed := &atomic.Int64{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dialed.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String(), dialed
}

func answersIn(t *testing.T, output string) map[string]string {
	t.Helper()
	var answers map[string]string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "{") {
			if err := json.Unmarshal([]byte(line), &answers); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(answers) < 15 {
		t.Fatalf("got %d answers in:\n%s", len(answers), output)
	}
	return answers
}

// unchanged looks for what only a worker could have done.
func unchanged(t *testing.T, file string) {
	t.Helper()
	b, err := sqlite.Open(t.Context(), file, sqlite.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close() //nolint:errcheck // it was only read
	workers, err := b.Workers(t.Context())
	if err != nil || len(workers) > 0 {
		t.Errorf("there are workers %v: %v", workers, err)
	}
	page, err := b.List(t.Context(), backend.Query{})
	if err != nil || len(page.Items) != 1 || page.Items[0].HistoryLength != 0 {
		t.Errorf("there are %v: %v", page.Items, err)
	}
}
