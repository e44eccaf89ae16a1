package sqlite

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
)

func openDB(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driverName, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// A store that is closed leaves the user's pool open, and nothing in it changed.
func TestWithDBLeavesThePoolAsItWas(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "a.db"))
	timeout := func() (ms int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&ms); err != nil {
			t.Fatal(err)
		}
		return ms
	}
	before := timeout()
	b := NewSqliteBackendWithDB(db)
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	create(t, b, "i")
	if err := get(b, "i"); err != nil {
		t.Error(err)
	}
	closeStore(t, b)
	if after := timeout(); after != before {
		t.Errorf("busy_timeout was %d and is %d", before, after)
	}
}

// A pool of one connection, and a database that is one connection, are enough.
func TestWithDBOneConnection(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "a.db"), inMemory} {
		db := openDB(t, path)
		if path != inMemory {
			db.SetMaxOpenConns(1)
		}
		b, err := OpenWithDB(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		create(t, b, "i")
		if err := get(b, "i"); err != nil {
			t.Error(err)
		}
		closeStore(t, b)
		if err := get(b, "i"); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

func TestWithDBErrors(t *testing.T) {
	if _, err := OpenWithDB(t.Context(), nil); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("a nil *sql.DB: %v", err)
	}
	foreign := filepath.Join(t.TempDir(), "a.db")
	execSQL(t, foreign, "CREATE TABLE orders (id INTEGER)")
	_, err := OpenWithDB(t.Context(), openDB(t, foreign))
	if !errors.Is(err, engine.ErrNotAStore) || !strings.Contains(err.Error(), "another application") {
		t.Errorf("another application's database: %v", err)
	}
	closed := openDB(t, foreign)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if b := NewSqliteBackendWithDB(closed); b.Err() == nil {
		t.Error("a closed *sql.DB was accepted")
	}
}
