package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// These are the sentences of the rules for read-only connections, one test each.

func get(b backend.Backend, id string) error {
	_, err := b.Get(context.Background(), engine.Instance{InstanceID: id})
	return err
}

// What the rules are about: without "file:" the mode is ignored, and the database
// is written. If this fails, the driver has changed, for the better.
func TestModeWithoutURIWrites(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open(driverName, filepath.Join(dir, "a.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (x INTEGER)"); err != nil {
		t.Fatal(err)
	}
	if names := folder(t, dir); len(names) != 1 {
		t.Errorf("folder holds %q", names)
	}
}

// SQLite refuses every write, whatever the store does.
func TestRule42ReadOnlyIsRefusedBySQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	writer := open(t, path)
	create(t, writer, "i")
	for _, state := range []string{"live", "copy"} {
		b := open(t, path, ReadOnly())
		for method, err := range backendtest.Writes(t.Context(), b, engine.Instance{InstanceID: "i"}) {
			if !errors.Is(err, engine.ErrReadOnly) || !hasDriverError(err) {
				t.Errorf("%s: %s: %v, want SQLite's refusal", state, method, err)
			}
		}
		if _, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{Max: 1}); !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("%s: a claim that finds nothing: %v", state, err)
		}
		if err := get(b, "i"); err != nil {
			t.Errorf("%s: %v", state, err)
		}
		info, err := b.Info(t.Context())
		if err != nil || !info.ReadOnly || strings.Contains(info.Durability, "copy") != (state == "copy") {
			t.Errorf("%s: %+v, %v", state, info, err)
		}
		closeStore(t, b)
		if state == "live" {
			closeStore(t, writer)
		}
	}
}

// Beside a live writer a read-only connection sees what is committed, not the
// state of when it was opened.
func TestRule42ReadOnlyIsNotStaleBesideAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	writer := open(t, path)
	defer closeStore(t, writer)
	create(t, writer, "before")
	b := open(t, path, ReadOnly())
	defer closeStore(t, b)
	if err := get(b, "before"); err != nil {
		t.Error(err)
	}
	create(t, writer, "after")
	if err := get(b, "after"); err != nil {
		t.Error(err)
	}
	topic := backend.Topic{Kind: backend.TopicWorkflows, Name: "q"}
	sub := b.Subscribe(topic)
	defer sub.Close()
	take(t, sub, topic)
	create(t, writer, "later")
	take(t, sub, topic)
}

// A closed file is read without a trace in its folder, in use or after.
func TestRule42ReadOnlyLeavesNothingBehind(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	path := filepath.Join(dir, "a.db")
	b := open(t, path)
	create(t, b, "i")
	closeStore(t, b)
	before := snapshot(t, dir)

	b = open(t, path, ReadOnly())
	if err := get(b, "i"); err != nil {
		t.Error(err)
	}
	if names := folder(t, dir); !slices.Equal(names, []string{"a.db"}) {
		t.Errorf("in use, the folder holds %q", names)
	}
	closeStore(t, b)
	if fmt.Sprint(snapshot(t, dir)) != fmt.Sprint(before) {
		t.Errorf("afterwards the folder holds %q, or the file has changed", folder(t, dir))
	}
	if names := folder(t, temp); len(names) != 0 {
		t.Errorf("the copy is left: %q", names)
	}
}

// A program that died leaves a -wal file, perhaps without -shm. What is in it is
// seen, and both files stay as they are.
func TestRule42ReadOnlyAfterACrash(t *testing.T) {
	dir, dead := t.TempDir(), t.TempDir()
	b := open(t, filepath.Join(dir, "a.db"))
	create(t, b, "only in the log")
	for _, name := range []string{"a.db", "a.db-wal"} { // as if it had died now
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dead, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, b)
	before := snapshot(t, dead)
	b = open(t, filepath.Join(dead, "a.db"), ReadOnly())
	if err := get(b, "only in the log"); err != nil {
		t.Error(err)
	}
	closeStore(t, b)
	if fmt.Sprint(snapshot(t, dead)) != fmt.Sprint(before) {
		t.Errorf("the folder holds %q, or a file has changed", folder(t, dead))
	}
}

// A link to a store is read beside the store's own files.
func TestRule42ReadOnlyThroughALink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	link := filepath.Join(elsewhere, "link.db")
	if err := os.Symlink(filepath.Join(dir, "a.db"), link); err != nil {
		t.Fatal(err)
	}
	writer := open(t, link)
	defer closeStore(t, writer)
	b := open(t, link, ReadOnly())
	defer closeStore(t, b)
	create(t, writer, "after")
	if err := get(b, "after"); err != nil {
		t.Error(err)
	}
	if names := folder(t, elsewhere); !slices.Equal(names, []string{"link.db"}) {
		t.Errorf("beside the link lie %q", names)
	}
}

func helperReadOnly(args []string) error {
	b, err := Open(context.Background(), args[0], ReadOnly())
	if err != nil {
		return err
	}
	return errors.Join(get(b, "i"), b.Close())
}

// The folder and the file need not be writable by who reads.
func TestRule42ReadOnlyWithoutPermission(t *testing.T) {
	dir := openFolder(t)
	path := filepath.Join(dir, "a.db")
	b := open(t, path)
	create(t, b, "i")
	// What a program that died leaves, in a folder of another user.
	dead := openFolder(t)
	for _, name := range []string{"a.db", "a.db-wal", "a.db-shm"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dead, name), data, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	chmod(t, dead, 0o555)
	cmd := outage.Command(t, "readonly", filepath.Join(dead, "a.db"))
	asNobody(t, cmd)
	if out := outage.Output(t, cmd); out != "" {
		t.Errorf("after a crash: %s", out)
	}
	for _, state := range []string{"live", "closed"} {
		for _, name := range folder(t, dir) {
			chmod(t, filepath.Join(dir, name), 0o444)
		}
		chmod(t, dir, 0o555)
		cmd := outage.Command(t, "readonly", path)
		asNobody(t, cmd)
		if out := outage.Output(t, cmd); out != "" {
			t.Errorf("%s: %s", state, out)
		}
		chmod(t, dir, 0o755)
		if state == "live" {
			create(t, b, "j")
			closeStore(t, b)
		}
	}
	if names := folder(t, dir); !slices.Equal(names, []string{"a.db"}) {
		t.Errorf("the folder holds %q", names)
	}
}
