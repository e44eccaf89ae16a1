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
var smallScans = []string{"SCAN workers", "SCAN wakes", "SCAN old", "SCAN last", "SCAN earliest", "SCAN known", "SCAN CONSTANT ROW"}

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

// plans says how SQLite would run the queries of a call that read rows: without
// those that only plan it.
func (w *world) plans(call func() error) string {
	w.Helper()
	var queries []string
	sqlstore.SetFailpoint(w.b.Store, func(query string) error {
		if strings.Contains(query, "instances") && strings.HasPrefix(query, "SELECT") && !strings.Contains(query, " AS few") && !strings.Contains(query, " AS sample") {
			queries = append(queries, query)
		}
		return nil
	})
	err := call()
	sqlstore.SetFailpoint(w.b.Store, nil)
	w.ok(err)
	var all strings.Builder
	for _, query := range queries {
		all.WriteString(w.plan(query))
	}
	return all.String()
}

// A list reads rows in its order, or sorts a few that an index finds: what it costs
// does not grow with the number of executions.
func TestListsUseIndexes(t *testing.T) {
	t.Cleanup(sqlstore.Limits{Sorted: 0, Kinds: 2}.Set()) // as if each subset were large
	parent, yes := id("parent"), true
	for _, tc := range []struct {
		name, plan string
		few        bool // there are few rows of the subset
		q          backend.Query
	}{
		{"all", "SCAN instances", false, backend.Query{}},
		{"id", "instances_id (instance_id=?", true, backend.Query{InstanceID: "i", Statuses: []engine.Status{engine.StatusRunning}}},
		{"prefix", "instances_id (instance_id>?", true, backend.Query{IDPrefix: "i"}},
		{"many of a prefix", "SCAN instances", false, backend.Query{IDPrefix: "p", Limit: 5}},
		{"parent", "INDEX instances_parent", true, backend.Query{Parent: &parent, Order: backend.OrderUpdated}},
		{"tag", "SEARCH tags USING PRIMARY KEY", true, backend.Query{Tags: map[string]string{"k": "parent"}, Order: backend.OrderUpdated}},
		{"frequent tag", "SEARCH tags USING PRIMARY KEY", false, backend.Query{Tags: map[string]string{"k": "parent"}}},
		{"error", "instances_with_error", true, backend.Query{ErrorContains: "x"}},
		{"paused", "instances_paused", true, backend.Query{Paused: &yes}},
		{"high attempt", "instances_by_attempt (attempt>?", true, backend.Query{MinAttempt: 2}},
		{"status", "instances_by_created (status=? AND queue=? AND workflow=?)", false, backend.Query{Statuses: []engine.Status{engine.StatusRunning}}},
		{"workflow", "instances_by_created (status=? AND queue=? AND workflow=?)", false, backend.Query{Workflows: []string{"w*"}}},
		{"queue", "instances_by_created (status=? AND queue=? AND workflow=?)", false, backend.Query{Queues: []engine.Queue{"q"}}},
		{"created", "instances_by_created (status=? AND queue=? AND workflow=? AND created>? AND created<?)", false,
			backend.Query{CreatedAfter: noon.Add(-time.Hour), CreatedBefore: noon.Add(time.Hour)}},
		{"by update", "instances_by_changed (status=? AND queue=? AND workflow=?)", false, backend.Query{Order: backend.OrderUpdated}},
		{"updated", "instances_by_changed (status=? AND queue=? AND workflow=? AND changed>? AND changed<?)", false,
			backend.Query{Order: backend.OrderUpdated, UpdatedAfter: noon.Add(-time.Hour), UpdatedBefore: noon.Add(time.Hour)}},
		{"by attempt", "instances_by_attempt", false, backend.Query{Order: backend.OrderAttempt, Statuses: []engine.Status{engine.StatusRunning}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.few {
				t.Cleanup(sqlstore.Limits{Sorted: 10, Kinds: 2}.Set())
			}
			w := newWorld(t)
			plan := w.plans(func() error { _, err := w.b.List(t.Context(), tc.q); return err })
			sorts := strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") && !tc.few && tc.q.Order != backend.OrderUpdated
			if !strings.Contains(plan, tc.plan) || tc.plan != "SCAN instances" && strings.Contains(plan, "SCAN instances\n") || sorts {
				t.Errorf("want %s:\n%s", tc.plan, plan)
			}
		})
	}
}

// Claims read only what they may take, in the order in which they take it.
func TestClaimsReadOnlyTheirShards(t *testing.T) {
	w := newWorld(t)
	w.ok(w.b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{{
		Instance: w.held.Instance, Token: w.held.Token, ExpectSeq: 2, StepID: "blocked", Status: engine.StatusBlocked,
		Block: &backend.Block{Build: "b", RetryAfter: time.Second}, Summary: backend.SummaryUpdate{Worker: "w", Build: "b"},
	}})[0].Err)
	w.now = w.now.Add(time.Minute)
	for build, indexes := range map[string][]string{
		"b":  {"instances_ready (queue=? AND workflow=? AND blocked_builds=? AND ready_at<?)", "instances_retry (queue=? AND workflow=? AND parked=? AND retry_at<?)"},
		"b2": {"instances_ready (queue=? AND workflow=? AND blocked_builds=? AND ready_at>?)", "instances_parked (queue=? AND workflow=? AND parked=?)"},
	} {
		plan := w.plans(func() error {
			_, err := w.b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{
				Worker: "w2", Build: build, Queues: []engine.Queue{"q"}, Workflows: []string{"wf", "held"}, Max: 1, MaxBlocked: 1, Lease: time.Hour,
			})
			return err
		})
		for _, index := range indexes {
			if !strings.Contains(plan, index) {
				t.Errorf("build %s: want %s:\n%s", build, index, plan)
			}
		}
	}
}
