package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	my "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

const dsnVariable = "WFOPS_TEST_MYSQL_DSN"

// serverConfig is how tests reach a server on which they may create databases and
// users.
func serverConfig(t testing.TB) *my.Config {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server")
	}
	cfg, err := my.ParseDSN(os.Getenv(dsnVariable))
	if err != nil || os.Getenv(dsnVariable) == "" {
		t.Fatalf("%s is not the DSN of a server; scripts/services up starts one, and scripts/services env sets it: %v", dsnVariable, err)
	}
	return cfg
}

// databases are reused, because making the tables takes longer than most tests.
var databases struct {
	sync.Mutex
	made []string
	free []string
}

// admin runs statements on the server.
func admin(t testing.TB, statements ...string) {
	t.Helper()
	if err := adminErr(serverConfig(t), statements...); err != nil {
		t.Fatal(err)
	}
}

func adminErr(cfg *my.Config, statements ...string) (err error) {
	db, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// newName is the name of a database that does not exist.
func newName() string { return "wfops_test_" + engine.NewID()[20:] }

// emptyDatabase returns the DSN of an empty database, without tables.
func emptyDatabase(t testing.TB) string {
	t.Helper()
	cfg, name := serverConfig(t), newName()
	admin(t, "CREATE DATABASE "+name)
	databases.Lock()
	databases.made = append(databases.made, name)
	databases.Unlock()
	cfg.DBName = name
	return cfg.FormatDSN()
}

// newStore returns the DSN of an empty store.
func newStore(t testing.TB) string {
	t.Helper()
	cfg := serverConfig(t)
	databases.Lock()
	if n := len(databases.free); n > 0 {
		cfg.DBName = databases.free[n-1]
		databases.free = databases.free[:n-1]
	}
	databases.Unlock()
	dsn := cfg.FormatDSN()
	if cfg.DBName == "" {
		dsn = emptyDatabase(t)
		b, err := Open(context.Background(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { giveBack(t, dsn) })
	return dsn
}

var tables = []string{
	"instances", "history", "inbox", "timers", "activities", "closings", "tags", "deliveries", "workers", "wakes",
}

// giveBack empties a store for the next test. It runs after the store was closed.
func giveBack(t testing.TB, dsn string) {
	cfg, err := my.ParseDSN(dsn)
	if err != nil {
		t.Error(err)
		return
	}
	var statements []string
	for _, table := range tables {
		statements = append(statements, "DELETE FROM "+table)
	}
	if err := adminErr(cfg, statements...); err != nil {
		t.Error(err)
		return
	}
	databases.Lock()
	defer databases.Unlock()
	databases.free = append(databases.free, cfg.DBName)
}

func dropDatabases() error {
	databases.Lock()
	defer databases.Unlock()
	if len(databases.made) == 0 {
		return nil
	}
	cfg, err := my.ParseDSN(os.Getenv(dsnVariable))
	if err != nil {
		return err
	}
	var statements []string
	for _, name := range databases.made {
		statements = append(statements, "DROP DATABASE IF EXISTS "+name)
	}
	return adminErr(cfg, statements...)
}

func openStore(t testing.TB, dsn string, opts ...Option) *Backend {
	t.Helper()
	b, err := Open(context.Background(), dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func closeStore(t testing.TB, b backend.Backend) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// creation is a new instance with one event.
func creation(id string) backend.Creation {
	return backend.Creation{
		Instance: engine.Instance{InstanceID: id, ExecutionID: engine.NewID()}, Workflow: "wf", Queue: "q", Started: []byte("[1]"),
	}
}

func create(t testing.TB, b backend.Backend, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if r := b.Create(context.Background(), []backend.Creation{creation(id)})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}
