package telemetry_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/backends/mysql"
	"github.com/wfops/wfops/backends/redis"
	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// stores are where the golden flows are run. Those on a server need the variable that
// scripts/services sets.
var stores = map[string]func(*testing.T) backend.Backend{
	"memory": func(*testing.T) backend.Backend { return memory.New() },
	"sqlite": opened(newSQLite),
	"mysql":  opened(newMySQL),
	"redis":  opened(newRedis),
}

// places are where two processes can have a store in common.
var places = map[string]func(*testing.T) place{"sqlite": newSQLite, "mysql": newMySQL, "redis": newRedis}

// place is where a store is, for whoever opens it.
type place struct{ kind, address, prefix string }

func (p place) String() string { return p.kind + "|" + p.address + "|" + p.prefix }

func placeFrom(text string) place {
	parts := append(strings.SplitN(text, "|", 3), "", "")
	return place{parts[0], parts[1], parts[2]}
}

func (p place) open(ctx context.Context) (backend.Backend, error) {
	switch p.kind {
	case "sqlite":
		return sqlite.Open(ctx, p.address)
	case "mysql":
		return mysql.Open(ctx, p.address)
	case "redis":
		return redis.Open(ctx, p.address, redis.WithPrefix(p.prefix))
	}
	return nil, fmt.Errorf("there is no store %q", p.kind)
}

func opened(at func(*testing.T) place) func(*testing.T) backend.Backend {
	return func(t *testing.T) backend.Backend { return must(at(t).open(t.Context())) }
}

func newSQLite(t *testing.T) place {
	return place{kind: "sqlite", address: filepath.Join(t.TempDir(), "wfops.sqlite")}
}

func server(t *testing.T, variable string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server")
	}
	address := os.Getenv(variable)
	if address == "" {
		t.Fatalf("%s is not set: run eval \"$(scripts/services env)\" after scripts/services up", variable)
	}
	return address
}

func newMySQL(t *testing.T) place {
	t.Helper()
	dsn, name := server(t, "WFOPS_TEST_MYSQL_DSN"), "wfops_telemetry_"+engine.NewID()[20:]
	db := must(sql.Open("mysql", dsn))
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name); err != nil { //nolint:noctx // the test's context is over
			t.Error(err)
		}
		_ = db.Close()
	})
	slash := strings.LastIndexByte(dsn, '/') + 1
	_, settings, _ := strings.Cut(dsn[slash:], "?")
	return place{kind: "mysql", address: dsn[:slash] + name + "?" + settings}
}

func newRedis(t *testing.T) place {
	t.Helper()
	address, prefix := server(t, "WFOPS_TEST_REDIS_ADDR"), "wfops-telemetry-"+engine.NewID()
	t.Cleanup(func() {
		conn := must(net.Dial("tcp", address)) //nolint:noctx // the test's context is over
		defer func() { _ = conn.Close() }()
		script := `for _,k in ipairs(redis.call('keys',ARGV[1])) do redis.call('unlink',k) end`
		_, _ = fmt.Fprintf(conn, "EVAL \"%s\" 0 %s:*\r\n", script, prefix)
		if answer := must(bufio.NewReader(conn).ReadString('\n')); strings.HasPrefix(answer, "-") {
			t.Errorf("removing the keys of the test: %s", answer)
		}
	})
	return place{kind: "redis", address: "redis://" + address, prefix: prefix}
}
