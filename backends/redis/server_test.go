package redis

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ownServer is a private one, which a test may kill.
type ownServer struct {
	t    *testing.T
	dir  string
	port int
	args []string
	cmd  *exec.Cmd
}

// program finds a program of Redis or Valkey.
func program(t *testing.T, names ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server of its own")
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("there is no %s to start and kill", strings.Join(names, " or "))
	return ""
}

// newServer starts an empty server, which syncs each write before it answers. It ends
// with the test.
func newServer(t *testing.T, args ...string) *ownServer {
	t.Helper()
	s := noServer(t, args...)
	s.Start()
	return s
}

// noServer is one that is not started yet.
func noServer(t *testing.T, args ...string) *ownServer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	s := &ownServer{t: t, dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port, args: args} //nolint:forcetypeassert // it listens on TCP
	check(t, l.Close())
	t.Cleanup(func() {
		s.Kill()
		s.showLog()
	})
	return s
}

// Start implements outage.Server. It does nothing if the server runs.
func (s *ownServer) Start() {
	s.t.Helper()
	if s.cmd != nil {
		return
	}
	s.launch(append([]string{
		"--bind", "127.0.0.1", "--port", fmt.Sprint(s.port), "--dir", s.dir, "--logfile", filepath.Join(s.dir, "log"),
		"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0",
	}, s.args...)...)
}

func (s *ownServer) launch(args ...string) {
	s.t.Helper()
	s.cmd = exec.Command(program(s.t, "redis-server", "valkey-server"), args...) //nolint:noctx // the test kills it
	check(s.t, s.cmd.Start())
	until(s.t, "the server answers", 30*time.Second, func() bool {
		c, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.addr())
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

func (s *ownServer) addr() string { return fmt.Sprint("127.0.0.1:", s.port) }

// Address implements outage.Server.
func (s *ownServer) Address() string { return place(s.addr(), DefaultPrefix) }

// Kill implements outage.Server. It ends the server as a crash would.
func (s *ownServer) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *ownServer) showLog() {
	if s.t.Failed() {
		text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		s.t.Logf("end of the log of the server:\n%s", text[max(0, len(text)-2000):])
	}
}

// ownCluster is a private one of three masters. One of them is killed at a time.
type ownCluster struct {
	nodes  []*ownServer
	addr   string
	victim int
}

// Address implements outage.Server.
func (c *ownCluster) Address() string { return place(c.addr, DefaultPrefix) }

// Start implements outage.Server.
func (c *ownCluster) Start() { c.nodes[c.victim].Start() }

// Kill implements outage.Server. It ends another master each time.
func (c *ownCluster) Kill() {
	c.victim = (c.victim + 1) % len(c.nodes)
	c.nodes[c.victim].Kill()
}

// newCluster starts an empty cluster, which syncs like newServer's.
func newCluster(t *testing.T) *ownCluster {
	t.Helper()
	cli := program(t, "redis-cli", "valkey-cli")
	c := &ownCluster{}
	var addrs []string
	for range 3 {
		s := newServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
		c.nodes, addrs = append(c.nodes, s), append(addrs, s.addr())
	}
	out, err := exec.CommandContext(t.Context(), cli, append(append([]string{"--cluster", "create"}, addrs...), "--cluster-yes")...).CombinedOutput()
	if err != nil {
		t.Fatalf("making a cluster: %v\n%s", err, out)
	}
	until(t, "the cluster is complete", 30*time.Second, func() bool {
		for _, s := range c.nodes {
			out, _ := exec.CommandContext(t.Context(), cli, "-p", fmt.Sprint(s.port), "cluster", "info").Output()
			if !strings.Contains(string(out), "cluster_state:ok") {
				return false
			}
		}
		return true
	})
	c.addr = "redis-cluster://" + strings.Join(addrs, ",")
	return c
}
