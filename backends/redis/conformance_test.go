package redis

import (
	"strings"
	"testing"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/engine/backend"
)

func conform(t *testing.T, variable string, schedules uint64, opts ...Option) {
	t.Helper()
	addr := address(t, variable)
	backendtest.Run(t, backendtest.Harness{
		Schedules: schedules,
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			prefix := newPrefix(t, addr)
			opts := append([]Option{WithClock(clock.Now)}, opts...)
			b := openAt(t, addr, prefix, opts...)
			if !b.near && len(b.tags) > 1 {
				skipAtOnce(t, b)
			}
			return backendtest.Store{
				Backend:  b,
				ReadOnly: func(t *testing.T) backend.Backend { return openAt(t, addr, prefix, append(opts, ReadOnly())...) },
				Connect:  func(t *testing.T) backend.Backend { return openAt(t, addr, prefix, opts...) },
			}
		},
	})
}

// skipAtOnce skips what is true only where a step and what it sends to other
// executions become visible at once: the order of replies from several partitions,
// and the random schedules, whose model has one partition.
func skipAtOnce(t *testing.T, b *Backend) {
	t.Helper()
	if strings.Contains(t.Name(), "/Model/") || strings.HasSuffix(t.Name(), "/Commit/DeliversReplies") {
		_ = b.Close()
		t.Skip("between partitions a message is applied right after the step that sends it")
	}
}

func TestConformance(t *testing.T) { conform(t, serverVariable, 0) }

// What executions send each other goes by outboxes, but on a server that is quick to
// start and to look into.
func TestConformanceOutboxes(t *testing.T) { conform(t, serverVariable, 0, withOutboxes()) }

func TestConformanceCluster(t *testing.T) { conform(t, clusterVariable, 0) }

// One partition of a cluster is like a server of its own, the random schedules
// included.
func TestConformanceClusterOnePartition(t *testing.T) {
	conform(t, clusterVariable, 20, WithPartitions(1))
}
