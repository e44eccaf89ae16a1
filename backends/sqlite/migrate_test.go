package sqlite

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// versionOne are rows that a program of schema version 1 has written: a finished and
// a failed execution, one that is ready, one that waits for its third attempt of an
// activity, a blocked and a paused one.
//
//go:embed testdata/v1.sql
var versionOne string

// versionFile makes the file of that program, which those up to a version have migrated.
func versionFile(t *testing.T, version int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	statements := slices.Clone(migrations()[0].Statements)
	for line := range strings.Lines(versionOne) {
		statements = append(statements, line)
	}
	for _, m := range migrations()[1:version] {
		statements = append(statements, m.Statements...)
	}
	execSQL(t, path, append(statements, "PRAGMA journal_mode = WAL", fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", version))...)
	return path
}

func TestVersionOneIsMigrated(t *testing.T) {
	path := versionFile(t, 1)
	now := time.Date(2026, time.March, 1, 12, 1, 0, 0, time.UTC)
	b := open(t, path, WithClock(func() time.Time { return now }))
	defer closeStore(t, b)
	if info, err := b.Info(t.Context()); err != nil || info.Schema != len(migrations()) {
		t.Fatalf("schema %d: %v", info.Schema, err)
	}
	yes := true
	for _, tc := range []struct {
		q    backend.Query
		want string
	}{
		{backend.Query{}, "paused blocked waiting running failed done"},
		{backend.Query{Order: backend.OrderUpdated}, "waiting blocked failed done paused running"},
		{backend.Query{Order: backend.OrderAttempt}, "waiting blocked paused running failed done"},
		{backend.Query{Statuses: []engine.Status{engine.StatusRunning}, Ascending: true}, "running waiting paused"},
		{backend.Query{Workflows: []string{"wf-*ed"}}, "paused blocked failed"},
		{backend.Query{Tags: map[string]string{"name": "failed"}}, "failed"},
		{backend.Query{ErrorContains: "REFUSED"}, "waiting failed"},
		{backend.Query{Paused: &yes}, "paused"},
		{backend.Query{MinAttempt: 2}, "waiting"},
	} {
		page, err := b.List(t.Context(), tc.q)
		var got []string
		for _, s := range page.Items {
			got = append(got, s.Instance.InstanceID)
		}
		if err != nil || strings.Join(got, " ") != tc.want {
			t.Errorf("list %+v: %q, %v, want %q", tc.q, got, err, tc.want)
		}
	}
	counts, err := b.Count(t.Context(), backend.Query{})
	if err != nil || fmt.Sprint(counts) != "map[blocked:1 completed:1 failed:1 running:3]" {
		t.Errorf("counts %v, %v", counts, err)
	}
	claimed, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{
		Worker: "w2", Build: "b2", Queues: []engine.Queue{"q"}, Workflows: []string{"wf-running", "wf-waiting", "wf-blocked", "wf-paused"},
		Max: 10, MaxBlocked: 10, Lease: time.Minute,
	})
	if err != nil || len(claimed.Tasks) != 2 || claimed.Tasks[0].Instance.InstanceID != "running" || claimed.Tasks[1].Instance.InstanceID != "blocked" {
		t.Errorf("claimed %+v, %v", claimed.Tasks, err)
	}
	acts, err := b.ClaimActivities(t.Context(), backend.ActivityClaim{
		Worker: "w2", Queues: []engine.Queue{"q"}, Activities: []string{"act"}, Max: 10, Lease: time.Minute,
	})
	if err != nil || len(acts.Tasks) != 1 || acts.Tasks[0].Attempt != 3 {
		t.Errorf("claimed %+v, %v", acts.Tasks, err)
	}
}

// A file of version 1 is refused, and told what it needs, where it can't be migrated.
func TestVersionOneWithoutMigrations(t *testing.T) {
	_, err := Open(t.Context(), versionFile(t, 1), WithoutMigrations())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("has version 1, this program needs version %d", len(migrations()))) {
		t.Errorf("opened: %v", err)
	}
}

// What programs of each version have stored takes notes.
func TestOlderVersionsTakeNotes(t *testing.T) {
	for version := 1; version < len(migrations()); version++ {
		path := versionFile(t, version)
		backendtest.NoteOutlives(t, engine.Instance{InstanceID: "running", ExecutionID: "x-running"}, func(t *testing.T) backend.Backend { return open(t, path) })
	}
}
