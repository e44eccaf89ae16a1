package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine"
)

func TestMain(m *testing.M) {
	if outage.Process(openAny, helpers) {
		return
	}
	code := m.Run()
	err := nothingLeft()
	if code == 0 {
		err = errors.Join(err, goleak.Find())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
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
	if os.Getenv(variable) == "" {
		t.Fatalf("%s is not set: run eval \"$(scripts/services env)\" after scripts/services up", variable)
	}
	return addressFrom(variable)
}

func addressFrom(variable string) string {
	addr := os.Getenv(variable)
	if variable == clusterVariable {
		return "redis-cluster://" + addr
	}
	return addr
}

// quiet is for stores whose servers lose writes on purpose.
func quiet() Option { return WithLogger(slog.New(slog.DiscardHandler)) }

// ours is what the prefixes of all stores of this process begin with.
var ours = "test-" + engine.NewID()

// newPrefix is that of a store that is removed when the test ends.
func newPrefix(t *testing.T, addr string) string {
	t.Helper()
	prefix := ours + "-" + engine.NewID()
	t.Cleanup(func() {
		if err := eachKeys(addr, prefix+":*", unlink); err != nil {
			t.Errorf("removing the keys of the test: %v", err)
		}
	})
	return prefix
}

// unlink removes keys in one round trip. Those of a cluster are in many slots, and one
// command must not name several of them.
func unlink(ctx context.Context, c redis.UniversalClient, keys []string) error {
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Unlink(ctx, key)
		}
		return nil
	})
	return err
}

var errKeysLeft = errors.New("the tests have left keys")

// nothingLeft looks whether the tests have removed all that they have made.
func nothingLeft() (err error) {
	for _, variable := range []string{serverVariable, clusterVariable} {
		if testing.Short() || os.Getenv(variable) == "" {
			continue
		}
		err = errors.Join(err, eachKeys(addressFrom(variable), ours+"*", func(_ context.Context, _ redis.UniversalClient, keys []string) error {
			return fmt.Errorf("%w: %q", errKeysLeft, keys[:min(len(keys), 5)])
		}))
	}
	return err
}

// eachKeys calls f for keys, many at a time.
func eachKeys(addr, pattern string, f func(context.Context, redis.UniversalClient, []string) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := connect(addr, nil)
	if err != nil {
		return err
	}
	scan := func(ctx context.Context, c *redis.Client) error {
		for cursor := uint64(0); ; {
			keys, next, err := c.Scan(ctx, cursor, pattern, 5000).Result()
			if err == nil && len(keys) > 0 {
				err = f(ctx, c, keys)
			}
			if cursor = next; err != nil || next == 0 {
				return err
			}
		}
	}
	switch c := client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, scan)
	case *redis.Client:
		err = scan(ctx, c)
	}
	return errors.Join(err, client.Close())
}

func dial(t *testing.T, addr string) redis.UniversalClient {
	t.Helper()
	client, err := connect(addr, nil)
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

// withDialer makes a store connect through a network that may fail.
func withDialer(dial dialer) Option { return func(o *options) { o.dial = dial } }
