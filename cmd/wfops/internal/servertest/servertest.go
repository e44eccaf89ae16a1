// Package servertest makes empty stores on the servers that tests use, for tests of
// the console with the connection strings that users write.
package servertest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	my "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver
	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/engine"
)

// Kinds returns the kinds of servers that there are.
func Kinds() []string { return []string{"mysql", "postgres", "redis"} }

// DSN returns the connection string of an empty store on a server of that kind. It is
// removed after the test. Short tests, and those for whom the variable of the server
// says "none", are skipped.
func DSN(t *testing.T, kind string) string {
	t.Helper()
	name := "wfops_test_" + engine.NewID()
	switch kind {
	case "mysql":
		return onMySQL(t, variable(t, "WFOPS_TEST_MYSQL_DSN"), name)
	case "postgres":
		return onPostgres(t, variable(t, "WFOPS_TEST_POSTGRES_DSN"), name)
	case "redis":
		return onRedis(t, variable(t, "WFOPS_TEST_REDIS_ADDR"), name)
	}
	t.Fatalf("there are no servers of kind %s", kind)
	return ""
}

func variable(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	switch {
	case testing.Short(), value == "none":
		t.Skip("needs a server")
	case value == "":
		t.Fatalf("%s names no server; scripts/services up starts one, and scripts/services env sets it", name)
	}
	return value
}

func onMySQL(t *testing.T, dsn, name string) string {
	t.Helper()
	cfg, err := my.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	statement(t, "mysql", dsn, "CREATE DATABASE "+name)
	t.Cleanup(func() { statement(t, "mysql", dsn, "DROP DATABASE "+name) })
	u := url.URL{Scheme: "mysql", User: url.UserPassword(cfg.User, cfg.Passwd), Host: cfg.Addr, Path: name}
	return u.String()
}

func onPostgres(t *testing.T, dsn, name string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		t.Fatalf("the connection string of PostgreSQL is no URL: %v", err)
	}
	statement(t, "pgx", dsn, "CREATE SCHEMA "+name)
	t.Cleanup(func() { statement(t, "pgx", dsn, "DROP SCHEMA "+name+" CASCADE") })
	q := u.Query()
	q.Set("search_path", name)
	q.Set("synchronous_commit", "off") // nothing in a test cuts the power
	u.RawQuery = q.Encode()
	return u.String()
}

func statement(t *testing.T, driver, dsn, text string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), text); err != nil {
		t.Fatal(err)
	}
}

func onRedis(t *testing.T, addr, prefix string) string {
	t.Helper()
	t.Cleanup(func() {
		c := redis.NewClient(&redis.Options{Addr: addr})
		defer func() { _ = c.Close() }()
		ctx := context.WithoutCancel(t.Context())
		for keys := c.Scan(ctx, 0, "*"+prefix+"*", 1000).Iterator(); keys.Next(ctx); {
			if err := c.Del(ctx, keys.Val()).Err(); err != nil {
				t.Error(err)
			}
		}
	})
	return "redis://" + strings.TrimPrefix(addr, "redis://") + "/0?prefix=" + prefix
}

// Upgrade makes the store of a DSN one of a newer version of wfops.
func Upgrade(t *testing.T, kind, dsn string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "mysql":
		statement(t, "mysql", variable(t, "WFOPS_TEST_MYSQL_DSN"), "UPDATE "+strings.Trim(u.Path, "/")+".wfops_schema SET version = 99")
	case "postgres":
		statement(t, "pgx", dsn, "UPDATE wfops_schema SET version = 99")
	case "redis":
		c := redis.NewClient(&redis.Options{Addr: u.Host})
		defer func() { _ = c.Close() }()
		if err := c.HSet(t.Context(), u.Query().Get("prefix")+":meta", "schema", 99).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
