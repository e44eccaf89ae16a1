package backendtest

import (
	"context"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// HotRows are statements that fill the tables of an empty SQL store: much has ended, much
// waits for a timer or runs, and little is ready. numbers is a table of 0 to 59,999, in
// the column n.
func HotRows(numbers string) []string {
	const old = "'\nold\n'" // with line feeds: not all servers read escapes
	return []string{
		`INSERT INTO instances (instance_id, execution_id, first_execution, workflow, queue, status, created, updated, finished, ready_at, wake_at,
		blocked_builds, parked, retry_at, attempt, last_error, parent_instance)
		SELECT CONCAT('i', n), n, n, CONCAT('wf', n % 3), 'q',
			CASE WHEN n < 40000 THEN 'completed' WHEN n < 59000 THEN 'running' ELSE 'blocked' END, n * 1000000000, n * 1000000000, n * 1000000000,
			CASE WHEN n < 40000 THEN NULL WHEN n < 57000 THEN 9000000000000000000 WHEN n < 59000 THEN 1 + n END, n,
			CASE WHEN n % 10 = 0 THEN ` + old + ` ELSE '' END, CASE WHEN n >= 59000 THEN ` + old + ` END, CASE WHEN n >= 59500 THEN n END,
			CASE WHEN n % 1000 = 0 THEN 1 ELSE 0 END, CASE WHEN n % 1000 = 0 THEN 'refused' ELSE '' END, CONCAT('p', n % 10000)
		FROM ` + numbers,
		`INSERT INTO activities (instance, ref, name, queue, due, scheduled, attempt, ready_at)
		SELECT n, 1, CONCAT('act', n % 3), 'q', 1, 1, 1, CASE WHEN n < 30000 THEN NULL WHEN n < 58000 THEN 9000000000000000000 ELSE n END
		FROM ` + numbers,
	}
}

// HotCall is a claim or the first page of a list. What it costs does not grow with what
// has ended, waits, or can't be taken.
type HotCall struct {
	Name string
	// Most is how many rows or index entries a statement of it reads at most.
	Most int
	// Call returns how many results there are, which is more than none.
	Call func(ctx context.Context, b backend.Backend) (int, error)
}

// HotCalls are such calls on a store that was filled with HotRows.
func HotCalls() []HotCall {
	return []HotCall{
		{"claim", 300, func(ctx context.Context, b backend.Backend) (int, error) {
			got, err := b.ClaimWorkflows(ctx, backend.WorkflowClaim{
				Worker: "w", Build: "new", Queues: []engine.Queue{"q", "r"}, Workflows: []string{"wf0", "wf1", "wf2"}, Max: 10, MaxBlocked: 10, Lease: time.Hour,
			})
			return len(got.Tasks), err
		}},
		{"claim of a build that fails", 300, func(ctx context.Context, b backend.Backend) (int, error) {
			got, err := b.ClaimWorkflows(ctx, backend.WorkflowClaim{
				Worker: "w", Build: "old", Queues: []engine.Queue{"q"}, Workflows: []string{"wf0", "wf1"}, Max: 10, MaxBlocked: 10, Lease: time.Hour,
			})
			return len(got.Tasks), err
		}},
		{"claim of activities", 300, func(ctx context.Context, b backend.Backend) (int, error) {
			got, err := b.ClaimActivities(ctx, backend.ActivityClaim{
				Worker: "w", Queues: []engine.Queue{"q"}, Activities: []string{"act0", "act1"}, Max: 10, Lease: time.Hour,
			})
			return len(got.Tasks), err
		}},
		{"list", 5000, listOf(backend.Query{})},
		{"list of a status", 5000, listOf(backend.Query{Statuses: []engine.Status{engine.StatusRunning}})},
		{"list of a workflow", 5000, listOf(backend.Query{Workflows: []string{"wf1"}, Ascending: true})},
		{"list by update", 5000, listOf(backend.Query{Order: backend.OrderUpdated})},
		{"list by attempt", 5000, listOf(backend.Query{Order: backend.OrderAttempt})},
		{"list of errors", 5000, listOf(backend.Query{ErrorContains: "refused"})},
		{"list of children", 5000, listOf(backend.Query{Parent: &engine.Instance{InstanceID: "p7"}})},
		{"list of a prefix", 5000, listOf(backend.Query{IDPrefix: "i123"})},
	}
}

func listOf(q backend.Query) func(ctx context.Context, b backend.Backend) (int, error) {
	return func(ctx context.Context, b backend.Backend) (int, error) {
		page, err := b.List(ctx, q)
		return len(page.Items), err
	}
}
