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
	"time"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// creation is a new instance with one event.
func creation(id string) backend.Creation {
	return backend.Creation{
		Instance: engine.Instance{InstanceID: id, ExecutionID: engine.NewID()}, Workflow: "wf", Queue: "q", Started: []byte("[1]"),
	}
}

func create(t *testing.T, b backend.Backend, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if r := b.Create(t.Context(), []backend.Creation{creation(id)})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

func closeStore(t *testing.T, b backend.Backend) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// execSQL runs statements on a file the way any other program would.
func execSQL(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open(driverName, path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// folder lists the names in a folder.
func folder(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// code is what errors.As must find: the driver's own error.
func hasDriverError(err error) bool {
	_, ok := errorCode(err)
	return ok
}

func TestPathsAreTakenLiterally(t *testing.T) {
	for _, name := range []string{"a b.db", "what?.db", "a.db?mode=ro", "#1.db", "100%.db", "%41.db", "ä&=+;.db", "'quoted'.db"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := open(t, filepath.Join(dir, name))
			create(t, b, "i")
			closeStore(t, b)
			if got := folder(t, dir); !slices.Equal(got, []string{name}) {
				t.Errorf("folder holds %q, want only %q", got, name)
			}
			b = open(t, filepath.Join(dir, name), ReadOnly())
			if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "i"}); err != nil {
				t.Error(err)
			}
			closeStore(t, b)
		})
	}
}

func TestRelativePathSurvivesChdir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	b := open(t, "rel.db")
	t.Chdir(t.TempDir())
	create(t, b, "i")
	if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "i"}); err != nil {
		t.Error(err)
	}
	closeStore(t, b)
}

// badOpen is something that is no store, and what is said about it.
type badOpen struct {
	name   string
	make   func(t *testing.T, dir string) (path string)
	opts   []Option
	want   error
	says   string
	driver bool // the driver's error is in the chain
}

var badOpens = []badOpen{
	{name: "folder", make: func(_ *testing.T, dir string) string { return dir },
		want: engine.ErrNotAStore, says: "is a folder"},
	{name: "missing folder", make: func(_ *testing.T, dir string) string { return filepath.Join(dir, "no", "a.db") },
		want: os.ErrNotExist, says: "create it first"},
	{name: "empty path", make: func(*testing.T, string) string { return "" },
		want: engine.ErrInvalidArgument, says: "empty"},
	{name: "URI", make: func(*testing.T, string) string { return "file:a.db?mode=ro" },
		want: engine.ErrInvalidArgument, says: "URI"},
	{name: "text file", make: writeFile("this is a text file, and a rather long one: " + strings.Repeat("text ", 200)),
		want: engine.ErrNotAStore, says: "a.db", driver: true},
	{name: "short text file", make: writeFile("no"),
		want: engine.ErrNotAStore, says: "a.db", driver: true},
	{name: "other application", make: writeSQL("CREATE TABLE orders (id INTEGER)"),
		want: engine.ErrNotAStore, says: "another application"},
	{name: "other application's WAL file", make: writeSQL("PRAGMA journal_mode = WAL", "CREATE TABLE orders (id INTEGER)"),
		want: engine.ErrNotAStore, says: "another application"},
	{name: "other application without tables", make: writeSQL("PRAGMA application_id = 7"),
		want: engine.ErrNotAStore, says: "application_id 7"},
	{name: "newer schema", make: withVersion(len(migrations()) + 1),
		want: engine.ErrSchemaVersion, says: fmt.Sprintf("has version %d, this program knows versions up to %d", len(migrations())+1, len(migrations()))},
	{name: "older schema, without migrations", make: withVersion(0), opts: []Option{WithoutMigrations()},
		want: engine.ErrSchemaVersion, says: fmt.Sprintf("has version 0, this program needs version %d", len(migrations()))},
	{name: "older schema, read-only", make: withVersion(0), opts: []Option{ReadOnly()},
		want: engine.ErrSchemaVersion, says: "has version 0"},
	{name: "newer schema, read-only", make: withVersion(len(migrations()) + 1), opts: []Option{ReadOnly()},
		want: engine.ErrSchemaVersion, says: "use a newer program"},
	{name: "missing file, read-only", make: func(_ *testing.T, dir string) string { return filepath.Join(dir, "a.db") },
		opts: []Option{ReadOnly()}, want: os.ErrNotExist, says: "no store to open"},
	{name: "empty file, read-only", make: writeFile(""), opts: []Option{ReadOnly()},
		want: engine.ErrNotAStore, says: "empty"},
	{name: "text file, read-only", make: writeFile(strings.Repeat("text ", 200)), opts: []Option{ReadOnly()},
		want: engine.ErrNotAStore, says: "a.db", driver: true},
	{name: "in memory, read-only", make: func(*testing.T, string) string { return inMemory }, opts: []Option{ReadOnly()},
		want: engine.ErrInvalidArgument, says: "memory"},
	{name: "unknown synchronous", make: func(_ *testing.T, dir string) string { return filepath.Join(dir, "a.db") },
		opts: []Option{WithSynchronous("OFF")}, want: engine.ErrInvalidArgument, says: `"OFF"`},
}

func writeFile(text string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		path := filepath.Join(dir, "a.db")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

func writeSQL(statements ...string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		path := filepath.Join(dir, "a.db")
		execSQL(t, path, statements...)
		return path
	}
}

// withVersion makes a store of another schema version.
func withVersion(version int) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		path := filepath.Join(dir, "a.db")
		b := open(t, path)
		closeStore(t, b)
		execSQL(t, path, fmt.Sprintf("PRAGMA user_version = %d", version))
		return path
	}
}

// snapshot is the content of all files of a folder.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range folder(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	return files
}

func TestOpenErrors(t *testing.T) {
	for _, tc := range badOpens {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := tc.make(t, dir)
			before := snapshot(t, dir)
			_, err := Open(t.Context(), path, tc.opts...)
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v\nwant %v, saying %q", err, tc.want, tc.says)
			}
			if tc.driver && !hasDriverError(err) {
				t.Errorf("the driver's error is not in %v", err)
			}
			after := snapshot(t, dir)
			if fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("the folder was changed: it held %d files and holds %q", len(before), folder(t, dir))
			}
		})
	}
}

func TestFailedOpenIsReportedByEveryCall(t *testing.T) {
	b := NewSqliteBackend(t.TempDir())
	if err := b.Err(); !errors.Is(err, engine.ErrNotAStore) {
		t.Errorf("got %v, want what Open would have said", err)
	}
	outage.StartFails(t, b, b.Err())
	backendtest.Unopened(t, b, b.Err())

	ok := NewSqliteBackend(filepath.Join(t.TempDir(), "a.db"))
	if err := ok.Err(); err != nil {
		t.Error(err)
	}
	closeStore(t, ok)
}

// A file that this process may not write is reported when it is opened, not by the
// first write.
func TestFileWithoutPermission(t *testing.T) {
	dir := openFolder(t)
	path := filepath.Join(dir, "a.db")
	b := open(t, path)
	create(t, b, "i")
	closeStore(t, b)
	chmod(t, path, 0o444)
	chmod(t, dir, 0o555)
	cmd := outage.Command(t, "open", path)
	asNobody(t, cmd)
	if got := outage.Output(t, cmd); !strings.Contains(got, "can't be written") || !strings.Contains(got, "is ErrReadOnly: true, driver's: true") {
		t.Errorf("opening a file without write permission: %s", got)
	}
	if got := folder(t, dir); !slices.Equal(got, []string{"a.db"}) {
		t.Errorf("folder holds %q", got)
	}
}

func helperOpen(args []string) error {
	b, err := Open(context.Background(), args[0])
	if err != nil {
		return fmt.Errorf("%w (is ErrReadOnly: %v, driver's: %v)", err, errors.Is(err, engine.ErrReadOnly), hasDriverError(err))
	}
	return b.Close()
}

// helperLock keeps a file locked until it is killed.
func helperLock(args []string) error {
	db, err := sql.Open(driverName, args[0])
	if err != nil {
		return err
	}
	conn, err := db.Conn(context.Background()) // the pool may reset one that it gets back
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(context.Background(), "BEGIN EXCLUSIVE"); err != nil {
		return err
	}
	fmt.Println("locked")
	<-time.After(time.Minute) // or until it is killed
	return nil
}

func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	const patience = 150 * time.Millisecond
	b := open(t, path, WithBusyTimeout(patience))
	defer closeStore(t, b)
	cmd := outage.Command(t, "lock", path)
	outage.Begin(t, cmd)

	begin := time.Now()
	err := b.Create(t.Context(), []backend.Creation{creation("i")})[0].Err
	if !errors.Is(err, engine.ErrBusy) || !hasDriverError(err) || !strings.Contains(err.Error(), patience.String()) {
		t.Errorf("a write to a locked file: %v", err)
	}
	if waited := time.Since(begin); waited < patience/2 {
		t.Errorf("it gave up after %v, not after %v", waited, patience)
	}
	if _, err := Open(t.Context(), path, WithBusyTimeout(patience)); !errors.Is(err, engine.ErrBusy) {
		t.Errorf("opening a locked file: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.Heartbeat(ctx, backend.Worker{ID: "w"}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, engine.ErrBusy) {
		t.Errorf("a write whose context ended while it waited: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	create(t, b, "i") // the lock died with its holder
}

func TestFullDisk(t *testing.T) {
	const sqliteFull = 13
	for _, path := range []string{filepath.Join(t.TempDir(), "a.db"), inMemory} {
		b := openLimited(t, path)
		create(t, b, "small")
		big := creation("big")
		big.Started = make([]byte, 1<<20)
		err := b.Create(t.Context(), []backend.Creation{creation("with it"), big})[0].Err
		if code, ok := errorCode(err); !ok || code&0xff != sqliteFull {
			t.Fatalf("a write to a full disk: %v", err)
		}
		for _, sentinel := range []error{engine.ErrBusy, engine.ErrReadOnly, engine.ErrNotAStore} {
			if errors.Is(err, sentinel) {
				t.Errorf("%v is a %v", err, sentinel)
			}
		}
		// The store lives on, and holds what it held.
		if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "small"}); err != nil {
			t.Error(err)
		}
		if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "with it"}); !errors.Is(err, engine.ErrInstanceNotFound) {
			t.Errorf("the other item of the call: %v", err)
		}
		create(t, b, "another small")
		closeStore(t, b)
	}
}

// openLimited opens a store on a disk of 200 pages.
func openLimited(t *testing.T, path string) *Backend {
	t.Helper()
	db, err := sql.Open(driverName, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1) // the limit is one of the connection, which the store then takes
	if _, err := db.ExecContext(t.Context(), "PRAGMA max_page_count = 200"); err != nil {
		t.Fatal(err)
	}
	b, err := OpenWithDB(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestInfo(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "a.db"), WithSynchronous(Normal))
	defer closeStore(t, b)
	info, err := b.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Kind != "sqlite" || !strings.HasPrefix(info.Version, "3.") || info.Durability != "synchronous=NORMAL" ||
		info.Schema != len(migrations()) || info.ReadOnly || info.Now.IsZero() {
		t.Errorf("got %+v", info)
	}
}
