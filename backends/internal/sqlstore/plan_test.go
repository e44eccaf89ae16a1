package sqlstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// No statement of the hot path may read a whole table, or sort more than it
// returns: its cost must not grow with what is finished, waiting or parked.
func TestHotStatementsUseIndexes(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range operations {
		w := newWorld(t)
		sqlstore.SetFailpoint(w.b.Store, func(query string) error { seen[query] = true; return nil })
		w.ok(op.run(w))
		w.claimEverything()
		sqlstore.SetFailpoint(w.b.Store, nil)
	}
	w := newWorld(t)
	checked := 0
	for query := range seen {
		switch verb, _, _ := strings.Cut(query, " "); verb {
		case "SELECT", "UPDATE", "DELETE":
			w.checkPlan(query)
			checked++
		}
	}
	if checked < 30 {
		t.Errorf("only %d statements were checked", checked)
	}
}

// claimEverything runs what else is hot.
func (w *world) claimEverything() {
	w.Helper()
	w.ok(w.b.Heartbeat(w.Context(), backend.Worker{ID: "w2"}))
	_, err := w.b.ClaimWorkflows(w.Context(), backend.WorkflowClaim{
		Worker: "w2", Build: "b2", Queues: []engine.Queue{"q", "r"}, Workflows: []string{"wf", "held"}, Max: 10, MaxBlocked: 10, Lease: time.Hour,
	})
	w.ok(err)
	_, err = w.b.ClaimActivities(w.Context(), backend.ActivityClaim{
		Worker: "w2", Queues: []engine.Queue{"q"}, Activities: []string{"act", "other"}, Max: 10, Lease: time.Hour,
	})
	w.ok(err)
	_, err = w.b.Get(w.Context(), id("parent"))
	if err != nil && !errors.Is(err, engine.ErrInstanceNotFound) {
		w.Fatal(err)
	}
	_, err = w.b.History(w.Context(), id("bystander"), 1, 10)
	w.ok(err)
	_, err = w.b.Pending(w.Context(), id("bystander"), 10)
	w.ok(err)
}

// smallScans are of tables with a few rows, and of subqueries with a limit.
var smallScans = []string{"SCAN workers", "SCAN wakes", "SCAN old", "SCAN last", "SCAN CONSTANT ROW"}

// checkPlan looks at what SQLite would do. What belongs to one execution may be
// sorted.
func (w *world) checkPlan(query string) {
	w.Helper()
	ofOne := strings.Contains(query, "instance = ?")
	for detail := range strings.Lines(w.plan(query)) {
		detail = strings.TrimSuffix(detail, "\n")
		scan := strings.HasPrefix(detail, "SCAN") && !slices.Contains(smallScans, detail)
		sort := strings.Contains(detail, "TEMP B-TREE") && !ofOne
		if scan || sort {
			w.Errorf("%s\n\t%s", query, detail)
		}
	}
}

// plan is what SQLite says that it would do, a line for each step.
func (w *world) plan(query string) string {
	w.Helper()
	rows, err := w.db.QueryContext(w.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
	w.ok(err)
	var lines strings.Builder
	for rows.Next() {
		var node, parent, unused int
		var detail string
		w.ok(rows.Scan(&node, &parent, &unused, &detail))
		lines.WriteString(detail + "\n")
	}
	w.ok(errors.Join(rows.Err(), rows.Close()))
	return lines.String()
}

// Filters that select few rows find them by an index, whatever the order.
func TestSelectiveListsUseIndexes(t *testing.T) {
	parent := id("parent")
	for _, tc := range []struct {
		name, plan string
		q          backend.Query
	}{
		{"id", "USING INDEX instances_id (instance_id=?", backend.Query{InstanceID: "i", Statuses: []engine.Status{engine.StatusCompleted}}},
		{"prefix", "INDEX instances_id (instance_id>?", backend.Query{IDPrefix: "i"}},
		{"parent", "INDEX instances_parent", backend.Query{Parent: &parent, Order: backend.OrderUpdated}},
		{"tag", "SEARCH tags USING PRIMARY KEY", backend.Query{Tags: map[string]string{"k": "v"}}},
		{"status", "INDEX instances_status (status=?", backend.Query{Statuses: []engine.Status{engine.StatusFailed}, Workflows: []string{"w*"}}},
	} {
		w := newWorld(t)
		list := ""
		sqlstore.SetFailpoint(w.b.Store, func(query string) error {
			if strings.Contains(query, "ORDER BY") {
				list = query
			}
			return nil
		})
		_, err := w.b.List(w.Context(), tc.q)
		sqlstore.SetFailpoint(w.b.Store, nil)
		w.ok(err)
		if plan := w.plan(list); !strings.Contains(plan, tc.plan) || strings.Contains(plan, "SCAN instances") {
			t.Errorf("by %s:\n%s\n%s", tc.name, list, plan)
		}
	}
}
