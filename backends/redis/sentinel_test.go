package redis

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/backends/backendtest/private"
	"github.com/wfops/wfops/engine"
)

// watched are a master, its replica, and the Sentinels that have the replica take
// over when the master is gone. Servers want a password, and Sentinels do not.
type watched struct {
	t         *testing.T
	server    ownServer // that is the master at first
	master    *redis.Client
	replica   *redis.Client
	sentinels []string
}

const (
	watchedName = "main"
	sentinels   = 3
)

func newWatched(t *testing.T) *watched {
	t.Helper()
	protected := []string{"--requirepass", secret, "--masterauth", secret}
	w := &watched{t: t, server: newServer(t, protected...)}
	w.master = admin(t, w.server)
	w.replica = admin(t, newServer(t, append(protected, "--replicaof", "127.0.0.1 "+fmt.Sprint(w.server.Port))...))
	// Sentinels ask a master for its replicas at once, and then every ten seconds.
	until(t, "the replica is attached", 20*time.Second, func() bool { return replication(t, w.replica)["master_link_status"] == "up" })
	for range sentinels {
		w.sentinels = append(w.sentinels, startSentinel(t, w.server))
	}
	until(t, "the Sentinels know each other and the replica", 30*time.Second, w.complete)
	return w
}

// startSentinel returns its address. It takes a master for gone that doesn't answer for
// some seconds, so that one on a busy machine keeps its place.
func startSentinel(t *testing.T, master ownServer) string {
	t.Helper()
	s := private.Redis(t)
	file := filepath.Join(s.Dir, "sentinel.conf") // it writes to that
	lines := []string{
		"bind 127.0.0.1", fmt.Sprint("port ", s.Port), "dir " + s.Dir,
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d %d", watchedName, master.Port, sentinels/2+1),
		fmt.Sprintf("sentinel auth-pass %s %s", watchedName, secret),
		fmt.Sprintf("sentinel down-after-milliseconds %s 4000", watchedName),
		fmt.Sprintf("sentinel failover-timeout %s 5000", watchedName),
	}
	check(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	s.Own(file)
	s.Args = []string{file, "--sentinel"}
	s.Start()
	return s.Addr()
}

// complete reports whether every Sentinel is ready to have the replica take over.
func (w *watched) complete() bool {
	for _, addr := range w.sentinels {
		c := redis.NewSentinelClient(&redis.Options{Addr: addr})
		m, err := c.Master(w.t.Context(), watchedName).Result()
		_ = c.Close()
		if err != nil || m["num-slaves"] != "1" || m["num-other-sentinels"] != fmt.Sprint(sentinels-1) {
			return false
		}
	}
	return true
}

// admin returns a client of one of the servers.
func admin(t *testing.T, s ownServer) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), Password: secret})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// replication is what a server says about it.
func replication(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	text, err := c.Info(t.Context(), "replication").Result()
	check(t, err)
	info := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		info[name] = value
	}
	return info
}

// url is the address of the store, with settings.
func (w *watched) url(settings string) string {
	return fmt.Sprintf("redis-sentinel://%s/0?%s", strings.Join(w.sentinels, ","), settings)
}

func (w *watched) whole() string { return w.url("master_name=" + watchedName + "&password=" + secret) }

// Address implements outage.Server.
func (w *watched) Address() string { return place(w.whole(), DefaultPrefix) }

// Start implements outage.Server.
func (w *watched) Start() {}

// settle has the master acknowledge no more, and waits until the replica has got the
// rest. Replication is asynchronous: otherwise something could be lost.
func (w *watched) settle() {
	w.t.Helper()
	check(w.t, w.master.Do(w.t.Context(), "CLIENT", "PAUSE", 60_000, "WRITE").Err())
	last := replication(w.t, w.master)["master_repl_offset"]
	until(w.t, "the replica has everything", 20*time.Second, func() bool {
		return atLeast(w.t, replication(w.t, w.replica)["slave_repl_offset"], last)
	})
}

// Kill implements outage.Server.
func (w *watched) Kill() {
	w.settle()
	w.server.Kill()
}

// handover ends nothing: both servers live on.
type handover struct{ *watched }

// Kill implements outage.Server.
func (h handover) Kill() {
	h.settle()
	c := redis.NewSentinelClient(&redis.Options{Addr: h.sentinels[0]})
	defer func() { _ = c.Close() }()
	check(h.t, c.Failover(h.t.Context(), watchedName).Err())
}

// Sentinel is told to have the replica take over, as for maintenance. Connections to
// the old master go on to exist, and what is sent by them comes to nothing.
func TestSentinelHandsOver(t *testing.T) {
	w := newWatched(t)
	outage.Failover(t, openAny, handover{w})
	if role := replication(t, w.replica)["role"]; role != "master" {
		t.Errorf("the replica is a %s", role)
	}
}

func atLeast(t *testing.T, offset, other string) bool {
	t.Helper()
	var a, b int64
	_, err := fmt.Sscan(offset+" "+other, &a, &b)
	check(t, err)
	return a >= b
}

// A store that is found by Sentinel goes on where the replica has taken over.
func TestSentinel(t *testing.T) {
	w := newWatched(t)
	for _, tc := range []struct {
		name, address, says string
		is                  error
	}{
		{"no name", w.url("password=" + secret), "master_name=", engine.ErrInvalidArgument},
		{"wrong name", w.url("master_name=other&password=" + secret), "no master of this name", nil},
		{"no password", w.url("master_name=" + watchedName), "check the user and the password", nil},
		{"password for Sentinel alone", strings.Replace(w.url("master_name="+watchedName), "://", "://:"+secret+"@", 1), "password= after '?'", nil},
		{"no Sentinel", strings.Replace(w.whole(), "://"+strings.Join(w.sentinels, ","), "://127.0.0.1:1", 1), "is there a server", nil},
		{"port", strings.Replace(w.whole(), ":"+w.sentinels[0][len("127.0.0.1:"):], ":port", 1), "can't be read", engine.ErrInvalidArgument},
	} {
		t.Run(tc.name, func(t *testing.T) { refusesToOpen(t, tc.address, tc.says, tc.is) })
	}
	outage.Failover(t, openAny, w)
	if role := replication(t, w.replica)["role"]; role != "master" {
		t.Errorf("the replica is a %s", role)
	}
}
