package sqlite

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// stepEvents has the size of the events of a usual step: a task started, an
// activity completed, the next one scheduled.
var stepEvents = history.Encoded("[" + string(bytes.Repeat([]byte("x"), 598)) + "]")

func benchStore(b *testing.B, opts ...Option) *Backend {
	b.Helper()
	st, err := Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	return st
}

func benchCreations(n int) []backend.Creation {
	cs := make([]backend.Creation, n)
	for i := range cs {
		cs[i] = backend.Creation{
			Instance: engine.Instance{InstanceID: engine.NewID(), ExecutionID: engine.NewID()},
			Workflow: "order", Started: stepEvents,
		}
	}
	return cs
}

func benchTasks(b *testing.B, st *Backend, n int) []backend.WorkflowTask {
	b.Helper()
	for _, r := range st.Create(b.Context(), benchCreations(n)) {
		if r.Err != nil {
			b.Fatal(r.Err)
		}
	}
	claimed, err := st.ClaimWorkflows(b.Context(), backend.WorkflowClaim{
		Worker: "w", Build: "b", Queues: []engine.Queue{engine.QueueDefault}, Workflows: []string{"order"}, Max: n, Lease: time.Minute,
	})
	if err != nil || len(claimed.Tasks) != n {
		b.Fatalf("claimed %d of %d: %v", len(claimed.Tasks), n, err)
	}
	return claimed.Tasks
}

// BenchmarkCommit is one step of each of n warm instances in one call.
func BenchmarkCommit(b *testing.B) {
	for _, level := range []Synchronous{Full, Normal} {
		for _, n := range []int{1, 10, 50, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", level, n), func(b *testing.B) {
				st := benchStore(b, WithSynchronous(level))
				cs := make([]backend.WorkflowCommit, n)
				for i, t := range benchTasks(b, st, n) {
					cs[i] = backend.WorkflowCommit{
						Instance: t.Instance, Token: t.Token, Events: stepEvents, Count: 4, Consume: []int64{1},
						Local: 1, Status: engine.StatusRunning, Lease: time.Minute,
						Summary: backend.SummaryUpdate{
							Worker: "w", Build: "b", Attempt: 1,
							Waiting: &engine.Waiting{Kind: engine.WaitActivity, Name: "charge", Ref: 1, Since: time.Now()},
						},
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					for i := range cs {
						cs[i].StepID = engine.NewID()
					}
					for i, r := range st.CommitWorkflows(b.Context(), cs) {
						if r.Err != nil {
							b.Fatal(r.Err)
						}
						cs[i].ExpectSeq += 4
						cs[i].Consume = nil
					}
				}
				b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "commits/s")
			})
		}
	}
}

// BenchmarkCreate is n new instances in one call.
func BenchmarkCreate(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			st := benchStore(b)
			b.ReportAllocs()
			for b.Loop() {
				for _, r := range st.Create(b.Context(), benchCreations(n)) {
					if r.Err != nil {
						b.Fatal(r.Err)
					}
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "creates/s")
		})
	}
}

// BenchmarkClaim claims n of many ready instances in one call, and BenchmarkDeliver
// sends them n signals.
func BenchmarkClaim(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			st := benchStore(b)
			claim := backend.WorkflowClaim{
				Worker: "w", Build: "b", Queues: []engine.Queue{engine.QueueDefault}, Workflows: []string{"order"}, Max: n, Lease: time.Hour,
			}
			ready := 0
			for b.Loop() {
				if ready < n {
					b.StopTimer()
					for range 20 {
						st.Create(b.Context(), benchCreations(1000))
					}
					ready += 20_000
					b.StartTimer()
				}
				claimed, err := st.ClaimWorkflows(b.Context(), claim)
				if err != nil || len(claimed.Tasks) != n {
					b.Fatalf("claimed %d of %d: %v", len(claimed.Tasks), n, err)
				}
				ready -= n
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "claims/s")
		})
	}
}

// BenchmarkDeliver sends n signals to as many idle instances in one call.
func BenchmarkDeliver(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			st := benchStore(b)
			tasks := benchTasks(b, st, n)
			ds := make([]backend.Delivery, n)
			for b.Loop() {
				for i := range ds {
					ds[i] = backend.Delivery{ID: engine.NewID(), To: backend.Address{InstanceID: tasks[i].Instance.InstanceID}, Event: stepEvents[:200]}
				}
				for _, err := range st.Deliver(b.Context(), ds) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkList reads first pages of a store with a million instances, 1 % of them
// running and 0.1 % failed. Making it takes half a minute.
func BenchmarkList(b *testing.B) {
	path := filepath.Join(b.TempDir(), "million.db")
	fillMillion(b, path)
	st, err := Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	for _, bc := range []struct {
		name string
		q    backend.Query
	}{
		{"all", backend.Query{}},
		{"failed", backend.Query{Statuses: []engine.Status{engine.StatusFailed}}},
		{"workflow", backend.Query{Workflows: []string{"wf3"}}},
		{"prefix", backend.Query{IDPrefix: "abc"}},
		{"id", backend.Query{InstanceID: "abc"}},
		{"tag", backend.Query{Tags: map[string]string{"k": "v"}}},
		{"running by attempt", backend.Query{Order: backend.OrderAttempt, Statuses: []engine.Status{engine.StatusRunning}}},
		{"all by updated", backend.Query{Order: backend.OrderUpdated}},
		{"error, scanning", backend.Query{ErrorContains: "nothing has this"}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := st.List(b.Context(), bc.q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if _, err := st.Count(b.Context(), backend.Query{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func fillMillion(b *testing.B, path string) {
	b.Helper()
	st, err := Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open(driverName, path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range []string{
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
			INSERT INTO instances (status, created, updated, finished, instance_id, execution_id, first_execution,
				workflow, queue, last_error, attempt, last_worker, build, last_step)
			SELECT CASE WHEN i % 1000 = 0 THEN 'failed' WHEN i % 100 = 1 THEN 'running' ELSE 'completed' END,
				i * 1000, i * 1000 + 500, i * 1000 + 500,
				lower(hex(randomblob(16))), lower(hex(randomblob(16))), lower(hex(randomblob(16))), 'wf' || (i % 10), 'q',
				CASE WHEN i % 1000 = 0 THEN 'connection refused by the gateway' ELSE '' END, i % 4, 'w1', 'abcdef123456',
				lower(hex(randomblob(16)))
			FROM n`,
		"INSERT INTO tags (name, value, instance) SELECT 'k', 'v', pk FROM instances WHERE pk % 5000 = 0",
	} {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
}
