package group_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
)

// sink answers at once, or after a fixed time like a store that syncs.
type sink struct {
	backend.Backend

	wait  time.Duration
	calls atomic.Int64
}

func (s *sink) CommitWorkflows(_ context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	s.calls.Add(1)
	time.Sleep(s.wait) //nolint:forbidigo // what is measured is how callers gather meanwhile
	return make([]backend.WorkflowCommitted, len(cs))
}

func BenchmarkAlone(b *testing.B) {
	g := group.New(&sink{})
	b.ReportAllocs()
	for b.Loop() {
		g.CommitWorkflows(context.Background(), make([]backend.WorkflowCommit, 1))
	}
}

func BenchmarkManyCallers(b *testing.B) {
	for name, wait := range map[string]time.Duration{"instant": 0, "1ms": time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			s := &sink{wait: wait}
			g := group.New(s)
			b.ReportAllocs()
			b.SetParallelism(100)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					g.CommitWorkflows(context.Background(), make([]backend.WorkflowCommit, 1))
				}
			})
			b.ReportMetric(float64(b.N)/float64(s.calls.Load()), "items/call")
		})
	}
}
