package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Statements that fill a store: much has ended, much waits for a timer or runs, and
// little is ready.
var fill = []string{
	`INSERT INTO instances (instance_id, execution_id, first_execution, workflow, queue, status, created, updated, finished, ready_at, wake_at,
		blocked_builds, parked, retry_at, attempt, last_error, parent_instance)
		SELECT 'i' || n, n, n, 'wf' || n % 3, 'q',
			CASE WHEN n < 40000 THEN 'completed' WHEN n < 59000 THEN 'running' ELSE 'blocked' END, n * 1000000000, n * 1000000000, n * 1000000000,
			CASE WHEN n < 40000 THEN NULL WHEN n < 57000 THEN 9000000000000000000 WHEN n < 59000 THEN 1 + n END, n,
			CASE WHEN n % 10 = 0 THEN E'\nold\n' ELSE '' END, CASE WHEN n >= 59000 THEN E'\nold\n' END, CASE WHEN n >= 59500 THEN n END,
			CASE WHEN n % 1000 = 0 THEN 1 ELSE 0 END, CASE WHEN n % 1000 = 0 THEN 'refused' ELSE '' END, 'p' || n % 10000
		FROM generate_series(0::BIGINT, 59999) AS n`,
	`INSERT INTO activities (instance, ref, name, queue, due, scheduled, attempt, ready_at)
		SELECT n, 1, 'act' || n % 3, 'q', 1, 1, 1, CASE WHEN n < 30000 THEN NULL WHEN n < 58000 THEN 9000000000000000000 ELSE n END
		FROM generate_series(0::BIGINT, 59999) AS n`,
	"ANALYZE instances, activities",
}

// plans are what the server says about how it ran each statement.
type plans struct {
	mu   sync.Mutex
	said []string
}

func (p *plans) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.said
	p.said = nil
	return all
}

// explained opens a store on whose connections the server explains each statement.
func explained(t *testing.T, dsn string) (*Backend, *plans) {
	t.Helper()
	cfg, err := parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &plans{}
	cfg.RuntimeParams["options"] = "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_level=notice " +
		"-c auto_explain.log_analyze=on -c auto_explain.log_timing=off"
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.said = append(p.said, n.Message)
	}
	o, err := newOptions([]Option{WithoutNotifications()})
	if err != nil {
		t.Fatal(err)
	}
	d := &dialect{options: o}
	st, err := sqlstore.Open(t.Context(), d.config("explained", d.opener(cfg, writeSettings), d.opener(cfg, readSettings), nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return &Backend{st}, p
}

var (
	actualRows  = regexp.MustCompile(`actual rows=(\d+) loops=(\d+)`)
	removedRows = regexp.MustCompile(`Rows Removed by [A-Za-z ]+: (\d+)`)
)

// rowsRead is how many rows the nodes of a plan have returned, and looked at in vain.
func rowsRead(plan string) (n int) {
	for _, m := range actualRows.FindAllStringSubmatch(plan, -1) {
		rows, _ := strconv.Atoi(m[1])
		loops, _ := strconv.Atoi(m[2])
		n += rows * loops
	}
	for _, m := range removedRows.FindAllStringSubmatch(plan, -1) {
		rows, _ := strconv.Atoi(m[1])
		n += rows
	}
	return n
}

// What a claim or the first page of a list reads does not grow with what has ended,
// waits, or can't be taken.
func TestHotQueriesReadWhatTheyReturn(t *testing.T) {
	dsn := newSchema(t)
	if err := openStore(t, dsn).Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, dsn, fill...)
	b, said := explained(t, dsn)
	for _, tc := range hotCalls {
		// The server makes a plan for all parameters once it has seen a few.
		for round := range 8 {
			t.Run(fmt.Sprint(tc.name, " ", round), func(t *testing.T) {
				said.take()
				if n, err := tc.call(t.Context(), b); err != nil || n == 0 {
					t.Fatalf("%d results, %v", n, err)
				}
				explained := said.take()
				if len(explained) == 0 {
					t.Fatal("nothing was explained")
				}
				for _, plan := range explained {
					if n := rowsRead(plan); n > tc.most {
						t.Errorf("%d rows are read by\n%s", n, plan)
					}
				}
			})
		}
	}
}

var hotCalls = []struct {
	name string
	most int
	call func(ctx context.Context, b backend.Backend) (int, error)
}{
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

func listOf(q backend.Query) func(ctx context.Context, b backend.Backend) (int, error) {
	return func(ctx context.Context, b backend.Backend) (int, error) {
		page, err := b.List(ctx, q)
		return len(page.Items), err
	}
}
