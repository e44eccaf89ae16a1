package redis

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/private"
)

// ownServer is a private one, which a test may kill.
type ownServer struct{ *private.Server }

// Address implements outage.Server.
func (s ownServer) Address() string { return place(s.Addr(), DefaultPrefix) }

// newServer starts an empty server, which syncs each write before it answers. It ends
// with the test.
func newServer(t *testing.T, args ...string) ownServer {
	t.Helper()
	s := private.Redis(t, args...)
	s.Start()
	return ownServer{s}
}

// ownCluster is a private one of three masters. One of them is killed at a time.
type ownCluster struct {
	nodes  []ownServer
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
	cli := private.Program("redis-cli", "valkey-cli")
	if cli == "" {
		t.Skip("there is no redis-cli to make a cluster with")
	}
	c := &ownCluster{}
	var addrs []string
	for range 3 {
		s := newServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
		c.nodes, addrs = append(c.nodes, s), append(addrs, s.Addr())
	}
	out, err := exec.CommandContext(t.Context(), cli, append(append([]string{"--cluster", "create"}, addrs...), "--cluster-yes")...).CombinedOutput()
	if err != nil {
		t.Fatalf("making a cluster: %v\n%s", err, out)
	}
	until(t, "the cluster is complete", 30*time.Second, func() bool {
		for _, s := range c.nodes {
			out, _ := exec.CommandContext(t.Context(), cli, "-p", fmt.Sprint(s.Port), "cluster", "info").Output()
			if !strings.Contains(string(out), "cluster_state:ok") {
				return false
			}
		}
		return true
	})
	c.addr = "redis-cluster://" + strings.Join(addrs, ",")
	return c
}
