package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// server is what we know of the server, or of all masters of a cluster together.
type server struct {
	version string
	// durability is what an acknowledged write survives.
	durability string
	// risks are settings that lose acknowledged writes.
	risks []string
}

// inspect looks at the server before anything is written to it, and warns once.
func (b *Backend) inspect(ctx context.Context) error {
	cluster, isCluster := b.client.(*redis.ClusterClient)
	if _, ring := b.client.(*redis.Ring); ring {
		return fmt.Errorf("redis: %w: a Ring has no transactions across its servers, use a cluster", engine.ErrInvalidArgument)
	}
	var err error
	if isCluster {
		var mu sync.Mutex
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			return b.server.look(ctx, c, true, b.opts.readOnly)
		})
	} else {
		err = b.server.look(ctx, b.client, false, b.opts.readOnly)
	}
	if err != nil {
		return b.explain("connecting", err)
	}
	b.near = !isCluster && !b.opts.outboxes
	if len(b.server.risks) > 0 && !b.opts.readOnly {
		b.opts.logger.WarnContext(ctx, "redis: this server may lose writes that it has acknowledged", "because", strings.Join(b.server.risks, "; "))
	}
	return nil
}

// look learns from one server. What it may not be asked, managed services often
// forbid CONFIG, is unknown.
func (s *server) look(ctx context.Context, c redis.Cmdable, inCluster, readOnly bool) error {
	text, err := c.Info(ctx).Result()
	if err != nil {
		return err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		info[name] = value
	}
	s.version = info["redis_version"]
	if v := info["valkey_version"]; v != "" {
		s.version = "valkey " + v
	}
	switch {
	case info["cluster_enabled"] == "1" && !inCluster:
		return fmt.Errorf("%w: the server is a node of a cluster: use redis-cluster://", engine.ErrInvalidArgument)
	case info["role"] == "slave" && info["slave_read_only"] != "0" && !readOnly:
		return fmt.Errorf("%w: the server is a replica of %s:%s and takes no writes: connect to that one, or by Sentinel",
			engine.ErrReadOnly, info["master_host"], info["master_port"])
	}
	s.settings(ctx, c)
	return nil
}

// settings reads what decides about durability.
func (s *server) settings(ctx context.Context, c redis.Cmdable) {
	get := func(name string) string {
		got, err := c.ConfigGet(ctx, name).Result()
		if err != nil {
			return "unknown"
		}
		return got[name]
	}
	risk := func(format string, args ...any) {
		if r := fmt.Sprintf(format, args...); !strings.Contains(strings.Join(s.risks, "\n"), r) {
			s.risks = append(s.risks, r)
		}
	}
	durability := "appendfsync=" + get("appendfsync")
	switch {
	case get("appendonly") == "no":
		durability = "appendonly=no"
		risk("appendonly is no, so that a crash loses what came after the last snapshot: CONFIG SET appendonly yes")
	case durability == "appendfsync=everysec":
		risk("appendfsync is everysec, so that a crash loses up to a second: CONFIG SET appendfsync always keeps all")
	case durability == "appendfsync=no":
		risk("appendfsync is no, so that a power failure loses up to half a minute: CONFIG SET appendfsync always keeps all")
	}
	if policy := get("maxmemory-policy"); policy != "noeviction" && policy != "unknown" && get("maxmemory") != "0" {
		risk("maxmemory-policy is %s, which deletes instances when memory is short: CONFIG SET maxmemory-policy noeviction", policy)
	}
	if s.durability == "" || s.durability == "appendfsync=always" {
		s.durability = durability
	}
}

// explain says what to do about errors that everybody meets when a store is opened.
func (b *Backend) explain(doing string, err error) error {
	advice := ""
	var untrusted *tls.CertificateVerificationError
	switch text := err.Error(); {
	case errors.As(err, &untrusted):
		advice = "install the CA of the server's certificate on this machine, or give New a client with a TLSConfig"
	case errors.Is(err, redis.Nil): // only Sentinel answers that
		advice = "Sentinel knows no master of this name, see SENTINEL MASTERS"
	case strings.Contains(text, "WRONGPASS"), strings.Contains(text, "NOAUTH"), strings.Contains(text, "ERR AUTH"):
		advice = "check the user and the password; with Sentinel those before '@' are for it, and username= and password= after '?' for the servers"
	case strings.HasPrefix(text, "NOPERM"):
		advice = "the user may not do this: give it the rights that the package comment of redis lists"
	case strings.Contains(text, "DB index is out of range"):
		advice = "the server has no database of this number"
	case strings.HasPrefix(text, "READONLY"):
		return fmt.Errorf("redis: %s: %w: connect to the master, or by Sentinel: %w", doing, engine.ErrReadOnly, err)
	case strings.HasPrefix(text, "CLUSTERDOWN"):
		advice = "the cluster is not complete, see CLUSTER INFO"
	case errors.Is(err, context.Canceled), errors.Is(err, engine.ErrInvalidArgument), errors.Is(err, engine.ErrReadOnly):
		return fmt.Errorf("redis: %s: %w", doing, err)
	default:
		advice = "is there a server, and does it want TLS (rediss://) or not (redis://)?"
	}
	return fmt.Errorf("redis: %s: %w (%s)", doing, err, advice)
}

// Info implements backend.Read.
func (b *Backend) Info(ctx context.Context) (backend.Info, error) {
	if err := b.enter(ctx, false); err != nil {
		return backend.Info{}, err
	}
	defer b.leave()
	now, err := b.now(ctx)
	if err != nil {
		return backend.Info{}, fmt.Errorf("redis: asking for the time: %w", err)
	}
	return backend.Info{
		Kind: "redis", Version: b.server.version, Durability: b.server.durability, Schema: schema,
		ReadOnly: b.opts.readOnly, Now: now,
	}, nil
}

// now is the store's time.
func (b *Backend) now(ctx context.Context) (time.Time, error) {
	if b.opts.clock != nil {
		return timeOf(micros(b.opts.clock())), nil
	}
	now, err := b.client.Time(ctx).Result()
	return now.UTC(), err
}
