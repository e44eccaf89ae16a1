package outage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// The ledger finds what must not be, or its silence means nothing.
func TestLedger(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	i := engine.Instance{InstanceID: "i", ExecutionID: "e"}
	events := []history.Event{
		{Seq: 1, At: noon, Body: history.TaskStarted{}},
		{Seq: 2, At: noon, Body: history.WorkflowStarted{Workflow: "w"}},
		{Seq: 3, At: noon, Ref: 1, Body: history.ActivityScheduled{Name: "act"}},
		{Seq: 4, At: noon.Add(time.Second), Body: history.TaskStarted{}},
		{Seq: 5, At: noon.Add(time.Second), Ref: 1, Body: history.ActivityCompleted{Run: history.Run{Attempt: 2}}},
		{Seq: 6, At: noon.Add(time.Second), Body: history.WorkflowCompleted{}},
	}
	for _, c := range []struct {
		name  string
		begun []begun
		extra int
		says  string
	}{
		{"once", []begun{{2, noon}}, 0, ""},
		{"again, before it was stored", []begun{{1, noon}, {2, noon}, {3, noon.Add(2 * time.Second)}}, 2, ""},
		{"never", nil, -1, "never began"},
		{"another attempt", []begun{{1, noon}}, 0, "never began"},
		{"again, after it was stored", []begun{{2, noon}, {3, noon.Add(3 * time.Second)}}, 1, "attempt 3 began 1s after"},
	} {
		path := filepath.Join(t.TempDir(), "journal")
		j, err := openJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range c.begun {
			if err := j.note(activity.Task{Instance: i, Ref: 1, Attempt: b.attempt, Started: b.at}); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.file.Close(); err != nil {
			t.Fatal(err)
		}
		s := backend.Summary{Instance: i, Finished: noon.Add(2 * time.Second)}
		extra, problems := checkExecution(s, events, readJournal(t, path))
		if extra != c.extra || (len(problems) == 0) != (c.says == "") || !strings.Contains(strings.Join(problems, " "), c.says) {
			t.Errorf("%s: %d more, problems %q", c.name, extra, problems)
		}
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}
