package main

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
)

// statement runs a statement on a file, and returns what closes the connection. That
// also ends its transaction.
func statement(t *testing.T, path, text string) (release func()) {
	t.Helper()
	name := "sqlite" // whichever driver the program was built with
	if slices.Contains(sql.Drivers(), "sqlite3") {
		name = "sqlite3"
	}
	db, err := sql.Open(name, path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(errors.Join(err, db.Close()))
	}
	return func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// rename fails the test if that is not possible.
func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// What can happen to a file while two consoles show it and a worker works: somebody
// keeps it locked, its folder is gone for a while, it is replaced by a backup.
func TestConsoleOutlivesItsFile(t *testing.T) {
	if testing.Short() {
		t.Skip("needs tmux")
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "stores")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path, backup := filepath.Join(dir, "app.db"), filepath.Join(dir, "backup.db")
	dsn := path + "?busy_timeout=500ms"
	list, one := terminal(t, 120, 24, dsn), terminal(t, 120, 24, dsn)
	s := newSite(t, path)
	for _, id := range []string{"kyc-1", "kyc-2"} {
		s.start(id, Review, id)
		s.becomes(id, waitsForSignal)
	}
	statement(t, path, "VACUUM INTO '"+backup+"'")()
	list.Run("wfops" + brisk)
	list.Sees(`◇ kyc-1 .*signal "decision"`, `◇ kyc-2 `)
	one.Run("wfops" + brisk)
	one.Sees(`◇ kyc-1 `)
	one.cursorTo("kyc-1")
	one.Press("Enter")
	one.Sees(`› kyc-1`, `waiting on +signal "decision"`)

	release := statement(t, path, "BEGIN EXCLUSIVE")
	one.proposes("kyc-1")
	one.Press("Enter")
	one.Sees("signal kyc-1: another program keeps the store locked")
	one.Press("1")
	one.Sees("live", `waiting on +signal "decision"`) // to read it is possible
	release()
	one.proposes("kyc-1")
	one.Press("Enter")
	one.Sees(`signal "decision" sent to kyc-1`)
	one.Sees(`✓ completed`)
	list.Sees(`✓ kyc-1 `)

	rename(t, dir, dir+".away")
	list.losesItsStore()
	one.losesItsStore()
	one.Press("2")
	one.Sees("app.db is out of reach: no such file")
	rename(t, dir+".away", dir)
	list.answers()
	one.answers()
	s.start("kyc-3", Review, "c3")
	list.Sees(`◇ kyc-3 .*signal "decision"`)
	s.close()

	watches := begin(t, path, "list", "--watch=100ms")
	watches.prints("kyc-3")
	rename(t, backup, path)
	one.Sees("the log beside it is that of the one before", noAnswer)
	list.Press("j")
	list.Sees("the log beside it is that of the one before")
	for _, name := range []string{path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	one.answers()
	list.answers()
	one.Sees("the file was replaced by another one, which is shown now", `◇ kyc-1 `)
	list.Until("the backup is shown", func(screen string) bool { return contains(screen, `◇ kyc-1 `) && !contains(screen, "kyc-3") })
	if exit, said := watches.ends(); exit != int(cli.ExitStore) || !contains(said, "was replaced") {
		t.Errorf("list --watch: exit %d: %s", exit, said)
	}
	newSite(t, path)
	one.answers()
	one.cursorTo("kyc-1")
	one.proposes("kyc-1")
	one.Press("Enter")
	one.Sees(`signal "decision" sent to kyc-1`)
	one.Sees(`✓ kyc-1 `)
	list.Sees(`✓ kyc-1 `)
	list.quits()
	one.quits()
}
