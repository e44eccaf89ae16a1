package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// openWithDisk opens a store whose every sync is answered by the test.
func openWithDisk(t *testing.T) (st *sqlstore.Store, disk func(answer func() error)) {
	t.Helper()
	if !canSync {
		t.Skip("SQLite syncs the log itself here")
	}
	o, err := newOptions(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configure(t.Context(), filepath.Join(t.TempDir(), "a.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	calls, sync := make(chan func() error), cfg.Sync
	cfg.Sync = func() error {
		select {
		case answer := <-calls:
			if answer != nil {
				return answer()
			}
		case <-t.Context().Done():
		}
		return sync()
	}
	if st, err = sqlstore.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st, func(answer func() error) { calls <- answer }
}

func newCreation(id string) []backend.Creation {
	return []backend.Creation{{
		Instance: engine.Instance{InstanceID: id, ExecutionID: engine.NewID()}, Workflow: "wf", Queue: "q", Started: history.Encoded("[]"),
	}}
}

// Until the disk has it, nobody is told: not the caller, no subscriber, and no
// reader.
func TestNobodyIsToldBeforeTheDiskHasIt(t *testing.T) {
	st, disk := openWithDisk(t)
	hints := st.Subscribe(backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
	defer hints.Close()
	created := make(chan error, 1)
	release, held := make(chan struct{}), make(chan struct{})
	go func() { created <- st.Create(context.Background(), newCreation("i"))[0].Err }()
	disk(func() error { close(held); <-release; return nil })
	<-held // the commit is made, and SQLite would show it
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := st.Get(short, engine.Instance{InstanceID: "i"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a reader was answered with %v", err)
	}
	if got := hints.Take(); len(got) > 0 || len(created) > 0 {
		t.Errorf("told before the disk had it: hints %v, %d answers", got, len(created))
	}
	close(release)
	if err := <-created; err != nil {
		t.Error(err)
	}
	select {
	case <-hints.Wake():
	case <-time.After(10 * time.Second):
		t.Error("no hint")
	}
}

// What the disk may not have is not acknowledged, then or later, and the error says
// what to do.
func TestADiskThatFails(t *testing.T) {
	st, disk := openWithDisk(t)
	broken := errors.New("input/output error")
	go disk(func() error { return broken })
	for _, id := range []string{"i", "j"} {
		err := st.Create(t.Context(), newCreation(id))[0].Err
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "open it again") {
			t.Errorf("creating %s: %v", id, err)
		}
	}
	if _, err := st.Get(t.Context(), engine.Instance{InstanceID: "i"}); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
}

// Another process may have shown a result before it has synced it. Who acts on it in
// this process is told when it is durable.
func TestResultsOfOtherProcessesAreSyncedBeforeTheyAreTold(t *testing.T) {
	st, disk := openWithDisk(t)
	synced := 0
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for range 4 {
			disk(func() error { synced++; return nil })
		}
	}()
	c := newCreation("i")
	if err := st.Create(t.Context(), c)[0].Err; err != nil {
		t.Fatal(err)
	}
	claimed, err := st.ClaimWorkflows(t.Context(), backend.WorkflowClaim{
		Worker: "theirs", Queues: []engine.Queue{"q"}, Workflows: []string{"wf"}, Max: 1, Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	end := backend.WorkflowCommit{
		Instance: c[0].Instance, Token: claimed.Tasks[0].Token, StepID: "s", Events: history.Encoded("[]"), Count: 1,
		Status: engine.StatusCompleted, Summary: backend.SummaryUpdate{Worker: "theirs"},
	}
	if err := st.CommitWorkflows(t.Context(), []backend.WorkflowCommit{end})[0].Err; err != nil {
		t.Fatal(err)
	}
	get := func(want int) {
		t.Helper()
		if _, err := st.Get(t.Context(), c[0].Instance); err != nil {
			t.Error(err)
		}
		if synced != want {
			t.Errorf("%d syncs, want %d", synced, want)
		}
	}
	get(3)
	ours := st.Subscribe(backend.Topic{Kind: backend.TopicHolder, Name: "theirs"})
	get(3)
	ours.Close()
	get(4)
	<-answered
}

// SQLite deletes the log when the last connection is closed, and makes a new one for
// the next.
func TestTheLogThatIsThereIsSynced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write := func() os.FileInfo {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	write()
	l := &logSync{path: path}
	defer func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	want := write()
	l.moved.Store(true)
	if err := l.sync(); err != nil {
		t.Fatal(err)
	}
	if got, err := l.file.Stat(); err != nil || !os.SameFile(got, want) {
		t.Errorf("the file of before was synced, or %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l.moved.Store(true)
	if err := l.sync(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a log: %v", err)
	}
}
