package redis

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// fakeServer answers INFO and CONFIG GET as it is told, and everything else with an
// error.
func fakeServer(t *testing.T, info string, config map[string]string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				for r := bufio.NewReader(c); ; {
					args, err := readCommand(r)
					if err != nil {
						return
					}
					_, _ = io.WriteString(c, fakeAnswer(args, info, config))
				}
			})
		}
	})
	return "redis://" + l.Addr().String()
}

func fakeAnswer(args []string, info string, config map[string]string) string {
	bulk := func(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }
	switch strings.ToLower(args[0]) {
	case "info":
		return bulk(info)
	case "config":
		if value, ok := config[args[2]]; ok {
			return "*2\r\n" + bulk(args[2]) + bulk(value)
		}
	}
	return "-ERR unknown command\r\n"
}

func readCommand(r *bufio.Reader) ([]string, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(head[1:]))
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		size, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		length, err := strconv.Atoi(strings.TrimSpace(size[1:]))
		if err != nil {
			return nil, err
		}
		text := make([]byte, length+2)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		args[i] = string(text[:length])
	}
	return args, nil
}

const secret = "geheim"

// withTLS is an address in front of that of a server. Nobody trusts its certificate.
func withTLS(t *testing.T, server string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(outage.Certificate(t, t.TempDir()))
	check(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	check(t, err)
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for in, err := l.Accept(); err == nil; in, err = l.Accept() {
			wg.Go(func() { pass(t, in, server) })
		}
	})
	return l.Addr().String()
}

// pass connects a connection with a server.
func pass(t *testing.T, in net.Conn, server string) {
	out, err := (&net.Dialer{}).DialContext(context.WithoutCancel(t.Context()), "tcp", server)
	if err != nil {
		t.Error(err)
		return
	}
	var wg sync.WaitGroup
	for to, from := range map[net.Conn]net.Conn{in: out, out: in} {
		wg.Go(func() {
			_, _ = io.Copy(to, from)
			_ = to.Close()
		})
	}
	wg.Wait()
}

func TestTLS(t *testing.T) {
	server := address(t, serverVariable)
	b := openAt(t, "rediss://"+withTLS(t, server)+"?skip_verify=true", newPrefix(t, server))
	create(t, b, "i")
	closeStore(t, b)
}

func TestOpenSaysWhatToDo(t *testing.T) {
	server, cluster := address(t, serverVariable), address(t, clusterVariable)
	node, _, _ := strings.Cut(strings.TrimPrefix(cluster, "redis-cluster://"), ",")
	secured := withTLS(t, server)
	replica := fakeServer(t, "role:slave\r\nslave_read_only:1\r\nmaster_host:primary\r\nmaster_port:6379\r\n", nil)
	for _, tc := range []struct {
		name, address string
		opts          []Option
		is            error
		says          string
	}{
		{"scheme", "mysql://" + secret + "@host", nil, engine.ErrInvalidArgument, "redis-cluster://"},
		{"port", "redis://user:" + secret + "@host:port", nil, engine.ErrInvalidArgument, "can't be read"},
		{"setting", "redis://user:" + secret + "@host?paint=red", nil, engine.ErrInvalidArgument, "can't be read"},
		{"nobody there", "redis://user:" + secret + "@127.0.0.1:1", nil, nil, "is there a server"},
		{"nobody of that name", "redis://user:" + secret + "@no.such.host.invalid:6379", nil, nil, "no.such.host.invalid"},
		{"TLS that the server has not", "rediss://" + server + "?dial_timeout=200ms", nil, nil, "or not (redis://)"},
		{"TLS that a cluster has not", strings.Replace(cluster, "redis", "rediss", 1) + "?dial_timeout=200ms", nil, nil, "or not (redis://)"},
		{"TLS that is needed", "redis://" + secured, nil, nil, "does it want TLS"},
		{"certificate", "rediss://" + secured, nil, nil, "install the CA"},
		{"password", "redis://user:" + secret + "@" + server, nil, nil, "check the user and the password"},
		{"database", "redis://" + server + "/9999", nil, nil, "no database of this number"},
		{"database of a cluster", cluster + "/5", nil, engine.ErrInvalidArgument, "a cluster has no database 5"},
		{"node of a cluster", node, nil, engine.ErrInvalidArgument, "use redis-cluster://"},
		{"replica", replica, nil, engine.ErrReadOnly, "a replica of primary:6379"},
		{"prefix", server, []Option{WithPrefix("{a}")}, engine.ErrInvalidArgument, "braces"},
		{"partitions", server, []Option{WithPartitions(100_000)}, engine.ErrInvalidArgument, "1 to 1000"},
		{"retention", server, []Option{WithRetention(-1)}, engine.ErrInvalidArgument, "retention"},
		{"nothing to read", server, []Option{WithPrefix("test-none"), ReadOnly()}, engine.ErrNotAStore, "test-none:meta"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := Open(t.Context(), tc.address, append([]Option{quiet()}, tc.opts...)...)
			if err == nil {
				_ = b.Close()
				t.Fatal("it was opened")
			}
			if tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %q, want %v that says %q", err, tc.is, tc.says)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error %q tells the password", err)
			}
		})
	}
}

func TestNoteOutlivesConnections(t *testing.T) {
	addr := address(t, serverVariable)
	prefix := newPrefix(t, addr)
	b := openAt(t, addr, prefix)
	i := create(t, b, "i")
	closeStore(t, b)
	backendtest.NoteOutlives(t, i, func(t *testing.T) backend.Backend { return openAt(t, addr, prefix) })
}

func TestMeta(t *testing.T) {
	addr := address(t, serverVariable)
	client := dial(t, addr)
	defer func() { _ = client.Close() }()
	prefix := newPrefix(t, addr)
	refused := func(want error, says string, opts ...Option) {
		t.Helper()
		refusesToOpen(t, addr, says, want, append([]Option{WithPrefix(prefix)}, opts...)...)
	}
	closeStore(t, openAt(t, addr, prefix, WithPartitions(3)))
	b := openAt(t, addr, prefix)
	if len(b.tags) != 3 {
		t.Errorf("%d partitions, want the 3 that the store was made with", len(b.tags))
	}
	closeStore(t, b)
	refused(engine.ErrInvalidArgument, "leave the option out", WithPartitions(4))
	meta := prefix + ":meta"
	check(t, client.HSet(t.Context(), meta, "schema", schema+1).Err())
	refused(engine.ErrSchemaVersion, "use a newer build")
	refused(engine.ErrSchemaVersion, "use a newer build", ReadOnly())
	check(t, client.HDel(t.Context(), meta, "partitions").Err())
	refused(engine.ErrNotAStore, "choose another prefix")
	check(t, client.Del(t.Context(), meta).Err())
	check(t, client.Set(t.Context(), meta, "mine", 0).Err())
	refused(engine.ErrNotAStore, "choose another prefix")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func closeStore(t *testing.T, b *Backend) {
	t.Helper()
	check(t, b.Close())
}

func TestRisksAreSaidOnce(t *testing.T) {
	for _, tc := range []struct {
		name       string
		config     map[string]string
		durability string
		says       []string
	}{
		{"always", map[string]string{"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}, "appendfsync=always", nil},
		{"everysec", map[string]string{"appendonly": "yes", "appendfsync": "everysec"}, "appendfsync=everysec", []string{"up to a second"}},
		{"no fsync", map[string]string{"appendonly": "yes", "appendfsync": "no"}, "appendfsync=no", []string{"half a minute"}},
		{"no log", map[string]string{"appendonly": "no", "appendfsync": "always"}, "appendonly=no", []string{"last snapshot"}},
		{
			"evicts", map[string]string{"appendonly": "yes", "appendfsync": "always", "maxmemory": "1000", "maxmemory-policy": "allkeys-lru"},
			"appendfsync=always", []string{"allkeys-lru"},
		},
		{"evicts never", map[string]string{"appendonly": "yes", "appendfsync": "always", "maxmemory": "0", "maxmemory-policy": "allkeys-lru"}, "appendfsync=always", nil},
		{"not told", nil, "appendfsync=unknown", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := dial(t, fakeServer(t, "redis_version:7.9\r\nrole:master\r\n", tc.config))
			defer func() { _ = client.Close() }()
			var log bytes.Buffer
			b := &Backend{client: client, opts: options{logger: slog.New(slog.NewTextHandler(&log, nil))}}
			check(t, b.inspect(t.Context()))
			if b.server.durability != tc.durability || b.server.version != "7.9" {
				t.Errorf("durability %q of %s, want %q", b.server.durability, b.server.version, tc.durability)
			}
			if n := strings.Count(log.String(), "\n"); n != min(len(tc.says), 1) {
				t.Errorf("%d warnings: %s", n, log.String())
			}
			for _, s := range tc.says {
				if !strings.Contains(log.String(), s) {
					t.Errorf("the warning %q does not say %q", log.String(), s)
				}
			}
		})
	}
}

func TestNewRedisBackendReportsLater(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = client.Close() }()
	b := NewRedisBackend(client)
	outage.StartFails(t, b, b.Err())
	backendtest.Unopened(t, b, b.Err())
}

func TestAddresses(t *testing.T) {
	for addr, want := range map[string]string{
		"host:1":               "*redis.Client host:1",
		"redis://u:p@host:1/2": "*redis.Client host:1",
		"a:1,b:2":              "*redis.ClusterClient [a:1 b:2]",
		"redis-cluster://u:p@a:1,b:2?dial_timeout=3s": "*redis.ClusterClient [a:1 b:2]",
		"redis-sentinel://a:1,b:2/0?master_name=m":    "*redis.Client FailoverClient",
	} {
		c := dial(t, addr)
		got := fmt.Sprintf("%T ", c)
		switch c := c.(type) {
		case *redis.Client:
			got += c.Options().Addr
		case *redis.ClusterClient:
			got += fmt.Sprint(c.Options().Addrs)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
		check(t, c.Close())
	}
}

// Every command that could write is refused by the client itself, whatever the
// package would send.
func TestReadOnlyRefusesCommands(t *testing.T) {
	addr := address(t, serverVariable)
	prefix := newPrefix(t, addr)
	closeStore(t, openAt(t, addr, prefix))
	for name, open := range map[string]func() (*Backend, error){
		"Open": func() (*Backend, error) { return Open(t.Context(), addr, WithPrefix(prefix), ReadOnly()) },
		"New": func() (*Backend, error) {
			theirs := dial(t, addr)
			t.Cleanup(func() {
				if err := theirs.Set(context.Background(), prefix+":still", "writes", 0).Err(); err != nil {
					t.Errorf("the client that was given is read-only now: %v", err)
				}
				_ = theirs.Close()
			})
			return New(t.Context(), theirs, WithPrefix(prefix), ReadOnly())
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := open()
			check(t, err)
			defer closeStore(t, b)
			c, ctx, key := b.client, t.Context(), prefix+":new"
			pipe := c.Pipeline()
			pipe.Get(ctx, key)
			pipe.Set(ctx, key, "v", 0)
			_, piped := pipe.Exec(ctx)
			for what, err := range map[string]error{
				"SET": c.Set(ctx, key, "v", 0).Err(), "DEL": c.Del(ctx, key).Err(), "EVAL": c.Eval(ctx, "return 1", nil).Err(),
				"EVALSHA": c.EvalSha(ctx, writeScript.sha, []string{key}).Err(), "PUBLISH": c.Publish(ctx, key, "m").Err(),
				"FLUSHDB": c.FlushDB(ctx).Err(), "CONFIG SET": c.ConfigSet(ctx, "maxmemory", "1").Err(), "FCALL": c.FCall(ctx, "f", nil).Err(),
				"SCRIPT LOAD": c.ScriptLoad(ctx, "return 1").Err(), "a pipeline": piped,
			} {
				if !errors.Is(err, engine.ErrReadOnly) {
					t.Errorf("%s: error %v", what, err)
				}
			}
			if err := c.EvalRO(ctx, "return redis.call('SET', KEYS[1], 'v')", []string{key}).Err(); err == nil {
				t.Error("a script wrote by EVAL_RO")
			}
			if n, err := c.Exists(ctx, key).Result(); n != 0 || err != nil {
				t.Errorf("%d keys were written: %v", n, err)
			}
		})
	}
}

func TestClockOfTheServer(t *testing.T) {
	if os.Getenv(serverVariable) == "" {
		address(t, serverVariable)
	}
	b := openAt(t, address(t, serverVariable), newPrefix(t, address(t, serverVariable)))
	defer closeStore(t, b)
	info, err := b.Info(t.Context())
	check(t, err)
	if d := time.Since(info.Now).Abs(); d > time.Minute {
		t.Errorf("the store's clock is %s away", d)
	}
}
