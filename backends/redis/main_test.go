package redis

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/wfops/wfops/engine"
)

func TestMain(m *testing.M) {
	if runHelper() {
		return
	}
	goleak.VerifyTestMain(m)
}

// Addresses of the servers, see scripts/services.
const (
	serverVariable  = "WFOPS_TEST_REDIS_ADDR"
	clusterVariable = "WFOPS_TEST_REDIS_CLUSTER_ADDRS"
)

func address(t *testing.T, variable string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server")
	}
	addr := os.Getenv(variable)
	if addr == "" {
		t.Fatalf("%s is not set: run eval \"$(scripts/services env)\" after scripts/services up", variable)
	}
	if variable == clusterVariable {
		return "redis-cluster://" + addr
	}
	return addr
}

// quiet is for stores whose servers lose writes on purpose.
func quiet() Option { return WithLogger(slog.New(slog.DiscardHandler)) }

// newPrefix is that of a store that is removed when the test ends.
func newPrefix(t *testing.T, addr string) string {
	t.Helper()
	prefix := "test-" + engine.NewID()
	t.Cleanup(func() { removeKeys(t, addr, prefix) })
	return prefix
}

func removeKeys(t *testing.T, addr, prefix string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := dial(t, addr)
	defer func() { _ = client.Close() }()
	remove := func(ctx context.Context, c redis.UniversalClient) error {
		for keys := c.Scan(ctx, 0, prefix+":*", 1000).Iterator(); keys.Next(ctx); {
			if err := c.Unlink(ctx, keys.Val()).Err(); err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	if cluster, ok := client.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return remove(ctx, c) })
	} else {
		err = remove(ctx, client)
	}
	if err != nil {
		t.Errorf("removing the keys of the test: %v", err)
	}
}

func dial(t *testing.T, addr string) redis.UniversalClient {
	t.Helper()
	client, err := connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func openAt(t *testing.T, addr, prefix string, opts ...Option) *Backend {
	t.Helper()
	b, err := Open(t.Context(), addr, append([]Option{WithPrefix(prefix), quiet()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withOutboxes makes a single server be used like a cluster.
func withOutboxes() Option { return func(o *options) { o.outboxes = true } }

func TestScriptsAreNamedByTheirText(t *testing.T) {
	for _, s := range []*script{writeScript, claimScript, claimActivityScript, pendingScript, listScript} {
		if len(s.sha) != 40 || !strings.Contains(s.text, "KEYS[1]") {
			t.Errorf("script %s: %.80s", s.sha, s.text)
		}
	}
}
