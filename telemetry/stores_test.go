package telemetry_test

import (
	"bufio"
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
	"sqlite": func(t *testing.T) backend.Backend {
		return must(sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "wfops.sqlite")))
	},
	"mysql": newMySQL,
	"redis": newRedis,
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

func newMySQL(t *testing.T) backend.Backend {
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
	return must(mysql.Open(t.Context(), dsn[:slash]+name+"?"+settings))
}

func newRedis(t *testing.T) backend.Backend {
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
	return must(redis.Open(t.Context(), "redis://"+address, redis.WithPrefix(prefix)))
}
