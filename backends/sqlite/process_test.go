package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func helperMigrate(args []string) error {
	b, err := Open(context.Background(), args[0], WithBusyTimeout(20*time.Second))
	if err != nil {
		return err
	}
	r := b.Create(context.Background(), []backend.Creation{creation(args[1])})[0]
	return errors.Join(r.Err, b.Close())
}

// atOnce runs a helper in several processes on one file and waits for them. Each gets
// a name of its own, and has nothing to say.
func atOnce(t *testing.T, processes int, name, path, prefix string) {
	t.Helper()
	var wg sync.WaitGroup
	for n := range processes {
		cmd := helper(t, name, path, fmt.Sprint(prefix, n))
		wg.Go(func() {
			if out := run(t, cmd); out != "" {
				t.Errorf("process %d: %s", n, out)
			}
		})
	}
	wg.Wait()
}

// Many processes that start at once on a file that does not exist yet all find one
// store.
func TestMigrationsFromManyProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	const processes = 8
	atOnce(t, processes, "migrate", path, "i")
	b := open(t, path)
	defer closeStore(t, b)
	counts, err := b.Count(t.Context(), backend.Query{})
	if err != nil || counts[engine.StatusRunning] != processes {
		t.Errorf("the store holds %v instances, want %d: %v", counts, processes, err)
	}
	if info, err := b.Info(t.Context()); err != nil || info.Schema != len(migrations()) {
		t.Errorf("schema %d, want %d: %v", info.Schema, len(migrations()), err)
	}
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
	atOnce(t, processes, "create", path, "p")
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

// helperWrite creates pairs of instances until it is killed.
func helperWrite(args []string) error {
	b, err := Open(context.Background(), args[0], WithSynchronous(Normal))
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		var pair []backend.Creation
		for _, half := range []string{"a", "b"} {
			c := creation(fmt.Sprintf("%s-%d-%s", args[1], n, half))
			c.Timers = []backend.Timer{{Ref: 1, After: time.Hour, Event: []byte("[2]")}}
			pair = append(pair, c)
		}
		for _, r := range b.Create(context.Background(), pair) {
			if r.Err != nil {
				return r.Err
			}
		}
		if n == 20 {
			fmt.Println("writing")
		}
	}
}

// A process that is killed while it writes leaves whole transactions, and a store
// that opens.
func TestKilledWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for round := range 3 {
		cmd := helper(t, "write", path, fmt.Sprint("r", round))
		start(t, cmd)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		checkPairs(t, path)
	}
}

func checkPairs(t *testing.T, path string) {
	t.Helper()
	b := open(t, path)
	defer closeStore(t, b)
	halves := map[string]int{}
	q := backend.Query{Limit: backend.MaxLimit}
	for {
		page, err := b.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Items {
			id := s.Instance.InstanceID
			halves[id[:len(id)-2]]++
			p, err := b.Pending(t.Context(), s.Instance, 0)
			if err != nil || len(p.Inbox) != 1 || len(p.Timers) != 1 {
				t.Fatalf("%s has %d inbox rows and %d timers, want 1 and 1: %v", id, len(p.Inbox), len(p.Timers), err)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if len(halves) < 20 {
		t.Errorf("only %d pairs", len(halves))
	}
	for pair, n := range halves {
		if n != 2 {
			t.Errorf("%d instances of pair %s, want both or none", n, pair)
		}
	}
	execSQL(t, path, "SELECT CASE (SELECT integrity_check FROM pragma_integrity_check()) WHEN 'ok' THEN 1 ELSE json('broken') END")
}

// helperDeliver signals an instance from another process, and keeps running.
func helperDeliver(args []string) error {
	b, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	err = b.Deliver(context.Background(), []backend.Delivery{{ID: engine.NewID(), To: backend.Address{InstanceID: args[1]}, Event: []byte("[9]")}})[0]
	if err != nil {
		return err
	}
	err = b.Terminate(context.Background(), []backend.Termination{{To: backend.Address{InstanceID: args[2]}, Event: []byte("[8]")}})[0]
	if err != nil {
		return err
	}
	return b.Create(context.Background(), []backend.Creation{creation(args[3])})[0].Err
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
	got := map[backend.Topic]backend.Hint{}
	deadline := time.After(10 * time.Second)
	for len(got) < len(topics) {
		select {
		case <-sub.Wake():
		case <-deadline:
			t.Fatalf("after 10 s there are hints about %v, want %v", got, topics)
		}
		for _, h := range sub.Take() {
			if h.Topic.Kind == backend.TopicHolder && h.Instance.InstanceID == "" {
				t.Errorf("hint %+v names no instance", h)
			}
			got[h.Topic] = h
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

	if out := run(t, helper(t, "deliver", path, "held", "ends", "new")); out != "" {
		t.Fatal(out)
	}
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
