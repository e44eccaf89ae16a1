package postgres

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wfops/wfops/engine"
)

const dsnVariable = "WFOPS_TEST_POSTGRES_DSN"

// server returns the connection string of the server to test with.
func server(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv(dsnVariable)
	if dsn == "" {
		if testing.Short() {
			t.Skip(dsnVariable + " is not set")
		}
		t.Fatal(dsnVariable + ` is not set; run scripts/services up and eval "$(scripts/services env)"`)
	}
	return dsn
}

// newSchema returns a connection string for a schema that is dropped after the test.
// Commits do not wait for the disk; nothing in a test cuts the power.
func newSchema(t testing.TB) string {
	t.Helper()
	name := "wfops_test_" + engine.NewID()
	dsn := with(t, with(t, server(t), "search_path", name), "synchronous_commit", "off")
	execSQL(t, dsn, "CREATE SCHEMA "+name)
	t.Cleanup(func() { execSQL(t, dsn, "DROP SCHEMA "+name+" CASCADE") })
	return dsn
}

// stores are the names of schemas with tables that are empty again. They are reused,
// because making the tables takes longer than most tests.
var stores struct {
	sync.Mutex
	made, free []string
}

// newStore returns a connection string for an empty store.
func newStore(t testing.TB) string {
	t.Helper()
	stores.Lock()
	name := ""
	if n := len(stores.free); n > 0 {
		name, stores.free = stores.free[n-1], stores.free[:n-1]
	}
	stores.Unlock()
	inSchema := func(name string) string {
		return with(t, with(t, server(t), "search_path", name), "synchronous_commit", "off")
	}
	if name == "" {
		name = "wfops_test_" + engine.NewID()
		execSQL(t, inSchema(name), "CREATE SCHEMA "+name)
		stores.Lock()
		stores.made = append(stores.made, name)
		stores.Unlock()
		if err := openStore(t, inSchema(name)).Close(); err != nil {
			t.Fatal(err)
		}
	}
	dsn := inSchema(name)
	t.Cleanup(func() { // after the store was closed
		var empty strings.Builder
		for _, table := range tables {
			empty.WriteString("DELETE FROM " + table + ";")
		}
		execSQL(t, dsn, empty.String())
		stores.Lock()
		defer stores.Unlock()
		stores.free = append(stores.free, name)
	})
	return dsn
}

var tables = []string{
	"instances", "history", "inbox", "timers", "activities", "closings", "tags", "deliveries", "workers", "wakes",
}

// dropStores drops what newStore has made.
func dropStores() (err error) {
	stores.Lock()
	defer stores.Unlock()
	if len(stores.made) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pc, err := pgconn.Connect(ctx, os.Getenv(dsnVariable))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pc.Close(ctx)) }()
	for _, name := range stores.made {
		if _, err := pc.Exec(ctx, "DROP SCHEMA "+name+" CASCADE").ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// with returns dsn with a setting.
func with(t testing.TB, dsn, key, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// execSQL runs statements on a connection of its own.
func execSQL(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	// Also when the test has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	pc, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pc.Close(ctx) }()
	for _, query := range statements {
		if _, err := pc.Exec(ctx, query).ReadAll(); err != nil {
			t.Fatalf("%.100s: %v", query, err)
		}
	}
}

func openStore(t testing.TB, dsn string, opts ...Option) *Backend {
	t.Helper()
	b, err := Open(t.Context(), dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
