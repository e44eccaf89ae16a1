package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func TestMigrationsFromManyProcesses(t *testing.T) {
	outage.OpenedAtOnce(t, openFile, filepath.Join(t.TempDir(), "a.db"))
}

// helperCreate creates a number of instances, one at a time.
func helperCreate(args []string) error {
	b, err := Open(context.Background(), args[0], WithBusyTimeout(20*time.Second))
	if err != nil {
		return err
	}
	for n := range processInstances {
		if r := b.Create(context.Background(), []backend.Creation{creation(fmt.Sprintf("%s-%d", args[1], n))})[0]; r.Err != nil {
			return r.Err
		}
	}
	return b.Close()
}

const processInstances = 50

// Processes that write to one file at once wait for each other.
func TestWritingProcessesTakeTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	const processes = 3
	outage.AtOnce(t, processes, "create", path)
	b := open(t, path)
	defer closeStore(t, b)
	if got := claim(t, b, "me"); len(got) != 100 { // what one claim may take
		t.Errorf("claimed %d instances", len(got))
	}
	counts, err := b.Count(t.Context(), backend.Query{})
	if err != nil || counts[engine.StatusRunning] != processes*processInstances {
		t.Errorf("the store holds %v instances: %v", counts, err)
	}
}

// The statements that are printed make the store that Open makes.
func TestMigrationStatements(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	execSQL(t, path, MigrationStatements(0)...)
	b := open(t, path, WithoutMigrations())
	create(t, b, "i")
	closeStore(t, b)
	if got := MigrationStatements(len(migrations())); got != nil {
		t.Errorf("statements from the current version: %q", got)
	}
	for i, m := range Migrations() {
		if !strings.HasPrefix(m.Name, fmt.Sprintf("%04d_", i+1)) || len(m.Statements) == 0 {
			t.Errorf("migration %d is called %q and has %d statements", i+1, m.Name, len(m.Statements))
		}
	}
}

func TestKilledWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	outage.WriterKilled(t, openFile, path)
	execSQL(t, path, "SELECT CASE (SELECT integrity_check FROM pragma_integrity_check()) WHEN 'ok' THEN 1 ELSE json('broken') END")
}

func claim(t *testing.T, b backend.Backend, worker string) []backend.WorkflowTask {
	t.Helper()
	claimed, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{
		Worker: worker, Build: "b", Queues: []engine.Queue{"q"}, Workflows: []string{"wf"}, Max: 100, Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return claimed.Tasks
}

// take collects hints until there is one for every topic.
func take(t *testing.T, sub *backend.Subscription, topics ...backend.Topic) map[backend.Topic]backend.Hint {
	t.Helper()
	got := outage.Hints(t, sub, topics...)
	for topic, h := range got {
		if topic.Kind == backend.TopicHolder && h.Instance.InstanceID == "" {
			t.Errorf("hint %+v names no instance", h)
		}
	}
	return got
}

func TestRule15WakeAcrossProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	b := open(t, path)
	defer closeStore(t, b)
	create(t, b, "held", "ends")
	claim(t, b, "me")
	topics := []backend.Topic{
		{Kind: backend.TopicWorkflows, Name: "q"},
		{Kind: backend.TopicHolder, Name: "me"},
		{Kind: backend.TopicFinished, Name: "ends"},
	}
	sub := b.Subscribe(topics...)
	defer sub.Close()
	// The first look can't tell what is new, and so takes everything for it.
	take(t, sub, topics[0])

	outage.DeliverElsewhere(t, path, "held", "ends", "new")
	got := take(t, sub, topics...)
	if h := got[topics[2]]; h.Instance.InstanceID != "ends" || h.Instance.ExecutionID == "" {
		t.Errorf("hint about the finished instance: %+v", h)
	}
	settle(sub)

	noHint(t, sub, "nobody has written")
	create(t, b, "by ourselves")
	take(t, sub, topics[0])
	noHint(t, sub, "our own write is not another's")
}

// settle takes the hints about writes that came after the one that take has found.
func settle(sub *backend.Subscription) {
	for {
		select {
		case <-sub.Wake():
			sub.Take()
		case <-time.After(2 * watchPeriod):
			return
		}
	}
}

// noHint lets the store look a few times.
func noHint(t *testing.T, sub *backend.Subscription, why string) {
	t.Helper()
	select {
	case <-sub.Wake():
		if hints := sub.Take(); len(hints) > 0 {
			t.Errorf("hints %+v, but %s", hints, why)
		}
	case <-time.After(3 * watchPeriod):
	}
}

// watchPeriod is how often a store looks for the writes of others.
const watchPeriod = 200 * time.Millisecond

// Two stores on one file in one process are like two processes.
func TestRule15WakeAcrossBackends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	one, two := open(t, path), open(t, path)
	defer closeStore(t, one)
	defer closeStore(t, two)
	sub := one.Subscribe(backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
	take(t, sub, backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
	create(t, two, "i")
	take(t, sub, backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
	sub.Close()
	if _, err := os.Stat(path + "-wal"); err != nil {
		t.Error(err)
	}
}
